from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

NOT_ASKED = 3
"""Exit code: nobody could be asked."""


class Command(BaseCommand):
    help = "What the product is made of: licences (docs/licences.md), sbom (CycloneDX JSON), known vulnerabilities."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["licences", "sbom", "vulnerabilities"])

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        from ipexportal import supply_chain  # needs development packages, which other commands do not

        if act == "licences":
            self.stdout.write(supply_chain.licences(), ending="")
        elif act == "sbom":
            self.stdout.write(supply_chain.bill())
        else:
            self._vulnerabilities(supply_chain.ask_for_vulnerabilities())

    def _vulnerabilities(self, asked: Any) -> None:
        if asked.known:
            raise CommandError("Known vulnerabilities:\n" + "\n".join(asked.known))
        if asked.nobody_answered:
            raise CommandError("The advisories could not be asked, so nothing is known.", returncode=NOT_ASKED)
        if asked.unasked:
            raise CommandError("Not to be found among the advisories: " + ", ".join(asked.unasked))
        self.stdout.write(f"{asked.of} packages, no known vulnerability.")
