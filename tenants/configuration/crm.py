"""[instance], [search], [[custom_entities]], [[display_fields]] and [system_account]."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tenants import credentials, eligibility, registration
from tenants.configuration import checks
from tenants.configuration.mistakes import Place, Wrong, shorten
from tenants.configuration.sections import Change, Section, Whole
from tenants.models import CustomEntity, DisplayField, Instance, SystemAccount, Tenant

STANDARD_TABLES = ("Account", "Contact", "Lead")
SECRET_PREFIX = "TENANT_SECRET_"  # noqa: S105
LONGEST_SECRET = 200
GUID = re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.IGNORECASE)
NEEDS_INSTANCE = ("search", "custom_entities", "display_fields", "system_account")


def instance_of(tenant: Tenant | None) -> Instance | None:
    return getattr(tenant, "instance", None)


# [instance]


def _address(value: Any, place: Place) -> eligibility.Verdict:
    verdict = eligibility.judge(
        checks.text(2000, empty=False)(value, place),
        allow_loopback=settings.ALLOW_LOOPBACK_MICROSOFT,
        refused_ports=settings.REFUSED_LOOPBACK_PORTS,
    )
    if not verdict.ok:
        raise Wrong(str(verdict.reason))
    return verdict


_instance = checks.table(
    {
        "url": _address,
        "app_id": checks.guid,
        "entra_tenant_id": checks.optional_guid,
        "note_state": checks.choice(*Instance.NoteState.values),
        "leads": checks.flag,
        "index": checks.flag,
    }
)


def check_instance(value: Any, place: Place) -> dict[str, Any]:
    """A whole address from the browser is split: it also names the app."""
    data: dict[str, Any] = _instance(value, place)
    if "url" not in data:
        return data
    verdict: eligibility.Verdict = data["url"]
    data["url"] = verdict.origin
    if verdict.app_id and isinstance(value, dict):
        found = checks.guid(str(verdict.app_id), place)
        if "app_id" not in value:
            data["app_id"] = found
        elif data.get("app_id", found) != found:
            place.key("app_id").wrong(_("The address names another app: %(app)s.") % {"app": found})
    return data


def instance_rules(whole: Whole) -> None:
    """A new instance has an address and an app; sections that belong to an instance have one."""
    here = whole.at("instance")
    if instance_of(whole.tenant) is not None:
        return
    if "instance" not in whole.file:
        if whole.tenant is None or any(name in whole.file for name in NEEDS_INSTANCE):
            here.wrong(_("This table is missing; a new customer needs its url and app_id."))
        return
    for name in {"url", "app_id"} - whole.file["instance"].keys():
        here.key(name).missing(_("This key is missing; a new instance needs it."))


def read_instance(tenant: Tenant) -> dict[str, Any]:
    instance = instance_of(tenant)
    if instance is None:
        return {}
    return {
        "url": instance.url,
        "app_id": str(instance.app_id),
        "entra_tenant_id": str(instance.directory_id or ""),
        "note_state": instance.note_state,
        "leads": instance.leads,
        "index": instance.index,
    }


def write_instance(tenant: Tenant, data: dict[str, Any], change: Change) -> None:
    here = change.place.key("instance")
    instance = instance_of(tenant)
    directory_id = data.get("entra_tenant_id") or change.directory
    if instance is None:
        instance = Instance(tenant=tenant, url=data["url"], app_id=data["app_id"], directory_id=directory_id)
        if not change.is_valid(instance, ["url", "app_id"], here):
            return
        instance.save()
    else:
        _move(instance, data.get("url"), directory_id, change)
    own: dict[str, Any] = {name: data[name] for name in ("app_id", "note_state", "leads", "index") if name in data}
    change.assign(instance, own, here)


def _move(instance: Instance, url: str | None, directory_id: Any, change: Change) -> None:
    was_proven = instance.is_proven
    signed_in = instance.tenant.agents.exclude(token_cache=b"").count()
    if not registration.change_address(instance, by=change.by, url=url, directory_id=directory_id):
        return
    if was_proven and not instance.is_proven:
        change.notes.append(_("The proof that the instance is the customer's is dropped."))
    if signed_in and not instance.is_proven:
        change.notes.append(
            ngettext("%(n)d agent must sign in again.", "%(n)d agents must sign in again.", signed_in)
            % {"n": signed_in}
        )


# [search], [[custom_entities]], [[display_fields]]


def check_search(value: Any, place: Place) -> dict[str, Any]:
    columns = checks.listing(checks.identifier, most=30)
    data: dict[str, Any] = checks.mapping(checks.identifier, columns)(value, place)
    checks.unique(((place.key(name), name) for name in data), _("The table “%(value)s” stands here twice."))
    for name, names in data.items():
        _once(place.key(name), names)
    return data


def _once(place: Place, columns: list[str | None]) -> None:
    items = ((place.item(at), name) for at, name in enumerate(columns) if name)
    checks.unique(items, _("The column “%(value)s” stands here twice."))


def _link(value: Any, place: Place) -> str:
    link: str = checks.text(500)(value, place)
    filled = link.replace("{value}", "1").replace("{id}", "1")
    try:
        address = urlsplit(filled)
        right = address.scheme == "https" and bool(address.hostname) and address.port != 0 and not address.username
    except ValueError:
        right = False
    host = link.partition("://")[2].split("/")[0]
    if link and not (right and not re.search(r"[{}\s]", filled) and "{" not in host):
        raise Wrong(_("A link is an https address; {value} and {id} may stand after its host."))
    return link


_custom_entities = checks.tables(
    checks.table(
        {
            "label": checks.label(200),
            "table": checks.identifier,
            "id": checks.identifier,
            "phone_number": checks.listing(checks.identifier, most=30),
            "first_name": checks.optional_identifier,
            "last_name": checks.identifier,
        },
        required=["label", "table", "id", "phone_number", "last_name"],
    ),
    most=50,
)
check_display_fields = checks.tables(
    checks.table(
        {"label": checks.label(200), "entity": checks.identifier, "identifier": checks.identifier, "link": _link},
        required=["label", "entity", "identifier"],
    ),
    most=100,
)


def check_custom_entities(value: Any, place: Place) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _custom_entities(value, place)
    names = [(place.item(at).key("table"), item.get("table", "")) for at, item in enumerate(items)]
    checks.unique(names, _("The table “%(value)s” stands here twice."))
    for here, name in names:
        if name.casefold() in {standard.casefold() for standard in STANDARD_TABLES}:
            here.wrong(_("%(table)s is searched anyway; this list is for the customer's own tables.") % {"table": name})
    for at, item in enumerate(items):
        columns = place.item(at).key("phone_number")
        _once(columns, item.get("phone_number", []))
        if item.get("phone_number") == []:
            columns.wrong(_("This must not be empty."))
    return items


def table_rules(whole: Whole) -> None:
    """Searched and displayed tables are standard ones or the customer's own."""
    own = [str(item.get("table", "")) for item in whole.items("custom_entities")]
    known = {name.casefold() for name in (*STANDARD_TABLES, *own)}
    for section, at, name in _used_tables(whole):
        if name.casefold() in known:
            continue
        here = at if section in whole.file else whole.at("custom_entities")
        sentence = _("The table “%(value)s” is neither Account, Contact, Lead nor one of the custom entities.")
        here.wrong(sentence % {"value": shorten(name)})


def _used_tables(whole: Whole) -> Iterable[tuple[str, Place, str]]:
    search = whole.at("search")
    for name in whole.table("search"):
        in_file = name in whole.file.get("search", {})
        yield "search" if in_file else "custom_entities", search.key(name), name
    for at, item in enumerate(whole.items("display_fields")):
        if "entity" in item:
            yield "display_fields", whole.at("display_fields").item(at).key("entity"), item["entity"]


def read_search(tenant: Tenant) -> dict[str, Any]:
    instance = instance_of(tenant)
    return dict(instance.search_columns) if instance else {}


def write_search(tenant: Tenant, data: dict[str, Any], change: Change) -> None:
    """Per table; an empty list goes back to the columns that metadata marks as phone numbers."""
    kept = {name.casefold(): (name, columns) for name, columns in tenant.instance.search_columns.items()}
    kept |= {name.casefold(): (name, columns) for name, columns in data.items()}
    columns = {name: columns for name, columns in kept.values() if columns}
    change.assign(tenant.instance, {"search_columns": columns}, change.place.key("search"))


def read_custom_entities(tenant: Tenant) -> list[dict[str, Any]]:
    rows = instance.custom_entities.all() if (instance := instance_of(tenant)) else []
    return [
        {
            "label": row.label,
            "table": row.table,
            "id": row.id_column,
            "phone_number": row.phone_columns,
            "first_name": row.first_name,
            "last_name": row.last_name,
        }
        for row in rows
    ]


def write_custom_entities(tenant: Tenant, data: list[dict[str, Any]], change: Change) -> None:
    if read_custom_entities(tenant) == [{"first_name": "", **item} for item in data]:
        return
    rows = [
        CustomEntity(
            instance=tenant.instance,
            position=position,
            label=item["label"],
            table=item["table"],
            id_column=item["id"],
            phone_columns=item["phone_number"],
            first_name=item.get("first_name", ""),
            last_name=item["last_name"],
        )
        for position, item in enumerate(data)
    ]
    tenant.instance.custom_entities.all().delete()
    CustomEntity.objects.bulk_create(rows)


def read_display_fields(tenant: Tenant) -> list[dict[str, Any]]:
    rows = instance.display_fields.all() if (instance := instance_of(tenant)) else []
    return [{"label": row.label, "entity": row.entity, "identifier": row.identifier, "link": row.link} for row in rows]


def write_display_fields(tenant: Tenant, data: list[dict[str, Any]], change: Change) -> None:
    wanted = [{"link": "", **item} for item in data]
    if read_display_fields(tenant) == wanted:
        return
    tenant.instance.display_fields.all().delete()
    DisplayField.objects.bulk_create(
        DisplayField(instance=tenant.instance, position=position, **item) for position, item in enumerate(wanted)
    )


# [system_account]


def _secret_name(value: Any, place: Place) -> str:
    """Never quoted back: it may be the secret itself."""
    if value == "":
        return ""
    if not isinstance(value, str) or not re.fullmatch(rf"{SECRET_PREFIX}[A-Z0-9_]{{1,80}}", value):
        raise Wrong(
            _(
                "Here belongs the name of an environment variable that begins with TENANT_SECRET_, never the secret itself."
            )
        )
    return value


check_system_account = checks.table(
    {
        "client_id": checks.optional_guid,
        "client_secret_env": _secret_name,
        "secret_expires_on": checks.optional_date,
        "second_client_secret_env": _secret_name,
        "second_secret_expires_on": checks.optional_date,
    },
    hints={
        name: gettext_lazy("Secrets never stand in the file; client_secret_env names an environment variable.")
        for name in ("client_secret", "secret", "second_client_secret", "password")
    },
)


def account_of(tenant: Tenant | None) -> SystemAccount | None:
    return getattr(instance_of(tenant), "system_account", None)


def account_rules(whole: Whole) -> None:
    here, data = whole.at("system_account"), whole.file.get("system_account", {})
    has_account = bool(data["client_id"] if "client_id" in data else account_of(whole.tenant))
    for name in ("client_secret_env", "second_client_secret_env"):
        if data.get(name):
            _secret_rules(here.key(name), data[name], whole)
    for name, secret in whole.handed.items():
        _handed_rules(here.key(name), secret)
    others = [name for name, value in (*data.items(), *whole.handed.items()) if value and name != "client_id"]
    if others and not has_account:
        here.key("client_id").missing(_("This key is missing; the rest belongs to an application."))
    if whole.table("instance").get("index") and not has_account:
        place = (
            whole.at("instance").key("index") if "index" in whole.file.get("instance", {}) else here.key("client_id")
        )
        place.wrong(_("The number index needs the system account, and there is none."))


def _secret_rules(place: Place, name: str, whole: Whole) -> None:
    if whole.secrets is None:
        place.wrong(_("Secrets are taken from the environment only by the command tenant_import."))
    elif not whole.secrets.get(name):
        place.wrong(_("The environment variable %(name)s is not set.") % {"name": name})


def _handed_rules(place: Place, secret: str) -> None:
    """Never quoted back."""
    if GUID.fullmatch(secret):
        place.wrong(_("This is the secret's ID. Copy its Value, which Microsoft shows only right after making it."))
    elif len(secret) > LONGEST_SECRET or not secret.isprintable() or " " in secret:
        place.wrong(_("This is not the Value of a client secret. Copy it once more, without spaces around it."))


def read_system_account(tenant: Tenant) -> dict[str, Any]:
    account = account_of(tenant)
    if account is None:
        return {}
    return {
        "client_id": str(account.client_id),
        "secret_expires_on": str(account.secret_expires_on or ""),
        "second_secret_expires_on": str(account.second_secret_expires_on or ""),
    }


def write_system_account(tenant: Tenant, data: dict[str, Any], change: Change) -> None:
    """An empty client_id means there is none; an absent or empty name of a secret leaves that secret."""
    account = account_of(tenant)
    if "client_id" in data and data["client_id"] is None:
        if account is not None:
            account.delete()
        return
    here = change.place.key("system_account")
    if account is None:
        if "client_id" not in data:
            return
        account = SystemAccount.objects.create(instance=tenant.instance, client_id=data["client_id"])
    names = ("client_id", "secret_expires_on", "second_secret_expires_on")
    other_application = change.assign(account, {name: data[name] for name in names[:1] if name in data}, here)
    change.assign(account, {name: data[name] for name in names[1:] if name in data}, here)
    if _write_secrets(account, data, change) or other_application:
        SystemAccount.objects.filter(pk=account.pk).update(**registration.SIGNED_OUT)


def _write_secrets(account: SystemAccount, data: dict[str, Any], change: Change) -> bool:
    changed = False
    for name in ("client_secret", "second_client_secret"):
        secret = change.handed.get(name) or (change.secrets or {}).get(data.get(f"{name}_env") or "", "")
        if secret and getattr(account, name) != secret:
            added = credentials.SECRETS[name][1]
            setattr(account, name, secret)
            setattr(account, added, timezone.now())
            account.tried = {key: said for key, said in account.tried.items() if key != name}
            account.save(update_fields=[name, added, "tried"])
            change.secrets_set.append(name)
            changed = True
    return changed


SECTIONS = [
    Section(name="instance", check=check_instance, read=read_instance, write=write_instance, rules=instance_rules),
    Section(name="search", check=check_search, read=read_search, write=write_search),
    Section(
        name="custom_entities", check=check_custom_entities, read=read_custom_entities, write=write_custom_entities
    ),
    Section(
        name="display_fields",
        check=check_display_fields,
        read=read_display_fields,
        write=write_display_fields,
        rules=table_rules,
    ),
    Section(
        name="system_account",
        check=check_system_account,
        read=read_system_account,
        write=write_system_account,
        rules=account_rules,
    ),
]
