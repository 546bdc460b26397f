"""The caller's number written to a record the CRM already has: one phone column, once, and only over what the agent saw there.

Source: Microsoft, "Perform conditional operations using the Web API" (If-Match).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from crmwindow import finding, learned, one_record, phone
from crmwindow import search as searching
from crmwindow.models import Call, Leg
from crmwindow.search import Hit
from tenants import schema
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import Column
from tenants.schema import SearchTable

SECONDS = 6.0


class NotAdded(Exception):
    """Nothing was written; `str()` is a sentence for the agent. `again`: the record should be looked at anew."""

    def __init__(self, sentence: str, *, again: bool = False) -> None:
        super().__init__(sentence)
        self.again = again


@dataclass(frozen=True, slots=True)
class Place:
    """A column the number could go to. `value` is what stands there now."""

    name: str
    label: str
    value: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Record:
    """The record as it was just read, its etag, and the columns that may be written, in the order callers are sought."""

    hit: Hit
    etag: str
    places: tuple[Place, ...]
    preferred: str

    @property
    def holder(self) -> Place | None:
        """Where the number stands already."""
        return next((place for place in self.places if place.holds), None)


def read(leg: Leg, *, table: str, record_id: UUID, budget: Budget) -> Record:
    """Raises DataverseError; UnknownName for a table that is not configured."""
    client, shown_as = _table(leg, table, budget)
    return _read(leg, client, shown_as, record_id, budget)


def _table(leg: Leg, table: str, budget: Budget) -> tuple[Client, SearchTable]:
    client, metadata = one_record.reader(leg.agent, budget)
    shown_as = schema.of(leg.agent.tenant.instance, metadata).table(table)
    if shown_as is None:
        raise errors.UnknownName("This table is not configured.")
    return client, shown_as


def _read(leg: Leg, client: Client, shown_as: SearchTable, record_id: UUID, budget: Budget) -> Record:
    path = odata.query(odata.record(shown_as.table.entity_set, record_id), select=searching.selected(shown_as))
    answer = client.get(path, budget=budget, prefer=[odata.ANNOTATIONS])
    row = answer.data or {}
    language = leg.agent.spoken_language
    known = [(column, _place(leg, column, str(row.get(column.property) or ""))) for column in shown_as.phones]
    places = tuple(place for column, place in known if column.updatable or place.holds)
    hit = searching.hit_of(shown_as, row, language)
    return Record(hit, str(row.get("@odata.etag") or answer.etag), places, _preferred(leg, places))


def _place(leg: Leg, column: Column, text: str) -> Place:
    return Place(column.logical_name, column.label(leg.agent.spoken_language), text, _holds(leg, text))


def _number(leg: Leg) -> phone.Number | None:
    return phone.parse(leg.call.number, leg.agent.tenant.country) if leg.call.caller == Call.Caller.NUMBER else None


def _holds(leg: Leg, text: str) -> bool:
    number = _number(leg)
    return bool(number and text and phone.holds(text, number, leg.agent.tenant.country))


def _preferred(leg: Leg, places: tuple[Place, ...]) -> str:
    """The first free column, a mobile number's own where there is one; "" when the agent must choose what to replace."""
    free = [place.name for place in places if not place.value]
    number = _number(leg)
    mobile = [name for name in free if name == "mobilephone"]
    others = [name for name in free if name != "mobilephone"]
    return next(iter(mobile + others if number and number.kind == "mobile" else others + mobile), "")


def add(*, leg: Leg, table: str, record_id: UUID, column: str, seen: str) -> None:
    """Write the number to that column, over `seen` and nothing else; the record is the caller's from now on.

    Where the number stands already nothing is written, so a double click or a repeated request is harmless.
    Raises NotAdded, or DataverseError when Microsoft could not be asked.
    """
    number, budget = _number(leg), Budget(SECONDS)
    if number is None:
        raise NotAdded(_("This call has no number that could be added."))
    client, shown_as = _table(leg, table, budget)
    record = _read(leg, client, shown_as, record_id, budget)
    if record.holder is None:
        target = _target(leg, shown_as, record, column, seen, number)
        _write(client, shown_as, record, target, number, budget)
        record = _read_back(leg, client, shown_as, record_id)
        if record.holder is None:
            raise _not_sure()
    _settle(leg, record)


def _target(leg: Leg, shown_as: SearchTable, record: Record, column: str, seen: str, number: phone.Number) -> Column:
    place = next((place for place in record.places if place.name == column), None)
    if place is None:
        raise NotAdded(_("Choose where the number belongs."), again=True)
    if place.value != seen:
        raise _changed()
    found = shown_as.table.columns[column]
    if found.max_length and len(number.e164) > found.max_length:
        sentence = _("%(column)s may have at most %(longest)d characters.")
        raise NotAdded(sentence % {"column": place.label, "longest": found.max_length}, again=True)
    return found


def _changed() -> NotAdded:
    return NotAdded(_("Somebody changed the record meanwhile. This is how it stands now."), again=True)


def _write(
    client: Client, shown_as: SearchTable, record: Record, target: Column, number: phone.Number, budget: Budget
) -> None:
    """A lost answer is no failure: the record is read back in any case."""
    try:
        client.update(
            shown_as.table.entity_set,
            record.hit.record_id,
            {target.property: number.e164},
            budget=budget,
            if_match=record.etag,
        )
    except errors.VersionMismatch as error:
        if not error.may_have_applied:
            raise _changed() from error
    except errors.Unavailable as error:
        if not error.may_have_applied:
            raise _not_sure() from error
    except errors.MissingPrivilege as error:
        right = error.privilege or _("a right")
        sentence = _("Your role in the CRM lacks a right for this (%(right)s). A CRM admin can add it.")
        raise NotAdded(sentence % {"right": right}) from error
    except errors.TooLong as error:
        raise NotAdded(_("The number does not fit into the column. Choose another one."), again=True) from error
    except errors.Refused as error:
        raise NotAdded(_("The CRM refused the change. Your admin can find out why.")) from error


def _read_back(leg: Leg, client: Client, shown_as: SearchTable, record_id: UUID) -> Record:
    try:
        return _read(leg, client, shown_as, record_id, Budget(SECONDS / 2))
    except errors.DataverseError as error:
        raise _not_sure() from error


def _not_sure() -> NotAdded:
    return NotAdded(_("Microsoft is not responding. Click again in a while, the number will be added once only."))


def _settle(leg: Leg, record: Record) -> None:
    holder = record.holder
    hit = replace(record.hit, column=holder.name, column_label=holder.label) if holder else record.hit
    with transaction.atomic():
        finding.show(leg, hit)
        learned.remember(leg, table=hit.table, record_id=UUID(hit.record_id))
