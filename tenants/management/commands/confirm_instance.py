from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from tenants import registration
from tenants.management.commands._arguments import tenant_named
from tenants.models import Instance


class Command(BaseCommand):
    help = "Vouch for a customer's instance: a named implementer confirms that it is theirs. Audited."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="the customer's slug")
        parser.add_argument("--by", required=True, metavar="USERNAME", help="an active member of IPEX's staff")

    def handle(self, *args: Any, tenant: str, by: str, **options: Any) -> None:
        instance = Instance.objects.filter(tenant=tenant_named(tenant)).select_related("tenant").first()
        if instance is None:
            raise CommandError(_("This customer has no instance yet."))
        user = User.objects.filter(username=by).first()
        if user is None:
            raise CommandError(_("There is no user “%(name)s”.") % {"name": by})
        try:
            registration.confirm(instance, by=user)
        except (registration.NotProven, registration.NotStaff) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(_("%(url)s is confirmed by %(user)s.") % {"url": instance.url, "user": user})
