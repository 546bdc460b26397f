"""The customer's page of what is not in the CRM although it should be."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from crmwindow import not_logged, writing
from crmwindow.not_logged import ACTS, WHAT, Found, Line
from tenants.models import Tenant
from tenants.portal.guard import PortalRequest, instance_of, member

PAGE = 50
TEMPLATE = "crmwindow/portal/not_logged.html"


class _Lines:
    """What a paginator cuts pages from."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def __len__(self) -> int:
        return self.found.count

    def __getitem__(self, part: slice) -> list[Line]:
        """Its slices are all that it asks for."""
        return self.found.lines(part.start or 0, part.stop)


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    found = _found(tenant, request.GET)
    # A paginator only counts and slices; its stub asks for a whole sequence
    shown: Page[Line] = Paginator(_Lines(found), PAGE).get_page(request.GET.get("page"))  # type: ignore[arg-type]
    account = getattr(instance_of(tenant), "system_account", None)
    context = {
        "tenant": tenant,
        "tab": "operation",
        "found": found,
        "everything": found.number("", ""),
        "page": shown,
        "lines": list(shown),
        "query": _query(found.what, found.acts),
        "kinds": [_chip(label, found, what=key, acts=found.acts) for key, label in WHAT.items()],
        "actors": [_chip(label, found, what=found.what, acts=key) for key, label in ACTS.items()],
        "given_up": not_logged.given_up(tenant),
        "system_account": account,
        "retention_days": tenant.retention_days,
    }
    return render(request, TEMPLATE, context)


@require_POST
@member
def again(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    found, key = _found(tenant, request.POST), request.POST.get("row", "")
    tried = not_logged.try_again(found, key) if key == "all" or _is_key(key) else 0
    if tried:
        text = ngettext("%(n)d row is on its way again.", "%(n)d rows are on their way again.", tried)
        messages.success(request, text % {"n": tried})
    else:
        messages.info(request, _("There is nothing that could be tried again now."))
    return _back(tenant, found)


@require_POST
@member
def give_up(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    found, key = _found(tenant, request.POST), request.POST.get("row", "")
    sure = request.POST.get("sure") == "1" and key.startswith("write:") and _is_key(key)
    if sure and writing.give_up(tenant=tenant, code=UUID(key.partition(":")[2]), by=request.user):
        messages.success(request, _("It is given up and will not be written."))
    else:
        messages.info(request, _("There is nothing that could be given up."))
    return _back(tenant, found)


def _back(tenant: Tenant, found: Found) -> HttpResponse:
    query = _query(found.what, found.acts)
    return redirect(f"{resolve_url('not_logged', tenant.code)}{f'?{query}' if query else ''}")


def _found(tenant: Tenant, typed: QueryDict) -> Found:
    return not_logged.of(tenant, what=typed.get("what", ""), acts=typed.get("acts", ""))


def _is_key(key: str) -> bool:
    try:
        return bool(UUID(key.partition(":")[2]))
    except ValueError:
        return False


def _chip(label: object, found: Found, *, what: str, acts: str) -> dict[str, Any]:
    """One choice of a filter; `number` is what it would show."""
    chosen = (what, acts) == (found.what, found.acts)
    return {"label": label, "query": _query(what, acts), "number": found.number(what, acts), "chosen": chosen}


def _query(what: str, acts: str) -> str:
    return urlencode({name: value for name, value in (("what", what), ("acts", acts)) if value})
