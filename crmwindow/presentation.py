"""From rows and answers to what the window shows (card.py). Reads our own rows only; never asks Microsoft."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmwindow import came_through, card, day, lookup, notes, one_record, phone, planned, problems, records
from crmwindow.blind import blinds
from crmwindow.models import Call, CallState, Leg, Note
from tenants.dataverse.budget import Budget
from tenants.models import Agent, SignInAttempt, label_in
from tenants.prepared import Prepared
from tenants.sign_in import proof_of

STRIPS = 2
_STATES: dict[int, card.CallState] = {
    CallState.NEW: "ringing",
    CallState.RINGING: "ringing",
    CallState.ANSWERED: "answered",
    CallState.ENDED: "ended",
}


# -- the whole window --------------------------------------------------------------------------------------------------


def state_of(agent: Agent, leg: Leg | None, others: Iterable[Leg] = ()) -> card.State:
    """`leg` is the call shown, None between calls; `others` go into the strip."""
    others = list(others)[:STRIPS]
    for each in [leg, *others]:
        if each:
            each.agent = agent  # read already, with tenant and instance
    note = note_of(leg) if leg else None
    return card.State(
        agent_name=agent.name,
        agent_line=agent.line,
        agent_account=agent.principal_name,
        signed_in=agent.is_signed_in,
        sign_in_expired=not agent.is_signed_in and agent.object_id is not None,
        quiet=agent.quiet,
        known=agent.is_signed_in or bool(leg and _was_found(leg)),
        call=came_through.with_path(call_of(leg), leg) if leg else None,
        others=tuple(call_of(other) for other in others),
        note=note_card(leg, note) if leg else card.Note(),
        follow_ups=planned.follow_ups_of(leg) if leg else (),
        outcomes=outcomes_of(agent),
        handover=handover_of(leg) if leg else None,
        idle=card.Idle() if leg or not agent.is_signed_in else day.in_short(agent),
    )


def nobodys_state(problem: card.Problem | None = None) -> card.State:
    """A window that does not know yet whose it is."""
    return card.State(agent_name="", signed_in=False, known=False, problem=problem)


def outcomes_of(agent: Agent) -> tuple[card.Outcome, ...]:
    """In the agent's words; what is written to the CRM is in the customer's language, the same for all agents."""
    tenant = agent.tenant
    return tuple(
        card.Outcome(code=label_in(each, tenant.language), label=label_in(each, agent.spoken_language))
        for each in tenant.outcomes
    )


# -- calls -------------------------------------------------------------------------------------------------------------


def call_of(leg: Leg) -> card.Call:
    call = leg.call
    state = _STATES[leg.state]
    if leg.elsewhere:
        state = "elsewhere"
    elif state == "ended" and leg.answered_at is None and call.direction == Call.Direction.INCOMING:
        state = "missed" if call.missed else "ended"
    return card.Call(
        code=str(call.code),
        state=state,
        caller=caller_of(leg),
        direction="outgoing" if call.direction == Call.Direction.OUTGOING else "incoming",
        queue=call.queue,
        line=leg.line,
        since=leg.answered_at or leg.rang_at or call.started_at,
        seconds=_seconds(leg.answered_at, leg.ended_at),
        elsewhere=_who_answered(leg) if leg.elsewhere else "",
        private=call.private_to_id is not None,
        about=_chosen_by(leg),
    )


def _chosen_by(leg: Leg) -> str:
    if leg.nobody:
        return "nobody"
    return f"{leg.shown_table}:{leg.shown_id}" if leg.shown_id else ""


def _seconds(since: datetime | None, until: datetime | None) -> int | None:
    return int((until - since).total_seconds()) if since and until else None


def _who_answered(leg: Leg) -> str:
    other = leg.call.legs.filter(answered_at__isnull=False).exclude(pk=leg.pk).select_related("agent").first()
    return other.agent.name if other else ""


def caller_of(leg: Leg) -> card.Caller:
    call = leg.call
    number = phone.parse(call.number, leg.agent.tenant.country) if call.number.startswith("+") else None
    kind: Any = str(call.caller)
    return card.Caller(
        kind=kind,
        display=number.display if number else call.number,
        e164=number.e164 if number else "",
        about=_later(leg, number) if number and call.caller == Call.Caller.NUMBER else "",
    )


def _later(leg: Leg, number: phone.Number) -> str:
    """A text that asks the database only where it is drawn: most cards show a name instead."""
    return cast("str", SimpleLazyObject(lambda: _about(leg, number)))


def _about(leg: Leg, number: phone.Number) -> str:
    """`mobile, Czechia · first call today`."""
    kinds = {"mobile": _("mobile"), "fixed": _("landline")}
    what = [part for part in (kinds.get(number.kind, ""), _country(number)) if part]
    return " · ".join(part for part in (", ".join(what), _times_today(leg, number)) if part)


def _country(number: phone.Number) -> str:
    names = {
        "CZ": _("Czechia"),
        "SK": _("Slovakia"),
        "DE": _("Germany"),
        "AT": _("Austria"),
        "PL": _("Poland"),
        "HU": _("Hungary"),
        "UA": _("Ukraine"),
        "GB": _("United Kingdom"),
        "US": _("United States"),
    }
    return names.get(number.region) or _("country code +%(code)s") % {"code": number.country}


def _times_today(leg: Leg, number: phone.Number) -> str:
    """How often this number has been on the line with the company today, this call included."""
    if leg.call.direction == Call.Direction.OUTGOING:
        return ""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    of_the_day = {"since": midnight, "until": leg.call.started_at, "blinds": blinds(leg.agent.tenant, number.e164)}
    private = leg.call.private_to_id
    if private is None:
        today = _SHARED.rows(tenant=leg.agent.tenant, **of_the_day)
    else:
        today = _PRIVATE.rows(agent=private, **of_the_day)
    times = max([1, *today])
    ordinals = {1: _("first call today"), 2: _("second call today"), 3: _("third call today")}
    return ordinals.get(times) or ngettext("call number %(times)d today", "call number %(times)d today", times) % {
        "times": times
    }


def _times(calls: QuerySet[Call], since: Any, until: Any, blinds: Any) -> QuerySet[Call, int]:
    there = calls.filter(direction=Call.Direction.INCOMING, started_at__gte=since, started_at__lte=until)
    found = there.filter(number_blind__in=blinds).order_by().values("direction")  # one group
    return found.annotate(times=Count("pk")).values_list("times", flat=True)


_SHARED = Prepared(lambda tenant, **day: _times(Call.objects.filter(tenant=tenant, private_to=None), **day))
_PRIVATE = Prepared(lambda agent, **day: _times(Call.objects.filter(private_to=agent), **day))


# -- matches -----------------------------------------------------------------------------------------------------------


def matches_of(leg: Leg, found: lookup.Found, *, listed: bool = False) -> card.Matches:
    """`listed`: the agent wants to see all of them again although one is chosen."""
    everybody = tuple(match_of(leg, match) for match in found.matches)
    active = tuple(match for match in everybody if match.active)
    chosen = match_of(leg, found.chosen) if found.chosen and not listed else None
    only_old = bool(everybody) and not active and not listed
    return card.Matches(
        found=() if only_old else everybody,
        chosen=chosen,
        old=everybody if only_old and found.state == "done" else (),
        nobody=leg.nobody and not listed,
        pending=tuple(found.pending),
        failed=tuple(found.failures),
        problem=_why_nothing(found),
        hidden=found.hidden,
    )


def _why_nothing(found: lookup.Found) -> card.Problem | None:
    if found.state in {"failed", "running"}:
        return problems.reading(found.problem or "slow")
    if found.failures and not found.matches:
        return problems.some_tables(found.failures)
    return None


def known_matches(leg: Leg) -> card.Matches | None:
    """What a finished look-up found; None while it is not finished, or failed."""
    if not _was_found(leg):
        return None
    return matches_of(leg, lookup.found(leg, budget=Budget(0.0)))


def match_of(leg: Leg, match: lookup.Match) -> card.Match:
    shapes: dict[str, card.Shape] = {"person": "person", "company": "company"}
    words = {"donotphone": _("Do not phone"), "donotemail": _("Do not e-mail"), "creditonhold": _("Credit hold")}
    fields = tuple(card.Field(label=label, value=value, link=link) for label, value, link in match.fields)
    return card.Match(
        table=match.table,
        id=str(match.record_id),
        name=match.name or _("Record without a name"),
        company=match.company,
        table_label=match.table_label,
        shape=shapes.get(match.kind, "record"),
        reason=match.reason,
        active=not match.inactive,
        remembered=match.remembered,
        owned=match.owner_is_me,
        link=records.deep_link(leg.agent.tenant.instance, match.table, match.record_id),
        details=card.Details(fields=fields),
        has_company=bool(match.company_id),
        flags=tuple(words[name] for name in match.flags if name in words),
        by_name=match.by_name,
    )


def history_of(leg: Leg, history: one_record.History, table: str, record_id: UUID) -> card.History:
    directions: dict[str, card.Direction] = {"outgoing": "outgoing"}
    instance = leg.agent.tenant.instance
    return card.History(
        calls=tuple(
            card.PastCall(
                at=past.at,
                text=past.text,
                direction=directions.get(past.direction, "incoming"),
                missed=past.missed,
                owner=past.owner,
                link=records.deep_link(instance, "phonecall", past.activity_id),
            )
            for past in history.calls
        ),
        more=records.deep_link(instance, table, record_id) if history.more else "",
    )


def record_of(leg: Leg) -> tuple[str, UUID] | None:
    """Whom the card shows: (table, id) of the choice, or of the only match."""
    if leg.shown_id:
        return leg.shown_table, leg.shown_id
    chosen = lookup.found(leg, budget=Budget(0.0)).chosen
    return (chosen.table, UUID(str(chosen.record_id))) if chosen else None


def _was_found(leg: Leg) -> bool:
    row = getattr(leg, "lookup", None)
    return bool(row and row.finished_at and row.problem != "sign_in")


# -- notes -------------------------------------------------------------------------------------------------------------


def note_of(leg: Leg) -> Note | None:
    return _NOTE.first(call=leg.call_id, author=leg.agent_id)


_NOTE = Prepared(lambda call, author: Note.objects.filter(call=call, author=author)[:1])


def note_card(leg: Leg, note: Note | None) -> card.Note:
    known = notes.state_of(note)
    status: Any = known.status
    link = records.deep_link(leg.agent.tenant.instance, "phonecall", known.activity_id) if known.activity_id else ""
    return card.Note(
        text=known.text,
        outcome=known.outcome,
        revision=known.revision,
        asides=tuple(card.Aside(page=each.page, text=each.text, at=each.at) for each in known.asides),
        status=status,
        at=known.at,
        troubled=bool(known.problem),
        reason="" if known.problem == "sign_in" and not leg.agent.is_signed_in else known.sentence,
        surplus=known.surplus,
        theirs=known.theirs,
        conflict=known.problem == "conflict",
        link=link,
        editable=known.editable,
    )


def handover_of(leg: Leg) -> card.Handover | None:
    note = notes.handover(leg)
    return card.Handover(author=note.author.name, text=note.text) if note and note.text else None


# -- signing in --------------------------------------------------------------------------------------------------------


def ready(attempt: SignInAttempt, *, problem: card.Problem | None = None) -> card.SignIn:
    return _sign_in(attempt, "ready", attempt.expires_at, problem)


def waiting(attempt: SignInAttempt) -> card.SignIn:
    return _sign_in(attempt, "waiting", attempt.expires_at, None)


def code_wanted(attempt: SignInAttempt, *, problem: card.Problem | None = None) -> card.SignIn:
    return _sign_in(attempt, "code", attempt.code_expires_at, problem)


def _sign_in(
    attempt: SignInAttempt, step: card.SignInStep, until: datetime | None, problem: card.Problem | None
) -> card.SignIn:
    left = int((until - timezone.now()).total_seconds()) if until else 0
    return card.SignIn(
        code=str(attempt.code),
        step=step,
        address=reverse("window:sign_in_page", args=[attempt.code]),
        proof=proof_of(attempt),
        expects=attempt.agent.principal_name if attempt.agent else "",
        seconds=max(1, left),
        problem=problem,
    )


# -- creating ----------------------------------------------------------------------------------------------------------

_KEYS = {"contact": "K", "lead": "L"}
_TAKEN = frozenset("NODTBKL")  # note, open, day, task, call back and the two above


def options_of(options: Iterable[records.Option]) -> tuple[card.CreateOption, ...]:
    """What could be created, each with a key of its own while there are letters."""
    shapes: dict[str, card.Shape] = {"person": "person", "company": "company"}
    icons = {"contact": "person", "lead": "bolt", "account": "company"}
    taken = set(_TAKEN)
    shown = []
    for option in options:
        key = _KEYS.get(option.table) or next((one for one in f"S{option.label.upper()}" if _is_free(one, taken)), "")
        taken.add(key)
        shown.append(
            card.CreateOption(
                table=option.table,
                label=option.label,
                shape=shapes.get(option.kind, "record"),
                icon=icons.get(option.table, "table"),
                key=key,
                refused=option.refused,
                code=option.code,
            )
        )
    return tuple(shown)


def _is_free(letter: str, taken: set[str]) -> bool:
    return letter.isascii() and letter.isalpha() and letter not in taken
