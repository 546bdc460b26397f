"""From a ringing number to ranked matches, read with the agent's own rights.

The row `Lookup` of a leg is what everybody looks at: whoever takes its lease asks Dataverse, all others wait for the row. A
look-up starts in a thread of this process after the commit of the event that first names the agent; if that process dies, the
window that asks `found` takes the expired lease and asks itself.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import sleep
from uuid import UUID

from django.db import IntegrityError, close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crmwindow import candidates, follow_ups, learned, notes, outbox, phone, timings
from crmwindow import search as searching
from crmwindow.models import Call, Leg, Lookup
from crmwindow.ranking import Match, rank
from crmwindow.search import Hit, SearchResult, problem_of, search
from tenants import connections, entra, schema, stopwatch
from tenants.dataverse import errors
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import Metadata
from tenants.fields import seal
from tenants.models import Agent, Instance
from tenants.prepared import Prepared, PreparedInsert, PreparedUpdate

__all__ = ["Found", "Match", "SearchResult", "choose", "forget", "found", "hits_of", "kept", "none_of_them",
           "prepare", "retry", "search", "start"]  # fmt: skip

SECONDS = 2.0
METADATA_SECONDS = 8.0
LEASE = timedelta(seconds=15)
THREADS = 16
WHILE_IT_IS_MADE, WHILE_IT_IS_PAINTED = 0.01, 0.03
"""Seconds that what else is to be written, and then what else the window is told, leave to the card."""

logger = logging.getLogger(__name__)
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="lookup")
_running: dict[int, _Asking] = {}


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the row of a look-up says."""

    result: SearchResult
    finished: bool
    problem: str = ""


@dataclass(eq=False, slots=True)
class _Asking:
    """A look-up that a thread of this process is at. Once it is over only the row counts, which somebody may have deleted."""

    over: threading.Event = field(default_factory=threading.Event)
    kept: _Kept | None = None  # as it is in the row: who waited here need not read that

    def wait(self, seconds: float) -> _Kept | None:
        self.over.wait(seconds)
        return self.kept


@dataclass(frozen=True, slots=True)
class Found:
    """`state`: "running", "partial" (something is missing), "done" or "failed" (nothing could be read; `problem` says why).

    `pending` are labels of tables that have not answered yet, `failures` maps labels of those that failed to a sentence.
    `chosen` is the agent's choice, or the only match. `problem` is "", or a word of `search.problem_of`. `hidden` are labels
    of tables with a record that holds the number but that this agent may not read.
    """

    state: str
    matches: tuple[Match, ...] = ()
    failures: dict[str, str] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    problem: str = ""
    chosen: Match | None = None
    hidden: tuple[str, ...] = ()

    @property
    def unknown(self) -> bool:
        """Every table answered and none has the number."""
        return self.state == "done" and not self.matches


def prepare(legs: Iterable[Leg]) -> dict[int, Lookup]:
    """By leg, rows that nobody is at yet, of legs that were made in this very transaction."""
    rows = {leg.pk: Lookup(leg=leg) for leg in legs}
    for row in rows.values():
        _add(row)
    return rows


_add = PreparedInsert(Lookup)


def start(leg: Leg, came: timings.Arrival | None = None, prepared: Lookup | None = None) -> None:
    """Begin in the background, unless somebody has. Outside of a transaction only: another thread reads the rows.

    `came`: the event that it begins with. With a `prepared` row the leg was just made, and is the other thread's from now on.
    """
    if leg.call.caller == Call.Caller.NUMBER and leg.pk not in _running:
        _running[leg.pk] = _Asking()
        _pool.submit(_in_background, leg, came, prepared)


def _in_background(known: Leg, came: timings.Arrival | None, prepared: Lookup | None) -> None:
    try:
        leg = known if prepared else _fresh(known.pk)
        if leg and (row := _claimed(leg, prepared)):
            _carry_out(leg, row, came, card_first=True)
        elif leg and came and not Lookup.objects.filter(leg=leg, finished_at__lt=came.at).exists():
            timings.arrived(leg, came)
    except Exception:
        logger.exception("A look-up broke off.")
    finally:
        if asking := _running.pop(known.pk, None):
            asking.over.set()
        close_old_connections()


def _fresh(leg_pk: int) -> Leg | None:
    """The leg with all that a look-up needs, in one query; stored metadata only if this process has not read it."""
    rows = Leg.objects.select_related("call", "agent__tenant__instance").defer("agent__tenant__instance__metadata")
    leg = rows.filter(pk=leg_pk).first()
    if leg:
        leg.call.tenant = leg.agent.tenant
    return leg


def _claimed(leg: Leg, row: Lookup | None = None) -> Lookup | None:
    """The row with its lease in our hands; None when it is finished or somebody else's. `row`: the one that is there."""
    now = timezone.now()
    if row is None:
        try:
            with transaction.atomic():
                return Lookup.objects.create(leg=leg, lease_until=now + LEASE)
        except IntegrityError:
            row = Lookup.objects.filter(leg=leg).first()
    return row if row and _take(row=row, now=now, lease=now + LEASE) else None


_take = PreparedUpdate(
    lambda row, now, lease: (
        Lookup.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), pk=row, finished_at=None),
        {"lease_until": lease},
    )
)


def found(leg: Leg, *, budget: Budget) -> Found:
    """What the CRM says about this call's number. Waits for whoever is asking; asks itself when nobody is.

    Answers "partial" as soon as some tables have answered and others are late, and "running" when the budget is over
    before anything is known. A look-up that failed for want of a sign-in is made again once there is one. What the agent said
    while it waited counts.
    """
    if leg.call.caller != Call.Caller.NUMBER:
        created = Lookup.objects.filter(leg=leg, finished_at__isnull=False).first()
        return _present(leg, _kept_in(created), learned.recall(leg)) if created else Found("done")
    waited = False
    while True:
        row = _OF_LEG.first(leg=leg)
        if row and _needs_another(row, leg.agent):
            retry(leg)
        elif row and _can_be_shown(row):
            if waited:
                leg.refresh_from_db(fields=["shown_table", "shown_id", "nobody"])
            return _present(leg, _kept_in(row), learned.recall(leg))
        elif budget.expired:
            return Found("running")
        elif (asking := _running.get(leg.pk)) and not asking.over.is_set():
            remembered = learned.recall(leg)  # Microsoft is asked meanwhile
            with stopwatch.spending("lookup"):
                kept = asking.wait(min(searching.FIRST_LOOK, budget.left()))
            if kept and not waited:  # nobody saw anything of it before, so nobody chose
                return _present(leg, kept, remembered)
            waited = True
        else:
            waited = True
            _ask_or_wait(leg, row, budget)


_OF_LEG = Prepared(lambda leg: Lookup.objects.filter(leg=leg)[:1])


def _ask_or_wait(leg: Leg, row: Lookup | None, budget: Budget) -> None:
    """Nobody of this process is at it. For a moment when another one is. Late tables show up in the row."""
    with stopwatch.spending("lookup"):
        is_free = row is None or not _is_asked(row)
        if is_free and (fresh := _fresh(leg.pk)) and (claimed := _claimed(fresh, row)):
            _carry_out(fresh, claimed)
        else:
            sleep(min(0.02, budget.left()))


def _can_be_shown(row: Lookup) -> bool:
    """It is finished, or somebody is still at it and wrote down what came first."""
    return row.finished_at is not None or (_is_asked(row) and bool(row.__dict__["result"]))


def _is_asked(row: Lookup) -> bool:
    """Somebody is at it."""
    return row.lease_until is not None and row.lease_until > timezone.now()


def _needs_another(row: Lookup, agent: Agent) -> bool:
    if row.finished_at is None or row.problem != "sign_in":
        return False
    return agent.is_signed_in and agent.signed_in_at is not None and agent.signed_in_at > row.finished_at


def retry(leg: Leg) -> None:
    """Ask again, from the beginning: the agent wishes it, or what stood in the way is gone."""
    Lookup.objects.filter(leg=leg, finished_at__isnull=False).delete()


def forget(leg: Leg) -> None:
    """The number was another one: what was found for it must not be shown, nor whom the agent took it for."""
    Lookup.objects.filter(leg=leg).delete()
    Leg.objects.filter(pk=leg.pk).update(shown_table="", shown_id=None, nobody=False)


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _carry_out(leg: Leg, row: Lookup, came: timings.Arrival | None = None, *, card_first: bool = False) -> None:
    """Ask, keep what came, tell the window. Holds no transaction meanwhile. `card_first`: somebody else may wait for the row,
    and what comes after it would take the interpreter from them.
    """
    result: SearchResult | None = None
    watch = timings.watch_of(leg)
    with stopwatch.watching(watch), translation.override(leg.agent.spoken_language):
        try:
            result = _asked(leg, row)
        except errors.DataverseError as error:
            _finish(leg, row, _Kept(SearchResult(), finished=True, problem=problem_of(error)))
        except BaseException:
            Lookup.objects.filter(pk=row.pk, finished_at=None).update(lease_until=None)
            raise
        else:
            _finish(leg, row, _Kept(result, finished=True, problem=_whole_problem(result)))
            if card_first:
                sleep(WHILE_IT_IS_MADE)
            _settle(leg, result)
            _note_known(leg, result)
            if card_first:
                sleep(WHILE_IT_IS_PAINTED)
    outbox.tell([leg.agent_id], outbox.found_of(leg.call.code))
    if result:
        candidates.note_outcome(leg.call, leg.agent.tenant.instance, result)
    timings.keep(leg, watch, came, readable=bool(result and not _whole_problem(result)))


def _finish(leg: Leg, row: Lookup, kept: _Kept) -> None:
    """Whoever waits for the row may have it; what is written besides, no card waits for."""
    is_kept = _keep(row, kept)
    stopwatch.mark("answered")
    if asking := _running.get(leg.pk):
        asking.kept = kept if is_kept else None
        asking.over.set()


def _asked(leg: Leg, row: Lookup) -> SearchResult:
    agent, instance = leg.agent, leg.agent.tenant.instance
    number = phone.parse(leg.call.number, leg.agent.tenant.country)
    if number is None:
        return SearchResult()
    entra.token_for(agent, budget=Budget(SECONDS))  # once, before four threads want one
    client = connections.client_for(agent)
    metadata = _metadata(instance, client)

    def show_first(result: SearchResult) -> None:
        if result.hits:
            _keep(row, _Kept(result, finished=False))
            outbox.tell([leg.agent_id])

    schema.of(instance, metadata)
    result = candidates.find(client, metadata, instance, number, Budget(SECONDS), call=leg.call, on_partial=show_first)
    if "drift" in result.failed.values():
        metadata = connections.metadata(instance, client, Budget(METADATA_SECONDS), refresh=True)
        result = candidates.find(client, metadata, instance, number, Budget(SECONDS), call=leg.call)
    return result


def _metadata(instance: Instance, client: Client) -> Metadata:
    """What is known is used although it may be old: nobody waits for a renewal, a wrong name leads to one."""
    known = connections.known_metadata(instance)
    if known is None:
        return connections.metadata(instance, client, Budget(METADATA_SECONDS))
    read_at = instance.metadata_read_at
    if read_at is None or read_at < timezone.now() - connections.METADATA_FOR:
        _pool.submit(_renew_metadata, instance, client)
    return known


def _renew_metadata(instance: Instance, client: Client) -> None:
    try:
        connections.metadata(instance, client, Budget(METADATA_SECONDS))
    except errors.DataverseError:
        logger.info("Metadata could not be read again; the old one serves on.")
    finally:
        close_old_connections()


def _whole_problem(result: SearchResult) -> str:
    """Why nothing at all could be read; "" when something could."""
    answered = len(result.labels) - len(result.failed)
    return next(iter(result.failed.values())) if result.failed and not answered else ""


def _keep(row: Lookup, kept: _Kept) -> bool:
    """Only while the lease is ours: a row that was forgotten meanwhile stays forgotten."""
    text = json.dumps(kept.result.to_dict() | {"problem": kept.problem}, ensure_ascii=False, separators=(",", ":"))
    if not kept.finished:
        return bool(_keep_some(row=row, result=seal(row, "result", text)))
    return bool(_keep_all(row=row, result=seal(row, "result", text), now=timezone.now(), problem=kept.problem))


_keep_some = PreparedUpdate(lambda row, result: (Lookup.objects.filter(pk=row, finished_at=None), {"result": result}))
_keep_all = PreparedUpdate(
    lambda row, result, now, problem: (
        Lookup.objects.filter(pk=row, finished_at=None),
        {"result": result, "finished_at": now, "lease_until": None, "problem": problem},
    )
)


def _kept_in(row: Lookup) -> _Kept:
    result = SearchResult() if row.problem else _result(row)
    return _Kept(result, finished=row.finished_at is not None, problem=row.problem)


def _settle(leg: Leg, result: SearchResult) -> None:
    """The only match is the caller, until the agent says otherwise: the note will be about it."""
    if leg.agent.first_card_at is None:
        Agent.objects.filter(pk=leg.agent_id, first_card_at=None).update(first_card_at=timezone.now())
    matches = rank(result.hits, me="", remembered=None)
    if len(matches) == 1 and not result.failed:
        table, record_id = matches[0].table, UUID(matches[0].record_id)
        if _show_only(leg=leg, table=table, record=record_id) and _regard_only(
            call=leg.call_id, table=table, record=record_id
        ):
            notes.after_finding(leg, record_id)
            follow_ups.regard(leg)


_show_only = PreparedUpdate(
    lambda leg, table, record: (
        Leg.objects.filter(pk=leg, shown_id=None, nobody=False),
        {"shown_table": table, "shown_id": record},
    )
)
_regard_only = PreparedUpdate(
    lambda call, table, record: (
        Call.objects.filter(pk=call, regarding_id=None),
        {"regarding_table": table, "regarding_id": record},
    )
)


def _note_known(leg: Leg, result: SearchResult) -> None:
    """Is the caller in the CRM: yes once any agent's rights show a record, no once somebody's whole search found none."""
    if result.hits:
        _is_known(call=leg.call_id)
    elif not result.failed:
        _is_unknown(call=leg.call_id)


_is_known = PreparedUpdate(lambda call: (Call.objects.filter(pk=call).exclude(known=True), {"known": True}))
_is_unknown = PreparedUpdate(lambda call: (Call.objects.filter(pk=call, known=None), {"known": False}))


# ── showing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _present(leg: Leg, kept: _Kept, remembered: tuple[str, str] | None) -> Found:
    if kept.problem:
        return Found("failed", problem=kept.problem)
    result = kept.result
    matches = rank(result.hits, me=str(leg.agent.systemuser_id or ""), remembered=remembered)
    complete = kept.finished and not result.failed
    return Found(
        "done" if complete else "partial",
        tuple(matches),
        {result.labels[name]: sentence_of(problem) for name, problem in result.failed.items()},
        tuple(result.labels[name] for name in result.pending),
        chosen=_chosen(leg, matches, complete=complete),
        hidden=tuple(result.labels.get(name, name) for name in result.hidden),
    )


def _result(row: Lookup) -> SearchResult:
    data = json.loads(row.result)
    data.pop("problem", None)
    return SearchResult.from_dict(data)


def hits_of(leg: Leg) -> tuple[Hit, ...]:
    """What has been found for this leg so far."""
    row = _OF_LEG.first(leg=leg)
    return _result(row).hits if row and not row.problem and row.__dict__["result"] else ()


def kept(leg: Leg) -> Match | None:
    """Whom this agent's card showed, as far as that is kept. Asks nobody, not even us if `lookup` was read with the leg."""
    row = getattr(leg, "lookup", None)
    if row is None or row.problem or row.finished_at is None:
        return None
    result = _result(row)
    return _chosen(leg, rank(result.hits, me="", remembered=None), complete=not result.failed)


def _chosen(leg: Leg, matches: list[Match], *, complete: bool) -> Match | None:
    said = [match for match in matches if (match.table, match.record_id) == (leg.shown_table, str(leg.shown_id))]
    if said:
        return said[0]
    return matches[0] if len(matches) == 1 and complete and not leg.nobody else None


def sentence_of(problem: str) -> str:
    """What to say to the agent about a problem of a look-up, in the active language."""
    sentences = {
        "sign_in": _("Sign in to Microsoft, then the search goes on."),
        "not_a_member": _("Your account has no access to this CRM. Your admin can add it."),
        "throttled": _("The CRM is busy just now. We will ask again."),
        "drift": _("The CRM's tables were changed. Your admin should check the settings."),
        "heavy": _("The CRM gave up on this search."),
        "refused": _("Your role may not read this."),
        "unavailable": _("Microsoft is not responding."),
    }
    return sentences.get(problem) or _("The CRM refused this search.")


# ── what the agent says ──────────────────────────────────────────────────────────────────────────────────────────────


class NotAMatch(Exception):
    """The record is not one of those found for this call."""


def choose(leg: Leg, *, table: str, record_id: UUID, remember: bool) -> None:
    """The caller is this record. Raises NotAMatch when the look-up of this leg did not find it."""
    if not any((hit.table, hit.record_id) == (table, str(record_id)) for hit in hits_of(leg)):
        raise NotAMatch(_("This record does not belong to the call."))
    with transaction.atomic():
        show(leg, table=table, record_id=record_id)
        if remember:
            learned.remember(leg, table=table, record_id=record_id)
        outbox.tell([leg.agent_id])


def show(leg: Leg, *, table: str, record_id: UUID) -> None:
    """This agent's card and the call's notes are about that record from now on."""
    notes.regard(leg, table=table, record_id=record_id)  # the call's row before its legs', as events do
    Leg.objects.filter(pk=leg.pk).update(shown_table=table, shown_id=record_id, nobody=False)
    leg.shown_table, leg.shown_id, leg.nobody = table, record_id, False
    follow_ups.regard(leg)


def add(leg: Leg, hit: Hit) -> None:
    """A record that was created for this caller belongs to what was found. Inside a transaction."""
    row = Lookup.objects.select_for_update().filter(leg=leg, problem="", finished_at__isnull=False).first()
    result = _result(row) if row else SearchResult()
    others = tuple(each for each in result.hits if (each.table, each.record_id) != (hit.table, hit.record_id))
    result = replace(result, hits=(*others, hit), labels=result.labels | {hit.table: hit.table_label})
    if row is None:
        Lookup.objects.filter(leg=leg).delete()
        row = Lookup.objects.create(leg=leg)
    text = json.dumps(result.to_dict() | {"problem": ""}, ensure_ascii=False)
    Lookup.objects.filter(pk=row.pk).update(
        result=seal(row, "result", text), problem="", finished_at=timezone.now(), lease_until=None
    )


def none_of_them(leg: Leg) -> None:
    """The caller is none of the records found."""
    with transaction.atomic():
        if leg.shown_id:
            notes.disregard(leg, table=leg.shown_table, record_id=leg.shown_id)
        Leg.objects.filter(pk=leg.pk).update(shown_table="", shown_id=None, nobody=True)
        leg.shown_table, leg.shown_id, leg.nobody = "", None, True
        outbox.tell([leg.agent_id])
