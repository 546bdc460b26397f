"""What a row will look like in the CRM: what was sent and how the function is set up, judged by metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crmwindow import phone
from crmwindow.models import CrmWrite, IvrFunction
from crmwindow.search import Hit
from crmwindow.writing import callers, missed_call, tables, values
from crmwindow.writing.callers import Caller
from crmwindow.writing.owners import Owner
from crmwindow.writing.tables import Reader
from crmwindow.writing.values import LOOKUPS, Unfit, Value
from tenants.dataverse import odata
from tenants.dataverse.metadata import Column, Table
from tenants.models import Tenant


class Unwritable(Exception):
    """It cannot be written as it is set up or as it was sent; `problem` as in CrmWrite, `detail` is JSON for sentences."""

    def __init__(self, problem: str, detail: Any = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Sent:
    """What the exchange or the voice menu said: `number` is E.164 as far as it is one."""

    number: str
    unique_id: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def of(self, name: str) -> Value:
        return self.values.get(name, {"number": self.number, "unique_id": self.unique_id}.get(name))


@dataclass(frozen=True, slots=True)
class Plan:
    """`rule` says who shall own the row ("" leaves it to the system account); `body_for` adds what depends on the owner."""

    table: Table
    rule: str
    caller: Caller
    body: dict[str, Any]
    call: missed_call.MissedCall | None = None
    unfit: tuple[Unfit, ...] = ()
    unbound: bool = False  # the caller's record was found, but its column takes no record of that table

    @property
    def record(self) -> Hit | None:
        return self.caller.hit

    @property
    def has_owner(self) -> bool:
        return bool(self.rule) and "ownerid" in self.table.columns

    def body_for(self, owner: Owner) -> dict[str, Any]:
        return (self.call.body(owner) if self.call else self.body) | owner.bind


def of(write: CrmWrite, reader: Reader, *, patient: bool) -> Plan:
    """Of a stored row. `patient`: a table that does not answer is waited for. Raises Unwritable, DataverseError."""
    if write.kind == CrmWrite.Kind.MISSED_CALL:
        return _of_missed_call(write, reader, patient=patient)
    function = write.function or _by_name(write)
    if function is None:
        raise Unwritable("no_function")
    sent = Sent(write.number, write.unique_id, missed_call.content_of(write).get("values", {}))
    plan = of_function(function, sent, reader, patient=patient)
    if plan.unfit:
        raise Unwritable("values", [each.to_dict() for each in plan.unfit])
    return plan


def _by_name(write: CrmWrite) -> IvrFunction | None:
    """One that was removed and made again."""
    functions = IvrFunction.objects.filter(tenant=write.tenant, kind=IvrFunction.Kind.WRITE)
    return functions.filter(name=write.function_name).first()


def _of_missed_call(write: CrmWrite, reader: Reader, *, patient: bool) -> Plan:
    if write.call is None:
        raise Unwritable("no_call")
    found = callers.find(reader, number_of(write.tenant, write.number), complete=patient, call=write.call)
    call = missed_call.MissedCall(write.call, reader.standard, found)
    table = reader.standard.table("phonecall")
    return Plan(table, write.tenant.missed_call_owner, found, call.body(Owner()), call)


def of_function(function: IvrFunction, sent: Sent, reader: Reader, *, patient: bool) -> Plan:
    """Also of a function that is not saved. Values that do not fit are in `unfit`. Raises DataverseError."""
    table = reader.table(function.entity)
    wants_caller = bool(function.caller_column) or function.owner == Tenant.MissedCallOwner.RECORD_OWNER
    number = number_of(function.tenant, sent.number) if wants_caller else None
    found = callers.find(reader, number, complete=patient)
    cells = list(_cells(function, sent, table))
    rules = reader.rules(table, [cell.column for cell in cells if cell.column])
    body, unfit = _typed(cells, rules)
    body |= _completed(function, table, body)
    bound, problem = _bound(function, table, found)
    unfit += [problem] if problem else []
    wanted = found.hit is not None and bool(function.caller_column)
    return Plan(table, function.owner, found, body | bound, None, tuple(unfit), unbound=wanted and not bound)


def number_of(tenant: Tenant, text: str) -> phone.Number | None:
    """None also for own, internal and withheld numbers: those are nobody in the CRM."""
    judged = phone.caller(text, region=tenant.country, own_numbers=tenant.own_numbers)
    return judged.number if judged.kind == "number" else None


@dataclass(frozen=True, slots=True)
class _Cell:
    """One column to be filled; `name` is "" for a constant."""

    name: str
    typed: str
    column: Column | None
    value: Value


def _cells(function: IvrFunction, sent: Sent, table: Table) -> Iterator[_Cell]:
    for name, typed in function.columns.items():
        yield _Cell(name, str(typed), tables.column_of(table, str(typed)), sent.of(name))
    for typed, value in function.constants.items():
        yield _Cell("", str(typed), tables.column_of(table, str(typed)), value)


def _typed(cells: list[_Cell], rules: values.Rules) -> tuple[dict[str, Any], list[Unfit]]:
    body: dict[str, Any] = {}
    unfit: list[Unfit] = []
    for cell in cells:
        try:
            if cell.column is None:
                raise Unfit("no_column")
            if (value := values.typed(cell.column, cell.value, rules)) is not None:
                body[cell.column.property] = value
        except Unfit as error:
            label = cell.column.logical_name if cell.column else cell.typed
            unfit.append(replace(error, name=cell.name, column=label))
    return body, unfit


def _completed(function: IvrFunction, table: Table, body: Mapping[str, Any]) -> dict[str, Any]:
    """What Dataverse would fill in wrongly or not at all: a phone call's direction, a required title."""
    added: dict[str, Any] = {}
    if table.logical_name == "phonecall" and "directioncode" not in body:
        added["directioncode"] = False
    title = table.columns.get(table.name_column)
    if title and title in table.required_for_create and title.type == "String" and not body.get(title.property):
        added[title.property] = (function.title or function.name)[: title.max_length or 100]
    return added


def _bound(function: IvrFunction, table: Table, caller: Caller) -> tuple[dict[str, Any], Unfit | None]:
    """The caller's record in its column; their company's where only companies fit."""
    if not function.caller_column:
        return {}, None
    column = tables.column_of(table, function.caller_column)
    if column is None or column.type not in LOOKUPS or not column.creatable:
        return {}, Unfit("no_column" if column is None else "no_look_up", "", function.caller_column)
    hit = caller.hit
    if hit is None:
        return {}, None
    if navigation := column.navigation.get(hit.table):
        return {f"{navigation}@odata.bind": _address(caller, hit.table, hit.record_id)}, None
    if hit.company_id and (navigation := column.navigation.get("account")):
        return {f"{navigation}@odata.bind": _address(caller, "account", hit.company_id)}, None
    return {}, None


def _address(caller: Caller, table: str, record_id: str) -> str:
    return odata.bind(caller.entity_sets[table], record_id)
