"""The tab "Caller card": which further fields agents see, in which order, with a sample from the customer's own CRM.

With a script every change is saved at once; without one the buttons show the changed list and "Done" saves it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import column_search, configuration, microsoft_connections, samples
from tenants.configuration import Changed, ConfigurationError
from tenants.models import Tenant
from tenants.own_tables.column_words import kind
from tenants.portal import card_form as forms
from tenants.portal import card_preview
from tenants.portal.card_form import Row
from tenants.portal.guard import PortalRequest, instance_of, member
from tenants.samples import Samples, Sight

if TYPE_CHECKING:
    from django.http import QueryDict

    from tenants.dataverse.metadata import Column, Table

SECTION = "display_fields"
MOST_FOUND = 8
TEMPLATE = "tenants/portal/card.html"


@dataclass(slots=True)
class Outcome:
    """Of an attempt to save. `at` is None when nothing is stored; `changed` tells who was faster."""

    at: Any = None
    is_news: bool = False
    others: list[str] = field(default_factory=list)
    changed: Changed | None = None

    @property
    def status(self) -> int:
        return 409 if self.changed else 200 if self.at else 422


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A column to add; `why_not` says why it cannot be."""

    table: Table
    column: Column
    entity: str
    label: str
    table_label: str
    why_not: str
    is_there: bool
    value: str = ""

    @property
    def kind(self) -> str:
        return kind(self.column)


def language() -> str:
    return (get_language() or "cs")[:2]


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    if instance_of(tenant) is None:
        return render(request, TEMPLATE, {"tenant": tenant, "tab": "card", "connection": None})
    at = request.GET.get("record", "")
    return _show(
        request,
        tenant,
        forms.stored_rows(tenant),
        at=_number(at),
        typed=request.GET.get("q", "")[: forms.LONGEST],
        fresh="fresh" in request.GET,
    )


@require_POST
@member
def edit(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """A field more or less, another order, another sample record. Saved at once where there is a script."""
    if instance_of(tenant) is None:
        return redirect("portal:card", tenant.code)
    data = request.POST
    act, of, to = [*data.get("act", "").split(":", 2), "", ""][:3]
    if act == "enter" and not data.get("q", "").strip():
        return save(request, code=tenant.code)
    rows = _acted(forms.typed_rows(data), act, of, to, tenant, data)
    is_shown_only = act in {"other", "search", "enter"}
    outcome = _store(request, tenant, rows) if request.htmx and not is_shown_only else None
    return _show(
        request,
        tenant,
        rows,
        at=_number(data.get("at", "")) + (act == "other"),
        another=act == "other",
        typed=data.get("q", "") if is_shown_only else "",
        outcome=outcome,
        unsaved=not outcome and not is_shown_only,
        focus="card-find" if act in {"add", "hand"} else "",
        open_key=of if act in {"up", "down"} else "",
        part="#answer" if request.htmx else "",
    )


def _acted(rows: list[Row], act: str, of: str, to: str, tenant: Tenant, data: QueryDict) -> list[Row]:
    if act == "add" or act == "hand":
        entity, name = (of, to) if act == "add" else (data.get("hand_entity", ""), data.get("hand_identifier", ""))
        column = _known_column(tenant, entity.strip(), name.strip())
        return forms.added(rows, entity.strip(), name.strip(), column, tenant)
    if act == "instead":
        act, to = "replace", data.get(f"instead_{of}", "").strip()
    return forms.changed(rows, act, of, to)


def _known_column(tenant: Tenant, entity: str, name: str) -> Column | None:
    """As it was read last; asks nobody."""
    metadata = samples.look(tenant.instance, None).metadata
    table = metadata.find(entity) if metadata and entity else None
    return table.find(name) if table and name else None


@require_POST
@member
def save(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """By "Done", or after each change where there is a script: then only what changed on the page is answered."""
    if instance_of(tenant) is None:
        return redirect("portal:card", tenant.code)
    rows = forms.typed_rows(request.POST)
    outcome = _store(request, tenant, rows)
    if outcome.at and not request.htmx:
        messages.success(request, _("Saved. Agents see it at the next call.") if outcome.is_news else _("Saved."))
        return redirect("portal:card", tenant.code)
    return _show(
        request,
        tenant,
        rows,
        at=_number(request.POST.get("at", "")),
        outcome=outcome,
        part="#typed" if request.htmx else "",
        status=outcome.status,
    )


def _store(request: PortalRequest, tenant: Tenant, rows: list[Row]) -> Outcome:
    data, outcome = {SECTION: forms.to_configuration(rows, tenant)}, Outcome()
    try:
        diff = configuration.change(tenant, data, by=request.user, seen=request.POST.get("seen", ""))
        outcome.at, outcome.is_news = timezone.now(), bool(diff)
    except ConfigurationError as error:
        outcome.others = forms.take(rows, error.mistakes)
    except Changed as changed:
        outcome.changed = changed
    return outcome


@require_POST
@member
def find(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """While somebody types what they look for."""
    instance = instance_of(tenant)
    if instance is None:
        return HttpResponse()
    sight = samples.look(instance, microsoft_connections.own(instance, request.user))
    found, further = _suggestions(tenant, sight, forms.typed_rows(request.POST), request.POST.get("q", ""))
    ids = forms.sample_ids(request.POST, instance, sight.metadata)
    values = samples.again(sight, _columns(found), _of_tables(ids, found))
    context = {"tenant": tenant, "q": request.POST.get("q", "").strip()[:100], "further": further}
    return render(request, f"{TEMPLATE}#found", context | {"suggestions": _with_values(found, values), "sight": sight})


def _suggestions(tenant: Tenant, sight: Sight, rows: list[Row], typed: str) -> tuple[list[Suggestion], int]:
    """The best few, and how many others there are."""
    entities = {table.logical_name: name for name, table in forms.tables(tenant, sight.metadata) if table}
    if sight.metadata is None:
        return [], 0
    found = column_search.search((sight.metadata.tables[name] for name in entities), typed, language())
    there = {(row.entity.lower(), row.identifier.lower()) for row in rows}
    first = [
        Suggestion(
            table=one.table,
            column=one.column,
            entity=entities[one.table.logical_name],
            label=one.column.label(language()),
            table_label=one.table.label(language()),
            why_not=forms.why_not(one.column),
            is_there=(entities[one.table.logical_name].lower(), one.column.logical_name) in there,
        )
        for one in found[:MOST_FOUND]
    ]
    return first, len(found) - len(first)


def _columns(found: list[Suggestion]) -> dict[str, list[Column]]:
    columns: dict[str, list[Column]] = {}
    for each in found:
        columns.setdefault(each.table.logical_name, []).append(each.column)
    return columns


def _of_tables(ids: dict[str, str], found: list[Suggestion]) -> dict[str, str]:
    tables = {each.table.logical_name for each in found}
    return {name: record_id for name, record_id in ids.items() if name in tables}


def _with_values(found: list[Suggestion], values: Samples) -> list[dict[str, Any]]:
    """`value` is None where there is no record to look at."""
    records = values.records
    return [
        {
            "one": each,
            "value": records[name].value(each.column) if (name := each.table.logical_name) in records else None,
        }
        for each in found
    ]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 5 else 0


def _show(
    request: PortalRequest,
    tenant: Tenant,
    rows: list[Row],
    *,
    at: int = 0,
    another: bool = False,
    typed: str = "",
    fresh: bool = False,
    outcome: Outcome | None = None,
    part: str = "",
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """The page, or of it what a change touches. A form that is shown again was filled in from what is stored now."""
    instance, connection = tenant.instance, microsoft_connections.of(tenant.instance, request.user)
    sight = samples.look(instance, connection if connection and connection.is_live else None, fresh=fresh)
    found, further = _suggestions(tenant, sight, rows, typed)
    ids = {} if another else forms.sample_ids(request.POST, instance, sight.metadata)
    read = _read(sight, rows, found, ids, at)
    forms.describe(rows, tenant, sight.metadata, read, language())
    saved = outcome is not None and outcome.at is not None
    seen = request.POST.get("seen", "") if request.method == "POST" and outcome is None else ""
    context = {
        "tenant": tenant,
        "tab": "card",
        "connection": connection,
        "next": request.path if request.method == "GET" else "",
        "rows": rows,
        "at": at,
        "seen": seen or configuration.stamp(tenant, SECTION),
        "sight": sight,
        "samples": read,
        "problems": card_preview.problems(sight, read, language()),
        "previews": card_preview.of(rows, read, tenant, language()),
        "entities": [
            (name, table.label(language()) if table else name) for name, table in forms.tables(tenant, sight.metadata)
        ],
        "read_at": None if connection and connection.is_live and not sight.problem else instance.metadata_read_at,
        "q": typed.strip()[:100],
        "suggestions": _with_values(found, read),
        "further": further,
        "saved_at": outcome.at if outcome else None,
        "mistakes": forms.summary(rows, outcome.others, tenant) if outcome and not saved else [],
        "changed": outcome.changed if outcome else None,
        **more,
    }
    return render(request, TEMPLATE + part, context, status=status)


def _read(sight: Sight, rows: list[Row], found: list[Suggestion], ids: dict[str, str], at: int) -> Samples:
    """The records that the page shows already, else the best; with the values of what is suggested."""
    wanted = forms.wanted(rows, sight.metadata)
    for name, columns in _columns(found).items():
        wanted.setdefault(name, []).extend(column for column in columns if column.selectable)
    if ids and wanted.keys() <= ids.keys() | {"account", "contact"}:
        return samples.again(sight, wanted, ids)
    return samples.choose(sight, wanted, at=at)
