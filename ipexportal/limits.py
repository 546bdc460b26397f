"""Which addresses may be asked how often (tenants.rates), and the page that says no.

The machine API has its own place for it: tenants.access, where its keys are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenants import limits
from tenants.limits import TooOften

ALLAUTHS_SECONDS = 60
BY_ADDRESS = {
    "signin:portal": "sign_in",
    "signin:consent_at_microsoft": "sign_in",
    "activate_sign_in": "sign_in",
    "window:sign_in_page": "window_sign_in",
}
"""A link leads there, so each request counts, whatever its method."""
POSTS_BY_ADDRESS = dict.fromkeys(
    (
        "account_login",
        "account_request_login_code",
        "account_confirm_login_code",
        "account_reset_password",
        "account_confirm_password_reset_code",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "account_reauthenticate",
        "invitation_account",
    ),
    "code",
)
POSTS_BY_USER = {
    "portal:checks_run": "check",
    "portal:go_live": "check",
    "ivr_functions:try": "check",
    "portal:invite": "mail",
    "portal:people_send": "mail",
    "portal:person_send": "mail",
}


class Limited:
    """Counts before the view runs; what a view itself found too often is answered here as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if _is_too_much(request):  # said here: the next in line would read it for its token
            return _too_much(request)
        try:
            _spend(request, request.resolver_match.view_name if request.resolver_match else "")
        except TooOften as refusal:
            return too_often(request, refusal.seconds)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, TooOften):
            return too_often(request, error.seconds)
        if isinstance(error, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
            return _too_much(request)
        return None


def _spend(request: HttpRequest, name: str) -> None:
    if limit := BY_ADDRESS.get(name):
        limits.spend(limit, limits.address_of(request))
    if request.method != "POST":
        return
    if limit := POSTS_BY_ADDRESS.get(name):
        limits.spend(limit, limits.address_of(request))
    if (limit := POSTS_BY_USER.get(name)) and request.user.is_authenticated:
        limits.spend(limit, request.user.pk)


def _is_too_much(request: HttpRequest) -> bool:
    """Of a form without files; files have limits of their own."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    is_form = request.content_type == "application/x-www-form-urlencoded"
    return is_form and length.isdigit() and int(length) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)


def _too_much(request: HttpRequest) -> HttpResponse:
    request._mark_post_parse_error()  # type: ignore[attr-defined]  # as Django does, or rendering asks for the body again
    return render(request, "413.html", status=413)


def too_often(request: HttpRequest, seconds: int = ALLAUTHS_SECONDS) -> HttpResponse:
    """Also what allauth shows for its own limits (urls.handler429)."""
    response = render(request, "429.html", status=429)
    response.headers["Retry-After"] = str(seconds)
    return response
