"""Who calls, and who looks after them: a number in, flat words out. Only active records count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmwindow import candidates, phone, ranking
from crmwindow.ivr.asking import REASON_OF_PROBLEM, Desk, Person, Unanswered
from crmwindow.models import IvrFunction
from crmwindow.search import Hit, SearchResult
from tenants import connections, schema
from tenants.briefly import Briefly
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.models import DisplayField, Instance
from tenants.schema import SearchTable, ShownField

HOST = "https://value/"
RAW = f"{HOST}{{value}}"  # a link that holds nothing but the value: so a hit carries what Dataverse stores beside what it shows


@dataclass(frozen=True, slots=True)
class Extra:
    """A field that the voice menu gets as `field_<name>`. Table and column as typed."""

    table: str
    column: str
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`fields` are names with the value as people read it and as it is stored."""

    result: str
    reason: str = ""
    entity: str = ""
    id: str = ""
    name: str = ""
    company: str = ""
    owner_name: str = ""
    owner: Person = field(default_factory=lambda: Person("", "", ""))
    matches: int = 0
    fields: tuple[tuple[str, str, str], ...] = ()
    searched: SearchResult | None = field(
        default=None, repr=False, compare=False
    )  # where the index is to learn how right it was

    def flat(self) -> dict[str, str | int]:
        """As the voice menu gets it: every word is always there, "" when it says nothing."""
        words: dict[str, str | int] = {
            name: getattr(self, name) for name in ("result", "entity", "id", "name", "company", "owner_name")
        }
        words |= {"owner_email": self.owner.email, "owner_login": self.owner.login, "owner_line": self.owner.line}
        words |= {"matches": self.matches}
        for name, shown, stored in self.fields:
            words |= {f"field_{name}": shown} | ({f"field_{name}_raw": stored} if stored != shown else {})
        return words | ({"reason": self.reason} if self.reason else {})


def extras_of(desk: Desk, function: IvrFunction | None) -> tuple[Extra, ...]:
    """The function's own choice, else the fields of the agents' card."""
    if function and function.columns:
        return tuple(Extra(function.entity, column, name) for name, column in function.columns.items())
    return _extras.of(desk.instance.pk, lambda: _extras_of_card(desk.instance)) or ()


_extras: Briefly[tuple[Extra, ...]] = Briefly()


def _extras_of_card(instance: Instance) -> tuple[Extra, ...]:
    rows: QuerySet[DisplayField] = instance.display_fields.all()
    return tuple(Extra(row.entity, row.identifier, row.identifier) for row in rows)


def look_up(
    desk: Desk,
    number: phone.Number,
    *,
    function: IvrFunction | None,
    extras: tuple[Extra, ...],
    wait: Budget,
) -> Answer:
    """Raises Unanswered."""
    table = function.entity if function else ""
    key = ("lookup", function.code if function else None, table, extras, number.e164)
    return desk.reader.ask(key, lambda budget: _answer(desk, number, table, extras, budget), wait=wait)


def _answer(desk: Desk, number: phone.Number, table: str, extras: tuple[Extra, ...], budget: Budget) -> Answer:
    result = searched(desk, number, budget, only=table, extras=extras)
    hits = active(result)
    is_counted = desk.instance.index and not table
    answer = replace(_of_hits(desk, hits, extras, budget), searched=result if is_counted else None)
    if not result.failed and not result.refused:
        return answer
    if not hits and (result.failed or len(result.refused) == len(result.labels)):
        raise Unanswered(reason_of_failures(result))
    return replace(answer, reason="partial")


def searched(
    desk: Desk,
    number: phone.Number,
    budget: Budget,
    *,
    only: str = "",
    extras: Iterable[Extra] = (),
) -> SearchResult:
    """All tables of the card, or `only` that one; names that Dataverse no longer knows are read anew, once."""
    desk.sign_in(budget)
    result = _search(desk, number, budget, only, extras)
    if "drift" in result.failed.values():
        connections.metadata(desk.instance, desk.client, budget, refresh=True)
        result = _search(desk, number, budget, only, extras)
    return result


def _search(desk: Desk, number: phone.Number, budget: Budget, only: str, extras: Iterable[Extra]) -> SearchResult:
    metadata = desk.metadata(budget)
    tables = [with_extras(each, extras) for each in schema.of(desk.instance, metadata).tables]
    if only:
        wanted = metadata.find(only)
        tables = [each for each in tables if each.table == wanted]
    if not tables:
        raise Unanswered("settings")
    desk.watch.note(ngettext("Asking %(count)d table", "Asking %(count)d tables", len(tables)), count=len(tables))
    result = candidates.find(
        desk.client,
        metadata,
        desk.instance,
        number,
        budget,
        tables=tables,
        pool=desk.reader.requests,
        lends_thread=True,
    )
    found = len(result.hits)
    desk.watch.note(
        ngettext("%(count)d record holds the number", "%(count)d records hold the number", found), count=found
    )
    return result


def with_extras(table: SearchTable, extras: Iterable[Extra]) -> SearchTable:
    """The table with these fields instead of the card's, labelled by the name the voice menu knows them by."""
    names = {table.table.logical_name, table.table.schema_name.lower()}
    found: list[ShownField] = []
    for extra in extras:
        column = table.table.find(extra.column) if extra.table.strip().lower() in {*names, ""} else None
        if column is not None and column.selectable:
            found.append(ShownField(extra.name, column, RAW))
    return SearchTable(table.table, table.kind, table.phones, table.names, table.company, tuple(found), table.own_label)


def active(result: SearchResult) -> list[Hit]:
    """Active records in the order of the agents' card; a company is left out where its person is found."""
    hits = {(hit.table, hit.record_id): hit for hit in result.hits if not hit.inactive}
    ranked = ranking.rank(hits.values(), me="", remembered=None)
    return [hits[match.table, match.record_id] for match in ranked]


def reason_of_failures(result: SearchResult) -> str:
    """The one that says most about what to do."""
    problems = [*result.failed.values(), *("refused" for _table in result.refused)]
    reasons = [REASON_OF_PROBLEM.get(problem, "microsoft") for problem in problems]
    return next((reason for reason in ("throttled", "system_account", "microsoft") if reason in reasons), reasons[0])


def _of_hits(desk: Desk, hits: list[Hit], extras: tuple[Extra, ...], budget: Budget) -> Answer:
    if not hits:
        return Answer("not_found")
    if len(hits) > 1:
        return _of_several(desk, hits, budget)
    hit = hits[0]
    return Answer(
        "found",
        entity=hit.table,
        id=hit.record_id,
        name=hit.name,
        company=hit.company,
        owner_name=hit.owner_name,
        owner=owner_of(desk, hit.owner_id, budget),
        matches=1,
        fields=_fields(hit, extras),
    )


def _of_several(desk: Desk, hits: list[Hit], budget: Budget) -> Answer:
    """Who it is, nobody can tell: only what is true of all of them."""
    tables = {hit.table for hit in hits}
    owners = {hit.owner_id for hit in hits}
    owner_id = owners.pop() if len(owners) == 1 else ""
    return Answer(
        "ambiguous",
        entity=tables.pop() if len(tables) == 1 else "",
        owner_name=hits[0].owner_name if owner_id else "",
        owner=owner_of(desk, owner_id, budget),
        matches=len(hits),
    )


def _fields(hit: Hit, extras: tuple[Extra, ...]) -> tuple[tuple[str, str, str], ...]:
    """All that are configured, also those that are empty or of another table: a menu's variable is never missing."""
    values = {name: (shown, unquote(stored.removeprefix(HOST))) for name, shown, stored in hit.fields}
    return tuple((name, *values.get(name, ("", ""))) for name in dict.fromkeys(extra.name for extra in extras))


# -- the owner ---------------------------------------------------------------------------------------------------------


def owner_of(desk: Desk, owner_id: str, budget: Budget) -> Person:
    """The agent who owns the record: by their Microsoft user, else by the e-mail Dataverse has for the owner."""
    nobody = Person("", "", "")
    if not owner_id:
        return nobody
    if agent := desk.roster.by_user.get(owner_id):
        return agent
    future, is_mine = desk.reader.owners.claim(owner_id)
    if is_mine:
        desk.reader.owners.settle(owner_id, lambda: _email_of(desk, owner_id, budget))
    try:
        email = str(future.result(budget.left()))
    except (errors.DataverseError, TimeoutError):
        return nobody  # who owns it matters less than who calls
    agent = desk.roster.by_email.get(email.lower())
    return Person(email, agent.login, agent.line) if agent else Person(email, "", "")


def _email_of(desk: Desk, owner_id: str, budget: Budget) -> str:
    """ "" for a team, and for somebody who is disabled."""
    path = odata.query(
        odata.record("systemusers", owner_id), select=("internalemailaddress", "domainname", "isdisabled")
    )
    try:
        row = desk.client.get(path, budget=budget).data or {}
    except errors.NotFound:
        return ""
    desk.watch.note(_("The owner's e-mail was read"))
    if row.get("isdisabled"):
        return ""
    return str(row.get("internalemailaddress") or row.get("domainname") or "")
