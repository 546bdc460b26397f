"""Does the caller know what the CRM knows? The value is compared here and nowhere kept, answered or logged.

*verify*: the records are chosen by the caller's number first, then their column is read by key and compared; where the number
index knows the records, both are read in one request. *identify*: the
record is chosen by the value alone, which must be long and belong to exactly one record; that is no proof of who calls.

Whether there is no such record, its column is empty or the value is wrong: the same is asked of Microsoft, and the refusal
takes at least `FLOOR_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import sleep
from typing import Any
from uuid import uuid4

from django.db import close_old_connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmwindow import candidates, phone
from crmwindow.ivr.asking import Desk, Unanswered, release_connection
from crmwindow.ivr.attempts import Attempt, Locked
from crmwindow.ivr.comparing import agrees, is_long_enough, plain
from crmwindow.ivr.looking_up import active, reason_of_failures, searched
from crmwindow.models import IvrFunction
from tenants import connections, schema
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.metadata import Column, Table
from tenants.schema import SearchTable

Kind = IvrFunction.Kind
MOST_RECORDS = 8
"""More records of one number say nothing about who calls."""
FLOOR_SECONDS = 0.4
FLOOR_OF_BUDGET = 0.5
_WHOLE_NUMBERS = {"Integer": 2**31, "BigInt": 2**63}


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller typed or said. Shows itself to nobody."""

    value: str = field(repr=False)
    second: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`record` is (table, GUID) of whom it confirmed, when that is one record."""

    result: str
    reason: str = ""
    record: tuple[str, str] | None = None

    def flat(self) -> dict[str, str | int]:
        words: dict[str, str | int] = {"result": self.result}
        return words | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True, slots=True)
class Row:
    """One record and what its columns hold. Shows itself to nobody."""

    table: str
    record_id: str
    values: tuple[Any, ...] = field(repr=False)


def judge(
    desk: Desk, function: IvrFunction, number: phone.Number | None, said: Said, *, attempt: Attempt | None, wait: Budget
) -> Verdict:
    """Count, ask, compare, count. Without an `attempt` nothing is counted. Raises Unanswered; that is taken back."""
    floor = Budget(min(FLOOR_SECONDS, FLOOR_OF_BUDGET * wait.left()))
    try:
        if attempt:
            attempt.begin()
        verdict = _judged(desk, function, number, said, attempt, wait)
    except Locked:
        return Verdict("locked")
    except Unanswered:
        if attempt:
            attempt.take_back()
        raise
    if verdict.result == "refused":
        release_connection()
        sleep(floor.left())
    return verdict


def _judged(
    desk: Desk, function: IvrFunction, number: phone.Number | None, said: Said, attempt: Attempt | None, wait: Budget
) -> Verdict:
    by_number = function.kind == Kind.VERIFY
    indexed = _by_index(desk, function, number, attempt, wait) if by_number and number else []
    records = [row.record_id for row in indexed]
    if by_number and not indexed:
        records = _records(desk, function, number, wait)
    if attempt and by_number and not attempt.may_try(records):
        attempt.take_back()
        return Verdict("locked")
    right = [row for row in indexed if _agrees(row, function, said)]
    rows = indexed
    if not right:  # read once more where the index knew the record, so that a refusal asks as much as any other
        rows = _read(desk, function, records, wait) if by_number else _holding(desk, function, said, wait)
        right = [row for row in rows if _agrees(row, function, said)]
    desk.watch.note(_("The values agree") if right else _("The values do not agree"))
    if not right or (not by_number and len(rows) > 1):
        if attempt:
            attempt.wrong(records)
        return Verdict("refused")
    if attempt:
        attempt.right()
    record = (right[0].table, right[0].record_id) if len(right) == 1 else None
    return Verdict("verified" if by_number else "identified", record=record)


def _agrees(row: Row, function: IvrFunction, said: Said) -> bool:
    """Both are compared, whatever the first says."""
    given = (said.value, said.second)[: len(row.values)]
    results = [agrees(text, stored, function.comparison) for text, stored in zip(given, row.values, strict=True)]
    return all(results)


# -- by the caller's number --------------------------------------------------------------------------------------------


def _records(desk: Desk, function: IvrFunction, number: phone.Number | None, wait: Budget) -> list[str]:
    """Active records of the function's table that hold the number. None for a withheld one, and none for too many."""
    if number is None:
        desk.watch.note(_("Without a number there is no record to compare with"))
        return []
    key = ("records", function.entity.lower(), number.e164)
    found = desk.reader.ask(key, lambda budget: _find(desk, function, number, budget), wait=wait)
    if len(found) > MOST_RECORDS:
        desk.watch.note(_("More than %(most)d records hold the number, so it tells nothing"), most=MOST_RECORDS)
        return []
    return found


def _find(desk: Desk, function: IvrFunction, number: phone.Number, budget: Budget) -> list[str]:
    result = searched(desk, number, budget, only=function.entity)
    if result.failed or result.refused:
        raise Unanswered(reason_of_failures(result))
    return [hit.record_id for hit in active(result)]


def _by_index(
    desk: Desk, function: IvrFunction, number: phone.Number, attempt: Attempt | None, wait: Budget
) -> list[Row]:
    """The same records with their columns by one request each, where the index knows which. [] leaves it to `_records`."""
    table = _table_of(desk, function, wait) if desk.instance.index else None
    ids = candidates.records_of(desk.instance, table, number) if table else []
    if table is None or not 0 < len(ids) <= MOST_RECORDS:
        return []
    key = ("by index", function.code, function.column, function.second_column, number.e164, *ids)
    # keep=False: values are compared once and not remembered, not even for seconds
    return desk.reader.ask(
        key,
        lambda budget: _indexed(desk, function, table, number, ids, budget),
        wait=wait,
        keep=False,
        meanwhile=partial(attempt.look_at, ids) if attempt else None,
    )


def _table_of(desk: Desk, function: IvrFunction, wait: Budget) -> SearchTable | None:
    """None while nothing is known of the customer's tables."""
    if connections.known_metadata(desk.instance) is None:
        return None
    metadata = desk.metadata(wait)
    wanted = metadata.find(function.entity)
    return next((each for each in schema.of(desk.instance, metadata).tables if each.table == wanted), None)


def _indexed(
    desk: Desk, function: IvrFunction, table: SearchTable, number: phone.Number, ids: list[str], budget: Budget
) -> list[Row]:
    desk.sign_in(budget)
    columns = [column.property for column in _columns(table.table, function)]
    phones = [column.property for column in table.phones]
    state = ["statecode"] if "statecode" in table.table.properties else []
    names = list(dict.fromkeys([*columns, *phones, *state]))
    asked = (partial(_raw, desk, table.table, names, each, budget) for each in ids)
    try:
        rows = zip(ids, desk.reader.all_of(asked), strict=True)
    except errors.UnknownName:
        return []  # the search reads the names anew
    theirs = [(each, row) for each, row in rows if row and _is_theirs(row, phones, number, desk.country)]
    desk.watch.note(_("The column was read through the system account"))
    return [Row(table.table.logical_name, each, tuple(row.get(name) for name in columns)) for each, row in theirs]


def _is_theirs(row: Mapping[str, Any], phones: list[str], number: phone.Number, country: str) -> bool:
    """Active, and it really holds the number: the index only knows where to look."""
    texts = (row.get(name) for name in phones)
    holds = any(isinstance(text, str) and phone.holds(text, number, country) for text in texts)
    return holds and row.get("statecode") in (None, 0)


def _read(desk: Desk, function: IvrFunction, records: list[str], wait: Budget) -> list[Row]:
    """Their columns, by key. Where there is no record, one that cannot exist is asked for."""
    ids = records or [str(uuid4())]
    key = ("values", function.code, function.column, function.second_column, *ids)
    # keep=False: values are compared once and not remembered, not even for seconds
    return desk.reader.ask(key, lambda budget: list(_rows(desk, function, ids, budget)), wait=wait, keep=False)


def _rows(desk: Desk, function: IvrFunction, ids: list[str], budget: Budget) -> Iterator[Row]:
    desk.sign_in(budget)
    table = desk.table(function.entity, budget)
    columns = _columns(table, function)
    rows = desk.reader.all_of(partial(_one, desk, table, columns, each, budget) for each in ids)
    desk.watch.note(_("The column was read through the system account"))
    yield from (row for row in rows if row)


def _one(desk: Desk, table: Table, columns: list[Column], record_id: str, budget: Budget) -> Row | None:
    names = [column.property for column in columns]
    row = _raw(desk, table, names, record_id, budget)
    return Row(table.logical_name, record_id, tuple(row.get(name) for name in names)) if row else None


def _raw(desk: Desk, table: Table, names: list[str], record_id: str, budget: Budget) -> dict[str, Any] | None:
    """None when there is no such record."""
    path = odata.query(odata.record(table.entity_set, record_id), select=(table.id_column, *names))
    try:
        return desk.client.get(path, budget=budget).data or {}
    except errors.NotFound:
        return None
    finally:
        close_old_connections()


def _columns(table: Table, function: IvrFunction) -> list[Column]:
    names = [name for name in (function.column, function.second_column) if name]
    columns = [table.column(name) for name in names]
    if not columns or not all(column.selectable for column in columns):
        raise errors.UnknownName("A column of the function cannot be read.")
    return columns


# -- by the value alone ------------------------------------------------------------------------------------------------


def _holding(desk: Desk, function: IvrFunction, said: Said, wait: Budget) -> list[Row]:
    """At most two active records whose column holds the value; a value that may not be asked for is asked for as nothing."""
    value = said.value if is_long_enough(said.value, function.comparison) and said.value.isprintable() else ""
    if not value:
        desk.watch.note(_("The value is too short to name one record of all"))
    wanted = list(dict.fromkeys((value.strip(), plain(value, function.comparison)))) if value else [uuid4().hex]
    key = ("holding", function.code, function.column, function.second_column, *wanted)
    return desk.reader.ask(key, lambda budget: _having(desk, function, wanted, budget), wait=wait, keep=False)


def _having(desk: Desk, function: IvrFunction, wanted: list[str], budget: Budget) -> list[Row]:
    desk.sign_in(budget)
    table = desk.table(function.entity, budget)
    columns = _columns(table, function)
    conditions = [_is_one_of(columns[0], wanted)]
    conditions += [odata.eq("statecode", 0)] if "statecode" in table.properties else []
    names = [column.property for column in columns]
    path = odata.query(table.entity_set, select=(table.id_column, *names), filter=odata.and_(*conditions), top=2)
    rows = desk.client.get(path, budget=budget).rows
    desk.watch.note(
        ngettext("%(count)d record has this value", "%(count)d records have this value", len(rows)), count=len(rows)
    )
    ids = [str(row.get(table.id_column, "")).lower() for row in rows]
    values = [tuple(row.get(name) for name in names) for row in rows]
    return [Row(table.logical_name, *each) for each in zip(ids, values, strict=True)]


def _is_one_of(column: Column, wanted: list[str]) -> str:
    if column.type in {"String", "Memo"}:
        return odata.or_(*(odata.eq(column.property, text) for text in wanted))
    most = _WHOLE_NUMBERS.get(column.type)
    if most is None:
        raise errors.UnknownName("The column holds no text and no whole number.")
    text = wanted[-1]
    number = int(text) if text.isascii() and text.isdigit() and int(text) < most else -1
    return odata.eq(column.property, number)
