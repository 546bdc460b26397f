"""No request's body is longer than this: said before it is read, or as soon as it is seen. Around Django, which reads first.

Each address has smaller limits of its own; this one bounds what a stranger can put on the disk.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

LONGEST = 4 * 1024 * 1024
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]  # messages of ASGI
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
SENTENCE = f"A request has at most {LONGEST // 1024 // 1024} MB."


def no_longer(application: Application) -> Application:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if _announced(scope) > LONGEST:
            await _refuse(scope, send)
            return
        body = _Body(receive)
        await application(scope, body.receive, body.watched(send))
        if body.is_too_long and not body.answered:
            await _refuse(scope, send)

    return guarded


class _Body:
    """Counts what comes. Past the limit it seems to the application that the visitor has gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen = 0
        self.answered = False

    @property
    def is_too_long(self) -> bool:
        return self._seen > LONGEST

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self._receive()
        self._seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.is_too_long else message

    def watched(self, send: Send) -> Send:
        async def answer(message: dict[str, Any]) -> None:
            self.answered = True
            await send(message)

        return answer


def _announced(scope: Scope) -> int:
    """What Content-Length says; a chunked body says nothing."""
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0


async def _refuse(scope: Scope, send: Send) -> None:
    is_api = scope["path"].startswith("/api/")
    body = json.dumps({"error": SENTENCE}) if is_api else SENTENCE
    headers = [
        (b"content-type", b"application/json" if is_api else b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})
