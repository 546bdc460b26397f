"""Small middlewares: Partitioned cookies and the language of whoever asks."""

from collections.abc import Callable
from http import cookies

from django.http import HttpRequest, HttpResponse
from django.utils import translation

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


def language(get_response: Handler) -> Handler:
    """The chosen language (cookie), else the browser's, else Czech. The window's views settle the agent's own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with translation.override(translation.get_language_from_request(request)):
            request.LANGUAGE_CODE = translation.get_language()
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language())
        return response

    return middleware
