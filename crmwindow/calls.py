"""Calls and the legs of their agents, as told by the exchange, by an agent's address bar or by the page around the window.

Every event adds facts that are never taken back (rang, answered, hung up, elsewhere); states follow from the facts alone. So
events that come twice, late or in another order end in the same state. Everything about one call is done under a lock on its
row, without talking to anybody; look-ups start after the commit.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Upper
from django.utils import timezone

from crmwindow import candidates, exchange, lookup, notes, outbox, timings, writing
from crmwindow.blind import blind, blinds
from crmwindow.exchange import Event, MalformedEvent, read_event
from crmwindow.models import Call, CallState, EventCount, FollowUp, FollowUpDraft, Leg, Note, Opening, hers
from tenants.models import Agent, Tenant
from tenants.prepared import Prepared, PreparedInsert, PreparedSave

__all__ = ["Event", "MalformedEvent", "SharedLine", "agent_named", "close_card", "is_recent", "leg_of",
           "open_by_agent", "read_event", "receive", "shown"]  # fmt: skip

SAME_CALL = timedelta(minutes=2)
"""A second announcement without a unique_id means the same call while it is no older than this."""
CALLS_ARE_NOTED_EVERY = timedelta(minutes=1)
GONE_FOR = timedelta(seconds=4)  # how long the strip says that a colleague answered
LONGEST_SHOWN = {
    CallState.NEW: timedelta(hours=2),
    CallState.RINGING: timedelta(minutes=10),
    CallState.ANSWERED: timedelta(hours=8),
    CallState.ENDED: timedelta(hours=8),
}
_LEVELS = {"NewCall": CallState.NEW, "Ringing": CallState.RINGING, "Answered": CallState.ANSWERED}


class SharedLine(Exception):
    """Several agents share this line, so it names nobody."""


def agent_named(tenant: Tenant, *, login: str = "", line: str = "", email: str = "") -> Agent | None:
    """The agent with a window whom these name: by login, else by e-mail, else by line. Raises SharedLine."""
    login, line, email = (name if exchange.is_storable(name) else "" for name in (login, line, email))  # else: nobody's
    found = _NAMED.rows(tenant=tenant, login=login or None, line=line or None, email=email or None)
    for name, names in ((login, ("login",)), (email, ("email", "upn"))):
        for agent in found:
            if name and name.casefold() in (getattr(agent, key).casefold() for key in names):
                return agent
    on_line = [agent for agent in found if agent.line == line]
    if len(on_line) > 1:
        raise SharedLine
    return on_line[0] if on_line else None


_NAMED = Prepared(
    lambda tenant, login, line, email: (
        Agent.objects.with_window()
        .alias(its_login=Upper("login"), its_email=Upper("email"), its_upn=Upper("upn"))
        .filter(
            Q(its_login=Upper(login)) | Q(its_email=Upper(email)) | Q(its_upn=Upper(email)) | Q(line=line),
            tenant=tenant,
        )
        .order_by("pk")
    )
)


# ── what the exchange tells ──────────────────────────────────────────────────────────────────────────────────────────


def receive(event: Event, *, tenant: Tenant) -> Call | None:
    """Apply one event. Answers its call; None when it is about no call (then it is counted)."""
    if not event.is_about_a_call:
        _count(tenant, event.name if event.name in exchange.OPERATOR_EVENTS else "unknown")
        return None
    came = timings.arrival()
    agent = _agent_of(event, tenant)
    with transaction.atomic():
        call = _locked_call(event, tenant)
        applied = _Application(call, agent, came)
        applied.apply(event)
    if agent and applied.is_new_to(agent):
        _note_call(agent)
    return call


def _note_call(agent: Agent) -> None:
    """At most one write a minute, and no call waits for it, so that a busy queue does not wait for its agents' rows."""
    now = timezone.now()
    stale = Q(last_call_at=None) | Q(last_call_at__lt=now - CALLS_ARE_NOTED_EVERY)
    if agent.last_call_at is None or agent.last_call_at < now - CALLS_ARE_NOTED_EVERY:
        Agent.objects.filter(stale, pk=agent.pk).update(last_call_at=now)


def _agent_of(event: Event, tenant: Tenant) -> Agent | None:
    try:
        agent = agent_named(tenant, login=event.login, line=event.line, email=event.email)
    except SharedLine:
        _count(tenant, "shared line")
        return None
    if agent:
        agent.tenant = tenant
    return agent


def _locked_call(event: Event, tenant: Tenant) -> Call:
    """The call's row, made if need be, and nobody else's until the transaction ends."""
    call = _LOCKED.first(tenant=tenant, unique_id=event.unique_id)
    if call is None:
        call = Call(tenant=tenant, unique_id=event.unique_id, started_at=timezone.now())
        call.is_new = _add_call(call)
        if not call.is_new:  # somebody was faster
            (call,) = _LOCKED.rows(tenant=tenant, unique_id=event.unique_id)
    call.tenant = tenant
    return call


_add_call = PreparedInsert(Call, unless_there=True)
_add_leg = PreparedInsert(Leg)
_LOCKED = Prepared(
    lambda tenant, unique_id: Call.objects.filter(
        tenant=tenant, unique_id=unique_id, private_to=None
    ).select_for_update(no_key=True)
)
_LEGS = Prepared(lambda call: Leg.objects.filter(call=call))


def _legs_of(call: Call) -> list[Leg]:
    legs = _LEGS.rows(call=call)
    for leg in legs:
        leg.call = call
    return legs


class _Application:
    """One event being applied to one call whose row we hold."""

    def __init__(self, call: Call, agent: Agent | None, came: timings.Arrival) -> None:
        self.call, self.agent, self.came = call, agent, came
        self.now = timezone.now()
        self.legs: dict[int, Leg] = {} if call.is_new else {leg.agent_id: leg for leg in _legs_of(call)}
        self.before = {leg.agent_id: _facts(leg) for leg in self.legs.values()}
        self.call_before = _facts(call)
        self.leg: Leg | None = None

    def apply(self, event: Event) -> None:
        self._learn(event)
        if self.agent and event.name != "CDR":
            self.leg = self._leg(self.agent, event.line)
        getattr(self, f"_{event.name.lower()}")(event)
        self._conclude(event)
        self._save()

    def is_new_to(self, agent: Agent) -> bool:
        """This event made it the agent's call."""
        return agent.pk in self.legs and agent.pk not in self.before

    def _leg(self, agent: Agent, line: str) -> Leg:
        leg = self.legs.get(agent.pk)
        if leg is None:
            leg = _adopted(self.call, agent) or Leg(call=self.call, agent=agent)
            self.legs[agent.pk] = leg
        leg.line = leg.line or line
        return leg

    def _learn(self, event: Event) -> None:
        """Facts about the call itself. A transfer may tell about its consultation, so it is believed only a full number."""
        call = self.call
        party = exchange.party(event.customer, outgoing=event.is_outgoing, tenant=call.tenant)
        if event.name == "AttendedTransfer" and (event.is_internal or party.caller != Call.Caller.NUMBER):
            return
        call.is_internal = call.is_internal or event.is_internal
        call.queue = call.queue or event.queue
        if event.is_outgoing:
            call.direction = Call.Direction.OUTGOING
        if party.weight > exchange.weight(call.caller, call.number):
            _know(call, party)
        if call.is_internal and not call.tenant.search_internal_calls and call.caller == Call.Caller.NUMBER:
            call.caller = Call.Caller.INTERNAL

    def _newcall(self, event: Event) -> None:
        pass

    def _ringing(self, event: Event) -> None:
        if self.leg:
            self.leg.rang_at = self.leg.rang_at or self.now

    def _answered(self, event: Event) -> None:
        self.call.answered_at = self.call.answered_at or self.now
        if self.leg:
            self._now_talks(self.leg)
            if not self.leg.transferred and any(leg.transferred for leg in self.legs.values()):
                self.leg.ended_at = self.leg.ended_at or self.now  # it was handed over before we heard of this

    def _now_talks(self, leg: Leg) -> None:
        leg.answered_at = leg.answered_at or self.now
        leg.elsewhere = False

    def _hangup(self, event: Event) -> None:
        if event.elsewhere:
            self.call.answered_at = self.call.answered_at or self.now
            if self.leg and not self.leg.answered_at:
                self.leg.elsewhere = True
            return
        self.call.hung_up = True
        self.call.reason = max(self.call.reason, event.reason)  # of several one, whatever their order
        self.call.over = self.call.over or not event.names_somebody
        if self.leg:
            self.leg.ended_at = self.leg.ended_at or self.now

    def _attendedtransfer(self, event: Event) -> None:
        """UniqueId is the customer's call; Line, Login or E-mail name who has it now. Anything else moves nothing."""
        leg = self.leg
        others = [other for other in self.legs.values() if other is not leg and _talks(other)]
        if leg is None or (_talks(leg) and not others):
            _count(self.call.tenant, "transfer to nobody")
            return
        self.call.answered_at = self.call.answered_at or self.now
        self._now_talks(leg)
        leg.transferred = True
        for other in others:
            other.ended_at = self.now
            notes.hand_over(self.call, other.agent_id)

    def _cdr(self, event: Event) -> None:
        self.call.over = True

    def _conclude(self, event: Event) -> None:
        call, legs = self.call, list(self.legs.values())
        for leg in legs:
            if call.over:
                leg.ended_at = leg.ended_at or self.now
            if leg.ended_at and leg.answered_at:
                leg.answered_at = min(leg.answered_at, leg.ended_at)
            leg.state = _leg_state(leg)
        call.state = _call_state(call, legs, _LEVELS.get(event.name, CallState.NEW))
        call.ended_at = (call.ended_at or self.now) if call.state == CallState.ENDED else None
        call.missed = _is_missed(call)

    def _save(self) -> None:
        changed = [leg for leg in self.legs.values() if _facts(leg) != self.before.get(leg.agent_id)]
        call_now = _facts(self.call)
        call_changed = call_now != self.call_before
        is_seen = any(call_now[name] != self.call_before[name] for name in _SHOWN_FACTS)
        made = [leg for leg in changed if leg.pk is None]
        if call_changed:
            _save_call(self.call)
        for leg in changed:
            if leg.pk is None:
                _add_leg(leg)
            else:
                _save_leg(leg)
        heard = [leg.agent_id for leg in (self.legs.values() if is_seen else changed)]
        if heard:
            self.came.told = perf_counter()
            outbox.tell(heard)
        for leg in changed:
            self._follow_up(leg)
        if self.call.missed:
            writing.missed(self.call)
        elif self.call_before["missed"]:
            writing.withdraw(self.call)
        self._look_up(changed, made)

    def _follow_up(self, leg: Leg) -> None:
        before = self.before.get(leg.agent_id)
        was_talking, had_ended = (before["answered_at"], before["ended_at"]) if before else (None, None)
        if leg.answered_at and not was_talking:
            notes.queue_earlier(leg.agent_id, except_call=self.call)
        if leg.ended_at and not had_ended:
            notes.after_hang_up(leg)

    def _look_up(self, changed: Collection[Leg], made: Collection[Leg]) -> None:
        known_now = self.call.caller != self.call_before["caller"]
        legs = self.legs.values() if known_now else [leg for leg in changed if leg.agent_id not in self.before]
        if known_now and not legs and self.call.caller == Call.Caller.NUMBER:
            transaction.on_commit(lambda: candidates.find_ahead(self.call.pk))
        if self.call.caller == Call.Caller.NUMBER:
            transaction.on_commit(self.came.is_committed)
            live = [leg for leg in legs if leg.state < CallState.ENDED]
            prepared = lookup.prepare(leg for leg in live if leg in made)
            for leg in live:
                transaction.on_commit(partial(lookup.start, leg, self.came, prepared.get(leg.pk)))


# What events write. Everything else in these rows is the agents', who may be changing it at this moment.
_CALL_FACTS = ("direction", "is_internal", "caller", "number", "number_blind", "queue", "state", "reason", "missed",
               "hung_up", "over", "answered_at", "ended_at")  # fmt: skip
# What a window shows of them; of the others it need not hear.
_SHOWN_FACTS = ("direction", "is_internal", "caller", "number", "queue", "missed", "answered_at")
_LEG_FACTS = ("call_id", "line", "state", "elsewhere", "transferred", "rang_at", "answered_at", "ended_at")
_save_call, _save_leg = PreparedSave(Call, _CALL_FACTS), PreparedSave(Leg, _LEG_FACTS)


def _facts(row: Call | Leg) -> dict[str, object]:
    """What events wrote so far; sealed values as they lie, so that comparing decrypts nothing."""
    return {name: row.__dict__[name] for name in (_CALL_FACTS if isinstance(row, Call) else _LEG_FACTS)}


def _know(call: Call, party: exchange.Party) -> None:
    call.caller = party.caller
    call.direction = party.direction if call.direction == Call.Direction.INCOMING else call.direction
    call.number = party.number
    known = party.caller in (Call.Caller.NUMBER, Call.Caller.OWN) and party.number.startswith("+")
    call.number_blind = blind(call.tenant, party.number) if known else ""


def _talks(leg: Leg) -> bool:
    return leg.answered_at is not None and leg.ended_at is None


def _leg_state(leg: Leg) -> CallState:
    if leg.ended_at:
        return CallState.ENDED
    if leg.answered_at:
        return CallState.ANSWERED
    if leg.elsewhere:
        return CallState.ENDED
    return CallState.RINGING if leg.rang_at else CallState.NEW


def _call_state(call: Call, legs: list[Leg], level: CallState) -> CallState:
    """Ended once it is over, or once somebody hung up and nobody has it any more."""
    live = [CallState(leg.state) for leg in legs if leg.state < CallState.ENDED]
    if call.over or (call.hung_up and not live):
        return CallState.ENDED
    so_far = CallState(call.state) if call.state < CallState.ENDED else CallState.NEW
    rang = CallState.RINGING if any(leg.rang_at for leg in legs) else CallState.NEW
    answered = CallState.ANSWERED if call.answered_at else CallState.NEW
    return max([*live, so_far, rang, answered, level])


def _is_missed(call: Call) -> bool:
    incoming = call.direction == Call.Direction.INCOMING and not call.is_internal
    return incoming and call.hung_up and call.state == CallState.ENDED and call.answered_at is None


def _start_after_commit(leg: Leg) -> None:
    transaction.on_commit(partial(lookup.start, leg))


def _count(tenant: Tenant, name: str) -> None:
    row = {"tenant": tenant, "day": timezone.localdate(), "name": name}
    if not EventCount.objects.filter(**row).update(count=F("count") + 1):
        EventCount.objects.bulk_create([EventCount(**row)], ignore_conflicts=True)
        EventCount.objects.filter(**row).update(count=F("count") + 1)


# ── what the agent's own page tells ──────────────────────────────────────────────────────────────────────────────────


def open_by_agent(*, agent: Agent, number: str, direction: str = "incoming", unique_id: str = "") -> Call:
    """The card for a call that the agent's address bar or the page around the window announced.

    It attaches to a call of the exchange only if that has this agent's leg; otherwise the card is private. What the exchange
    said is never overwritten. Raises MalformedEvent when a value could not have come from an exchange.
    """
    event = exchange.announcement(number=number, direction=direction, unique_id=unique_id)
    party = exchange.party(event.customer, outgoing=event.is_outgoing, tenant=agent.tenant)
    with transaction.atomic():
        leg = _announced(agent, event.unique_id, party)
        if leg is None:
            leg = _private_leg(agent, event.unique_id, party)
        elif leg.closed_at:
            Leg.objects.filter(pk=leg.pk).update(closed_at=None)
        outbox.tell([agent.pk])
        if leg.call.caller == Call.Caller.NUMBER:
            _start_after_commit(leg)
    if leg.call.private_to_id:
        _note_call(agent)
    return leg.call


def _announced(agent: Agent, unique_id: str, party: exchange.Party) -> Leg | None:
    """This agent's leg that the announcement means, whether the exchange told of it or an earlier announcement."""
    legs = Leg.objects.of(agent).order_by("-pk")
    if unique_id:
        return _first(agent, legs.filter(call__unique_id=unique_id))
    if not party.number.startswith("+"):
        return None
    recent = legs.open().filter(call__started_at__gt=timezone.now() - SAME_CALL)
    return _first(agent, recent.filter(call__number_blind__in=blinds(agent.tenant, party.number)))


def _first(agent: Agent, legs: QuerySet[Leg]) -> Leg | None:
    return next(iter(hers(agent, legs[:1])), None)


def _private_leg(agent: Agent, unique_id: str, party: exchange.Party) -> Leg:
    now = timezone.now()
    call = Call(tenant=agent.tenant, unique_id=unique_id or f"own-{uuid.uuid4()}", private_to=agent, started_at=now)
    _know(call, party)
    Call.objects.bulk_create([call], ignore_conflicts=True)
    call = Call.objects.select_for_update(no_key=True).get(private_to=agent, unique_id=call.unique_id)
    leg, _made = Leg.objects.get_or_create(call=call, agent=agent)
    leg.call, leg.agent = call, agent
    return leg


_PRIVATE = Prepared(
    lambda agent, unique_id: Leg.objects.filter(agent=agent, call__private_to=agent, call__unique_id=unique_id)[:1]
)


def _adopted(call: Call, agent: Agent) -> Leg | None:
    """The agent's private card of the same call joins it: its leg, note and waiting tab move over, its code stays known.

    What was found for a number goes with it only if the exchange names the same number.
    """
    leg = _PRIVATE.first(agent=agent, unique_id=call.unique_id)
    if leg is None:
        return None
    private = Call.objects.select_for_update(no_key=True).get(pk=leg.call_id)
    if exchange.weight(call.caller, call.number) == 0:
        _know(call, exchange.Party(direction=private.direction, caller=private.caller, number=private.number))
    if private.number != call.number:
        lookup.forget(leg)
        private.known = None
    elif private.regarding_id:
        about = {"regarding_table": private.regarding_table, "regarding_id": private.regarding_id}
        Call.objects.filter(pk=call.pk, regarding_id=None).update(**about)
    Note.objects.filter(call=private).update(call=call)
    FollowUp.objects.filter(call=private).update(call=call)
    FollowUpDraft.objects.filter(call=private).update(call=call)
    Opening.objects.filter(call=private).update(call=call)
    if private.known is not None:
        Call.objects.filter(pk=call.pk).exclude(known=True).update(known=private.known)
    Call.objects.filter(pk=private.pk).update(merged_into=call, known=None)
    leg.call = call
    return leg


# ── what the window shows ────────────────────────────────────────────────────────────────────────────────────────────


def leg_of(agent: Agent, code: uuid.UUID) -> Leg | None:
    """This agent's leg of the call with that code, also when the call has joined another since the window learnt it."""
    hers_now = hers(agent, _BY_CODE.rows(agent=agent, code=code))
    return (
        hers_now[0] if hers_now else _first(agent, Leg.objects.of(agent).filter(call__in=_joined(code)).order_by("pk"))
    )


_BY_CODE = Prepared(lambda agent, code: Leg.objects.of(agent).filter(call__code=code).order_by("pk")[:1])


def _joined(code: uuid.UUID) -> list[int]:
    codes = Call.objects.filter(code=code, merged_into__isnull=False)
    return [pk for pk in codes.values_list("merged_into_id", flat=True) if pk]


def in_sight(agent: Agent) -> list[Leg]:
    """What this agent's window may show, newest first: open cards, and calls that a colleague answered a moment ago."""
    now = timezone.now()
    return hers(agent, _IN_SIGHT.rows(agent=agent, began=now - max(LONGEST_SHOWN.values()), gone=now - GONE_FOR))


_IN_SIGHT = Prepared(
    lambda agent, began, gone: (
        Leg.objects.of(agent)
        .filter(Q(elsewhere=False, call__started_at__gt=began) | Q(elsewhere=True, call__answered_at__gt=gone))
        .filter(closed_at=None)
        .order_by("-call__started_at", "-pk")[:20]
    )
)


def shown(agent: Agent, legs: list[Leg] | None = None) -> list[Leg]:
    """The cards on this agent's window, newest first: everything that rings or is talked over, else the last ended one.

    `legs`: `in_sight` of this agent, from whoever has it.
    """
    every = in_sight(agent) if legs is None else legs
    cards = [leg for leg in every if not leg.elsewhere and is_recent(leg)]
    live = [leg for leg in cards if leg.state < CallState.ENDED]
    return sorted(live, key=lambda leg: leg.state == CallState.ANSWERED) if live else cards[:1]


def is_recent(leg: Leg) -> bool:
    """Its last news is not so old that the next one must have been lost."""
    since = leg.ended_at or leg.answered_at or leg.rang_at or leg.call.started_at
    return since > timezone.now() - LONGEST_SHOWN[CallState(leg.state)]


def close_card(leg: Leg) -> None:
    """The agent is done with this card. What was written to it goes out."""
    with transaction.atomic():
        Leg.objects.filter(pk=leg.pk, closed_at=None).update(closed_at=timezone.now())
        notes.after_closing(leg)
        outbox.tell([leg.agent_id])


def ended_at(leg: Leg) -> datetime | None:
    """When this agent's part ended; for a private card, of whose end nobody tells, when it was closed."""
    return leg.ended_at or (leg.closed_at if leg.call.private_to_id else None)
