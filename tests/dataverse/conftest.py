import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tenants.dataverse import client, transport
from tenants.dataverse.client import Client

Act = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Reply:
    """One scripted answer: JSON, raw bytes, or an act that writes to the socket itself."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    act: Act | None = None

    def play(self, handler: BaseHTTPRequestHandler) -> None:
        if self.act:
            self.act(handler)
            return
        body = (
            self.body if isinstance(self.body, bytes) else b"" if self.body is None else json.dumps(self.body).encode()
        )
        handler.send_response(self.status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **self.headers,
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


def error(status: int, code: str, message: str = "", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"error": {"code": code, "message": message}}, named)


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class StandIn:
    """A web server on loopback that plays scripted answers (or asks `answers`), then `{"value": []}` for ever."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.seen: list[Seen] = []
        self.answers: Callable[[Seen], Reply] | None = None
        self.forced: list[bool] = []
        self.measured: list[tuple[str, str, int]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.session = transport.new_session()
        self.client = Client(
            origin=self.origin,
            token=self._token,
            session=self.session,
            on_request=lambda *told: self.measured.append(told[:3]),
        )

    def plays(self, *replies: Reply) -> None:
        self.script = list(replies)

    def reply(self, seen: Seen) -> Reply:
        if self.answers:
            return self.answers(seen)
        return self.script.pop(0) if self.script else Reply(body={"value": []})

    def stop(self) -> None:
        self.session.close()
        self._server.shutdown()
        self._server.server_close()

    def _token(self, forced: bool) -> str:
        self.forced.append(forced)
        return "fresh" if forced else "stale"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, json.loads(raw) if raw else None)
                stand_in.seen.append(seen)
                reply = stand_in.reply(seen)
                try:
                    reply.play(self)
                except OSError:  # the client gave up
                    self.close_connection = True

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0.001)


@pytest.fixture
def dataverse() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.stop()
