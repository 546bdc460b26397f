"""New records for unknown callers, and the addresses under which the CRM shows records.

A record's GUID follows from the call, the agent and the table, so a double click, a retry or a click in a second window makes
one record: Dataverse refuses the second create (412), and that is success.

Source: Microsoft, "Create a table row using the Web API", "Perform conditional operations", "Open apps, forms, views, dialogs
and reports with a URL", "RetrieveUserPrivilegeByPrivilegeName function".
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import close_old_connections, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crmwindow import lookup, one_record, outbox, phone
from crmwindow.models import Call, Leg, Opening
from crmwindow.search import Hit
from tenants import schema
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import Column
from tenants.models import Agent, Instance, digest, label_in
from tenants.schema import Creatable

SECONDS = 6.0
PRIVILEGES_FOR = 600.0
"""Seconds for which it is remembered what an agent's role may create."""
WAITS_FOR = timedelta(minutes=2)
_GUIDS = UUID("5b0f6c1e-6a0d-5d6f-9a51-0c6f9d1c2e77")

_pool = ThreadPoolExecutor(8, thread_name_prefix="privileges")
_may: dict[tuple[UUID, str], tuple[float, bool]] = {}  # (agent, table) → when asked, answer


class NotCreated(Exception):
    """Nothing was created; `str()` is a sentence for the agent, `code` a short word."""

    def __init__(self, sentence: str, code: str = "refused") -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Option:
    """A kind of record the agent could create. `refused` says why not; `code` names the tab that will show the record."""

    table: str
    label: str
    kind: str
    refused: str
    code: str
    has_first_name: bool
    has_company: bool


# ── what could be created ────────────────────────────────────────────────────────────────────────────────────────────


def options(leg: Leg, *, budget: Budget) -> list[Option]:
    """All kinds, those refused as well, each with its reason. Raises DataverseError while metadata was never read."""
    agent = leg.agent
    client, metadata = one_record.reader(agent, budget)
    kinds = schema.creatable(agent.tenant.instance, metadata)
    may = _permitted(agent, client, kinds, budget)
    return [_option(kind, agent, may=may[kind.table.logical_name]) for kind in kinds]


def _option(kind: Creatable, agent: Agent, *, may: bool) -> Option:
    language = agent.spoken_language
    refused = kind.refused(language) or ("" if may else _no_right(kind, language))
    return Option(
        table=kind.table.logical_name,
        label=_label(kind, language),
        kind="person" if kind.table.logical_name in {"contact", "lead"} else "record",
        refused=refused,
        code=secrets.token_urlsafe(16),
        has_first_name=kind.first_name is not None,
        has_company=kind.company is not None,
    )


def _label(kind: Creatable, language: str) -> str:
    own = {"contact": _("New contact"), "lead": _("New lead")}
    named = label_in(kind.own_label, language) or kind.table.label(language)
    return own.get(kind.table.logical_name) or _("New: %(label)s") % {"label": named}


def _no_right(kind: Creatable, language: str) -> str:
    name = label_in(kind.own_label, language) or kind.table.plural_label(language)
    return _("Your role in the CRM may not create this: %(table)s. A CRM admin can add that.") % {"table": name}


def _permitted(agent: Agent, client: Client, kinds: Iterable[Creatable], budget: Budget) -> dict[str, bool]:
    """May the agent's roles create these? Asked once in ten minutes; what cannot be found out counts as yes."""
    asked = {kind.table.logical_name: _pool.submit(_may_create, agent, client, kind, budget) for kind in kinds}
    return {table: answer.result() for table, answer in asked.items()}


def _may_create(agent: Agent, client: Client, kind: Creatable, budget: Budget) -> bool:
    key = (agent.code, kind.table.logical_name)
    asked_at, known = _may.get(key, (0.0, True))
    if agent.systemuser_id is None or (asked_at and monotonic() - asked_at < PRIVILEGES_FOR):
        return known
    name = odata.lit(f"prvCreate{kind.table.schema_name}")
    user = odata.record("systemusers", agent.systemuser_id)
    path = f"{user}/Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName(PrivilegeName={name})"
    try:
        held = (client.get(path, budget=budget).data or {}).get("RolePrivileges")
    except errors.DataverseError:
        return known
    finally:
        close_old_connections()
    _remember(agent, kind.table.logical_name, bool(held))
    return bool(held)


def _remember(agent: Agent, table: str, may: bool) -> None:
    if len(_may) > 10_000:
        _may.clear()
    _may[agent.code, table] = monotonic(), may


# ── creating ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def create(*, leg: Leg, table: str, code: str, first_name: str = "", last_name: str = "", company: str = "") -> Opening:
    """Create the record that the tab `code` waits for, and take the caller for it. Raises NotCreated."""
    opening = _opening(leg, table, code)
    if opening.created:
        return opening
    try:
        with translation.override(leg.agent.spoken_language):
            hit = _create(leg, opening, {"first_name": first_name, "last_name": last_name, "company": company})
    except NotCreated as refusal:
        Opening.objects.filter(pk=opening.pk).update(problem=refusal.code)
        raise
    with transaction.atomic():
        lookup.show(leg, table=opening.table, record_id=opening.record_id)
        lookup.add(leg, hit)
        Opening.objects.filter(pk=opening.pk).update(created=True, problem="")
        outbox.tell([leg.agent_id])
    opening.created = True
    return opening


def record_id_for(leg: Leg, table: str) -> UUID:
    """The GUID of the one record of that table which this agent can create for this call."""
    return uuid.uuid5(_GUIDS, f"{leg.call.code}/{leg.agent.code}/{table}")


def _opening(leg: Leg, table: str, code: str) -> Opening:
    """The row of this tab. A tab of somebody else, or of another call, is not taken over."""
    if not re.fullmatch(r"[\w-]{20,64}", code) or not re.fullmatch(r"[a-z_][a-z0-9_]{0,127}", table):
        raise NotCreated(_("The button is outdated. Reload the window."), "outdated")
    row = Opening(
        digest=digest(code),
        agent=leg.agent,
        call=leg.call,
        table=table,
        record_id=record_id_for(leg, table),
        expires_at=timezone.now() + WAITS_FOR,
    )
    Opening.objects.bulk_create([row], ignore_conflicts=True)
    opening = Opening.objects.get(digest=digest(code))
    if (opening.agent_id, opening.call_id, opening.table) != (leg.agent_id, leg.call_id, table):
        raise NotCreated(_("The button is outdated. Reload the window."), "outdated")
    return opening


def _create(leg: Leg, opening: Opening, typed: dict[str, str]) -> Hit:
    budget = Budget(SECONDS)
    try:
        client, metadata = one_record.reader(leg.agent, budget)
        kinds = schema.creatable(leg.agent.tenant.instance, metadata)
        kind = next((kind for kind in kinds if kind.table.logical_name == opening.table), None)
        if kind is None:
            raise NotCreated(_("This table is not set up for new records."), "not_configured")
        if refused := kind.refused(leg.agent.spoken_language):
            raise NotCreated(refused, "required")
        body = _body(leg, kind, typed)
        _create_once(client, kind, opening.record_id, body, budget)
    except errors.DataverseError as error:
        raise _refusal(leg, opening.table, error) from error
    return _read_back(leg, opening, kind, typed, budget)


def _create_once(client: Client, kind: Creatable, record_id: UUID, body: dict[str, Any], budget: Budget) -> None:
    """A lost answer is cleared up by looking: our own GUID is there, or it is not."""
    try:
        client.create(kind.table.entity_set, body, record_id=str(record_id), budget=budget)
    except errors.AlreadyExists:
        return
    except errors.Unavailable as error:
        if not error.may_have_applied:
            raise
        try:
            path = odata.record(kind.table.entity_set, record_id)
            client.get(odata.query(path, select=[kind.table.id_column]), budget=budget.at_most(SECONDS))
        except errors.NotFound:
            raise error from None


def _body(leg: Leg, kind: Creatable, typed: dict[str, str]) -> dict[str, Any]:
    """Mapped columns only. Without a name the number stands for it, so that required name columns are filled."""
    number = phone.parse(leg.call.number, leg.agent.tenant.country) if leg.call.caller == Call.Caller.NUMBER else None
    spoken = number.display if number else _("Unknown caller")
    first, last = _name(kind, typed)
    title = " ".join(filter(None, (first, last))) or spoken
    values: list[tuple[Column | None, str]] = [
        (kind.first_name, first),
        (kind.last_name, last or spoken),
        (kind.company, typed["company"]),
        (
            kind.title,
            _("Incoming call %(number)s") % {"number": spoken} if kind.table.logical_name == "lead" else title,
        ),
        (_phone_column(kind, number), number.e164 if number else ""),
    ]
    body = {column.property: text.strip() for column, text in values if column and text.strip()}
    for column, text in values:
        _check_length(column, text, leg.agent.spoken_language)
    return body


def _name(kind: Creatable, typed: dict[str, str]) -> tuple[str, str]:
    """First and last name as far as there are columns; where there is only one, it takes both."""
    first, last = typed["first_name"].strip(), typed["last_name"].strip()
    if kind.first_name is None and kind.last_name is not None:
        return "", " ".join(filter(None, (first, last)))
    return first, last


def _phone_column(kind: Creatable, number: phone.Number | None) -> Column | None:
    """A mobile number's own column where there is one, else the first."""
    if number is None:
        return None
    mobile = [column for column in kind.phones if column.logical_name == "mobilephone"]
    others = [column for column in kind.phones if column not in mobile]
    return next(iter(mobile + others if number.kind == "mobile" else others + mobile), None)


def _check_length(column: Column | None, text: str, language: str) -> None:
    if column and column.max_length and len(text.encode("utf-16-le")) // 2 > column.max_length:
        sentence = _("%(column)s may have at most %(longest)d characters.")
        raise NotCreated(sentence % {"column": column.label(language), "longest": column.max_length}, "too_long")


def _refusal(leg: Leg, table: str, error: errors.DataverseError) -> NotCreated:
    if isinstance(error, errors.MissingPrivilege):
        if error.privilege.lower().startswith("prvcreate"):
            _remember(leg.agent, table, False)
        right = error.privilege or _("a right")
        return NotCreated(
            _("Your role in the CRM lacks a right for this (%(right)s). A CRM admin can add it.") % {"right": right},
            "missing_privilege",
        )
    if isinstance(error, errors.SignInRequired):
        return NotCreated(_("Sign in to Microsoft, then create the record again."), "sign_in")
    if isinstance(error, errors.NotAMember):
        return NotCreated(_("Your account has no access to this CRM. Your admin can add it."), "not_a_member")
    if isinstance(error, errors.Unavailable):
        sentence = _("Microsoft is not responding. Click again in a while, it will be created once only.")
        return NotCreated(sentence, "unavailable")
    return NotCreated(_("The CRM refused the new record. Your admin can find out why."), "refused")


def _read_back(leg: Leg, opening: Opening, kind: Creatable, typed: dict[str, str], budget: Budget) -> Hit:
    """The new record as the card shows it; from what was typed when it cannot be read just now."""
    try:
        left = budget.at_most(2.0)
        return one_record.read_record(leg.agent, table=opening.table, record_id=opening.record_id, budget=left)
    except errors.DataverseError:
        language = leg.agent.spoken_language
        name = " ".join(filter(None, (typed["first_name"].strip(), typed["last_name"].strip())))
        return Hit(
            table=opening.table,
            record_id=str(opening.record_id),
            name=name or leg.call.number,
            kind="person" if opening.table in {"contact", "lead"} else "record",
            table_label=label_in(kind.own_label, language) or kind.table.label(language),
            company=typed["company"].strip(),
            owner_id=str(leg.agent.systemuser_id or ""),
        )


def deep_link(instance: Instance, table: str, record_id: UUID | str) -> str:
    """Where the customer's model-driven app shows a record; never anywhere but on the instance's own host."""
    query = {"appid": instance.app_id, "pagetype": "entityrecord", "etn": table, "id": UUID(str(record_id))}
    return f"{instance.url.rstrip('/')}/main.aspx?{urlencode(query)}"
