import getpass
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from tenants import verification
from tenants.management.commands._arguments import tenant_named
from tenants.models import Instance
from tenants.verification import Report, Row


class Command(BaseCommand):
    help = "Check a customer's connection and print the report; exit 1 if a required check fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="the customer's slug")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")

    def handle(self, *args: Any, tenant: str, **options: Any) -> None:
        instance = Instance.objects.filter(tenant=tenant_named(tenant)).select_related("tenant").first()
        if instance is None:
            raise CommandError(_("This customer has no instance yet."))
        report = verification.verify(instance, by=f"verify ({getpass.getuser()})")
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report), ensure_ascii=False, indent=2))
        else:
            self._print(report)
        if report.blocking:
            raise SystemExit(1)

    def _print(self, report: Report) -> None:
        (good, needed), (well, wished) = report.count(required=True), report.count(required=False)
        self.stdout.write(f"{report.run.instance.tenant.name} · {report.run.instance.url}")
        counts = {"good": good, "needed": needed, "well": well, "wished": wished, "seconds": f"{report.seconds:.1f}"}
        self.stdout.write(
            _("Took %(seconds)s s. Required %(good)d of %(needed)d, recommended %(well)d of %(wished)d.") % counts
        )
        self._group(_("Blocks going live"), report.blocking, "✗")
        self._group(_("Should be changed"), report.recommended, "!")
        self._group(_("Not verified"), report.not_verified, "?")
        self._group(_("In order"), report.in_order, "✓")

    def _group(self, title: str, rows: list[Row], sign: str) -> None:
        if not rows:
            return
        self.stdout.write(f"\n{title}")
        for row in rows:
            for line in _lines(row, sign):
                self.stdout.write(line)


def _lines(row: Row, sign: str) -> list[str]:
    said = row.said
    lines = [f"  {sign} {said.title}{f': {said.found}' if said.found else ''}"]
    if row.result.state == verification.State.PASSED:
        return lines
    if row.turned_red and row.result.since:
        lines.append(_("Broken since %(when)s.") % {"when": _moment(row.result.since)})
    if row.not_verified_since:
        lines.append(_("Not verified since %(when)s.") % {"when": _moment(row.not_verified_since)})
    if said.sentence:
        lines.append(f"{said.who}: {said.sentence}")
    lines += [f"{place}: {steps}" for place, steps in said.remedy]
    return [lines[0], *(f"      {line}" for line in lines[1:])]


def _moment(moment: Any) -> str:
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT")


def _as_json(report: Report) -> dict[str, Any]:
    run = report.run
    return {
        "tenant": run.instance.tenant.slug,
        "url": run.instance.url,
        "through": run.through,
        "started_at": run.started_at.isoformat(),
        "seconds": round(report.seconds, 3),
        "ok": not report.blocking,
        "results": [_row_as_json(row) for row in report.rows],
    }


def _row_as_json(row: Row) -> dict[str, Any]:
    result = row.result
    return {
        "key": result.key,
        "subject": result.subject,
        "state": result.state,
        "required": result.required,
        "why": result.why,
        "evidence": result.evidence,
        "title": row.said.title,
        "found": row.said.found,
        "sentence": row.said.sentence,
        "who": row.said.acts,
        "remedy": [{"place": place, "steps": steps} for place, steps in row.said.remedy],
        "since": result.since and result.since.isoformat(),
        "verified_at": result.verified_at and result.verified_at.isoformat(),
        "turned_red": row.turned_red,
    }
