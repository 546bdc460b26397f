from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants import configuration
from tenants.management.commands._arguments import tenant_named


class Command(BaseCommand):
    help = "Print a customer's configuration as TOML, without secrets. Importing it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", metavar="SLUG")

    def handle(self, *args: Any, tenant: str, **options: Any) -> None:
        self.stdout.write(configuration.export(tenant_named(tenant)), ending="")
