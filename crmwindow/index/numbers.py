"""Writes blind numbers in bulk: COPY on PostgreSQL, long INSERTs elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import batched
from uuid import UUID

from django.db import connection

from crmwindow.index.reading import Entry
from crmwindow.models import IndexedNumber, IndexState

AT_ONCE = 500
"""Parameters of one statement; SQLite takes 999 in its oldest versions."""
_COLUMNS = ("state_id", "record_id", "column", "blind", "flaw")


def replace(state: IndexState, records: Collection[UUID], entries: Sequence[Entry]) -> None:
    """These records now have these numbers, and no others. Inside a transaction."""
    for some in batched(records, AT_ONCE):
        IndexedNumber.objects.filter(state=state, record_id__in=some).delete()
    write(state, entries)


def write(state: IndexState, entries: Iterable[Entry]) -> None:
    """Numbers of records that the state does not have yet."""
    if connection.vendor == "postgresql":
        _copy(state, entries)
    else:
        rows = (IndexedNumber(state=state, **each._asdict()) for each in entries)
        IndexedNumber.objects.bulk_create(rows)


def _copy(state: IndexState, entries: Iterable[Entry]) -> None:
    table = connection.ops.quote_name(IndexedNumber._meta.db_table)
    columns = ", ".join(map(connection.ops.quote_name, _COLUMNS))
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int8", "uuid", "int2", "bytea", "int2"])
        for record_id, column, blind, flaw in entries:
            copy.write_row((state.pk, record_id, column, blind, flaw))


def drop(state: IndexState) -> None:
    """The state with all its numbers."""
    IndexedNumber.objects.filter(state=state).delete()
    state.delete()
