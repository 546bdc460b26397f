"""Records found by name, with the agent's own rights: one query per table, all at once, each anchored at the beginning of a
column. A table that is slow or fails does not hide the others."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import close_old_connections, transaction

from crmwindow import live_query, lookup, one_record, outbox
from crmwindow import search as searching
from crmwindow.models import Leg
from crmwindow.ranking import Match, rank_names
from crmwindow.search import Hit, problem_of
from tenants import entra, schema
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.models import Agent
from tenants.schema import SearchTable

SHORTEST = 3
ROWS = 20
THREADS = 16
_PERSONS = ("firstname", "lastname", "companyname")

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="names")
type _Asked = list[tuple[SearchTable, Future[list[dict[str, Any]]]]]


@dataclass(frozen=True, slots=True)
class Names:
    """`more`: others begin so as well, type more. `failed` maps labels of tables to sentences."""

    matches: tuple[Match, ...] = ()
    more: bool = False
    failed: dict[str, str] = field(default_factory=dict)


def is_long_enough(text: str) -> bool:
    return len("".join(text.split())) >= SHORTEST


def by_name(agent: Agent, text: str, *, budget: Budget) -> Names:
    """Active ones first, then the agent's own, then by last activity. Raises DataverseError if no table answered."""
    if not is_long_enough(text):
        return Names()
    client, metadata = one_record.reader(agent, budget)
    entra.token_for(agent, budget=budget)  # once, before several threads want one
    tables = schema.of(agent.tenant.instance, metadata).tables
    asked = [(table, _pool.submit(_ask, client, path, budget)) for table in tables for path in _paths(table, text)]
    wait([future for _table, future in asked], timeout=budget.left())
    failed = _failed(asked)
    if asked and len(failed) == len({table.table.logical_name for table, _future in asked}):
        raise next(iter(failed.values()))
    return _answer(agent, asked, failed)


def _paths(table: SearchTable, text: str) -> Iterable[str]:
    columns = [*table.names, *(found for name in _PERSONS if (found := table.table.columns.get(name)))]
    names = [column.property for column in columns if column.selectable and column.type == "String"]
    names = [name for name in dict.fromkeys([table.table.name_column, *names]) if name in table.table.properties]
    orderby = "modifiedon desc" if "modifiedon" in table.table.properties else ""
    select = searching.selected(table)
    for expression in live_query.name_filters(text, names):
        yield odata.query(table.table.entity_set, select=select, filter=expression, orderby=orderby, top=ROWS + 1)


def _ask(client: Client, path: str, budget: Budget) -> list[dict[str, Any]]:
    try:
        return client.get(path, budget=budget, prefer=[odata.ANNOTATIONS]).rows
    finally:
        close_old_connections()


def _failed(asked: _Asked) -> dict[str, errors.DataverseError]:
    """Why, by logical name; one that has not answered yet counts as unavailable."""
    found: dict[str, errors.DataverseError] = {}
    for table, future in asked:
        error = future.exception() if future.done() else errors.Unavailable()
        if isinstance(error, errors.DataverseError):
            found[table.table.logical_name] = error
        elif error:
            raise error
    return found


def _answer(agent: Agent, asked: _Asked, failed: dict[str, errors.DataverseError]) -> Names:
    language = agent.spoken_language
    answered = [(table, future.result()) for table, future in asked if table.table.logical_name not in failed]
    hits = [searching.hit_of(table, row, language) for table, rows in answered for row in rows]
    ranked = rank_names(hits, me=str(agent.systemuser_id or ""))
    sentences = {
        table.label(language): lookup.sentence_of(problem_of(error))
        for table, _future in asked
        if (error := failed.get(table.table.logical_name)) and not isinstance(error, errors.MissingPrivilege)
    }
    return Names(tuple(ranked[:ROWS]), len(ranked) > ROWS, sentences)


def take_for(*, leg: Leg, table: str, record_id: UUID, budget: Budget) -> None:
    """The call is about this record, whether or not it holds the number. Raises DataverseError if it cannot be read."""
    try:
        lookup.choose(leg, table=table, record_id=record_id, remember=False)
    except lookup.NotAMatch:
        hit = one_record.read_record(leg.agent, table=table, record_id=record_id, budget=budget)
        show(leg, replace(hit, by_name=True))


def shown(hit: Hit, leg: Leg) -> Match:
    """One record as a list of names shows it."""
    return rank_names([hit], me=str(leg.agent.systemuser_id or ""))[0]


def show(leg: Leg, hit: Hit) -> None:
    """Put a record that was just read on the card."""
    with transaction.atomic():
        lookup.show(leg, table=hit.table, record_id=UUID(hit.record_id))
        lookup.add(leg, hit)
        outbox.tell([leg.agent_id])
