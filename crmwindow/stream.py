"""The event stream of a window, as a raw ASGI app: no Django handler and no database connection per open stream.

`GET /window/events?instance=<code>` with the window's cookie: Server-Sent Events `state` (ask for your state), `note` (too,
unless the page it names is yours), `found` (too, unless you show who calls in the call whose code begins so) and `revoked`
(your session ended), a comment every 15 s, and a first `state` on every connect, because what was said meanwhile is lost.
A process that ends lets its streams go; the windows come back after times of their own, not all in the same moment.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

from crmwindow.hub import ELSEWHERE, GONE, QUIET, Subscriber, hub
from crmwindow.outbox import REVOKED, STATE
from crmwindow.sessions import session_from_cookie

HEARTBEAT_SECONDS = 15
RETRY_MS = (500, 2000)
PATH = "/window/events"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def events(scope: Scope, receive: Receive, send: Send) -> None:
    if not _is_allowed(scope):
        await _refuse(send)
        return
    who = await sync_to_async(_who, thread_sensitive=False)(scope)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    if who is None:
        await _say(send, _event(REVOKED), more=False)
        return
    with hub.subscribed(agent=who[0], session=who[1]) as subscriber:
        await _say(send, _retry() + _event(STATE))
        await _until_gone(subscriber, receive, send)


def _is_allowed(scope: Scope) -> bool:
    return scope["method"] == "GET" and _header(scope, b"sec-fetch-site", "same-origin") == "same-origin"


def _header(scope: Scope, wanted: bytes, default: str = "") -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), default)


async def _until_gone(subscriber: Subscriber, receive: Receive, send: Send) -> None:
    """Nothing is kept beside the subscriber and one task while there are no news: that is what an idle window costs."""
    gone = asyncio.ensure_future(_disconnected(receive))
    gone.add_done_callback(lambda _task: subscriber.put(GONE))
    try:
        while (kind := await _next(subscriber)) != GONE:
            if kind == ELSEWHERE:
                await _say(send, b"", more=False)
                return
            await _say(send, b":\n\n" if kind == QUIET else _event(kind, subscriber.age), more=kind != REVOKED)
            if kind == REVOKED:
                return
    finally:
        gone.cancel()


async def _next(subscriber: Subscriber) -> str:
    heartbeat = subscriber.loop.call_later(HEARTBEAT_SECONDS, subscriber.put, QUIET)
    try:
        return await subscriber.news()
    finally:
        heartbeat.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _who(scope: Scope) -> tuple[int, int] | None:
    """(agent, session) of a live session with an agent."""
    try:
        code = uuid.UUID(parse_qs(scope["query_string"].decode("latin-1")).get("instance", [""])[0])
        morsel = SimpleCookie(_header(scope, b"cookie")).get(settings.WINDOW_COOKIE)
    except (ValueError, CookieError):
        return None
    try:
        session = session_from_cookie(morsel.value if morsel else "", code)
    finally:
        connections.close_all()
    return (session.agent_id, session.pk) if session and session.agent_id else None


def _retry() -> bytes:
    return f"retry: {random.randint(*RETRY_MS)}\n\n".encode()  # noqa: S311 - spreads load, guards nothing


def _event(kind: str, age: int | None = None) -> bytes:
    """Its data: the milliseconds since it was told, so that the window's report of a painted card can name them; of a note
    the page that saved it, which knows already; of who calls the call, for pages that show it."""
    name, _dot, who_knows = kind.partition(".")
    return f"event: {name}\ndata: {who_knows or ('-' if age is None else age)}\n\n".encode()


async def _say(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in pairs]


HEADERS = _headers(
    [
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
    ]
)
