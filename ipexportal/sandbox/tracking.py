"""Change tracking: all records once, then only what changed since, deleted ones too.

Microsoft: "Use change tracking to synchronize data with external systems". What a token is bound to, when it dies and which
rights it takes are told there and in "Web service error codes" (0x80072491, 0x80044352).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import Any, Final
from urllib.parse import quote, unquote

from ipexportal.sandbox import errors
from ipexportal.sandbox.metadata import Column, Table
from ipexportal.sandbox.odata import Options
from ipexportal.sandbox.reading import PAGE, Json, Reader, selected, stored_columns
from ipexportal.sandbox.store import Row, Store

REFUSED: Final = ("filter", "orderby", "expand", "top")
DELETED: Final = "@deleted"
_COOKIE: Final = re.compile(
    r'<cookie pagenumber="(\d{1,9})" pagingcookie="([^"<>]*)" since="(\d*)" until="(\d+)" istracking="True" />'
)
_TOKEN: Final = re.compile(r"(\d{1,18})!\d\d/\d\d/\d{4} \d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Place:
    """How far somebody is: what changed after `since` (None: everything) and not after `until`; `last` was the last row."""

    since: int | None
    until: int
    last: str = ""
    number: int = 1


@dataclass(slots=True)
class Tracked:
    """One page. Exactly one of the links is there: the delta link comes with the last page."""

    rows: list[Json]
    next_link: str = ""
    delta_link: str = ""


@dataclass(slots=True)
class Tokens:
    """The delta tokens given so far, each for one table and one selection; `expire` ends them all."""

    given: set[tuple[str, tuple[str, ...], str]] = field(default_factory=set)
    oldest: int = 0

    def give(self, table: Table, select: tuple[str, ...], version: int) -> str:
        token = f"{version}!{datetime.now(UTC):%m/%d/%Y %H:%M:%S}"
        self.given.add((table.logical_name, select, token))
        return token

    def version(self, table: Table, select: tuple[str, ...] | None, token: str) -> int:
        """Raises `Refused` for a token that is too old, that belongs to another query (`select` None: any), or made up."""
        found = _TOKEN.fullmatch(token)
        known = {chosen for name, chosen, given in self.given if (name, given) == (table.logical_name, token)}
        if not found or not known or (select is not None and select not in known):
            raise errors.Refused(400, "0x80040203", "The delta token is invalid for this query.")
        version = int(found[1])
        self.check(version)
        return version

    def check(self, version: int) -> None:
        if version < self.oldest:
            message = "Version stamp associated with the client has expired. Please perform a full sync."
            raise errors.Refused(400, "0x80044352", message)

    def expire(self, version: int) -> None:
        self.oldest = version + 1


class Tracker:
    """Answers one caller's tracked requests about one table."""

    def __init__(self, reader: Reader, tokens: Tokens, table: Table, options: Options, query: str) -> None:
        self.reader, self.tokens, self.table, self.options = reader, tokens, table, options
        self._check(query)

    @property
    def store(self) -> Store:
        return self.reader.store

    def _check(self, query: str) -> None:
        if not self.table.change_tracking:
            message = f"Change tracking is not enabled for the entity '{self.table.logical_name}'."
            raise errors.Refused(400, "0x80072491", message)
        for name in REFUSED:
            if re.search(rf"(?:^|&)(?:\$|%24){name}=", query):
                message = f'The "${name}" query parameter isn\'t supported when Change Tracking is enabled.'
                raise errors.Refused(400, "0x80060888", message)
        self.reader.rights.require_everywhere(self.reader.caller.user, "Read", self.table)

    def page(self, address: str) -> Tracked:
        """`address` is the request's, without its query."""
        place, columns = self._place(), selected(self.table, self.options.select)
        size = min(self.reader.caller.prefer.page_size or PAGE, PAGE)
        found = list(islice(self._found(place, columns), size + 1))
        page = Tracked(self._shown(found[:size], columns))
        select = f"$select={','.join(self.options.select)}&" if self.options.select else ""
        if len(found) > size:
            page.next_link = f"{address}?{select}$skiptoken={self._cookie(place, found[size - 1])}"
        else:
            token = self.tokens.give(self.table, self.options.select, place.until)
            page.delta_link = f"{address}?{select}$deltatoken={_encoded(token)}"
        return page

    def count(self) -> int:
        """How many changes a token would bring; the selection plays no part."""
        since = self.tokens.version(self.table, None, self.options.deltatoken)
        place = Place(since, self.store.version)
        return sum(1 for _ in self._found(place, [self.table.columns[self.table.id_column]]))

    def _place(self) -> Place:
        if self.options.skiptoken:
            return self._resumed(self.options.skiptoken)
        if self.options.deltatoken:
            since = self.tokens.version(self.table, self.options.select, self.options.deltatoken)
            return Place(since, self.store.version)
        return Place(None, self.store.version)

    def _resumed(self, cookie: str) -> Place:
        found = _COOKIE.fullmatch(cookie)
        if not found:
            raise errors.Refused(400, "0x80040203", "Malformed XML in the Paging Cookie")
        since, until = int(found[3]) if found[3] else None, int(found[4])
        self.tokens.check(until if since is None else since)
        return Place(since, until, unquote(found[2]), int(found[1]))

    def _cookie(self, place: Place, last: Row) -> str:
        at = last[self.table.id_column] if place.since is None else str(last["versionnumber"])
        since = "" if place.since is None else place.since
        text = (
            f'<cookie pagenumber="{place.number + 1}" pagingcookie="{quote(at)}" since="{since}" until="{place.until}" '
        )
        return quote(text + 'istracking="True" />', safe="=/")

    def _found(self, place: Place, columns: list[Column]) -> Iterator[Row]:
        """Stored rows; a deleted one has nothing but its key and its version."""
        wanted, key = stored_columns(self.table, columns), self.table.id_column
        name = self.table.logical_name
        if place.since is None:
            where = f'"{key}" > ?'
            yield from self.store.select(name, wanted, where, [place.last], order=f'"{key}"')
            return
        after = int(place.last or place.since)
        where, values = '"versionnumber" > ? AND "versionnumber" <= ?', [after, place.until]
        changed = list(self.store.select(name, wanted, where, values))
        gone: list[dict[str, Any]] = [
            {key: record_id, "versionnumber": version, DELETED: True}
            for record_id, version in self.store.deleted[name].items()
            if after < version <= place.until
        ]
        yield from sorted([*changed, *gone], key=itemgetter("versionnumber"))

    def _shown(self, rows: list[Row], columns: list[Column]) -> list[Json]:
        context = f"{self.reader.caller.base}/$metadata#{self.table.entity_set}/$deletedEntity"
        there = iter(self.reader.shown(self.table, [row for row in rows if DELETED not in row], columns))
        return [
            {"@odata.context": context, "id": row[self.table.id_column], "reason": "deleted"}
            if DELETED in row
            else next(there)
            for row in rows
        ]


def _encoded(token: str) -> str:
    """As Microsoft writes it: `919042%2108%2f22%2f2017%2008%3a10%3a44`."""
    return re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(token, safe="").replace("!", "%21"))
