"""Whose record a write is about: found by the number as for an agent's card, but taken only when there is no doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from crmwindow import candidates, phone, ranking
from crmwindow.models import Call
from crmwindow.search import Hit
from crmwindow.writing.tables import Reader
from tenants.dataverse import errors

SECONDS = 6.0
_PASSING = ("unavailable", "throttled", "sign_in")


@dataclass(frozen=True, slots=True)
class Caller:
    """`hit` is the one record; else `others` are all that have the number. `unread` are tables that did not answer."""

    hit: Hit | None = None
    others: tuple[Hit, ...] = ()
    unread: tuple[str, ...] = ()
    entity_sets: Mapping[str, str] = field(default_factory=dict)  # of all tables that were searched


def find(reader: Reader, number: phone.Number | None, *, complete: bool, call: Call | None = None) -> Caller:
    """By the number index first, by what it said of the `call` already.

    With `complete`, raises Unavailable when a table has not answered: better later than wrong.
    """
    if number is None:
        return Caller()
    budget = reader.budget.at_most(SECONDS)
    same = call if call and call.number == number.e164 else None
    found = candidates.find(reader.client, reader.standard, reader.instance, number, budget, call=same)
    passing = [table for table, problem in found.failed.items() if problem in _PASSING]
    if complete and passing:
        throttled = "throttled" in found.failed.values()
        raise errors.Throttled() if throttled else errors.Unavailable("A table did not answer in time.", reached=False)
    sets = {name: table.entity_set for name, table in reader.standard.tables.items()}
    return replace(chosen(found.hits, unread=tuple(found.failed)), entity_sets=sets)


def chosen(hits: Iterable[Hit], *, unread: tuple[str, ...] = ()) -> Caller:
    """Only match; of a person and companies the person; else nobody."""
    by_key = {(hit.table, hit.record_id): hit for hit in hits if not hit.inactive}
    ranked = ranking.rank(by_key.values(), me="", remembered=None)
    listed = [by_key[match.table, match.record_id] for match in ranked]
    people = [hit for hit in listed if hit.kind == "person"]
    likely = [hit for hit in listed if hit.kind != "company"] if people else listed
    if len(likely) == 1:
        return Caller(likely[0], unread=unread)
    return Caller(None, tuple(listed), unread)
