"""Which telephone numbers of a CRM will not lead to their owner, and why.

The index keeps no number, so what stands in the CRM is read by id when it is shown, with the connection of whoever looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any, Literal
from uuid import UUID

from django.core.cache import cache
from django.db.models import Count, QuerySet
from django.utils.translation import get_language

from crmwindow.models import IndexedNumber, IndexState
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import Metadata, Table
from tenants.models import Instance

type Kind = Literal["unreadable", "ambiguous", "duplicate", "shared"]
KINDS: tuple[Kind, ...] = ("unreadable", "ambiguous", "duplicate", "shared")
FEW = 3
"""A number in at most so many records of one table is probably one person twice; in more it is a switchboard."""
AT_ONCE = 50
COUNTED_FOR = 600
Flaw = IndexedNumber.Flaw


@dataclass(frozen=True, slots=True)
class Line:
    """One field of one record. Lines with the same `group` share a number. `name` and `text` are "" until they were read."""

    group: int
    table: str
    record_id: str
    column: str
    table_label: str = ""
    column_label: str = ""
    name: str = ""
    text: str = ""
    was_read: bool = False


def counts(instance: Instance) -> dict[Kind, int]:
    """Fields (unreadable, ambiguous) and numbers (duplicate, shared); counted anew after each synchronization."""
    states = _serving(instance)
    if not states:
        return dict.fromkeys(KINDS, 0)
    key = "index-quality:" + ":".join(f"{state.pk}.{state.synced_at}" for state in states).replace(" ", "T")[-200:]
    found: dict[Kind, int] | None = cache.get(key)
    if found is None:
        found = {kind: _of(states, kind).count() for kind in KINDS}
        cache.set(key, found, COUNTED_FOR)
    return found


def lines(instance: Instance, kind: Kind, *, start: int = 0, most: int = AT_ONCE) -> list[Line]:
    """From the `start`-th field or number on, without what stands in the CRM."""
    states = {state.pk: state for state in _serving(instance)}
    chosen = _of(states.values(), kind)[start : start + most]
    if kind in ("unreadable", "ambiguous"):
        rows = chosen.values_list("state_id", "record_id", "column")
        return [_line(start + at, states, *row) for at, row in enumerate(rows)]
    groups = {(row["state_id"], bytes(row["blind"])): start + at for at, row in enumerate(chosen)}
    holders = IndexedNumber.objects.filter(state__in=list(states), blind__in=[blind for _state, blind in groups])
    found = [
        _line(groups[state, bytes(blind)], states, state, record_id, column)
        for state, blind, record_id, column in holders.values_list("state_id", "blind", "record_id", "column")
        if (state, bytes(blind)) in groups
    ]
    return sorted(found, key=lambda line: (line.group, line.record_id, line.column))


def _serving(instance: Instance) -> list[IndexState]:
    rows = IndexState.objects.filter(instance=instance, stage=IndexState.Stage.SERVING).order_by("table")
    return list(rows.only("pk", "table", "columns", "synced_at"))


def _of(states: Iterable[IndexState], kind: Kind) -> QuerySet[IndexedNumber, Any]:
    rows = IndexedNumber.objects.filter(state__in=[state.pk for state in states])
    if kind == "unreadable":
        return rows.filter(flaw=Flaw.UNREADABLE).order_by("state_id", "record_id", "column")
    if kind == "ambiguous":
        return rows.filter(flaw=Flaw.AMBIGUOUS).order_by("state_id", "record_id", "column")
    numbers = rows.exclude(flaw=Flaw.UNREADABLE).values("state_id", "blind").order_by("state_id", "blind")
    counted = numbers.annotate(records=Count("record_id", distinct=True))
    return counted.filter(records__gt=FEW) if kind == "shared" else counted.filter(records__gte=2, records__lte=FEW)


def _line(group: int, states: dict[int, IndexState], state: int, record_id: UUID, column: int) -> Line:
    columns = states[state].columns
    return Line(group, states[state].table, str(record_id), columns[column] if column < len(columns) else "")


# -- what stands in the CRM --------------------------------------------------------------------------------------------


def labelled(found: Sequence[Line], metadata: Metadata | None) -> list[Line]:
    """With the words people know tables and columns by, as far as metadata is known."""
    language = get_language() or "cs"
    named = []
    for line in found:
        table = metadata.find(line.table) if metadata else None
        column = table.find(line.column) if table else None
        label = table.label(language) if table else line.table
        named.append(replace(line, table_label=label, column_label=column.label(language) if column else line.column))
    return named


def read(found: Sequence[Line], client: Client, metadata: Metadata, budget: Budget) -> list[Line]:
    """With names and texts, as far as whoever `client` speaks for may read them. Raises DataverseError."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for name in dict.fromkeys(line.table for line in found):
        table = metadata.find(name)
        wanted = list(dict.fromkeys(line.record_id for line in found if line.table == name))
        columns = {line.column for line in found if line.table == name}
        for some in batched(wanted, AT_ONCE) if table else ():
            assert table is not None
            path = _path(table, columns, some)
            answer = client.get(path, budget=budget, prefer=[odata.ANNOTATIONS])
            rows |= {(name, str(row[table.id_column]).lower()): row for row in answer.rows}
    return [_with(line, rows.get((line.table, line.record_id)), metadata) for line in found]


def _path(table: Table, columns: Iterable[str], ids: Sequence[str]) -> str:
    phones = [found.property for name in sorted(columns) if (found := table.find(name))]
    select = [name for name in (table.id_column, table.name_column, *phones) if name]
    return odata.query(table.entity_set, select=select, filter=odata.in_(table.id_column, ids))


def _with(line: Line, row: dict[str, Any] | None, metadata: Metadata) -> Line:
    table = metadata.find(line.table)
    column = table.find(line.column) if table else None
    if row is None or table is None:
        return line
    name = odata.shown(row, table.name_column).strip() if table.name_column else ""
    return replace(line, name=name, text=odata.shown(row, column.property) if column else "", was_read=True)
