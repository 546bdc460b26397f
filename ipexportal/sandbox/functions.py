"""Web API functions that answer about the caller, the organization and rights.

Microsoft: Web API function reference (WhoAmI, RetrieveVersion, RetrieveCurrentOrganization, RetrieveUserPrivileges and others).
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from ipexportal.sandbox import directory, errors
from ipexportal.sandbox.metadata import Model
from ipexportal.sandbox.odata import parameters
from ipexportal.sandbox.reading import Caller
from ipexportal.sandbox.rights import Rights, privilege_id
from ipexportal.sandbox.store import Store

Json = dict[str, Any]
VERSION: Final = "9.2.25103.00154"
NAMESPACE: Final = "Microsoft.Dynamics.CRM"


def unbound(name: str, caller: Caller) -> Json | None:
    """The answer of `WhoAmI` and the like; None for an unknown function."""
    match name:
        case "WhoAmI" | "WhoAmI()":
            return _answer(
                caller,
                "WhoAmIResponse",
                BusinessUnitId=directory.BUSINESS_UNIT_ID,
                UserId=caller.user.systemuser_id,
                OrganizationId=directory.ORGANIZATION_ID,
            )
        case "RetrieveVersion" | "RetrieveVersion()":
            return _answer(caller, "RetrieveVersionResponse", Version=VERSION)
    if re.fullmatch(
        r"RetrieveCurrentOrganization\(AccessType=(@\w+|Microsoft\.Dynamics\.CRM\.EndpointAccessType'\w+')\)", name
    ):
        return _answer(caller, "RetrieveCurrentOrganizationResponse", Detail=_detail(caller))
    return None


def _answer(caller: Caller, kind: str, **members: Any) -> Json:
    return {"@odata.context": f"{caller.base}/$metadata#{NAMESPACE}.{kind}", **members}


def _detail(caller: Caller) -> Json:
    origin = caller.base.partition("/api/")[0]
    keys = ["WebApplication", "OrganizationService", "OrganizationDataService"]
    return {
        "OrganizationId": directory.ORGANIZATION_ID,
        "FriendlyName": "Acme",
        "OrganizationVersion": VERSION,
        "EnvironmentId": directory.ORGANIZATION_ID,
        "DatacenterId": "00000000-0000-0000-0000-000000000000",
        "Geo": "EMEA",
        "TenantId": directory.ACME_TENANT,
        "UrlName": (urlsplit(origin).hostname or "acme").partition(".")[0],
        "UniqueName": "acme",
        "State": "Enabled",
        "Endpoints": {"Count": len(keys), "IsReadOnly": False, "Keys": keys, "Values": [f"{origin}/"] * len(keys)},
    }


def bound(
    name: str, query: str, user_id: str, caller: Caller, *, model: Model, store: Store, rights: Rights
) -> Json | None:
    """A function bound to `systemusers(<id>)`; None for an unknown one."""
    user = next((one for one in directory.members() if one.systemuser_id == user_id), None)
    if user is None:
        raise errors.missing("systemuser", user_id)
    if re.fullmatch(r"RetrieveUserPrivileges(\(\))?", name):
        return _answer(caller, "RetrieveUserPrivilegesResponse", RolePrivileges=_privileges(user, rights, ""))
    if found := re.fullmatch(r"RetrieveUserPrivilegeByPrivilegeName\(PrivilegeName=(.+)\)", name):
        wanted = _value(found[1], query).strip("'")
        kind = "RetrieveUserPrivilegeByPrivilegeNameResponse"
        return _answer(caller, kind, RolePrivileges=_privileges(user, rights, wanted))
    if found := re.fullmatch(r"RetrievePrincipalAccess\(Target=(.+)\)", name):
        return _access(user, _value(found[1], query), caller, model=model, store=store, rights=rights)
    return None


def _value(text: str, query: str) -> str:
    return parameters(query).get(text, text)


def _privileges(user: directory.User, rights: Rights, wanted: str) -> list[Json]:
    return [
        {
            "Depth": depth,
            "PrivilegeId": privilege_id(name),
            "BusinessUnitId": directory.BUSINESS_UNIT_ID,
            "PrivilegeName": name,
            "RecordFilterId": "00000000-0000-0000-0000-000000000000",
            "RecordFilterUniqueName": "",
        }
        for name, depth in sorted(rights.of(user).items())
        if wanted in ("", name)
    ]


def _access(user: directory.User, target: str, caller: Caller, *, model: Model, store: Store, rights: Rights) -> Json:
    found = re.search(r"['\"]@odata\.id['\"]\s*:\s*['\"](?:[^'\"]*/)?(\w+)\(([-0-9a-fA-F]{36})\)['\"]", target)
    table = model.sets.get(found[1]) if found else None
    if not found or table is None:
        raise errors.Refused(400, "0x80040203", "The Target of RetrievePrincipalAccess must be a reference.")
    record_id = found[2].lower()
    row = store.get(table.logical_name, record_id, [table.id_column, *(["ownerid"] if table.user_owned else [])])
    if row is None:
        raise errors.missing(table.logical_name, record_id)
    return _answer(
        caller, "RetrievePrincipalAccessResponse", AccessRights=rights.access(user, table, row.get("ownerid"))
    )
