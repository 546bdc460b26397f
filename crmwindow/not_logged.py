"""What is not in the customer's CRM although it should be: notes, missed calls and what the IVR wrote, and who has to act.

For the customer's admin and for IPEX: when, whose, why. No names of callers, no texts, numbers masked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crmwindow import notes, phone, writing
from crmwindow.models import Call, CrmWrite, Note
from crmwindow.notes import TextProblem
from crmwindow.writing import wording
from tenants.models import Tenant

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

UNDER_WAY = timedelta(minutes=1)
"""What was queued later is simply on its way."""
FORGOTTEN = timedelta(hours=1)
"""A draft untouched for so long will not go out by itself any more."""
AT_ONCE = 500
GIVEN_UP_SHOWN = 50
WHAT: Mapping[str, StrOrPromise] = {
    "": gettext_lazy("Everything"),
    "note": gettext_lazy("Notes"),
    "missed": gettext_lazy("Missed calls"),
    "ivr": gettext_lazy("From the IVR"),
}
ACTS: Mapping[str, StrOrPromise] = {
    "": gettext_lazy("Anybody"),
    "agent": gettext_lazy("The agent"),
    "admin": gettext_lazy("The CRM's admin"),
    "ipex": gettext_lazy("IPEX"),
    "nobody": gettext_lazy("Nobody, it goes by itself"),
}
_BY_AGENT = ("sign_in", "conflict", "gone", "too_long", "characters")
_BY_ITSELF = ("", "throttled", "unavailable")
_BY_IPEX = ("error", "not_proven")
_ONLY_BY_AGENT = ("conflict", "too_long", "characters")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list. `key` names it for "try again", "" when that would not help."""

    what: str
    whose: str
    number: str
    since: datetime
    reason: str
    acts: str
    key: str = ""
    may_be_given_up: bool = False

    @property
    def what_word(self) -> str:
        return str({"note": _("Note"), "missed": _("Missed call"), "ivr": _("From the IVR")}[self.what])

    @property
    def acts_word(self) -> str:
        return str(ACTS[self.acts])


# ── which ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def unwritten_notes(tenants: Q) -> QuerySet[Note]:
    """`tenants` is about Tenant as seen from a note's author."""
    now = timezone.now()
    refused = Q(state=Note.State.REFUSED)
    waiting = Q(state=Note.State.QUEUED) & (Q(queued_at__lt=now - UNDER_WAY) | ~Q(problem=""))
    forgotten = Q(state=Note.State.DRAFT, edited_at__lt=now - FORGOTTEN) & ~Q(text=b"", outcome="")
    internal = Q(call__is_internal=True, author__tenant__search_internal_calls=False)
    rows = Note.objects.filter(refused | waiting | forgotten, tenants, revision__gt=0, erased_at=None)
    return rows.exclude(internal)


def unwritten_writes(tenants: Q) -> QuerySet[CrmWrite]:
    """`tenants` is about Tenant as seen from a write. What has just come or settles is on its way."""
    now = timezone.now()
    on_its_way = Q(state=CrmWrite.State.QUEUED, problem="", queued_at__gt=now - UNDER_WAY - writing.SETTLED)
    return CrmWrite.objects.filter(tenants, state__in=writing.UNWRITTEN).exclude(on_its_way)


@dataclass(frozen=True, slots=True)
class Found:
    """All of a customer's rows that fit a filter. `numbers` counts by (what, who acts) without it."""

    tenant: Tenant
    what: str
    acts: str
    numbers: Counter[tuple[str, str]]

    @property
    def count(self) -> int:
        return self.number(self.what, self.acts)

    def number(self, what: str, acts: str) -> int:
        fits = (n for (kind, who), n in self.numbers.items() if what in ("", kind) and acts in ("", who))
        return sum(fits)

    def notes(self) -> QuerySet[Note]:
        rows = unwritten_notes(Q(author__tenant=self.tenant))
        if self.what not in ("", "note"):
            return rows.none()
        return rows.filter(_of_notes(self.acts)) if self.acts else rows

    def writes(self) -> QuerySet[CrmWrite]:
        rows = unwritten_writes(Q(tenant=self.tenant))
        if self.what:
            rows = rows.filter(kind=self.what)
        return rows.filter(_of_writes(self.acts)) if self.acts else rows

    def lines(self, start: int, end: int) -> list[Line]:
        """The oldest first."""
        notes_ = self.notes().annotate(what=Value("note"), since=Coalesce("queued_at", "edited_at"))
        writes = self.writes().annotate(what=Value("write"), since=F("queued_at"))
        columns = ("what", "pk", "since")
        both = notes_.order_by().values_list(*columns).union(writes.order_by().values_list(*columns), all=True)
        keys = list(both.order_by("since", "what", "pk")[start:end])
        wanted = {what: [pk for kind, pk, _since in keys if kind == what] for what in ("note", "write")}
        shown = {("note", pk): note for pk, note in _notes(wanted["note"]).items()}
        also = {("write", pk): write for pk, write in _writes(wanted["write"]).items()}
        return [_line(found) for what, pk, _since in keys if (found := shown.get((what, pk)) or also.get((what, pk)))]


def of(tenant: Tenant, *, what: str = "", acts: str = "") -> Found:
    """`what` and `acts` are keys of WHAT and ACTS; unknown ones mean everything."""
    numbers: Counter[tuple[str, str]] = Counter()
    rows = unwritten_notes(Q(author__tenant=tenant)).order_by().values("problem", "state").annotate(n=Count("pk"))
    for row in rows:
        numbers["note", _note_acts(row["problem"], row["state"])] += row["n"]
    counted = unwritten_writes(Q(tenant=tenant)).order_by().values("kind", "problem", "state").annotate(n=Count("pk"))
    for each in counted:
        numbers[each["kind"], _write_acts(each["problem"], each["state"])] += each["n"]
    return Found(tenant, what if what in WHAT else "", acts if acts in ACTS else "", numbers)


def _notes(keys: list[int]) -> dict[int, Note]:
    rows = Note.objects.filter(pk__in=keys).select_related("author__tenant__instance", "call__tenant")
    return rows.defer("text", "author__tenant__instance__metadata", "author__token_cache").in_bulk()


def _writes(keys: list[int]) -> dict[int, CrmWrite]:
    rows = CrmWrite.objects.filter(pk__in=keys).select_related("function", "tenant", "call")
    return rows.defer("content").in_bulk()


# ── who acts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _note_acts(problem: str, state: str) -> str:
    if problem in _BY_AGENT or state == Note.State.DRAFT:
        return "agent"
    return "nobody" if problem in _BY_ITSELF else "ipex" if problem in _BY_IPEX else "admin"


def _of_notes(acts: str) -> Q:
    agent = Q(problem__in=_BY_AGENT) | Q(state=Note.State.DRAFT)
    by_itself, by_ipex = Q(problem__in=_BY_ITSELF), Q(problem__in=_BY_IPEX)
    admin = ~agent & ~by_itself & ~by_ipex
    return {"agent": agent, "nobody": by_itself & ~agent, "ipex": by_ipex & ~agent}.get(acts, admin)


def _write_acts(problem: str, state: str) -> str:
    if state == CrmWrite.State.NO_ACCOUNT:
        return "admin"
    return "nobody" if problem in _BY_ITSELF else "ipex" if problem in _BY_IPEX else "admin"


def _of_writes(acts: str) -> Q:
    without = Q(state=CrmWrite.State.NO_ACCOUNT)
    by_itself, by_ipex = Q(problem__in=_BY_ITSELF) & ~without, Q(problem__in=_BY_IPEX) & ~without
    known = {"nobody": by_itself, "ipex": by_ipex, "agent": Q(pk=None)}
    return known.get(acts, ~by_itself & ~by_ipex)


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _line(row: Note | CrmWrite) -> Line:
    return _line_of_note(row) if isinstance(row, Note) else _line_of_write(row)


def _line_of_note(note: Note) -> Line:
    since = note.queued_at or note.edited_at
    acts = _note_acts(note.problem, note.state)
    return Line("note", note.author.name, masked(note.call), since, _reason(note), acts, _key(note))


def _reason(note: Note) -> str:
    """As the agent reads it, except what only they can do."""
    told = {
        "too_long": _("The note is longer than the CRM allows. Its author has to shorten it."),
        "characters": _("The note has characters that the CRM cannot store. Its author has to delete them."),
        "sign_in": _("The note is waiting for its author to sign in to Microsoft."),
        "conflict": _("Somebody else changed this note in the CRM. Its author has to choose a version."),
        "missing_privilege": _(
            "The author's role in the CRM lacks a right for this (%(right)s). A CRM admin can add it."
        ),
        "not_a_member": _("The author's account has no access to this CRM. A CRM admin can add it."),
    }
    if note.problem in told:
        return told[note.problem] % {"right": note.detail or "?"}
    if note.state == Note.State.DRAFT:
        return _("The note was left unfinished.")
    return notes.reason(note) or _("It is on its way.")


def _key(note: Note) -> str:
    if note.state == Note.State.DRAFT or note.problem in _ONLY_BY_AGENT:
        return ""
    return f"note:{note.code}"


def _line_of_write(write: CrmWrite) -> Line:
    function = write.function.title or write.function.name if write.function else write.function_name
    number = masked_number(write.number, write.tenant.country) if write.number_blind else _hidden(write.call)
    acts = _write_acts(write.problem, write.state)
    has_account = write.state != CrmWrite.State.NO_ACCOUNT
    key = f"write:{write.code}" if has_account else ""
    unwanted = write.kind == CrmWrite.Kind.IVR and write.state == CrmWrite.State.REFUSED
    return Line(write.kind, function, number, write.queued_at, wording.of_write(write), acts, key, unwanted)


def given_up(tenant: Tenant) -> list[Line]:
    """The newest of what somebody gave up, until the retention ends."""
    return [_line_of_write(write) for write in writing.given_up(tenant)[:GIVEN_UP_SHOWN]]


def masked(call: Call) -> str:
    return masked_number(call.number, call.tenant.country) if call.number_blind else _hidden(call)


def _hidden(call: Call | None) -> str:
    return _("withheld") if call is not None and call.caller == Call.Caller.WITHHELD else "•••"


def masked_number(number: str, country: str) -> str:
    """`+420 777 ••• 456`: enough to recognise a call, too little to make one."""
    found = phone.parse(number, country)
    groups = found.display.split() if found else []
    if len(groups) < 3:
        return f"••• {number[-3:]}" if len(number) > 6 else "•••"
    first, last = (2, 1) if groups[0].startswith("+") and len(groups) > 3 else (1, 1)
    return " ".join([*groups[:first], "•••", *(group[-3:] for group in groups[-last:])])


# ── again ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def try_again(found: Found, key: str = "") -> int:
    """One row, or with key "all" whatever fits the filter. Answers how many were put on their way."""
    what, _sep, code = key.partition(":")
    some_notes, some_writes = found.notes(), found.writes()
    if key != "all":
        some_notes = some_notes.filter(code=code) if what == "note" else some_notes.none()
        some_writes = some_writes.filter(code=code) if what == "write" else some_writes.none()
    return _notes_again(some_notes) + writing.try_again(some_writes)


def _notes_again(rows: QuerySet[Note]) -> int:
    """As if their authors had pressed the button; what Microsoft asked us to wait for waits."""
    rows = rows.exclude(state=Note.State.DRAFT).exclude(problem__in=[*_ONLY_BY_AGENT, "throttled"])
    again = 0
    for note in rows.select_related("call__tenant", "author__tenant__instance")[:AT_ONCE]:
        try:
            again += notes.queue(note)
        except TextProblem:
            continue
    return again


def counts(keys: list[int]) -> dict[int, int]:
    """How many missed calls and IVR writes of each of these customers are not in their CRM; notes are counted elsewhere."""
    rows = unwritten_writes(Q(tenant__in=keys)).order_by().values("tenant_id").annotate(n=Count("pk"))
    return {row["tenant_id"]: row["n"] for row in rows.values("tenant_id", "n")}
