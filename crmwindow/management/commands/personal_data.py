import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from crmwindow.personal_data import NoNumber, Trail, Unwritten, by_agent, by_number, files
from tenants.management.commands._arguments import tenant_named
from tenants.models import Agent, Tenant


class Command(BaseCommand):
    help = "Hand out or erase what is kept about one caller (--number) or one agent (--agent) of a customer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["export", "erase"])
        parser.add_argument("tenant", metavar="TENANT", help="the customer's slug")
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--number", help="a telephone number, as one would dial it")
        whom.add_argument("--agent", metavar="EMAIL", help="e-mail of an agent")
        parser.add_argument("--format", choices=files.KINDS, default="json", help="of the export")
        parser.add_argument("--yes", action="store_true", help="erase; without it only what would be erased is told")
        parser.add_argument(
            "--also-unwritten",
            action="store_true",
            help="erase notes, tasks and writes that are not in the CRM yet, too",
        )

    def handle(self, *args: Any, act: str, tenant: str, **options: Any) -> None:
        found, by = _found(tenant_named(tenant), options), f"personal_data ({getpass.getuser()})"
        if act == "export":
            self.stdout.write(files.export(found, options["format"], by=by))
            return
        for part in found.found:
            self.stdout.write(f"{part.title}: {part.count}")
        if not found.found:
            self.stdout.write(_("Nothing is kept."))
        elif not options["yes"]:
            self.stdout.write(found.waiting_sentence or _("Add --yes to erase it."))
        else:
            self._erase(found, by, also_unwritten=options["also_unwritten"])

    def _erase(self, found: Trail, by: str, *, also_unwritten: bool) -> None:
        erase = by_number.erase if found.about == "number" else by_agent.erase
        try:
            erase(found, by=by, also_unwritten=also_unwritten)
        except Unwritten as error:
            raise CommandError(f"{error} --also-unwritten") from None
        self.stdout.write(_("Erased."))


def _found(tenant: Tenant, options: dict[str, Any]) -> Trail:
    if options["number"] is not None:
        try:
            return by_number.trail(tenant, options["number"])
        except NoNumber:
            raise CommandError(_("This is not a telephone number.")) from None
    agent = Agent.objects.filter(tenant=tenant, email__iexact=options["agent"]).select_related("tenant").first()
    if agent is None:
        raise CommandError(_("There is no agent with this e-mail."))
    return by_agent.trail(agent)
