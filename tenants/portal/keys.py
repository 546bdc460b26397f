"""The keys of the customer's telephone exchange: call events and the IVR. What opens windows is IPEX's to make."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from tenants import api_keys
from tenants.models import ApiKey, Tenant, digest
from tenants.portal.guard import PortalRequest, member
from tenants.portal.under_fields import under_fields

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise

LONGEST = 2_000
OVERLAPS: dict[str, tuple[StrOrPromise, timedelta]] = {
    "hour": (gettext_lazy("in one hour"), timedelta(hours=1)),
    "day": (gettext_lazy("tomorrow at this time"), timedelta(days=1)),
    "week": (gettext_lazy("in one week"), timedelta(days=7)),
    "month": (gettext_lazy("in 30 days"), timedelta(days=30)),
}
"""When the key that is replaced ends."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form brought."""

    scope: str = ApiKey.Scope.EVENTS
    addresses: str = ""
    last_day: str = ""
    once: str = ""

    @classmethod
    def of(cls, request: PortalRequest) -> Typed:
        return cls(
            *(request.POST.get(name, "").strip()[:LONGEST] for name in ("scope", "addresses", "last_day", "once"))
        )

    def ends_at(self) -> datetime | None:
        """The end of the last day. Raises ValidationError."""
        if not self.last_day:
            return None
        try:
            last = date.fromisoformat(self.last_day)
            return timezone.make_aware(datetime.combine(last + timedelta(days=1), time.min))
        except (ValueError, OverflowError):
            raise ValidationError({"expires_at": _("Choose a day.")}) from None


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    return _show(request, tenant, Typed())


def _show(
    request: PortalRequest,
    tenant: Tenant,
    typed: Typed,
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    rows = list(tenant.api_keys.order_by("-created_at", "-pk"))
    context = {
        "tenant": tenant,
        "tab": "ivr",
        "part": "keys",
        "live": [key for key in rows if key.is_live()],
        "ended": [key for key in rows if not key.is_live()][:20],
        "ours": api_keys.CUSTOMERS_SCOPES,
        "scopes": [(scope.value, scope.label) for scope in api_keys.CUSTOMERS_SCOPES],
        "overlaps": [(name, words) for name, (words, _length) in OVERLAPS.items()],
        "typed": typed,
        "once": uuid.uuid4().hex,
        **under_fields(errors),
    }
    return render(request, "tenants/portal/keys.html", context | more, status=status)


@require_POST
@member
def make(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    typed = Typed.of(request)
    if typed.scope not in api_keys.CUSTOMERS_SCOPES:
        return _show(request, tenant, typed, errors={"scope": _("Choose what the key opens.")}, status=422)
    if not _is_first(typed.once):
        return _shown_before(request, tenant)
    try:
        text = api_keys.create(
            tenant, typed.scope, request.user, addresses=re.split(r"[\s,;]+", typed.addresses) if typed.addresses else (),
            expires_at=typed.ends_at(),
        )  # fmt: skip
    except ValidationError as error:
        return _show(request, tenant, typed, errors=_mistakes(error), status=422)
    return _shown_once(request, tenant, text)


@require_POST
@member
def replace(request: PortalRequest, tenant: Tenant, key: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(_own(tenant), code=key)
    if not _is_first(request.POST.get("once", "")):
        return _shown_before(request, tenant)
    _words, overlap = OVERLAPS.get(request.POST.get("ends", ""), OVERLAPS["week"])
    try:
        text = api_keys.replace(found, request.user, until=timezone.now() + overlap)
    except ValidationError as error:
        return _show(request, tenant, Typed(), errors=_mistakes(error), status=422)
    found.refresh_from_db()
    return _shown_once(request, tenant, text, replaced=found)


@require_POST
@member
def revoke(request: PortalRequest, tenant: Tenant, key: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(_own(tenant), code=key)
    api_keys.revoke(found, request.user)
    messages.success(request, _("The key %(key)s opens nothing any more.") % {"key": found})
    return redirect("portal:keys", tenant.code)


def _own(tenant: Tenant) -> QuerySet[ApiKey]:
    return tenant.api_keys.filter(scope__in=api_keys.CUSTOMERS_SCOPES)


def _is_first(once: str) -> bool:
    """A double click or a reload makes no second key."""
    return bool(once) and cache.add(f"key-form:{digest(once)}", 1, 86_400)


def _shown_once(request: PortalRequest, tenant: Tenant, text: str, **more: Any) -> HttpResponse:
    """In the answer itself: a message or a redirect would have to keep the key somewhere."""
    return _show(request, tenant, Typed(), text=text, **more)


def _shown_before(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    messages.warning(
        request, _("This key was made a moment ago and is not shown again. If it was not copied, replace it.")
    )
    return redirect("portal:keys", tenant.code)


def _mistakes(error: ValidationError) -> dict[str, str]:
    """By the form's field."""
    if hasattr(error, "error_dict"):
        fields = {"expires_at": "last_day"}
        return {fields.get(name, name): " ".join(sentences) for name, sentences in error.message_dict.items()}
    return {"addresses": " ".join(error.messages)}
