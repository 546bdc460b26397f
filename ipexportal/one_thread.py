"""Django's handler for ASGI with the middlewares and the view in one thread.

Several of our middlewares know no async. In Django's own handler each of them, and each hook before a view, changes from the
event loop to the request's thread and back, which on a busy process costs more than the work in between.
"""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class OneThread(ASGIHandler):
    """Once to the thread and back, besides what comes before the request and after the response."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
