"""One number asked of all tables at once: rows of Dataverse in, checked hits out. Touches no rows of ours.

One query per table; each has until the end of the budget, and one that is slow or fails does not hide the others. A hit is a
record whose phone column really holds the number (`phone.holds`); the query may also bring strangers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from django.db import close_old_connections
from django.utils.translation import get_language

from crmwindow import live_query, phone
from tenants import schema, stopwatch
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.gate import Held
from tenants.dataverse.metadata import Metadata
from tenants.models import Instance
from tenants.schema import SearchTable
from tenants.values import shown_fields

type Rows = list[dict[str, Any]]
ROWS = 50
THREADS = 32
FLAGS = ("donotphone", "donotemail", "creditonhold")
"""Columns of Microsoft's own tables that warn whoever speaks with the caller."""
FIRST_LOOK = 0.35
"""Seconds after which what is there is shown although a table still owes its answer."""

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="search")


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that holds the number, as the asking agent may read it. `fields` are (label, value, link)."""

    table: str
    record_id: str
    name: str
    kind: str
    table_label: str
    company: str = ""
    company_id: str = ""
    column: str = ""
    column_label: str = ""
    owner_id: str = ""
    owner_name: str = ""
    inactive: bool = False
    modified: str = ""
    fields: tuple[tuple[str, str, str], ...] = ()
    flags: tuple[str, ...] = ()  # of FLAGS
    by_name: bool = False  # the agent found it by name; its phone columns do not hold the number


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`failed` maps tables (logical names) to what went wrong, see `problem_of`; `pending` have not answered yet.

    A table the agent may not read is in `refused`: that is no failure, they see what they may see. Tables that have a record
    with the number which the agent may not read are in `hidden`, as far as somebody knew of it.
    """

    hits: tuple[Hit, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SearchResult:
        hits = tuple(map(_hit_again, data["hits"]))
        rest = {key: data[key] for key in ("failed", "labels")}
        hidden = tuple(data.get("hidden", ()))
        return cls(hits, refused=tuple(data["refused"]), pending=tuple(data["pending"]), hidden=hidden, **rest)


def _hit_again(data: dict[str, Any]) -> Hit:
    fields, flags = tuple(map(tuple, data["fields"])), tuple(data.get("flags", ()))
    return Hit(**{**data, "fields": fields, "flags": flags})


_PROBLEMS: tuple[tuple[type[Exception], str], ...] = (
    (errors.SignInRequired, "sign_in"),
    (errors.NotAMember, "not_a_member"),
    (errors.MissingPrivilege, "refused"),
    (errors.Throttled, "throttled"),
    (errors.Unavailable, "unavailable"),
    (errors.UnknownName, "drift"),
    (errors.QueryTooHeavy, "heavy"),
)


def problem_of(error: Exception) -> str:
    """A short word for a DataverseError; sentences are made when it is shown."""
    error = error.because if isinstance(error, Held) else error
    return next((word for kind, word in _PROBLEMS if isinstance(error, kind)), "error")


def search(
    client: Client,
    metadata: Metadata,
    instance: Instance,
    number: phone.Number,
    budget: Budget,
    *,
    on_partial: Callable[[SearchResult], None] | None = None,
    meanwhile: Callable[[], object] | None = None,
    tables: Iterable[SearchTable] | None = None,
    keyed: Iterable[tuple[SearchTable, str]] = (),
    pool: Executor = _pool,
    lends_thread: bool = False,
) -> SearchResult:
    """Ask every table of the instance, with the rights of whoever `client` speaks for; texts in the active language.

    Labels and formatted values come in that agent's language. `on_partial` is called once when some tables are late,
    `meanwhile` once everything is asked.
    `tables` are asked instead of all, by threads of `pool`; `keyed` records are read as well (see `candidates`). Whoever
    `lends_thread` waits for one question in their own, which saves changing to another and back. Never raises
    for what Dataverse does; what failed is in the answer.
    """
    search_ = _Search(client, instance, metadata, number, budget, pool)
    if tables is not None:
        search_.tables = tuple(tables)
    search_.read(keyed)
    search_.begin()
    search_.ask(lends_thread=lends_thread)
    if meanwhile:
        meanwhile()
    if on_partial and not search_.wait(min(FIRST_LOOK, budget.left())):
        on_partial(search_.result(final=False))
    search_.wait(budget.left())
    return search_.result(final=True)


def _done[T](work: Callable[[], T]) -> Future[T]:
    """Worked off here and now, as a thread of a pool would."""
    future: Future[T] = Future()
    try:
        future.set_result(work())
    except Exception as error:  # for whoever asks for the result
        future.set_exception(error)
    return future


class _Search:
    def __init__(
        self,
        client: Client,
        instance: Instance,
        metadata: Metadata,
        number: phone.Number,
        budget: Budget,
        pool: Executor,
    ) -> None:
        self.client, self.number, self.budget, self.pool = client, number, budget, pool
        self.tables = schema.of(instance, metadata).tables
        self.language = get_language() or "cs"
        self.region = instance.tenant.country
        self.asking: list[tuple[SearchTable, Callable[[], Rows]]] = []
        self.asked: list[tuple[SearchTable, Future[Rows]]] = []
        self.hidden: set[str] = set()
        self.watch = stopwatch.current()

    def read(self, records: Iterable[tuple[SearchTable, str]]) -> None:
        """One request per record, all at once."""
        for table, record_id in records:
            path = odata.query(odata.record(table.table.entity_set, record_id), select=selected(table))
            self.asking.append((table, partial(self._ask_one, table, path)))

    def _ask_one(self, table: SearchTable, path: str) -> list[dict[str, Any]]:
        """What somebody knew of may be gone meanwhile, or not for this agent's eyes: neither is a failure."""
        try:
            row = self.client.get(path, budget=self.budget, prefer=[odata.ANNOTATIONS]).data
        except errors.NotFound:
            return []
        except errors.MissingPrivilege:
            self.hidden.add(table.table.logical_name)
            return []
        finally:
            self._answered(table)
        return [row] if row else []

    def begin(self) -> None:
        filters: dict[tuple[str, ...], list[str]] = {}
        for table in self.tables:
            columns = tuple(column.property for column in table.phones)
            if columns not in filters:
                filters[columns] = live_query.encoded_filters(self.number, columns)
            for expression in filters[columns]:
                path = _path(table) + expression
                self.asking.append((table, partial(self._ask, table, path)))

    def ask(self, *, lends_thread: bool) -> None:
        """All at once."""
        own = self.asking.pop() if lends_thread and self.asking else None
        self.asked = [(table, self.pool.submit(work)) for table, work in self.asking]
        if own:
            self.asked.append((own[0], _done(own[1])))

    def _ask(self, table: SearchTable, path: str) -> list[dict[str, Any]]:
        try:
            return self.client.get(path, budget=self.budget, prefer=[odata.ANNOTATIONS]).rows
        finally:
            self._answered(table)

    def _answered(self, table: SearchTable) -> None:
        if self.watch:
            self.watch.mark(f"table {table.table.logical_name}")
        close_old_connections()  # a token refreshed here has used one

    def wait(self, seconds: float) -> bool:
        """Is everything answered? Looks at once again when the first answers come, so that few wait for many."""
        waiting = {future for _, future in self.asked}
        ends = Budget(seconds)
        while waiting and not ends.expired:
            waiting = wait(waiting, timeout=ends.left(), return_when=FIRST_COMPLETED).not_done
        return not waiting

    def result(self, *, final: bool) -> SearchResult:
        hits: dict[tuple[str, str], Hit] = {}
        failed: dict[str, str] = {}
        pending: list[str] = []
        for table, future in self.asked:
            name = table.table.logical_name
            if not future.done():
                (failed.update({name: "unavailable"}) if final else pending.append(name))
                continue
            error = future.exception()
            if error is None:
                hits.update(((name, hit.record_id), hit) for hit in self._hits(table, future.result()))
            elif isinstance(error, errors.DataverseError):
                failed[name] = problem_of(error)
            else:
                raise error
        refused = tuple(name for name, problem in failed.items() if problem == "refused")
        failed = {name: problem for name, problem in failed.items() if problem != "refused"}
        tables = [*self.tables, *(table for table, _future in self.asked)]
        labels = {table.table.logical_name: table.label(self.language) for table in tables}
        late, hidden = tuple(dict.fromkeys(pending)), tuple(sorted(self.hidden))
        return SearchResult(tuple(hits.values()), failed, refused, late, labels, hidden)

    def _hits(self, table: SearchTable, rows: Iterable[dict[str, Any]]) -> Iterator[Hit]:
        for row in rows:
            column = next((each for each in table.phones if self._holds(row.get(each.property))), None)
            if column is not None:
                yield hit_of(table, row, self.language, column=column.logical_name)

    def _holds(self, text: object) -> bool:
        return isinstance(text, str) and phone.holds(text, self.number, self.region)


def _path(table: SearchTable) -> str:
    return f"{odata.query(table.table.entity_set, select=selected(table), top=ROWS)}&$filter="


def selected(table: SearchTable) -> tuple[str, ...]:
    """All that a card needs, in one request; only what metadata knows."""
    wanted = [table.table.id_column, table.table.name_column, "statecode", "modifiedon", "_ownerid_value", *FLAGS]
    columns = [*table.names, *table.phones, *(field.column for field in table.fields)]
    columns += [table.company] if table.company else []
    wanted += [column.property for column in columns]
    return tuple(dict.fromkeys(name for name in wanted if name in table.table.properties))


def hit_of(table: SearchTable, row: dict[str, Any], language: str, *, column: str = "") -> Hit:
    names = " ".join(text for each in table.names if (text := odata.shown(row, each.property).strip()))
    title = odata.shown(row, table.table.name_column).strip() if table.table.name_column else ""
    company, company_id = _company(table, row)
    return Hit(
        table=table.table.logical_name,
        record_id=str(row.get(table.table.id_column, "")).lower(),
        name=title or names or company or table.label(language),
        kind=table.kind,
        table_label=table.label(language),
        company=company or (names if title and names != title else ""),
        company_id=company_id,
        column=column,
        column_label=table.table.columns[column].label(language) if column in table.table.columns else "",
        owner_id=str(row.get("_ownerid_value") or "").lower(),
        owner_name=odata.shown(row, "_ownerid_value") if row.get("_ownerid_value") else "",
        inactive=row.get("statecode") not in (None, 0),
        modified=str(row.get("modifiedon") or ""),
        fields=tuple(shown_fields(table.fields, row, str(row.get(table.table.id_column, "")), language)),
        flags=tuple(name for name in FLAGS if row.get(name) is True),
    )


def _company(table: SearchTable, row: dict[str, Any]) -> tuple[str, str]:
    if table.company is None or not row.get(table.company.property):
        return "", ""
    name = odata.shown(row, table.company.property).strip()
    is_account = odata.lookup_table(row, table.company.property) == "account"
    return name, str(row[table.company.property]).lower() if is_account else ""
