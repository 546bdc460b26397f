"""Which numbers need a look, with links to their records; as a page and as a file for spreadsheets."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crmwindow.index import quality
from crmwindow.index.quality import Kind, Line
from crmwindow.number_pages.words import KINDS
from crmwindow.records import deep_link
from tenants import connections, microsoft_connections
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError
from tenants.models import Instance, Tenant
from tenants.portal.guard import PortalRequest, instance_of, member
from tenants.roster.writing import BOM, neutral

TEMPLATE = "crmwindow/portal/numbers_report.html"
ON_A_PAGE = 25
IN_A_FILE = 2_000
SECONDS = 8.0
FILE_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Row:
    line: Line
    link: str
    is_first: bool


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant, kind: str) -> HttpResponse:
    chosen, instance = _kind(kind), _instance(tenant)
    count = quality.counts(instance)[chosen]
    pages = max(1, -(-count // ON_A_PAGE))
    number = min(_whole(request.GET.get("page", "")), pages)
    found, problem = _read(request, instance, chosen, (number - 1) * ON_A_PAGE, ON_A_PAGE, SECONDS)
    context = {
        "tenant": tenant,
        "tab": "ivr",
        "part": "numbers",
        "kind": chosen,
        "words": KINDS[chosen],
        "count": count,
        "rows": _rows(instance, found),
        "is_grouped": chosen in ("duplicate", "shared"),
        "problem": problem,
        "connection": microsoft_connections.of(instance, request.user),
        "number": number,
        "pages": pages,
        "in_file": IN_A_FILE,
    }
    return render(request, TEMPLATE, context)


@require_GET
@member
def file(request: PortalRequest, tenant: Tenant, kind: str) -> HttpResponse:
    """All of them (the first two thousand); what may not be read stays empty, the links are there all the same."""
    chosen, instance = _kind(kind), _instance(tenant)
    found, _problem = _read(request, instance, chosen, 0, IN_A_FILE, FILE_SECONDS)
    name = {
        "Content-Disposition": f'attachment; filename="{tenant.slug}-numbers-{chosen}.csv"',
        "Cache-Control": "no-store",
    }
    return HttpResponse(_csv(instance, chosen, found), content_type="text/csv; charset=utf-8", headers=name)


def _kind(text: str) -> Kind:
    for kind in quality.KINDS:
        if kind == text:
            return kind
    raise Http404


def _instance(tenant: Tenant) -> Instance:
    instance = instance_of(tenant)
    if instance is None or not instance.index:
        raise Http404
    return instance


def _whole(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() and len(text) < 9 else 1


def _read(
    request: PortalRequest, instance: Instance, kind: Kind, start: int, most: int, seconds: float
) -> tuple[list[Line], str]:
    """Lines as the acting admin may read them with their own connection, and why not, as a word."""
    found = quality.lines(instance, kind, start=start, most=most)
    metadata, problem = connections.known_metadata(instance), ""
    own = microsoft_connections.own(instance, request.user)
    if own is None:
        problem = "not_connected"
    elif found:
        client, budget = connections.client_for(own), Budget(seconds)
        try:
            metadata = connections.metadata(instance, client, budget)
            found = quality.read(found, client, metadata, budget)
        except DataverseError:
            problem = "unread"
    return quality.labelled(found, metadata), problem


def _rows(instance: Instance, found: list[Line]) -> list[Row]:
    rows, last = [], -1
    for line in found:
        rows.append(Row(line, deep_link(instance, line.table, line.record_id), line.group != last))
        last = line.group
    return rows


def _csv(instance: Instance, kind: Kind, found: list[Line]) -> str:
    text = io.StringIO()
    delimiter = "," if (get_language() or "").startswith("en") else ";"
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    headings = [_("What is wrong"), _("Group"), _("Table"), _("Record"), _("Field"), _("In the field"), _("Link")]
    writer.writerow(headings)
    for line in found:
        cells: list[Any] = [
            KINDS[kind].title,
            line.group + 1,
            line.table_label,
            line.name,
            line.column_label,
            line.text,
        ]
        cells.append(deep_link(instance, line.table, line.record_id))
        writer.writerow([neutral(str(cell)) for cell in cells])
    return BOM + text.getvalue()
