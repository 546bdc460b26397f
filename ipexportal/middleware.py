"""Small middlewares: Partitioned cookies, the language of whoever asks, and how long the answer took."""

from collections.abc import Callable
from http import cookies
from time import perf_counter
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from crmwindow import timings
from tenants.stopwatch import Watch, watching

Handler = Callable[[HttpRequest], HttpResponse]

# Python learns `Partitioned` in 3.14; Django has no setting for it (ticket 34613).
if "partitioned" not in cookies.Morsel._reserved:  # type: ignore[attr-defined]
    cookies.Morsel._reserved["partitioned"] = "Partitioned"  # type: ignore[attr-defined]
    cookies.Morsel._flags.add("partitioned")  # type: ignore[attr-defined]


def partitioned_cookies(get_response: Handler) -> Handler:
    """Outermost: whatever sets or deletes a SameSite=None cookie does so in the embedding page's partition."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for morsel in response.cookies.values():
            if morsel["samesite"] == "None":
                morsel["partitioned"] = True
        return response

    return middleware


PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
        "xr-spatial-tracking",
    )
)
FOR_EVERYBODY = (
    "/static/js/host.js",
    "/static/js/host.",
)  # Communicator's page loads it; the other name has a hash in it


def strict_headers(get_response: Handler) -> Handler:
    """What Django has no setting for: no devices, nothing for other sites to load, and no copies unless a view says so."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        everybody = request.path.startswith(FOR_EVERYBODY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if everybody else "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def language(get_response: Handler) -> Handler:
    """The chosen language (cookie), else the browser's, else Czech. The window's views settle the agent's own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with translation.override(translation.get_language_from_request(request)):
            request.LANGUAGE_CODE = translation.get_language()
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language())
        return response

    return middleware


TIMED = ("/window/", "/api/v1/")
RECEIVED = "ipex.received"
"""In the ASGI scope: this process's perf_counter when the request came, before it waited for a thread."""


def server_timing(get_response: Handler) -> Handler:
    """Every answer of window and machine API says how long it took, to agents and holders of keys only."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(TIMED):
            return get_response(request)
        received = getattr(request, "scope", {}).get(RECEIVED) or perf_counter()
        with watching(Watch(received)) as watch, connection.execute_wrapper(_timed(watch)):
            response = get_response(request)
        if _is_known(request):
            response.headers["Server-Timing"] = _steps(watch)
        timings.keep_questions(watch)
        return response

    return middleware


def _timed(watch: Watch) -> Callable[..., Any]:
    def execute(run: Callable[..., Any], *arguments: Any) -> Any:
        started = perf_counter()
        try:
            return run(*arguments)
        finally:
            watch.spend("db", perf_counter() - started)

    return execute


def _is_known(request: HttpRequest) -> bool:
    window = getattr(request, "window", None)
    return bool(window and window.agent) or bool(getattr(request, "auth", None))


def _steps(watch: Watch) -> str:
    """`db` and `crm` are sums of requests, of which some may have run at once; `lookup` is waiting for one."""
    spent = [(name, seconds, f';desc="{times}"') for name, (seconds, times) in sorted(watch.spent.items())]
    steps = [*spent, ("total", perf_counter() - watch.began, "")]
    return ", ".join(f"{name};dur={1000 * seconds:.1f}{times}" for name, seconds, times in steps)
