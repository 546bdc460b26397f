"""The customer's own tables: the list, the key scheme as a text that is understood while it is typed, and its export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import configuration, key_scheme, microsoft_connections, own_tables, verification
from tenants.configuration import toml
from tenants.key_scheme import Scheme
from tenants.models import MicrosoftConnection, Tenant, label_in
from tenants.portal.guard import PortalRequest, instance_of, member

if TYPE_CHECKING:
    from tenants.own_tables import Stored, Understanding
    from tenants.verification import Row

MOST_LINES = 600
MOST_MISTAKES = 8
EXAMPLE = """tabulka s daty entity = nnn_myLead
id = myLeadId
phoneNumber = myPhone1
firstname = contactName
lastname = organizationName

položka1 popisek = Počet objednávek
položka1 entita = nnn_myLead
položka1 identifikátor = myOrdersCount
"""


def language() -> str:
    return (get_language() or "cs")[:2]


def own_connection(request: PortalRequest, tenant: Tenant) -> MicrosoftConnection | None:
    """This admin's, when it is live."""
    instance = instance_of(tenant)
    return microsoft_connections.own(instance, request.user) if instance else None


def base_context(request: PortalRequest, tenant: Tenant) -> dict[str, Any]:
    instance = instance_of(tenant)
    connection = microsoft_connections.of(instance, request.user) if instance else None
    return {"tenant": tenant, "tab": "card", "connection": connection, "next": request.get_full_path()}


# the list


@dataclass(frozen=True, slots=True)
class Listed:
    """One stored table, and what the last check said about it. `fields` are labels on the card."""

    table: str
    label: str
    phones: list[str]
    name_columns: list[str]
    fields: list[str]
    rows: list[Row]
    checked: bool

    @property
    def problems(self) -> list[Row]:
        return [row for row in self.rows if row.result.state in {"failed", "warning"}]

    @property
    def is_blocked(self) -> bool:
        return any(row.result.state == "failed" and row.result.required for row in self.rows)

    @property
    def is_verified(self) -> bool:
        return self.checked and bool(self.rows) and all(row.result.state != "not_verified" for row in self.rows)


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    stored, instance = own_tables.stored(tenant), instance_of(tenant)
    context = base_context(request, tenant) | {
        "tables": listed(tenant, stored),
        "leads": bool(instance and instance.leads),
        "seen": own_tables.stamp(tenant),
        "scheme_text": as_text(stored),
        "scheme_toml": as_toml(tenant, stored),
    }
    return render(request, "tenants/portal/own_table.html", context)


def listed(tenant: Tenant, stored: Stored) -> list[Listed]:
    instance = instance_of(tenant)
    report = verification.latest(instance) if instance and stored.custom_entities else None
    rows = report.rows if report else ()
    return [
        Listed(
            table=one["table"],
            label=label_in(one["label"], language()),
            phones=list(one["phone_number"]),
            name_columns=[name for name in (one.get("first_name"), one["last_name"]) if name],
            fields=[label_in(field["label"], language()) for field in stored.fields_of(one["table"])],
            rows=[row for row in rows if row.result.subject == one["table"].lower()],
            checked=report is not None,
        )
        for one in stored.custom_entities
    ]


@require_POST
@member
def move(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """To an absolute place, so that a second click is no second step."""
    to = request.POST.get("to", "")
    if to.isdecimal() and len(to) < 4:
        wanted = own_tables.moved(own_tables.stored(tenant), request.POST.get("table", ""), int(to))
        save_or_say(request, tenant, wanted)
    return redirect("portal:own_tables", tenant.code)


@require_POST
@member
def remove(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    table, stored = request.POST.get("table", ""), own_tables.stored(tenant)
    if stored.entity(table) and save_or_say(request, tenant, own_tables.without(stored, table)):
        messages.success(request, _("Removed: %(table)s. Callers are no longer looked for in it.") % {"table": table})
    return redirect("portal:own_tables", tenant.code)


def save_or_say(request: PortalRequest, tenant: Tenant, wanted: Stored) -> bool:
    try:
        own_tables.save(tenant, wanted, by=request.user, seen=request.POST.get("seen", ""))
    except configuration.Changed as changed:
        sentence = _("%(who)s saved a change here meanwhile. Nothing was changed now; this is what is stored.")
        messages.warning(request, sentence % {"who": changed.by})
        return False
    except configuration.ConfigurationError as error:
        messages.error(request, " ".join(mistake.sentence for mistake in error.mistakes))
        return False
    return True


# export


def as_text(stored: Stored) -> str:
    return key_scheme.write(Scheme.from_configuration(stored.to_dict()), language())


def as_toml(tenant: Tenant, stored: Stored) -> str:
    """Can be imported as it stands."""
    return toml.dump({"tenant": {"slug": tenant.slug}, **stored.to_dict()})


@require_GET
@member
def export(request: PortalRequest, tenant: Tenant, kind: str) -> HttpResponse:
    stored = own_tables.stored(tenant)
    made = {"txt": ("text/plain", as_text(stored)), "toml": ("application/toml", as_toml(tenant, stored))}
    if kind not in made:
        raise Http404
    content_type, text = made[kind]
    name = f"{tenant.slug}-own-tables.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=f"{content_type}; charset=utf-8", headers=headers)


# the text


@require_GET
@member
def text(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Empty, or with `table` what is stored of it, as a text."""
    table = request.GET.get("table", "")
    scheme = own_tables.stored(tenant).only(table) if table else Scheme()
    if table and not scheme.entities:
        raise Http404
    return show(request, tenant, key_scheme.write(scheme, language()), whole=table, fresh=True)


@require_POST
@member
def read(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Understood, not saved: while typing, and for the buttons that change the text where there is no script."""
    typed = changed_text(request.POST)
    return show(request, tenant, typed, whole=request.POST.get("whole", ""), seen=request.POST.get("seen", ""))


def changed_text(data: Mapping[str, str]) -> str:
    """What was typed, with the example added or one name replaced when such a button was pressed."""
    typed = data.get("text", "")
    if "example" in data:
        return f"{typed.rstrip()}\n\n{EXAMPLE}" if typed.strip() else EXAMPLE
    line, _colon, rest = data.get("replace", "").partition(":")
    wrong, _colon, right = rest.rpartition(":")
    right = right or data.get(f"instead:{line}:{wrong}", "")
    return own_tables.replaced(typed, int(line), wrong, right) if line.isdecimal() and len(line) < 6 else typed


@require_POST
@member
def save(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    typed, whole = request.POST.get("text", ""), request.POST.get("whole", "")
    found = own_tables.of_text(typed, tenant=tenant, connection=own_connection(request, tenant), whole=whole)
    if not found.can_be_saved:
        return show(request, tenant, typed, whole=whole, found=found, refused=summary(found), status=422)
    try:
        diff = own_tables.save(tenant, found.wanted, by=request.user, seen=request.POST.get("seen", ""))
    except configuration.Changed as changed:
        return show(request, tenant, typed, whole=whole, found=found, changed=changed, status=409)
    except configuration.ConfigurationError as error:
        refused = [{"field": "scheme", "sentence": mistake.sentence} for mistake in error.mistakes]
        return show(request, tenant, typed, whole=whole, found=found, refused=refused, status=422)
    say_saved(request, found, changed=bool(diff))
    return redirect("portal:own_tables", tenant.code)


def say_saved(request: PortalRequest, found: Understanding, *, changed: bool) -> None:
    if not changed:
        messages.info(request, _("This is stored already, nothing was changed."))
    elif found.verified:
        messages.success(request, _("Saved and verified in the CRM. Agents see it at the next call."))
    else:
        messages.warning(request, _("Saved, not verified yet. It is verified as soon as somebody connects Microsoft."))


def summary(found: Understanding) -> list[dict[str, str]]:
    if found.is_empty or not found.fixes:
        return [{"field": "scheme", "sentence": _("There is no key scheme in the text yet.")}]
    return [{"field": "scheme", "sentence": fix.mistake.sentence} for fix in found.errors[:MOST_MISTAKES]]


def show(
    request: PortalRequest,
    tenant: Tenant,
    typed: str,
    *,
    whole: str = "",
    seen: str = "",
    found: Understanding | None = None,
    fresh: bool = False,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """The page, or while typing what changes on it. A form that is shown again was filled in from what is stored now."""
    connection = own_connection(request, tenant)
    found = found or own_tables.of_text(typed, tenant=tenant, connection=connection, whole=whole, fresh=fresh)
    lines = own_tables.marked(found)
    context = base_context(request, tenant) | {
        "found": found,
        "lines": lines if len(lines) <= MOST_LINES else [],
        "number_of_lines": len(lines) if typed.strip() else 0,
        "shown_fixes": found.fixes[:MOST_MISTAKES],
        "further_fixes": max(0, len(found.fixes) - MOST_MISTAKES),
        "text": typed,
        "whole": whole,
        "seen": seen or own_tables.stamp(tenant),
        "example": EXAMPLE,
        **more,
    }
    template = "tenants/portal/own_table_text.html" + ("#understood" if request.htmx else "")
    return render(request, template, context, status=status)
