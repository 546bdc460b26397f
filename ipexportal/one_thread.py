"""Django's handler for ASGI with a whole request in one thread of a pool.

Django's own makes a thread for every request and changes to it and back three times: for what begins a request, for the
request, for what ends it; and again for each of our middlewares that knows no async. On a busy process that costs more than
the work in between.
"""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import IO, Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections
from django.http.response import HttpResponse, HttpResponseBase
from django.urls import set_script_prefix

AT_ONCE = 500  # nearly all wait, for Microsoft or a connection; those of one slow customer must not use them up
Scope = dict[str, Any]


class OneThread(ASGIHandler):
    """Once to a thread and back; once more for what a response with `works_on` does when it is closed, after it was sent.
    A client that leaves meanwhile changes nothing: what was begun is ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        here = contextvars.copy_context()  # each request has its own language
        in_thread = partial(asyncio.get_running_loop().run_in_executor, self._threads)
        with closing(body):
            response: HttpResponseBase = await in_thread(partial(here.run, self._answer, scope, body))
            try:
                await self.send_response(response, send)
            finally:
                if _works_on(response):
                    await in_thread(partial(here.run, response.close))

    def _answer(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: HttpResponseBase = self.get_response(request) if request else refusal  # type: ignore[assignment]  # one of them
        response._handler_class = self.__class__  # type: ignore[attr-defined]  # who sends request_finished, as Django has it
        if _works_on(response):
            close_old_connections()
            return response
        with closing(response):  # gives the connection back to its pool, before the answer is on its way
            return _whole(response) if response.streaming else response


def _works_on(response: HttpResponseBase) -> bool:
    """When it is closed it does what nobody has to wait for."""
    return getattr(response, "works_on", False)


def _whole(response: HttpResponseBase) -> HttpResponse:
    """A static file, a few hundred kB at most: what else would be read in other threads, piece by piece."""
    return HttpResponse(b"".join(response), status=response.status_code, headers=response.headers)
