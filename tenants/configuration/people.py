"""[[agents]]: matched by e-mail, never removed or disabled because they are absent."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from tenants import registration
from tenants.configuration import checks
from tenants.configuration.mistakes import Place, shorten
from tenants.configuration.sections import Change, Section, Whole
from tenants.models import Agent, Tenant

OWN = ("name", "email", "upn", "login", "line", "language")
_agents = checks.tables(
    checks.table(
        {
            "name": checks.text(200, empty=False),
            "email": checks.required_email,
            "upn": checks.text(200),
            "login": checks.text(150),
            "line": checks.text(32),
            "window": checks.flag,
            "language": checks.choice("", *checks.LANGUAGE_CODES),
        },
        required=["email"],
    )
)


def check(value: Any, place: Place) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _agents(value, place)
    emails = ((place.item(at).key("email"), item.get("email", "")) for at, item in enumerate(items))
    checks.unique(emails, _("Two agents have the e-mail “%(value)s”."))
    return items


def rules(whole: Whole) -> None:
    """New agents have a name; login and principal name belong to one agent each, also beside those not in the file."""
    stored = {item["email"].casefold(): item for item in whole.stored.get("agents", [])}
    here = whole.at("agents")
    listed = [(here.item(at), item) for at, item in enumerate(whole.file.get("agents", [])) if "email" in item]
    items = list({item["email"].casefold(): (place, item) for place, item in reversed(listed)}.values())[::-1]
    for place, item in items:
        if "name" not in item and item["email"].casefold() not in stored:
            place.key("name").missing(_("This key is missing; a new agent needs it."))
    in_file = {item["email"].casefold() for _place, item in items}
    others = [item for email, item in stored.items() if email not in in_file]
    merged = [(place, {**stored.get(item["email"].casefold(), {}), **item}) for place, item in items]
    _one_each(merged, others, "login", _("Two agents have the login “%(value)s”."))
    names = [(place, {"upn": _principal(item)}) for place, item in merged]
    sentence = _("Two agents have the user principal name “%(value)s”.")
    _one_each(names, [{"upn": _principal(item)} for item in others], "upn", sentence)


def _principal(item: dict[str, Any]) -> str:
    return str(item.get("upn") or item["email"])


def _one_each(items: list[tuple[Place, dict[str, Any]]], others: list[dict[str, Any]], key: str, sentence: str) -> None:
    seen = {str(item.get(key, "")).casefold() for item in others}
    for place, item in items:
        text = str(item.get(key, ""))
        if text and text.casefold() in seen:
            place.key(key).wrong(sentence % {"value": shorten(text)})
        seen.add(text.casefold())


def read(tenant: Tenant) -> list[dict[str, Any]]:
    rows = tenant.agents.order_by("name", "email", "pk").only(*OWN, "window", "tenant_id")
    return [{name: getattr(row, name) for name in OWN} | {"window": row.window} for row in rows]


def write(tenant: Tenant, data: list[dict[str, Any]], change: Change) -> None:
    """In a few queries, however many people. Who is new with the window on is switched on like everybody else."""
    known = {agent.email.casefold(): agent for agent in tenant.agents.all()}
    _free_logins(known, data)
    new, changed = [], []
    for at, item in enumerate(data):
        here = change.place.key("agents").item(at)
        agent = known.get(item["email"].casefold())
        if agent is None:
            new.append(Agent(tenant=tenant, **{**item, "window": False}))
        elif _differs(agent, {name: item[name] for name in OWN if name in item}, here, change):
            changed.append(agent)
    _save(changed)
    known |= {agent.email.casefold(): agent for agent in Agent.objects.bulk_create(new, batch_size=500)}
    _switch_windows(known, data, change)


def _differs(agent: Agent, values: dict[str, Any], here: Place, change: Change) -> bool:
    names = [name for name, value in values.items() if getattr(agent, name) != value]
    for name in names:
        setattr(agent, name, values[name])
    return bool(names) and change.is_valid(agent, names, here, checked=True)


def _save(agents: list[Agent]) -> None:
    """One statement for all; bulk_update's CASE for each value takes twenty seconds for thousands."""
    quoted = connection.ops.quote_name
    values = ", ".join(f"{quoted(name)} = %s" for name in OWN)
    statement = f"UPDATE {quoted(Agent._meta.db_table)} SET {values} WHERE {quoted('id')} = %s"  # noqa: S608 (our names)
    if agents:
        with connection.cursor() as cursor:
            cursor.executemany(statement, [[*(getattr(agent, name) for name in OWN), agent.pk] for agent in agents])


def _switch_windows(known: dict[str, Agent], data: list[dict[str, Any]], change: Change) -> None:
    for to, act in (True, registration.enable_windows), (False, registration.disable_windows):
        agents = [known[item["email"].casefold()] for item in data if item.get("window") is to]
        act([agent for agent in agents if agent.window is not to], by=change.by)


def _free_logins(known: dict[str, Agent], data: list[dict[str, Any]]) -> None:
    """Two agents may swap logins: those that change are given up first."""
    changing = [
        agent
        for item in data
        if (agent := known.get(item["email"].casefold())) and item.get("login", agent.login) != agent.login
    ]
    Agent.objects.filter(pk__in=[agent.pk for agent in changing]).update(login="")
    for agent in changing:
        agent.login = ""


SECTION = Section(
    name="agents",
    check=check,
    read=read,
    write=write,
    rules=rules,
    item_key="email",
    private=frozenset(OWN) - {"language"},
)
