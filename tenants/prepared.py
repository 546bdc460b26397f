"""Questions that the database is asked with every request: put into SQL once, then only filled in.

Building a queryset and compiling it costs Django more than PostgreSQL takes to answer. A `Prepared` does both once per process:

    _SESSION = Prepared(lambda digest, now: WindowSession.objects.filter(digest=digest, expires_at__gt=now)[:1])
    _SESSION.first(digest=…, now=…)

The function gets an expression for each of its parameters, for a list one of expressions, and every value that changes must
come through them: whatever else it reads (the time, a setting) stays as it was at the first question. None equals nothing, as
NULL does; lists must not be empty. Lookups that change their text (`iexact`, `startswith`) have no place here. Answers are what
the queryset would give: models with what `select_related` joins, or what `values` and
`values_list` name.

PostgreSQL prepares them as well, once per connection (`execute`), for planning takes it longer than answering. Not where
PgBouncer gives each transaction another connection (settings: prepare_threshold).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cached_property
from operator import itemgetter
from typing import Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, NotSupportedError, connections
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.query import FlatValuesListIterable, ModelIterable, ValuesIterable
from django.db.models.sql import UpdateQuery
from psycopg.types.numeric import Int8


def execute(connection: Any, sql: str, values: Sequence[object]) -> Any:
    """The cursor with the answer, to be closed. PostgreSQL keeps the statement for the next time and gets the values apart.

    A migration may meanwhile have changed the type of what is answered. PostgreSQL then refuses what it kept, once for each
    connection of before: outside of a transaction nobody notices.
    """
    if connection.vendor != "postgresql":
        return _executed(connection.cursor(), sql, values)
    try:
        return _executed(_keeping(connection), sql, [Int8(each) if type(each) is int else each for each in values])
    except NotSupportedError:
        if connection.in_atomic_block:
            raise  # when it is rolled back, psycopg forgets what it keeps
        connection.connection.close()
        connection.close()
        return _executed(connection.cursor(), sql, values)


def _keeping(connection: Any) -> Any:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection._prepare_cursor(_Keeping(connection.connection))


def _executed(cursor: Any, sql: str, values: Sequence[object]) -> Any:
    try:
        cursor.execute(sql, values)
    except BaseException:
        cursor.close()
        raise
    return cursor


class _Keeping(psycopg.Cursor[Any]):
    """Binds its values at the server, which Django's own cursors do not."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query, params, **{**options, "prepare": True})

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        self._query = super()._convert_query(query, params)  # where Django looks when it is asked what was executed
        return self._query


class _Slot(Expression):
    """Where a value will be: in the SQL a placeholder, among its parameters this object."""

    def __init__(self, name: str, place: int | None = None) -> None:
        super().__init__(output_field=Field())
        self.name, self.place = name, place

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]

    def of(self, values: Mapping[str, Any]) -> object:
        return values[self.name] if self.place is None else values[self.name][self.place]


class _Statement:
    """Compiled, without its values."""

    def __init__(self, query: Any, values: Mapping[str, object]) -> None:
        self.query = query
        self._compiler = query.get_compiler(using=DEFAULT_DB_ALIAS)
        self._sql, self._parameters = self._compiler.as_sql()
        arrived = {each.name for each in self._parameters if isinstance(each, _Slot)}
        if arrived != {*values}:
            raise ValueError(f"{sorted({*values} ^ arrived)} is not what this asks for: {self._sql}")

    def asked(self, values: Mapping[str, object]) -> Any:
        """The cursor with the answer."""
        connection = connections[DEFAULT_DB_ALIAS]
        filled = [
            _adapted(each.of(values), connection) if isinstance(each, _Slot) else each for each in self._parameters
        ]
        return execute(connection, self._sql, filled)

    def fetched(self, values: Mapping[str, object]) -> list[Any]:
        """The rows, each value as Django's fields read it."""
        with self.asked(values) as cursor:
            rows = cursor.fetchall()
        if not self._converters:
            return list(rows)
        connection = connections[DEFAULT_DB_ALIAS]
        return [self._converted(list(row), connection) for row in rows]

    def _converted(self, row: list[Any], connection: Any) -> list[Any]:
        for place, (converters, expression) in self._converters.items():
            for convert in converters:
                row[place] = convert(row[place], expression, connection)
        return row

    def reader(self, queryset: QuerySet[Any, Any]) -> Callable[[Any], Any]:
        """What makes of such a row what the queryset would."""
        compiler, kind = self._compiler, queryset._iterable_class
        if kind is ModelIterable:
            return _Reader(compiler.klass_info, compiler.select, compiler.annotation_col_map).read
        if kind is ValuesIterable:
            return lambda row: dict(zip(compiler.query.selected, row, strict=True))
        return itemgetter(0) if kind is FlatValuesListIterable else tuple

    @cached_property
    def _converters(self) -> Any:
        return self._compiler.get_converters([column for column, *_alias in self._compiler.select or ()])


class _Reader:
    """Makes models of rows as `ModelIterable` does, but works out only once which column belongs where. Without signals."""

    def __init__(self, info: Mapping[str, Any], select: Sequence[Any], annotations: Mapping[str, int]) -> None:
        places = info["select_fields"]
        self._model, self._columns = info["model"], slice(places[0], places[-1] + 1)
        self._names = [column.target.attname for column, *_alias in select[self._columns]]
        self._key = self._names.index(self._model._meta.pk.attname)
        self._annotations = tuple((annotations or {}).items())
        self._related = [
            (_Reader(each, select, {}), each["local_setter"], each["remote_setter"])
            for each in info.get("related_klass_infos", ())
        ]

    def read(self, row: Sequence[Any]) -> Any:
        """None where an outer join found nothing."""
        values = row[self._columns]
        if values[self._key] is None:
            return None
        found = self._model.__new__(self._model)
        state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        found.__dict__.update(zip(self._names, values, strict=True), _state=state)
        for name, place in self._annotations:
            setattr(found, name, row[place])
        for reader, set_here, set_there in self._related:
            related = reader.read(row)
            set_here(found, related)
            if related is not None:
                set_there(related, found)
        return found


_AS_THEY_ARE = {str, int, bool, type(None)}


def _adapted(value: object, connection: Any) -> object:
    """As Django's fields give it to the database."""
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, bytes):
        return connection.Database.Binary(bytes(value))
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value


def _slots(values: Mapping[str, object]) -> dict[str, Any]:
    return {
        name: [_Slot(name, place) for place in range(len(value))] if isinstance(value, list) else _Slot(name)
        for name, value in values.items()
    }


def _shape(values: Mapping[str, object]) -> tuple[str | int, ...]:
    return *values, *(len(value) for value in values.values() if isinstance(value, list))


class Prepared[Row]:
    """A question whose rows are wanted. Threads may share it."""

    def __init__(self, build: Callable[..., QuerySet[Any, Row]]) -> None:
        self._build = build
        self._known: dict[tuple[str | int, ...], tuple[_Statement, Callable[[Any], Row]]] = {}

    def rows(self, **values: object) -> list[Row]:
        statement, read = self._known.get(_shape(values)) or self._prepare(values)
        return [read(row) for row in statement.fetched(values)]

    def first(self, **values: object) -> Row | None:
        """The question itself must say which comes first, and that no more are wanted ([:1])."""
        return next(iter(self.rows(**values)), None)

    def _prepare(self, values: Mapping[str, object]) -> tuple[_Statement, Callable[[Any], Row]]:
        queryset = self._build(**_slots(values))
        statement = _Statement(queryset.query, values)
        known = self._known[_shape(values)] = statement, statement.reader(queryset)
        return known


class PreparedUpdate:
    """A change of rows: the function answers which, and the new values by the names of their fields."""

    def __init__(self, build: Callable[..., tuple[QuerySet[Any], dict[str, Any]]]) -> None:
        self._build = build
        self._known: dict[tuple[str | int, ...], _Statement] = {}

    def __call__(self, **values: object) -> int:
        """How many rows there were."""
        statement = self._known.get(_shape(values)) or self._prepare(values)
        with statement.asked(values) as cursor:
            return int(cursor.rowcount)

    def _prepare(self, values: Mapping[str, object]) -> _Statement:
        rows, new = self._build(**_slots(values))
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(new)
        statement = self._known[_shape(values)] = _Statement(query, values)
        return statement


class PreparedSave[Row: Model]:
    """`row.save(update_fields=names)` of a row that is there, without signals."""

    def __init__(self, model: type[Row], names: Sequence[str]) -> None:
        self._model, self._names = model, names
        self._known: tuple[str, list[Any]] | None = None

    def __call__(self, row: Row) -> None:
        """Raises DatabaseError when the row is gone."""
        connection = connections[DEFAULT_DB_ALIAS]
        sql, fields = self._known or self._prepare(connection)
        values = [field.get_db_prep_save(field.pre_save(row, add=False), connection) for field in fields]
        with execute(connection, sql, [*values, row.pk]) as cursor:
            if not cursor.rowcount:
                raise DatabaseError(f"There is no {self._model.__name__} any more that could be saved.")

    def _prepare(self, connection: Any) -> tuple[str, list[Any]]:
        meta, quote = self._model._meta, connection.ops.quote_name
        fields: list[Any] = [field for field in meta.concrete_fields if {field.name, field.attname} & {*self._names}]
        columns = ", ".join(f"{quote(field.column)} = %s" for field in fields)
        key = quote(meta.pk.column) if meta.pk else ""
        self._known = " ".join(["UPDATE", quote(meta.db_table), "SET", columns, "WHERE", key, "= %s"]), fields
        return self._known


class PreparedInsert[Row: Model]:
    """A new row of one model, without signals. With `unless_there` a row that some constraint knows already stays as it is;
    one with the same `key` takes over the values of `renewed`, names of fields all.
    """

    def __init__(
        self, model: type[Row], *, unless_there: bool = False, key: str = "", renewed: Sequence[str] = ()
    ) -> None:
        self._model, self._unless_there, self._key, self._renewed = model, unless_there, key, renewed
        self._known: tuple[str, list[Any]] | None = None

    def __call__(self, row: Row) -> bool:
        """Was it written? Then it has its key, and nobody else's transaction sees it before ours ends."""
        connection = connections[DEFAULT_DB_ALIAS]
        sql, fields = self._known or self._prepare(connection)
        values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
        with execute(connection, sql, values) as cursor:
            returned = cursor.fetchone()
        if returned:
            row.pk = returned[0]
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        return returned is not None

    def _prepare(self, connection: Any) -> tuple[str, list[Any]]:
        meta, quote = self._model._meta, connection.ops.quote_name
        fields: list[Any] = [each for each in meta.concrete_fields if not each.primary_key and not _by_database(each)]
        columns, places = ", ".join(quote(each.column) for each in fields), ", ".join(["%s"] * len(fields))
        conflict = " ON CONFLICT DO NOTHING" if self._unless_there else ""
        if self._key:
            column_of = {each.name: quote(each.column) for each in fields}
            new = ", ".join(f"{column_of[name]} = EXCLUDED.{column_of[name]}" for name in self._renewed)
            conflict = f" ON CONFLICT ({column_of[self._key]}) DO UPDATE SET {new}"
        key = quote(meta.pk.column) if meta.pk else ""
        parts = ["INSERT INTO", quote(meta.db_table), f"({columns}) VALUES ({places}){conflict} RETURNING", key]
        self._known = " ".join(parts), fields
        return self._known


def _by_database(field: Any) -> bool:
    """It is left to the database to fill it in, from its clock or from other columns."""
    return field.generated or (field.has_db_default() and not field.has_default())
