"""Who may see a customer's pages: their own people and IPEX's staff. For everybody else they are not there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from tenants import access
from tenants.models import Instance, Tenant

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django_htmx.middleware import HtmxDetails


class PortalRequest(HttpRequest):
    """A request of somebody signed in."""

    user: User
    htmx: HtmxDetails


type View[**P] = Callable[Concatenate[PortalRequest, Tenant, P], HttpResponse]


def member[**P](view: View[P]) -> Callable[..., HttpResponse]:
    """The view gets the customer of the address (`code`). Strangers: 404; nobody signed in: the sign-in page."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, code: uuid.UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_sign_in(request)
        return view(cast("PortalRequest", request), access.get_tenant(request, code), *args, **kwargs)

    return guarded


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that belongs to whoever is signed in, not to a customer."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if request.user.is_authenticated else to_sign_in(request)

    return guarded


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """And back to this page; a fragment asks for the whole page it stands in, a form for the page it came from."""
    htmx = getattr(request, "htmx", None)
    back = htmx.current_url_abs_path if htmx else request.get_full_path() if request.method == "GET" else ""
    response = redirect_to_login(back or resolve_url("portal:home"))
    return HttpResponseClientRedirect(response.url) if htmx else response


def own_path(text: str) -> str:
    """Where to go next, as the address says it: a path of ours, else ""."""
    is_ours = text.startswith("/") and len(text) <= 500 and url_has_allowed_host_and_scheme(text, allowed_hosts=None)
    return text if is_ours else ""


def instance_of(tenant: Tenant) -> Instance | None:
    """None until somebody gave its address."""
    return getattr(tenant, "instance", None)
