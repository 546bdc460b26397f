"""Everything kept about one telephone number: found by its blind columns; what has none is read and compared.

What agents typed into texts is not searched, but for what the CRM answered: that is erased whenever the number stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model, Q, QuerySet

from crmwindow import blind, outbox, phone
from crmwindow.models import (
    Call,
    CallCandidates,
    CrmWrite,
    FollowUp,
    FollowUpDraft,
    IndexedNumber,
    IndexState,
    IvrAttempts,
    IvrStep,
    LearnedMatch,
    Leg,
    Lookup,
    Note,
    NoteRevision,
    Opening,
)
from crmwindow.personal_data.trail import Part, Trail
from tenants.models import Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHORTEST, SHORTEST_IN_TEXT = 3, 6
_BETWEEN = r"(?:[\s./()\-]|\\u00a0)*"


class NoNumber(Exception):
    """What was typed is no telephone number."""


@dataclass(frozen=True)
class Wanted:
    """The number asked about. Of an internal line there is no `number`, only the digits that were typed."""

    tenant: Tenant
    typed: str
    number: phone.Number | None

    @cached_property
    def digits(self) -> set[str]:
        known = {self.number.e164[1:], self.number.national} if self.number else set()
        return known | {self.typed}

    @cached_property
    def blinds(self) -> list[str]:
        return blind.blinds(self.tenant, self.number.e164) if self.number else []

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        national = self.number.national if self.number else self.typed
        code = f"(?:(?:00)?{self.number.country}{_BETWEEN})?" if self.number else ""
        return re.compile(rf"(?<!\d){code}{_BETWEEN.join(national)}(?!\d)")

    def is_it(self, text: str) -> bool:
        return re.sub(r"\D", "", text) in self.digits

    def stands_in(self, text: str) -> bool:
        return min(map(len, self.digits)) >= SHORTEST_IN_TEXT and self._in_text.search(text) is not None


def read(tenant: Tenant, text: str) -> Wanted:
    """Raises NoNumber."""
    typed = re.sub(r"\D", "", text[:200])
    number = phone.parse(text[:200], tenant.country)
    if re.search(r"[^\W\d_]", text) or (number is None and len(typed) < SHORTEST):
        raise NoNumber
    return Wanted(tenant, typed, number)


def trail(tenant: Tenant, text: str) -> Trail:
    """Raises NoNumber."""
    wanted = read(tenant, text)
    shown = wanted.number.display if wanted.number else wanted.typed
    return Trail(tenant, "number", shown, tuple(_parts(wanted)))


def _parts(wanted: Wanted) -> Iterator[Part]:
    tenant = wanted.tenant
    calls = _with_number(Call.objects.filter(tenant=tenant), wanted)
    of_calls = {"call__in": calls.values("pk")}
    ids = calls.values("unique_id")
    yield Part("calls", calls.order_by("pk"), _CALL)
    yield Part("legs", Leg.objects.filter(**of_calls).select_related("agent"), _LEG)
    yield Part("notes", Note.objects.filter(**of_calls).select_related("author"), _NOTE)
    yield Part(
        "revisions", NoteRevision.objects.filter(note__call__in=calls.values("pk")), ("number", "text", "outcome")
    )
    yield Part("tasks", FollowUp.objects.filter(**of_calls).select_related("author"), _TASK)
    drafts = FollowUpDraft.objects.filter(**of_calls).select_related("author")
    yield Part("drafts", drafts, ("author.name", "values", "edited_at"))
    yield Part("lookups", _lookups(wanted, calls), ("finished_at", "problem", "result"))
    yield Part("candidates", _candidates(wanted, calls), ("found_at", "outcome", "records"))
    choices = LearnedMatch.objects.filter(tenant=tenant, number_blind__in=wanted.blinds)
    yield Part("choices", choices.select_related("agent"), ("agent.name", "table", "record_id", "chosen_at"))
    steps = IvrStep.objects.filter(Q(number_blind__in=wanted.blinds) | Q(unique_id__in=ids) & ~Q(unique_id=""))
    yield Part("menu", steps.filter(tenant=tenant), _STEP)
    yield Part("attempts", _attempts(wanted, ids), ("function.name", "of", "wrong", "locks", "locked_until", "last_at"))
    writes = _with_number(CrmWrite.objects.filter(tenant=tenant), wanted, Q(call__in=calls.values("pk")))
    yield Part("writes", writes, _WRITE)
    yield Part("openings", Opening.objects.filter(**of_calls), ("table", "record_id", "expires_at"))
    yield Part("index", _index(wanted).select_related("state"), ("state.table", "record_id", "column"))


_CALL = (
    "code", "unique_id", "direction", "caller", "number", "queue", "reason", "missed", "started_at", "answered_at",
    "ended_at", "known", "regarding_table", "regarding_id",
)  # fmt: skip
_LEG = (
    "agent.name", "line", "rang_at", "answered_at", "ended_at", "elsewhere", "transferred", "shown_table", "shown_id",
    "nobody",
)  # fmt: skip
_NOTE = (
    "author.name", "state", "text", "aside", "outcome", "edited_at", "written_at", "written_about", "problem", "detail",
)  # fmt: skip
_TASK = ("author.name", "state", "subject", "description", "due_at", "written_at", "written_about", "problem", "detail")
_STEP = (
    "unique_id",
    "at",
    "title",
    "name",
    "kind",
    "result",
    "reason",
    "record_table",
    "record_id",
    "number",
    "answers",
)
_WRITE = (
    "code", "kind", "function_name", "state", "table", "number", "content", "record_table", "record_id", "owner_id",
    "queued_at", "written_at", "problem", "detail",
)  # fmt: skip


def _with_number[M: Model](rows: QuerySet[M], wanted: Wanted, also: Q | None = None) -> QuerySet[M]:
    """By the blind column, and those without one (internal lines, unreadable numbers) by reading them."""
    without = rows.filter(number_blind="").exclude(number=b"").only("pk", "code", "number")
    read_: Iterator[Any] = without.iterator(2000)
    pks = [row.pk for row in read_ if wanted.is_it(row.number)]
    return rows.filter(Q(number_blind__in=wanted.blinds) | Q(pk__in=pks) | (also or Q(pk=None)))


def _lookups(wanted: Wanted, calls: QuerySet[Call]) -> QuerySet[Lookup]:
    """Of these calls, and of others in whose answers the number stands; there are those of half a day."""
    rows = Lookup.objects.filter(leg__call__tenant=wanted.tenant).exclude(result=b"").only("pk", "code", "result")
    pks = [row.pk for row in rows.iterator(500) if wanted.stands_in(row.result)]
    return Lookup.objects.filter(Q(leg__call__in=calls.values("pk")) | Q(pk__in=pks))


def _candidates(wanted: Wanted, calls: QuerySet[Call]) -> QuerySet[CallCandidates]:
    mine = Q(call__tenant=wanted.tenant, number_blind__in=wanted.blinds)
    return CallCandidates.objects.filter(mine | Q(call__in=calls.values("pk")))


def _attempts(wanted: Wanted, ids: Any) -> QuerySet[IvrAttempts]:
    """The caller's own, those at records (their subject ends with the blind number) and those of calls."""
    mine = Q(number_blind__in=wanted.blinds) | Q(of=IvrAttempts.Of.CALL, subject__in=ids)
    for each in wanted.blinds:
        mine |= Q(subject__endswith=each)
    return IvrAttempts.objects.filter(mine, function__tenant=wanted.tenant).select_related("function")


def _index(wanted: Wanted) -> QuerySet[IndexedNumber]:
    e164, mine = wanted.number.e164 if wanted.number else "", Q(state_id=None)
    keys = settings.INDEX_KEYS if e164 else ()
    for key in keys:
        states = IndexState.objects.filter(instance__tenant=wanted.tenant, key_id=key)
        mine |= Q(state__in=states.values("pk"), blind=blind.for_index(wanted.tenant, key)(e164))
    return IndexedNumber.objects.filter(mine)


@transaction.atomic
def erase(found: Trail, *, by: User | str, also_unwritten: bool = False) -> dict[str, int]:
    """Nothing about the number is left; answers how many rows of each part went. Raises Unwritten.

    The CRM is not changed. Audited without the number.
    """
    found.check_written(also_unwritten=also_unwritten)
    counts = found.counts
    showing = set(Leg.objects.open().filter(call__in=found.rows("calls").values("pk")).values_list("agent", flat=True))
    for key in ("lookups", "attempts", "menu", "choices", "index", "candidates", "writes"):
        found.rows(key).order_by().delete()
    found.rows("calls").order_by().delete()
    outbox.tell(showing)
    if counts:
        audit(tenant=found.tenant, by=by, act="personal_data.erased", target="number", after={**counts})
    return counts
