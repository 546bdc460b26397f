"""The agent's day: their calls since midnight with what became of each, and the notes of any day that are not in the CRM yet.

Built from our own rows, in the same number of queries however many there are. Names are those that this agent's own look-ups
found and that are still kept; the beginnings of texts that are in the CRM only are read there by `lines`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crmwindow import calls, card, follow_ups, lookup, notes, one_record, phone
from crmwindow.models import Call, CallState, FollowUp, Leg, Note, hers
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.models import Agent
from tenants.prepared import Prepared

__all__ = ["TooEarly", "in_short", "lines", "not_before", "of", "who", "write_now"]

CALLS = 200
NOTES = 100
LINES = 40
IN_SHORT = 5


def of(agent: Agent, *, chosen: card.DayFilter = "all", now: str = "") -> card.Day:
    """`now`: the call that the window shows."""
    legs = _legs(agent)
    return card.Day(
        rows=tuple(_rows(agent, legs[:CALLS])),
        waiting=tuple(_unwritten(agent)),
        filter=chosen,
        more=len(legs) > CALLS,
        not_before=not_before(agent),
        signed_in=agent.is_signed_in,
        now=now,
    )


def in_short(agent: Agent) -> card.Idle:
    """What the window shows between calls."""
    rows = [row for row in _rows(agent, _legs(agent)[:CALLS]) if row.kind != "live"]
    latest = [row for row in rows if not row.status and row.kind != "elsewhere"]
    midnight = _midnight()
    return card.Idle(
        unfinished=tuple(row for row in rows if row.status)[:IN_SHORT],
        latest=tuple(latest[:IN_SHORT]),
        today=len(rows),
        earlier=sum(each.at < midnight for each in _unwritten(agent)),
    )


def _midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def _legs(agent: Agent) -> list[Leg]:
    """One more than is shown, so that we can say so."""
    return [leg for leg in hers(agent, _TODAY.rows(agent=agent, midnight=_midnight())) if _concerned(leg)]


_TODAY = Prepared(
    lambda agent, midnight: (
        Leg.objects.of(agent)
        .filter(call__started_at__gte=midnight)
        .select_related("lookup")
        .order_by("-call__started_at", "-pk")[: CALLS + 1]
    )
)


def _concerned(leg: Leg) -> bool:
    """A call that was only on its way to this agent when its caller gave up is none of theirs."""
    came = leg.rang_at or leg.answered_at or leg.call.private_to_id
    return bool(came) or leg.state < CallState.ENDED or leg.call.direction == Call.Direction.OUTGOING


# -- what became of a call ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What several rows of the day need, each read once."""

    notes: dict[int, Note]
    tasks: dict[int, FollowUp]  # call → a follow-up task that is not in the CRM yet
    answered_by: dict[int, str]  # call → name of a colleague
    spoken_since: dict[str, datetime]  # blind number → when somebody talked to it after it was missed


def _rows(agent: Agent, legs: list[Leg]) -> list[card.Row]:
    known = _Known(
        _notes_of(agent, legs), _tasks_of(agent, legs), _answered_by(agent, legs), _spoken_since(agent, legs)
    )
    return [_row(leg, known) for leg in legs]


def _notes_of(agent: Agent, legs: list[Leg]) -> dict[int, Note]:
    found = Note.objects.filter(author=agent, call__in=[leg.call_id for leg in legs], revision__gt=0)
    return {note.call_id: note for note in found}


def _tasks_of(agent: Agent, legs: list[Leg]) -> dict[int, FollowUp]:
    """Of several to one call, a refused one rather than one that waits."""
    found = follow_ups.unwritten(agent).filter(call__in=[leg.call_id for leg in legs])
    return {row.call_id: row for row in found.order_by("state")}


def _answered_by(agent: Agent, legs: list[Leg]) -> dict[int, str]:
    answered = [leg.call_id for leg in legs if _went_elsewhere(leg)]
    if not answered:
        return {}
    others = Leg.objects.filter(call__in=answered, answered_at__isnull=False).exclude(agent=agent)
    return {leg.call_id: leg.agent.name for leg in others.select_related("agent").order_by("-answered_at")}


def _went_elsewhere(leg: Leg) -> bool:
    return leg.elsewhere or (leg.state == CallState.ENDED and not leg.answered_at and bool(leg.call.answered_at))


def _spoken_since(agent: Agent, legs: list[Leg]) -> dict[str, datetime]:
    missed = {leg.call.number_blind for leg in legs if leg.call.missed and leg.call.number_blind}
    if not missed:
        return {}
    later = Call.objects.filter(tenant=agent.tenant, started_at__gte=_midnight(), answered_at__isnull=False)
    found = later.filter(number_blind__in=missed, private_to=None).order_by("answered_at")
    return {
        call.number_blind: call.answered_at for call in found.only("number_blind", "answered_at") if call.answered_at
    }


def _row(leg: Leg, known: _Known) -> card.Row:
    note = known.notes.get(leg.call_id)
    spoken = known.spoken_since.get(leg.call.number_blind)
    spoken = spoken if spoken and leg.call.missed and spoken > leg.call.started_at else None
    kind = _kind(leg, note, spoken=spoken is not None)
    in_crm = kind == "written" and note is not None and note.erased_at is not None
    task = known.tasks.get(leg.call_id) if kind not in {"live", "draft", "waiting", "refused"} else None
    if task:
        kind = "refused" if task.state == FollowUp.State.REFUSED else "waiting"
    of_task = _of_task(task) if task else ""
    return card.Row(
        code=str(leg.call.code),
        at=leg.call.started_at,
        who=who(leg),
        kind=kind,
        direction="outgoing" if leg.call.direction == Call.Direction.OUTGOING else "incoming",
        missed=leg.call.missed,
        status=of_task or _status(kind, note),
        waiting=kind == "waiting",
        text=_text(leg, kind, note, known.answered_by.get(leg.call_id, ""), spoken),
        in_crm=in_crm,
        label=of_task or _label(kind, note),
        seconds=int((leg.ended_at - leg.answered_at).total_seconds()) if leg.answered_at and leg.ended_at else None,
        since=(leg.answered_at or leg.rang_at or leg.call.started_at) if kind == "live" else None,
        e164=leg.call.number if kind == "missed" and leg.call.caller == Call.Caller.NUMBER else "",
    )


def _kind(leg: Leg, note: Note | None, *, spoken: bool) -> card.RowKind:
    if leg.state < CallState.ENDED and not leg.call.private_to_id and calls.is_recent(leg):
        return "live"
    if note and (note.state != Note.State.DRAFT or note.text or note.outcome):
        kinds: dict[str, card.RowKind] = {"queued": "waiting", "refused": "refused", "written": "written"}
        return kinds.get(note.state) or ("draft" if notes.is_writable(leg.call) else "done")
    if leg.call.missed:
        return "done" if spoken else "missed"
    if _went_elsewhere(leg):
        return "elsewhere"
    looked_up = leg.call.caller in {Call.Caller.NUMBER, Call.Caller.WITHHELD}
    return "unnoted" if leg.answered_at and looked_up and notes.is_writable(leg.call) else "done"


def _of_task(task: FollowUp) -> str:
    return _("task not written") if task.state == FollowUp.State.REFUSED else _("task waits")


def _status(kind: card.RowKind, note: Note | None) -> str:
    """What is unfinished about it, as half a sentence after the name."""
    if kind == "waiting":
        return _waits_for(note)
    words = {
        "refused": _("note not written"),
        "draft": _("note not finished"),
        "missed": _("nobody answered"),
        "unnoted": pgettext("state of a call", "no note"),
    }
    return words.get(kind, "")


def _waits_for(note: Note | None) -> str:
    return _("waiting for sign-in") if note and note.problem == "sign_in" else _("waiting for Microsoft")


def _label(kind: card.RowKind, note: Note | None) -> str:
    if kind == "waiting":
        return _waits_for(note)
    if kind == "live":
        return pgettext("state of a note", "draft") if note and (note.text or note.outcome) else ""
    words = {
        "refused": pgettext("state of a note", "not written"),
        "draft": pgettext("state of a note", "draft"),
        "written": pgettext("state of a note", "written"),
        "unnoted": _("add a note"),
        "elsewhere": pgettext("state of a call", "elsewhere"),
    }
    return words.get(kind, "")


def _text(leg: Leg, kind: card.RowKind, note: Note | None, answered_by: str, spoken: datetime | None) -> str:
    """The second line: what was written, else what happened."""
    match = lookup.kept(leg)
    company = match.company if match else ""
    line = _first_line(note.text) if note else ""
    if kind == "live":
        state = _("in progress") if leg.answered_at else _("ringing")
        return " · ".join(part for part in (company, state) if part)
    if line:
        return line
    if kind == "elsewhere":
        return _("Answered by %(name)s") % {"name": answered_by} if answered_by else _("Answered elsewhere")
    if leg.call.missed:
        return _missed(leg, spoken)
    if kind == "unnoted":
        return _("No note")
    return note.outcome if note and note.outcome else company


def _missed(leg: Leg, spoken: datetime | None) -> str:
    unknown = _("Unknown number") if leg.call.known is False else ""
    if spoken:
        time = timezone.localtime(spoken).strftime("%H:%M").removeprefix("0")
        happened = _("nobody answered, spoken to at %(time)s") % {"time": time}
    else:
        happened = _("nobody answered")
    return f"{unknown} · {happened}" if unknown else happened[0].upper() + happened[1:]


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]


def who(leg: Leg) -> str:
    """The name as this agent read it for this very call, while that is kept; else the number."""
    if leg.call.caller == Call.Caller.WITHHELD:
        return _("Withheld number")
    match = lookup.kept(leg)
    if match and match.name:
        return match.name
    number = phone.parse(leg.call.number, leg.agent.tenant.country) if leg.call.number.startswith("+") else None
    return (number.display if number else leg.call.number) or _("Unreadable number")


# -- notes that wait ---------------------------------------------------------------------------------------------------


def _unwritten(agent: Agent) -> list[card.Unwritten]:
    """Notes and tasks of all days, newest call first; a draft of a call under way waits for nothing."""
    written, tasks = _NOTES.rows(agent=agent), _TASKS.rows(agent=agent)
    of_calls = [*(note.call_id for note in written), *(task.call_id for task in tasks)]
    legs = {leg.call_id: leg for leg in _legs_of(agent, of_calls)}
    for note in written:
        note.author, note.call.tenant = agent, agent.tenant
    waiting = [_waiting(note, leg) for note in written if (leg := legs.get(note.call_id)) and _waits(note, leg)]
    waiting += [_waiting_task(task, legs[task.call_id]) for task in tasks if task.call_id in legs]
    return sorted(waiting, key=lambda each: each.at, reverse=True)


_NOTES = Prepared(lambda agent: notes.unwritten(agent)[:NOTES])
_TASKS = Prepared(lambda agent: follow_ups.unwritten(agent)[:NOTES])


def _legs_of(agent: Agent, calls: Collection[int]) -> list[Leg]:
    return [] if not calls else hers(agent, Leg.objects.of(agent).filter(call__in=set(calls)).select_related("lookup"))


def _waits(note: Note, leg: Leg) -> bool:
    if note.state != Note.State.DRAFT:
        return True
    over = leg.ended_at or leg.closed_at
    return bool(over and (note.text or note.outcome)) and notes.is_writable(note.call)


def _waiting(note: Note, leg: Leg) -> card.Unwritten:
    state = notes.state_of(note)
    going = _("Writing to the CRM") if note.state == Note.State.QUEUED else _("It goes out by itself in a moment.")
    return card.Unwritten(
        code=str(leg.call.code),
        at=leg.call.started_at,
        who=who(leg),
        text=_first_line(note.text) or note.outcome,
        why=state.sentence or going,
        refused=note.state != Note.State.QUEUED and bool(note.problem),
        can_be_sent=note.problem not in {"too_long", "characters", "conflict", "sign_in"},
    )


def _waiting_task(task: FollowUp, leg: Leg) -> card.Unwritten:
    """It is changed or given up on the card of its call, and goes out by itself."""
    return card.Unwritten(
        code=str(leg.call.code),
        task=str(task.code),
        at=leg.call.started_at,
        who=who(leg),
        text=_first_line(task.subject),
        why=follow_ups.sentence_of(task) or _("Writing to the CRM"),
        refused=task.state == FollowUp.State.REFUSED,
        can_be_sent=False,
    )


def not_before(agent: Agent) -> datetime | None:
    """Microsoft has asked us to write nothing more for this agent until then."""
    waits = Note.objects.filter(
        author=agent, state=Note.State.QUEUED, problem="throttled", next_try_at__gt=timezone.now()
    )
    return waits.order_by("-next_try_at").values_list("next_try_at", flat=True).first()


class TooEarly(Exception):
    """Microsoft asked us to wait until `at`."""

    def __init__(self, at: datetime) -> None:
        super().__init__("Microsoft asked us to wait.")
        self.at = at


def write_now(*, agent: Agent, note: Note) -> None:
    """The agent does not want to wait for the next try. Raises TooEarly, TextProblem."""
    at = not_before(agent)
    if at:
        raise TooEarly(at)
    note.author, note.call.tenant = agent, agent.tenant
    notes.queue(note)


# -- what is in the CRM only -------------------------------------------------------------------------------------------


def lines(agent: Agent, *, budget: Budget) -> dict[str, str]:
    """Call's code → first line of its note, of today's notes whose text is in the CRM only; in one question, as this agent
    may read them. Raises DataverseError."""
    erased = Note.objects.filter(author=agent, state=Note.State.WRITTEN, erased_at__isnull=False)
    today = erased.filter(call__started_at__gte=_midnight()).order_by("-call__started_at")
    codes = dict(today.values_list("code", "call__code")[:LINES])
    if not codes:
        return {}
    client, metadata = one_record.reader(agent, budget)
    table = metadata.table("phonecall")
    path = odata.query(
        table.entity_set,
        select=[name for name in (table.id_column, "description", "subcategory") if name in table.properties],
        filter=odata.or_(*(odata.eq(table.id_column, code) for code in codes)),
        top=LINES,
    )
    found = {}
    for row in client.get(path, budget=budget).rows:
        line = _first_line(str(row.get("description") or row.get("subcategory") or ""))
        found[str(codes[UUID(str(row[table.id_column]))])] = line
    return found
