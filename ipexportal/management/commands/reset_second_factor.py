from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ipexportal import accounts


class Command(BaseCommand):
    help = "For somebody who lost phone and recovery codes: they set up another second factor when they sign in next."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="of the portal user")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        users = list(User.objects.filter(email__iexact=email))
        if len(users) != 1:
            raise CommandError(f"{len(users)} users have the e-mail {email}.")
        found = accounts.forget_second_factor(users[0], by="manage.py reset_second_factor")
        self.stdout.write("The second factor is reset." if found else "There was no second factor.")
