"""The checks, one function each: where the instance is, who may look, and what the organization has.

A function answers what it found, or raises what Dataverse said; the caller makes "not verified" of that. Source of the
list: what a call, a note and a new record need; Microsoft, "Web API functions", "Security roles and privileges".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from tenants import credentials, customization, eligibility, registration
from tenants.credentials import Credential
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client, Me
from tenants.dataverse.metadata import Metadata, Table
from tenants.entra import EntraMisconfigured
from tenants.key_scheme import nearest_column
from tenants.models import MicrosoftConnection, SystemAccount
from tenants.schema import Creatable, Schema
from tenants.verification.plan import Plan
from tenants.verification.results import Found, evidence_of, failed, from_error, not_verified, passed, warning
from tenants.verification.rights import Rights

SECRET_WARNING_DAYS = 60
GUID = re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.IGNORECASE)
MOST_NAMED = 10
Names = list[dict[str, str]]


@dataclass(slots=True)
class Look:
    """What the checks look at. `client` is None while nobody can look; `schema` and `rights` come in a second stage."""

    plan: Plan
    budget: Budget
    client: Client | None = None
    me: Me | None = None
    through: str = ""
    metadata: Metadata | None = None
    schema: Schema | None = None
    rights: Rights | None = None
    why_not: Found = field(default_factory=lambda: not_verified("nobody_to_look"))

    @property
    def asking(self) -> Client:
        if self.client is None:
            raise errors.SignInRequired
        return self.client

    def table(self, name: str) -> Table | None:
        return self.metadata.find(name) if self.metadata else None


# Where the instance is


def address(look: Look) -> Found:
    """Whether the stored address is still one that we connect to."""
    url = look.plan.instance.url
    verdict = eligibility.judge(
        url, allow_loopback=settings.ALLOW_LOOPBACK_MICROSOFT, refused_ports=settings.REFUSED_LOOPBACK_PORTS
    )
    host = urlsplit(url).hostname or ""
    return (
        passed(host=host)
        if verdict.ok and verdict.origin == url
        else failed("not_an_instance", host=host, kind=verdict.kind)
    )


def directory(look: Look) -> Found:
    """Whether a Dataverse online answers there, and which Entra directory it names."""
    instance = look.plan.instance
    probe = registration.probe(instance.url, look.budget)
    if probe.status is None or probe.status in (429, *range(500, 600)):
        return not_verified("unreachable", **({"status": probe.status} if probe.status else {}))
    if probe.directory_id is None:
        return failed("not_dataverse", status=probe.status)
    if instance.directory_id is None:
        return failed("not_stored", status=probe.status, directory=str(probe.directory_id))
    if probe.directory_id != instance.directory_id:
        return failed("another", status=probe.status, directory=str(probe.directory_id))
    return passed(status=probe.status, directory=str(probe.directory_id))


def proof(look: Look) -> Found:
    return passed() if look.plan.instance.is_proven else failed("claimed")


# Who looks


SYSTEM_TOKEN_WHY = {
    "": "secret_missing",
    "invalid_client": "secret_missing",
    "AADSTS7000215": "secret_wrong",
    "AADSTS7000218": "secret_missing",
    "AADSTS7000222": "secret_expired",
    "AADSTS700024": "clock",
    "AADSTS700027": "certificate_unknown",
    "AADSTS700016": "app_unknown",
    "AADSTS500011": "no_resource",
    "AADSTS90002": "no_directory",
    "AADSTS65001": "consent",
    "AADSTS90094": "consent",
    "AADSTS90095": "consent",
}


def token_given(look: Look, holder: SystemAccount | MicrosoftConnection) -> Found:
    """Whether it was the newest credential that Microsoft took; an older one behind it hides a mistake."""
    if isinstance(holder, MicrosoftConnection):
        return passed(through="connection")
    tried = credentials.of(holder)
    used, newest = credentials.last_used(tried), tried[0] if tried else None
    if newest is None or used is None or not newest.refused_with or used.name == newest.name:
        return passed(through="system")
    why = "certificate_waits" if newest.certificate else "older_used"
    return warning(why, **_about(look, newest, newest.refused_with))


def token_refused(look: Look, error: Exception, *, through: str) -> Found:
    """Why Entra gave no token. An outage says nothing about the secret."""
    code = getattr(error, "code", "")
    if isinstance(error, errors.Unavailable) or not isinstance(error, errors.DataverseError):
        return from_error(error)
    if code.startswith("AADSTS530"):
        return failed("blocked", code=code)
    if through == "system" and isinstance(error, EntraMisconfigured | errors.SignInRequired):
        newest = look.plan.credentials[0] if look.plan.credentials else None
        return failed(_why_refused(look, newest, code), **_about(look, newest, code))
    ours = isinstance(error, EntraMisconfigured)
    return failed("registration" if ours else "connection_ended", **({"code": code} if code else {}))


def _why_refused(look: Look, newest: Credential | None, code: str) -> str:
    why = SYSTEM_TOKEN_WHY.get(code, "refused")
    account = look.plan.account
    if why == "certificate_unknown" and newest and newest.days is not None and newest.days < 0:
        return "certificate_expired"
    if why == "secret_wrong" and newest and account and GUID.fullmatch(str(newest.for_msal(account))):
        return "secret_id"
    return why


def _about(look: Look, credential: Credential | None, code: str) -> dict[str, Any]:
    """What somebody compares in Azure: nothing secret."""
    said = {
        "code": code,
        "client": str(look.plan.account.client_id) if look.plan.account else "",
        "directory": str(look.plan.instance.directory_id or ""),
        "thumbprint": credential.thumbprint if credential else "",
        "date": credential.expires_on.isoformat() if credential and credential.expires_on else "",
    }
    return {name: value for name, value in said.items() if value}


MEMBERSHIP_WHY = {"0x80040225": "app_user_disabled", "0x80042f09": "no_roles"}


def organization(look: Look, me: Me | errors.DataverseError, *, through: str) -> Found:
    """Whether the account is a member, and of the organization that was proven (WhoAmI)."""
    if isinstance(me, errors.NotAMember):
        why = MEMBERSHIP_WHY.get(me.code.lower(), "no_app_user") if through == "system" else "no_user"
        client = {"client": str(look.plan.account.client_id)} if through == "system" and look.plan.account else {}
        return failed(why, **evidence_of(me), **client)
    if isinstance(me, errors.DataverseError):
        return from_error(me)
    stored = look.plan.instance.organization_id
    if stored is None:
        return warning("not_noted", organization=me.organization_id)
    if str(stored) != me.organization_id:
        return failed("another", organization=me.organization_id)
    return passed(organization=me.organization_id)


def version(look: Look) -> Found:
    answer = look.asking.get("RetrieveVersion()", budget=look.budget)
    said = str((answer.data or {}).get("Version") or "")
    parts = tuple(int(part) for part in said.split(".")[:2] if part.isdecimal())
    return passed(version=said) if parts >= (9, 2) else warning("old", version=said)


def app(look: Look) -> Found:
    """Whether the stored model-driven app exists; if not, which there are."""
    wanted = str(look.plan.instance.app_id)
    path = odata.query(odata.record("appmodules", wanted), select=("name", "uniquename", "publishedon"))
    try:
        found = look.asking.get(path, budget=look.budget).data or {}
    except errors.NotFound as error:
        listed = odata.query("appmodules", select=("appmoduleid", "name"), top=MOST_NAMED)
        rows = look.asking.get(listed, budget=look.budget).rows
        apps = [{"id": str(row.get("appmoduleid")), "name": str(row.get("name"))} for row in rows]
        return failed("not_found", **evidence_of(error), app=wanted, apps=apps)
    if not found.get("publishedon"):
        return warning("not_published", name=str(found.get("name")))
    return passed(name=str(found.get("name")))


# What the organization has


def table(look: Look, name: str) -> Found:
    found = look.table(name)
    if found is None:
        return failed("missing", table=name)
    return passed(table=found.logical_name, columns=len(found.columns))


def columns(look: Look, name: str) -> Found:
    """Whether what a look-up and the key scheme name exists and can be read."""
    found, entity = look.table(name), look.plan.entity(name)
    if found is None:
        return not_verified("no_table", table=name)
    phones = look.plan.search_columns.get(name) or (entity.phone_columns if entity else [])
    own = [entity.id_column, entity.first_name, entity.last_name] if entity else []
    unknown = _unknown(found, [*phones, *own])
    if unknown:
        return failed("unknown", table=found.logical_name, columns=unknown)
    searched = look.schema.table(found.logical_name) if look.schema else None
    if searched is None or not searched.phones:
        return failed("no_phone", table=found.logical_name)
    if entity and (key := found.find(entity.id_column)) and key.logical_name != found.id_column:
        return warning("another_key", table=found.logical_name, column=key.schema_name, key=found.id_column)
    return passed(table=found.logical_name, columns=len(searched.phones))


def fields(look: Look, name: str) -> Found:
    """Whether the further fields of this table exist and can be read."""
    found = look.table(name)
    typed = [each.identifier for each in look.plan.fields if each.entity.strip().lower() == name]
    if found is None or found.logical_name not in look.plan.searched:
        return failed("table_not_used", table=name, count=len(typed))
    unknown = _unknown(found, typed)
    if unknown:
        return failed("unknown", table=found.logical_name, columns=unknown)
    return passed(table=found.logical_name, columns=len(typed))


def _unknown(found: Table, names: Iterable[str]) -> Names:
    """Each name that the table does not have, or does not let anybody read, with the nearest one that it has."""
    missing = [name for name in names if name and not ((column := found.find(name)) and column.selectable)]
    return [{"typed": name, "nearest": nearest_column(found, name)} for name in dict.fromkeys(missing)][:MOST_NAMED]


def creating(look: Look, name: str) -> Found:
    """What one-click creating would fail on."""
    known: Iterable[Creatable] = look.schema.creatable if look.schema else ()
    found = next((each for each in known if each.table.logical_name == name), None)
    if found is None:
        return not_verified("no_table", table=name)
    if not found.phones:
        return warning("no_phone", table=name)
    if found.missing:
        return warning("required_columns", table=name, columns=_named(found.missing))
    if fixed := _not_writable(look, found.table):
        return warning("not_writable", table=name, columns=fixed)
    return passed(table=name)


def _not_writable(look: Look, found: Table) -> list[str]:
    """Columns of the key scheme that a new record cannot fill: only plain texts that may be created."""
    entity = look.plan.entity(found.logical_name)
    typed = [entity.first_name, entity.last_name, *entity.phone_columns] if entity else []
    columns = [column for name in typed if name and (column := found.find(name))]
    return _named(column for column in columns if not column.creatable or column.type not in {"String", "Memo"})


def _named(columns: Iterable[Any]) -> list[str]:
    return [column.schema_name for column in columns][:MOST_NAMED]


def activities(look: Look, name: str) -> Found:
    """Whether a phone call may be about a record of the customer's own table."""
    found = look.table(name)
    if found is None or look.metadata is None:
        return not_verified("no_table", table=name)
    if not found.has_activities:
        return failed("switched_off", table=found.logical_name)
    if look.metadata.regarding_navigation(found.logical_name) is None:
        return failed("no_relation", table=found.logical_name)
    return passed(table=found.logical_name)


def tracking(look: Look, name: str) -> Found:
    found = look.table(name)
    if found is None:
        return not_verified("no_table", table=name)
    return passed(table=name) if found.change_tracking else warning("switched_off", table=name)


def from_to(look: Look) -> Found:
    """Whether notes can be edited in the CRM's own form."""
    levels = customization.levels(look.asking, look.budget)
    said = {column: level.value for column, level in levels.items()}
    required = [level for level in levels.values() if not level.editable]
    if not required:
        return passed(**said)
    changeable = all(level.changeable for level in required)
    return warning("required" if changeable else "fixed", **said)


# Who may do what


def org_read(look: Look, name: str) -> Found:
    """Whether the system account reads all records of the table: index and IVR would else miss callers."""
    if look.through != "system":
        return not_verified("system_only")
    if look.rights is None or name not in look.rights.tables:
        return not_verified("no_table", table=name)
    right = look.rights.name(name, "Read")
    depth = look.rights.own.get(look.rights.id(name, "Read"))
    if depth is None:
        return failed("lacks", table=name, right=right)
    return (
        passed(table=name, right=right) if depth == "Global" else failed("depth", table=name, right=right, depth=depth)
    )


def system_rights(look: Look, name: str) -> Found:
    """Whether the system account has, for the whole organization, what missed calls and the IVR need of the table."""
    if look.rights is None or look.through != "system":
        return not_verified("system_only")
    if name not in look.rights.tables:
        return not_verified("no_table", table=name)
    needed = next(each for each in look.plan.needed if each.table == name)
    wanted = look.rights.named(name, *needed.verbs)
    lacking = sorted(right for key, right in wanted.items() if key not in look.rights.own)
    narrow = sorted(right for key, right in wanted.items() if look.rights.own.get(key, "Global") != "Global")
    if lacking:
        return failed("lacks", table=name, rights=lacking)
    if narrow:
        return failed("depth", table=name, rights=narrow)
    return passed(table=name, rights=sorted(wanted.values()))


def agents_rights(look: Look) -> Found:
    """Whether agents who signed in may read callers and write notes; asked about them, not with their tokens."""
    if look.rights is None:
        return not_verified("nobody_to_look")
    needed = look.rights.for_notes(look.plan.searched) | look.rights.for_reading(look.plan.searched)
    wished = look.rights.for_creating(look.plan.creatable)
    lacking: dict[str, set[str]] = {"needed": set(), "wished": set()}
    roles: set[str] = set()
    for user in look.plan.systemusers:
        has = look.rights.of(look.asking, user, look.budget)
        without = {name for key, name in (needed | wished).items() if key not in has}
        lacking["needed"] |= without & set(needed.values())
        lacking["wished"] |= without & set(wished.values())
        roles |= look.rights.roles(look.asking, user, look.budget) if without else set()
    return _agents_found(len(look.plan.systemusers), lacking, sorted(roles))


def _agents_found(asked: int, lacking: Mapping[str, set[str]], roles: list[str]) -> Found:
    evidence = {"agents": asked, "roles": roles[:MOST_NAMED]}
    if lacking["needed"]:
        return failed("lacks", rights=sorted(lacking["needed"]), **evidence)
    if lacking["wished"]:
        return warning("lacks_creating", rights=sorted(lacking["wished"]), **evidence)
    return passed(agents=asked)


# Ours


def secret(look: Look) -> Found:
    """How long the system account's secret is still good; a second one in parallel counts."""
    account = look.plan.account
    if account is None:
        return not_verified("nobody_to_look")
    dates = [each.expires_on for each in look.plan.credentials]
    if not dates:
        return failed("missing")
    if None in dates:
        return warning("no_date")
    return _secret_found(max(filter(None, dates)), look.plan.today)


def _secret_found(expires: date, today: date) -> Found:
    days, until = (expires - today).days, expires.isoformat()
    if days < 0:
        return failed("expired", date=until, days=-days)
    return warning("soon", date=until, days=days) if days <= SECRET_WARNING_DAYS else passed(date=until, days=days)


def agents(look: Look) -> Found:
    """Whether anybody has signed in, and whether somebody is stuck. Their tokens are not used."""
    plan = look.plan
    evidence: dict[str, Any] = {"signed_in": plan.signed_in, "enabled": plan.enabled}
    if not plan.enabled:
        return warning("nobody_enabled")
    if plan.sign_in_errors:
        stuck = sum(plan.sign_in_errors.values())
        return warning("stuck", **evidence, stuck=stuck, codes=sorted(plan.sign_in_errors))
    return passed(**evidence) if plan.signed_in else warning("nobody_signed_in", **evidence)
