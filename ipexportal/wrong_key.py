"""What everybody is told while FIELD_KEYS do not open what is stored: nothing is lost, and who can put it right."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _

from crmwindow import sessions
from tenants.fields import CannotDecrypt

SECONDS = 60
logger = logging.getLogger(__name__)


class WrongKey:
    """Answers for every view that met a value it cannot open."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, CannotDecrypt):
            return None
        where = request.resolver_match.view_name if request.resolver_match else ""
        logger.error("A stored value does not open with FIELD_KEYS, so %s was not answered. %s", where, error)
        response = _answer(request)
        response.headers["Retry-After"] = str(SECONDS)
        return response


def _answer(request: HttpRequest) -> HttpResponse:
    window: sessions.Window | None = getattr(request, "window", None)
    if request.path.startswith("/api/"):
        sentence = _("The portal was started with a wrong key and cannot open what is stored. Tell IPEX.")
        return JsonResponse({"error": sentence}, status=503)
    if window is None:
        return render(request, "wrong_key.html", status=503)
    with translation.override(sessions.language_of(window)):
        response = render(request, "wrong_key.html", status=503)
        response.headers["Content-Language"] = translation.get_language()
    sessions.allow_framing(response, window.instance)
    return response
