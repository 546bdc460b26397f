"""The rows: one SQLite database in memory, a table for each table of the organization."""

import itertools
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from ipexportal.sandbox import activities, like
from ipexportal.sandbox.metadata import INDEXED, Model, Table
from ipexportal.sandbox.phone_index import PhoneIndex

Row = dict[str, Any]
FIRST_VERSION: Final = 1_000_000
INDEXED_LOOKUPS: Final = ("regardingobjectid", "parentcustomerid", "activityid", "partyid", "ownerid")


class Store:
    """Rows as dicts of logical column names; a look-up with several targets has `<column>__type` beside it.

    Moments are kept as `YYYY-MM-DDTHH:MM:SSZ`, dates as `YYYY-MM-DD`, GUIDs in lower case, yes/no as 0 and 1.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.versions: Iterator[int] = itertools.count(FIRST_VERSION)
        self.version = FIRST_VERSION  # the last one given
        self.deleted: dict[str, dict[str, int]] = {table.logical_name: {} for table in model}
        self.columns = {table.logical_name: _columns(table) for table in model}
        self.phones = {table.logical_name: _phone_indexes(table) for table in model}
        self._links: dict[tuple[str, str], list[str]] = {}
        self._database = sqlite3.connect(
            ":memory:", check_same_thread=False, isolation_level=None, cached_statements=512
        )
        weakref.finalize(self, self._database.close)  # rows in memory end with whoever holds them
        self._database.create_function("fold", 1, lambda value: value and str(value).casefold(), deterministic=True)
        self._database.create_function("matches", 2, like.matches, deterministic=True)
        for table in model:
            self._create(table)

    # Names in the SQL below come from the model, never from a request; values are always bound.

    def _create(self, table: Table) -> None:
        name = table.logical_name
        if name == activities.ALL:
            self._database.execute(activities.view(self.columns))
            return
        declared = [f'"{column}" {kind}' for column, kind in self.columns[name].items()]
        self._database.execute(f'CREATE TABLE "{name}" ({", ".join(declared)}, PRIMARY KEY ("{table.id_column}"))')

    def index(self) -> None:
        """Build the indexes, after the bulk of the rows is in."""
        for table in self.model:
            name = table.logical_name
            for column in (*self.phones[name], *INDEXED_LOOKUPS):
                if column in self.columns[name] and column != table.id_column and name != activities.ALL:
                    self._index(name, column)
        self._database.execute("ANALYZE")

    def _index(self, table: str, column: str) -> None:
        self._database.execute(
            f'CREATE INDEX "{table}_{column}" ON "{table}" ("{column}") WHERE "{column}" IS NOT NULL'
        )

    def insert(self, table: str, rows: Iterable[Row]) -> None:
        """Add rows that share their columns; each gets a version."""
        rows = [self._completed(table, row) for row in rows]
        if not rows:
            return
        columns = list(dict.fromkeys(itertools.chain.from_iterable(rows)))
        listed, marks = ", ".join(f'"{column}"' for column in columns), ",".join("?" * len(columns))
        text = f'INSERT INTO "{table}" ({listed}) VALUES ({marks})'  # noqa: S608
        with self._database:  # rolls back when a row is refused
            self._database.execute("BEGIN")
            self._database.executemany(text, ([row.get(column) for column in columns] for row in rows))
        key = self.model[table].id_column
        for column, index in self.phones[table].items():
            if column in columns:
                index.load({row[key]: row.get(column) for row in rows})

    def _completed(self, table: str, row: Row) -> Row:
        completed = {**row, "versionnumber": self.next_version()}
        return {column: value for column, value in completed.items() if column in self.columns[table]}

    def next_version(self) -> int:
        """The number of the next change; rises with each, over all tables."""
        self.version = next(self.versions)
        return self.version

    def update(self, table: str, record_id: str, changes: Row) -> None:
        completed = self._completed(table, changes)
        assigned = ", ".join(f'"{column}" = ?' for column in completed)
        key = self.model[table].id_column
        text = f'UPDATE "{table}" SET {assigned} WHERE "{key}" = ?'  # noqa: S608
        self._database.execute(text, [*completed.values(), record_id])
        for column, index in self.phones[table].items():
            if column in changes:
                index.put(record_id, changes[column])

    def delete(self, table: str, record_id: str) -> None:
        text = f'DELETE FROM "{table}" WHERE "{self.model[table].id_column}" = ?'  # noqa: S608
        self._database.execute(text, [record_id])
        self.deleted[table][record_id] = self.next_version()
        for index in self.phones[table].values():
            index.put(record_id, None)

    def get(self, table: str, record_id: str, columns: Sequence[str] = ()) -> Row | None:
        key = self.model[table].id_column
        return next(self.select(table, columns, f'"{key}" = ?', [record_id]), None)

    def select(
        self,
        table: str,
        columns: Sequence[str] = (),
        where: str = "",
        values: Sequence[Any] = (),
        *,
        order: str = "",
        limit: int = -1,
        offset: int = 0,
    ) -> Iterator[Row]:
        """Rows with the columns asked for, all without; `where` and `order` are SQL over logical names."""
        names = list(columns) or list(self.columns[table])
        listed = ", ".join(f'"{name}"' for name in names)
        text = f'SELECT {listed} FROM "{table}"'  # noqa: S608
        text += f" WHERE {where}" if where else ""
        text += f" ORDER BY {order}" if order else ""
        text += " LIMIT ? OFFSET ?"
        for values_found in self._database.execute(text, [*values, limit, offset]):
            yield dict(zip(names, values_found, strict=True))

    def count(self, table: str, where: str = "", values: Sequence[Any] = ()) -> int:
        text = f'SELECT count(*) FROM "{table}"' + (f" WHERE {where}" if where else "")  # noqa: S608
        return int(self._database.execute(text, values).fetchone()[0])

    def names(self, table: str, ids: Iterable[str]) -> dict[str, str | None]:
        """Primary names by id, for the formatted values of look-ups."""
        wanted = list(dict.fromkeys(ids))
        definition = self.model[table]
        found: dict[str, str | None] = {}
        for batch in itertools.batched(wanted, 500):
            where = f'"{definition.id_column}" IN ({",".join("?" * len(batch))})'
            for row in self.select(table, (definition.id_column, definition.name_column), where, batch):
                found[row[definition.id_column]] = row[definition.name_column]
        return found

    def link(self, relationship: str, record_id: str, others: list[str]) -> None:
        """Set what a record is associated with in a many-to-many relationship, seen from its side."""
        self._links[relationship, record_id] = others

    def linked(self, relationship: str, record_id: str) -> list[str]:
        return self._links.get((relationship, record_id), [])


def _phone_indexes(table: Table) -> dict[str, PhoneIndex]:
    """Of every column that a look-up might search: one without would make the whole query read the table."""
    columns = table.properties.values()
    return {
        column.logical_name: PhoneIndex() for column in columns if column.is_phone or column.logical_name in INDEXED
    }


def _columns(table: Table) -> dict[str, str]:
    """Physical columns and their types, the busy ones first: SQLite reads a row from its start."""
    kinds = {"Edm.String": "TEXT COLLATE NOCASE", "Edm.Guid": "TEXT", "Edm.DateTimeOffset": "TEXT", "Edm.Date": "TEXT"}
    numbers = {"Edm.Int32": "INTEGER", "Edm.Int64": "INTEGER", "Edm.Boolean": "INTEGER"}
    found: dict[str, str] = {table.id_column: "TEXT NOT NULL", "versionnumber": "INTEGER"}
    for column in sorted(table.properties.values(), key=lambda one: one.logical_name not in INDEXED):
        name = column.logical_name
        found.setdefault(name, {**kinds, **numbers}.get(column.edm, "REAL"))
        if column.is_lookup and len(column.targets) != 1:
            found[f"{name}__type"] = "TEXT"
    return found
