"""A request changes threads as rarely as it can."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.core.signals import request_finished, request_started
from django.http import HttpResponse

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


def answer(handler: OneThread, *, coming: list[Message] | None = None, **scope: Any) -> list[Message]:
    sent: list[Message] = []
    coming = coming or [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not coming:
            await asyncio.Event().wait()  # the client stays
        return coming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(handler(SCOPE | scope, receive, send))
    return sent


def test_a_request_begins_and_ends_in_one_thread_of_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, changes, seen = OneThread(), list[Any](), list[int]()

    async def counted(self: Any, *args: Any, **options: Any) -> Any:
        changes.append(args)

    def here(**_: Any) -> None:
        seen.append(threading.get_ident())

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    request_started.connect(here)
    request_finished.connect(here)
    try:
        told = [answer(handler) for _ in range(2)]
    finally:
        request_started.disconnect(here)
        request_finished.disconnect(here)
    for start, body in told:
        assert (start["status"], body["body"]) == (200, b"ok")
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert threading.get_ident() not in seen
    assert not changes  # Django's own, each of which waits for a thread


@pytest.mark.parametrize("client_left", [False, True])
def test_what_nobody_has_to_wait_for_is_done_after_the_answer_was_sent(
    client_left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    story: list[str] = []

    class Remembered(HttpResponse):
        works_on = True

        def close(self) -> None:
            story.append("remembered")
            super().close()

    async def sent(_handler: OneThread, response: HttpResponse, _send: Any) -> None:
        story.append("sent")
        if client_left:
            raise OSError

    monkeypatch.setattr(OneThread, "get_response", lambda *_: Remembered(b"ok"))
    monkeypatch.setattr(OneThread, "send_response", sent)
    request_finished.connect(ended := lambda **_: story.append("ended"))
    try:
        with suppress(OSError):
            answer(OneThread())
    finally:
        request_finished.disconnect(ended)
    assert story == ["sent", "remembered", "ended"]


def test_each_request_has_its_own_language() -> None:
    handler = OneThread()
    for language in ("cs", "en"):
        start, _ = answer(handler, path="/nowhere/", headers=[(b"accept-language", language.encode())])
        assert dict(start["headers"])[b"Content-Language"] == language.encode()
    start, _ = answer(handler)
    assert start["status"] == 200


def test_a_file_is_sent_whole() -> None:
    handler = OneThread()
    start, *parts = answer(handler, path="/static/js/window.js")
    assert start["status"] == 200
    assert b"".join(part["body"] for part in parts) == Path("static/js/window.js").read_bytes()


def test_who_hangs_up_before_the_body_is_there_gets_no_answer() -> None:
    assert answer(OneThread(), coming=[{"type": "http.disconnect"}]) == []
