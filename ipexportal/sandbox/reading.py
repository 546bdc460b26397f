"""Reading records: lists with filter, order, paging and expansion; single records; one property of a record.

Microsoft: "Query data using the Web API", "Page results using OData", "Join tables using OData".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote

from ipexportal.sandbox import errors
from ipexportal.sandbox.directory import User
from ipexportal.sandbox.formatting import Formatter, Preferences
from ipexportal.sandbox.metadata import LOOKUPS, Collection, Column, Model, Navigation, Table
from ipexportal.sandbox.odata import Expand, Options, Order
from ipexportal.sandbox.rights import Rights
from ipexportal.sandbox.sql import Condition
from ipexportal.sandbox.store import Row, Store

PAGE: Final = 5_000
COUNT_LIMIT: Final = 5_000
OWN_PARTIES: Final = '"activityid" IN (SELECT "activityid" FROM "activitypointer" WHERE "ownerid" = ?)'
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from which address (`base` is `http://host:port/api/data/v9.2`), and how they like the answer."""

    user: User
    base: str
    prefer: Preferences = field(default_factory=Preferences)


@dataclass(slots=True)
class Page:
    """The rows of a list: JSON objects, the link to the next ones if there are more, and how many there are, if asked for."""

    rows: list[Json]
    next_link: str = ""
    count: int | None = None


@dataclass(slots=True)
class Reader:
    """Reads for one caller what the caller's rights allow."""

    store: Store
    rights: Rights
    caller: Caller
    refuse_leading_wildcards: bool = False

    @property
    def model(self) -> Model:
        return self.store.model

    def visible(self, table: Table) -> tuple[str, list[Any]]:
        """The condition that hides other people's records; raises `Refused` without the privilege to read."""
        user = self.caller.user
        if self.rights.own_only(user, "Read", table):
            return '"ownerid" = ?', [user.systemuser_id]
        if table.logical_name == "activityparty" and self.rights.depth(user, "Read", table) == "Basic":
            return OWN_PARTIES, [user.systemuser_id]
        return "", []

    def record(self, table: Table, record_id: str, columns: Sequence[str] = ()) -> Row:
        """A stored row that the caller may read; raises `Refused` 404 or 403."""
        wanted = [*columns, "ownerid"] if columns and table.user_owned else columns
        self.rights.require(self.caller.user, "Read", table)
        row = self.store.get(table.logical_name, record_id, wanted)
        if row is None:
            raise errors.missing(table.logical_name, record_id)
        self.rights.check(self.caller.user, "Read", table, record_id, row.get("ownerid"))
        return row

    def one(self, table: Table, record_id: str, options: Options) -> Json:
        """One record as JSON, without its context."""
        columns = selected(table, options.select)
        row = self.record(table, record_id, stored_columns(table, columns))
        return self.shown(table, [row], columns, options.expand)[0]

    def page(self, table: Table, options: Options, link: str, *, within: tuple[str, list[Any]] = ("", [])) -> Page:
        """A page of records; `link` is the request's address without `$skiptoken`, `within` a further condition."""
        columns = selected(table, options.select)
        where, values = self._where(table, options, within)
        size, number = self._size(options), page_number(options.skiptoken)
        rows = list(
            self.store.select(
                table.logical_name,
                stored_columns(table, columns),
                where,
                values,
                order=order_by(table, options.order, filtered=bool(where)),
                limit=size + 1,
                offset=(number - 1) * size,
            )
        )
        more = len(rows) > size and (options.top is None or self.caller.prefer.page_size is not None)
        page = Page(self.shown(table, rows[:size], columns, options.expand))
        if more:
            page.next_link = link + "$skiptoken=" + skiptoken(table, number + 1, rows[0], rows[size - 1])
        if options.count:
            page.count = self.store.count(table.logical_name, where, values)
        return page

    def count(self, table: Table, options: Options, *, within: tuple[str, list[Any]] = ("", [])) -> int:
        where, values = self._where(table, options, within)
        return min(self.store.count(table.logical_name, where, values), COUNT_LIMIT)

    def _size(self, options: Options) -> int:
        if self.caller.prefer.page_size is not None:
            return min(self.caller.prefer.page_size, PAGE)
        return min(options.top if options.top is not None else PAGE, PAGE)

    def _where(self, table: Table, options: Options, within: tuple[str, list[Any]]) -> tuple[str, list[Any]]:
        hidden, values = self.visible(table)
        parts, values = [part for part in (hidden, within[0]) if part], [*values, *within[1]]
        if options.filter is not None:
            condition = Condition(
                table,
                self.store,
                self.caller.user.systemuser_id,
                self.refuse_leading_wildcards,
            )
            parts.append(condition.build(options.filter))
            values += condition.values
        return " AND ".join(parts), values

    def shown(
        self, table: Table, rows: list[Row], columns: Sequence[Column], expands: Sequence[Expand] = ()
    ) -> list[Json]:
        """Stored rows as JSON objects."""
        formatter = Formatter(self.store, self.caller.user.language, self.caller.prefer.wants)
        shown = formatter.rows(table, rows, columns)
        for expand in expands:
            self._expand(table, rows, shown, expand)
        return shown

    def _expand(self, table: Table, rows: list[Row], shown: list[Json], expand: Expand) -> None:
        collection = table.collections.get(expand.navigation)
        navigation = table.navigation.get(expand.navigation)
        if collection is None and navigation is None:
            raise errors.unknown_property(expand.navigation, table.logical_name)
        for row, one in zip(rows, shown, strict=True):
            if collection is not None:
                one[expand.navigation] = self._members(table, row, collection, expand)
            elif navigation is not None:
                one[expand.navigation] = self._target(table, row, navigation, expand)

    def _members(self, table: Table, row: Row, collection: Collection, expand: Expand) -> list[Json]:
        other = self.model[collection.table]
        within = self.members_of(table, row[table.id_column], collection)
        page = Reader(self.store, self.rights, Caller(self.caller.user, self.caller.base, _unpaged(self.caller.prefer)))
        rows = page.page(other, expand.options, "", within=within).rows
        return [self._reference(other, one) for one in rows] if expand.reference else rows

    def members_of(self, table: Table, record_id: str, collection: Collection) -> tuple[str, list[Any]]:
        """The condition for the other table's rows that belong to a record."""
        other = self.model[collection.table]
        if collection.column:
            column = other.columns[collection.column]
            if len(column.targets) == 1:
                return f'"{collection.column}" = ?', [record_id]
            return f'"{collection.column}" = ? AND "{collection.column}__type" = ?', [record_id, table.logical_name]
        linked = self.store.linked(collection.name, record_id)
        return f'"{other.id_column}" IN ({",".join("?" * len(linked))})', list(linked)

    def _target(self, table: Table, row: Row, navigation: Navigation, expand: Expand) -> Json | None:
        found = self.target_of(table, row[table.id_column], navigation)
        if found is None:
            return None
        other, other_id = found
        try:
            shown = self.one(other, other_id, expand.options)
        except errors.Refused as refused:
            if refused.status not in (403, 404):
                raise
            return None
        return self._reference(other, shown) if expand.reference else shown

    def target_of(self, table: Table, record_id: str, navigation: Navigation) -> tuple[Table, str] | None:
        """The record that a single-valued navigation property leads to."""
        column = table.columns[navigation.column]
        names = stored_columns(table, [column])
        row = self.store.get(table.logical_name, record_id, names) or {}
        target = column.targets[0] if len(column.targets) == 1 else row.get(f"{column.logical_name}__type")
        if not row.get(column.logical_name) or target not in navigation.targets:
            return None
        return self.model[target], row[column.logical_name]

    def _reference(self, table: Table, shown: Json) -> Json:
        return {"@odata.id": f"{self.caller.base}/{table.entity_set}({shown[table.id_column]})"}


def _unpaged(prefer: Preferences) -> Preferences:
    return Preferences(annotations=prefer.annotations)


def selected(table: Table, names: Sequence[str]) -> list[Column]:
    """The columns that `$select` names, with the key and, for money, the currency that come along."""
    if not names:
        return list(table.properties.values())
    found: dict[str, Column] = {}
    for name in names:
        column = table.properties.get(name)
        if column is None:
            raise errors.unknown_property(name, table.logical_name)
        found[name] = column
    if any(column.type == "Money" for column in found.values()) and "transactioncurrencyid" in table.columns:
        found.setdefault("_transactioncurrencyid_value", table.columns["transactioncurrencyid"])
    found.setdefault(table.id_column, table.columns[table.id_column])
    return list(found.values())


def stored_columns(table: Table, columns: Sequence[Column]) -> list[str]:
    """What to fetch for them: names, the tables of look-ups, the key and the version."""
    names = [column.logical_name for column in columns]
    types = [
        f"{column.logical_name}__type" for column in columns if column.type in LOOKUPS and len(column.targets) != 1
    ]
    return list(dict.fromkeys([table.id_column, "versionnumber", *names, *types]))


def order_by(table: Table, order: Sequence[Order], *, filtered: bool) -> str:
    """SQL for `$orderby`; the key comes last, so that pages neither repeat nor skip rows."""
    parts = []
    for one in order:
        column = table.properties.get(one.column)
        if column is None:
            raise errors.unknown_property(one.column, table.logical_name)
        parts.append(f'"{column.logical_name}" {"DESC" if one.descending else "ASC"}')
    # the plus keeps SQLite from walking the whole table in key order when an index finds the few rows
    parts.append(f'{"+" if filtered else ""}"{table.id_column}"')
    return ", ".join(parts)


def skiptoken(table: Table, number: int, first: Row, last: Row) -> str:
    """The opaque, doubly encoded cookie of the next page."""
    ends = [str(row[table.id_column]).upper() for row in (last, first)]
    cookie = f'<cookie page="{number - 1}"><{table.id_column} last="{{{ends[0]}}}" first="{{{ends[1]}}}" /></cookie>'
    inner = re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(cookie, safe=""))
    return quote(f'<cookie pagenumber="{number}" pagingcookie="{inner}" istracking="False" />', safe="=/")


def page_number(token: str) -> int:
    """Which page a token (decoded once) asks for; raises `Refused` when somebody rewrote it."""
    if not token:
        return 1
    found = re.fullmatch(r'<cookie pagenumber="(\d{1,9})" pagingcookie="([^"<>]*)" istracking="False" />', token)
    inner = re.match(r'<cookie page="(\d+)">', unquote(found[2])) if found else None
    if not found or not inner or int(inner[1]) != int(found[1]) - 1:
        raise errors.Refused(400, "0x80040203", "Malformed XML in the Paging Cookie")
    return int(found[1])


def context(caller: Caller, table: Table, options: Options, *, single: bool) -> str:
    """`@odata.context` of a list or of one record."""
    names = list(options.select)
    for expand in options.expand:
        names.append(f"{expand.navigation}({','.join(expand.options.select)})")
    listed = f"({','.join(names)})" if names else ""
    return f"{caller.base}/$metadata#{table.entity_set}{listed}{'/$entity' if single else ''}"
