"""A request changes threads as rarely as it can."""

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import SyncToAsync

from ipexportal.one_thread import OneThread

Message = dict[str, Any]
SCOPE: Message = {
    "type": "http",
    "method": "GET",
    "path": "/healthz",
    "root_path": "",
    "query_string": b"",
    "headers": [(b"host", b"testserver")],
}


def answer(handler: OneThread) -> list[Message]:
    sent: list[Message] = []
    coming = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not coming:
            await asyncio.Event().wait()  # the client stays
        return coming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(handler(dict(SCOPE), receive, send))
    return sent


def test_middlewares_and_view_share_one_change_of_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[int] = []
    change = SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **options: Any) -> Any:
        changes.append(threading.get_ident())
        return await change(self, *args, **options)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    start, body = answer(OneThread())
    assert (start["status"], body["body"]) == (200, b"ok")
    assert len(changes) == 3  # what begins a request, the request, what ends it
