"""What a function would write, without writing it: for the simulator of the function's page. Reads the CRM for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmwindow import exchange
from crmwindow.models import IvrFunction
from crmwindow.writing import owners, planning, tables, wording
from crmwindow.writing.owners import Owner
from crmwindow.writing.planning import Plan, Sent
from crmwindow.writing.tables import Reader
from crmwindow.writing.values import Value, sentence
from tenants import connections
from tenants.dataverse import errors
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.models import Instance, SystemAccount

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class DryRun:
    """`table` is the logical name and `body` what would be sent to it; `warnings` are sentences in the active language.

    With `refused` the row would not be written as it is.
    """

    table: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    refused: bool = False


def dry_run(
    function: IvrFunction,
    number: str,
    values: Mapping[str, Value],
    *,
    unique_id: str = "",
    client: Client | None = None,
    budget: Budget | None = None,
) -> DryRun:
    """Of a function that may not be saved yet. `client` is the system account's, unless given. Never raises DataverseError."""
    instance = Instance.objects.filter(tenant=function.tenant).select_related("tenant").first()
    account = SystemAccount.objects.filter(instance=instance).select_related("instance__tenant").first()
    if instance is None or account is None:
        return DryRun(warnings=(wording.sentence("no_account"),), refused=True)
    unknown = [name for name in values if name not in function.columns]
    budget = budget or Budget(SECONDS)
    party = exchange.party(number, outgoing=False, tenant=function.tenant)
    sent = Sent(party.number, unique_id, {name: value for name, value in values.items() if name not in unknown})
    try:
        reader = tables.read(account.instance, client or connections.client_for(account), budget)
        plan = planning.of_function(function, sent, reader, patient=False)
        owner = _owner(reader, plan)
    except errors.DataverseError as error:
        return DryRun(function.entity, {}, (wording.of_error(error),), refused=True)
    return _told(function, plan, owner, unknown)


def _owner(reader: Reader, plan: Plan) -> Owner:
    rule = plan.rule if plan.has_owner else ""
    found = owners.candidates(reader, plan.table, rule=rule, record=plan.record, several=bool(plan.caller.others))
    return next(found)


def _told(function: IvrFunction, plan: Plan, owner: Owner, unknown: list[str]) -> DryRun:
    warnings = [sentence(each.to_dict()) for each in plan.unfit]
    if unknown:
        warnings.append(unknown_values(unknown))
    warnings += _about_caller(function, plan)
    if owner.why:
        warnings.append(owners.explain(" ".join(owner.why)))
    body = plan.body_for(owner)
    if empty := [column.label() for column in plan.table.required_for_create if not _is_given(column, body)]:
        told = _("These columns are required in the CRM and stay empty: %(columns)s.")
        warnings.append(told % {"columns": ", ".join(empty)})
    return DryRun(plan.table.logical_name, body, tuple(warnings), refused=bool(plan.unfit or unknown))


def _is_given(column: Any, body: Mapping[str, Any]) -> bool:
    bound = {f"{name}@odata.bind" for name in column.navigation.values()}
    return column.property in body or bool(bound & body.keys())


def _about_caller(function: IvrFunction, plan: Plan) -> list[str]:
    if not function.caller_column:
        return []
    if plan.unbound:
        return [_("The column for the caller's record does not take a record of this table, so it stays empty.")]
    if plan.caller.others:
        return [_("Several records have this number, so the column for the caller's record stays empty.")]
    return [] if plan.record else [_("No record has this number, so the column for the caller's record stays empty.")]


def unknown_values(names: list[str]) -> str:
    told = ngettext(
        "The function takes no value of this name: %(names)s.",
        "The function takes no values of these names: %(names)s.",
        len(names),
    )
    return told % {"names": ", ".join(name[:60] for name in names[:10])}
