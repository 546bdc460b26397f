"""Who may be calling: by the number index where there is one, by asking the CRM's tables where there is not.

Which records hold a number is found once per call and shared. What they say is read by each agent with their own rights, one
request per record, and checked again: the index only knows where to look. A table that is not indexed (completely, recently,
with all its columns) is searched live beside it, and so is everything when the index knows nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

from django.db import close_old_connections, connection
from django.utils import timezone
from django.utils.translation import get_language

from crmwindow import index, phone
from crmwindow import search as searching
from crmwindow.blind import blinds
from crmwindow.index import Known
from crmwindow.models import Call, CallCandidates
from crmwindow.search import SearchResult, search
from tenants import schema, stopwatch
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import Metadata
from tenants.models import Instance, Tenant
from tenants.prepared import Prepared, PreparedInsert
from tenants.schema import SearchTable

GOOD_FOR = timedelta(minutes=5)
"""How long what the index said once is used for the same call."""
Outcome = CallCandidates.Outcome

logger = logging.getLogger(__name__)
_ahead = ThreadPoolExecutor(2, thread_name_prefix="candidates")


def find(
    client: Client,
    metadata: Metadata,
    instance: Instance,
    number: phone.Number,
    budget: Budget,
    *,
    call: Call | None = None,
    on_partial: Callable[[SearchResult], None] | None = None,
    tables: Iterable[SearchTable] | None = None,
    pool: Executor = searching._pool,
    lends_thread: bool = False,
) -> SearchResult:
    """As `search.search`, by the quickest way. With a `call`, what the index knows is kept for its other agents."""
    every = tuple(tables) if tables is not None else schema.of(instance, metadata).tables

    live = partial(search, client, metadata, instance, number, budget, pool=pool, lends_thread=lends_thread)

    known, unkept = _known(instance, number, call)
    keep = partial(_keep, unkept) if unkept else None  # while Microsoft is asked
    stopwatch.mark("candidates")
    stopwatch.label("path", "live")
    covered = {each.table.logical_name: each for each in every if _covers(known, each)}
    records = [(covered[table], record_id) for table, record_id in known.records if table in covered]
    if not records or known.too_many:
        return live(tables=every, on_partial=on_partial, meanwhile=keep)
    others = [each for each in every if each.table.logical_name not in covered]
    if not others:
        stopwatch.label("path", "index")
    result = live(tables=others, keyed=records, on_partial=on_partial, meanwhile=keep)
    if not result.hits and not result.failed:  # gone or changed since the index read them
        stopwatch.label("path", "live")
        again = live(tables=covered.values())
        result = replace(again, hidden=result.hidden, refused=(*result.refused, *again.refused))
    language = get_language() or "cs"
    return replace(result, labels={each.table.logical_name: each.label(language) for each in every})


def _known(instance: Instance, number: phone.Number, call: Call | None) -> tuple[Known, CallCandidates | None]:
    """What the index says; and, if it was asked just now for a call, what is to be kept of it."""
    try:
        if not instance.index:
            return Known(), None
        return _said(call, instance, number.e164) if call else (index.known(instance, number.e164), None)
    finally:
        _release_connection()


def _release_connection() -> None:
    """Others need it more while we wait for Microsoft."""
    if not connection.in_atomic_block:
        close_old_connections()


def records_of(instance: Instance, table: SearchTable, number: phone.Number) -> list[str]:
    """Ids of one table's records that hold the number, as the index knows; [] when the CRM has to be asked."""
    known, _unkept = _known(instance, number, None)
    if known.too_many or not _covers(known, table):
        return []
    return [record_id for name, record_id in known.records if name == table.table.logical_name]


def _covers(known: Known, table: SearchTable) -> bool:
    columns = known.covered.get(table.table.logical_name)
    return columns is not None and {column.logical_name for column in table.phones} <= set(columns)


def shared(call: Call, instance: Instance, e164: str) -> Known:
    """What the index knows of this call's number: asked by whoever comes first, the same for all its agents."""
    known, unkept = _said(call, instance, e164)
    if unkept:
        _keep(unkept)
    return known


def _said(call: Call, instance: Instance, e164: str) -> tuple[Known, CallCandidates | None]:
    row = None if call.is_new else _OF_CALL.first(call=call)
    if row and row.number_blind == call.number_blind and _is_good(row):
        return _known_of(row), None
    known = index.known(instance, e164)
    row = CallCandidates(
        call=call,
        instance=instance,
        number_blind=call.number_blind,
        records=[list(record) for record in known.records],
        covered=known.covered,
    )
    return known, row


_OF_CALL = Prepared(lambda call: CallCandidates.objects.filter(call=call)[:1])


def _keep(row: CallCandidates) -> None:
    _put(row)
    _release_connection()


_put = PreparedInsert(CallCandidates, key="call", renewed=("number_blind", "records", "covered", "found_at"))


def _is_good(row: CallCandidates) -> bool:
    return row.found_at > timezone.now() - GOOD_FOR


def _known_of(row: CallCandidates) -> Known:
    return Known(tuple((table, record_id) for table, record_id in row.records), row.covered)


def _kept(tenant: Tenant, unique_id: str, e164: str) -> CallCandidates | None:
    """Of the call that the exchange calls so, while it is from this number."""
    row = _BY_UNIQUE_ID.first(tenant=tenant, unique_id=unique_id)
    return row if row and row.number_blind in blinds(tenant, e164) else None


_BY_UNIQUE_ID = Prepared(
    lambda tenant, unique_id: CallCandidates.objects.filter(
        call__tenant=tenant, call__unique_id=unique_id, call__private_to=None
    )[:1]
)


def find_ahead(call_pk: int) -> None:
    """Before any agent's phone rings. Outside of a transaction only: another thread reads the rows."""
    _ahead.submit(_find_ahead, call_pk)


def _find_ahead(call_pk: int) -> None:
    try:
        call = _WITH_INSTANCE.first(pk=call_pk)
        if call and call.number.startswith("+"):
            shared(call, call.tenant.instance, call.number)
    except Exception:
        logger.exception("The number index could not be asked beforehand.")
    finally:
        close_old_connections()


_WITH_INSTANCE = Prepared(
    lambda pk: (
        Call.objects.filter(pk=pk, caller=Call.Caller.NUMBER, tenant__instance__index=True)
        .select_related("tenant__instance")
        .defer("tenant__instance__metadata")[:1]
    )
)


def note_outcome(call: Call, instance: Instance, result: SearchResult) -> None:
    """Was the index right about this call? Counted once: a record that only the CRM knew weighs more than none."""
    if instance.index and not result.failed:
        row = _OF_CALL.first(call=call)
        _count(row if row and row.number_blind == call.number_blind else None, result)


def note_outcome_of(tenant: Tenant, unique_id: str, e164: str, result: SearchResult) -> None:
    """The same for who was told of the call by its UniqueId, perhaps before any event was."""
    if not result.failed:
        _count(_kept(tenant, unique_id, e164), result)


def _count(row: CallCandidates | None, result: SearchResult) -> None:
    if row is None or not row.covered:
        return
    known = {tuple(record) for record in row.records}
    hits = {(hit.table, hit.record_id) for hit in result.hits if hit.table in row.covered}
    outcome = Outcome.FOUND if hits & known else Outcome.MISSED if hits else Outcome.NOBODY
    if row.outcome in {outcome, Outcome.MISSED}:
        return
    unsaid = CallCandidates.objects.filter(pk=row.pk)
    (unsaid.filter(outcome="") if outcome == Outcome.NOBODY else unsaid.exclude(outcome=Outcome.MISSED)).update(
        outcome=outcome
    )
