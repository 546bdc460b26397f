"""How a customer's index is doing, for their admin and for IPEX: how far, how old, what is in the way, how often wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crmwindow.models import CallCandidates, IndexState, NumberIndex
from tenants import connections
from tenants.models import Instance

COUNTED_FOR = timedelta(days=7)
Stage = IndexState.Stage
Outcome = CallCandidates.Outcome


@dataclass(frozen=True, slots=True)
class TableStanding:
    """`records` were read so far; `problem` is a sentence, "" when there is none; `at` is when it was up to date."""

    name: str
    label: str
    records: int
    answers: bool
    is_building: bool
    at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class Standing:
    """`state`: off, no_account, waiting, building, ready, old or stuck. Counts are of the last seven days."""

    state: str
    tables: tuple[TableStanding, ...] = ()
    at: datetime | None = None
    problem: str = ""
    since: datetime | None = None
    next_at: datetime | None = None
    found: int = 0
    missed: int = 0

    @property
    def looked_up(self) -> int:
        return self.found + self.missed

    @property
    def error_rate(self) -> float | None:
        """Per cent of the callers in the CRM whom the index did not know; None while nobody of the CRM called."""
        return 100 * self.missed / self.looked_up if self.looked_up else None

    @property
    def records(self) -> int:
        return sum(table.records for table in self.tables)

    @property
    def is_working(self) -> bool:
        """Something is going on that is worth looking at again."""
        return self.state in ("waiting", "building")


def standing(instance: Instance) -> Standing:
    """In four queries."""
    if not instance.index:
        return Standing("off")
    if getattr(instance, "system_account", None) is None or not instance.is_proven:
        return Standing("no_account")
    row = NumberIndex.objects.filter(instance=instance).first()
    tables = _tables(instance)
    answering = [table.at for table in tables if table.answers and table.at]
    at = min(answering) if answering else None
    found, missed = _counted(instance)
    return Standing(
        _state(row, tables, at),
        tables,
        at,
        sentence_of(row.problem) if row and row.problem else "",
        row.problem_since if row else None,
        row.due_at if row else None,
        found,
        missed,
    )


def _state(row: NumberIndex | None, tables: tuple[TableStanding, ...], at: datetime | None) -> str:
    if at and at < timezone.now() - timedelta(seconds=settings.INDEX_OLDEST_SECONDS):
        return "old"
    if at:
        return "building" if any(table.is_building and not table.problem for table in tables) else "ready"
    if row and row.problem:
        return "stuck"
    return "building" if any(table.is_building for table in tables) else "waiting"


def _tables(instance: Instance) -> tuple[TableStanding, ...]:
    """One line per table: its generation in use, and whether the next is being built."""
    by_table: dict[str, dict[str, IndexState]] = {}
    states = IndexState.objects.filter(instance=instance).exclude(stage=Stage.RETIRED).order_by("table")
    for state in states.defer("next_link", "delta_link"):
        by_table.setdefault(state.table, {})[state.stage] = state
    metadata, language = connections.known_metadata(instance), get_language() or "cs"
    found = []
    for name, stages in by_table.items():
        serving, building = stages.get(Stage.SERVING), stages.get(Stage.BUILDING)
        newest = building or serving
        table = metadata.find(name) if metadata else None
        problem = newest.problem if newest else ""
        found.append(
            TableStanding(
                name,
                table.plural_label(language) if table else name,
                newest.records if newest else 0,
                serving is not None,
                building is not None,
                serving.synced_at if serving else None,
                sentence_of(problem) if problem else "",
            )
        )
    return tuple(found)


def _counted(instance: Instance) -> tuple[int, int]:
    rows = CallCandidates.objects.filter(instance=instance, found_at__gt=timezone.now() - COUNTED_FOR)
    counted = rows.aggregate(
        found=Count("pk", filter=Q(outcome=Outcome.FOUND)), missed=Count("pk", filter=Q(outcome=Outcome.MISSED))
    )
    return counted["found"], counted["missed"]


def sentence_of(problem: str) -> str:
    """What to say to an admin about a problem of the index."""
    sentences = {
        "account": _("Microsoft does not let the system account sign in. The tab IVR says why."),
        "not_a_member": _("The system account has no user in the CRM, or that user is switched off."),
        "refused": _(
            "The system account may not read all records of this table. Its role needs reading at organization level."
        ),
        "not_tracked": _(
            "Change tracking is not switched on for this table. Callers are looked for in it as before, without the index."
        ),
        "throttled": _("The CRM is busy and asks us to wait. It goes on by itself."),
        "unavailable": _("Microsoft is not responding. It goes on by itself."),
        "drift": _("The table or one of its columns was changed in the CRM. The set-up of searched columns needs a look."),
    }  # fmt: skip
    return sentences.get(problem) or _("The CRM refused to hand over the records. IPEX sees why.")
