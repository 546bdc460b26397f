"""Everything in one process: the event stream as a raw app, the rest through Django."""

import asyncio
import gc
import os
import signal
import threading
from time import perf_counter
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ipexportal.settings")
django.setup(set_prefix=False)

from crmwindow.hub import hub  # noqa: E402  (needs Django set up)
from crmwindow.stream import PATH, Receive, Scope, Send, events  # noqa: E402 - only once Django is set up
from ipexportal.bodies import no_longer  # noqa: E402 - only once Django is set up
from ipexportal.middleware import RECEIVED  # noqa: E402 - only once Django is set up
from ipexportal.one_thread import OneThread  # noqa: E402 - only once Django is set up

django_application = no_longer(OneThread())


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"] == PATH:
        await events(scope, receive, send)
    else:
        scope[RECEIVED] = perf_counter()
        handler: Any = django_application
        await handler(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            gc.collect()
            gc.freeze()  # what a process begins with stays: 0.1 s of looking through it again and again
            hub.start()
            _let_streams_go_at_once()
        elif message["type"] == "lifespan.shutdown":
            hub.stop()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _let_streams_go_at_once() -> None:
    """On SIGTERM, before the server begins to wait until its connections have ended by themselves."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop, servers_own = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)

    def told_to_end(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(hub.let_go)
        if callable(servers_own):
            servers_own(number, frame)

    signal.signal(signal.SIGTERM, told_to_end)
