import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants import api_keys
from tenants.management.commands._arguments import tenant_named
from tenants.models import ApiKey


class Command(BaseCommand):
    help = "Make a key of the machine API. It is printed once and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="the customer's slug")
        parser.add_argument("--scope", required=True, choices=ApiKey.Scope.values)
        parser.add_argument(
            "--address",
            nargs="+",
            action="extend",
            default=[],
            metavar="CIDR",
            help="addresses or networks the key may be used from; without them any",
        )

    def handle(self, *args: Any, tenant: str, scope: str, address: list[str], **options: Any) -> None:
        try:
            by = f"create_api_key ({getpass.getuser()})"
            text = api_keys.create(tenant_named(tenant), scope, by, addresses=address)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(text)
