"""The sandbox over HTTP: one ASGI application for Entra, Dataverse, the CRM page and the switches, under uvicorn."""

import asyncio
import logging
import secrets
import socket
import struct
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ipexportal.sandbox import azure_page, control, crm_page
from ipexportal.sandbox.dataverse import Dataverse
from ipexportal.sandbox.directory import ACME_TENANT, PEOPLE, SYSTEM_CLIENT_ID
from ipexportal.sandbox.entra import Entra
from ipexportal.sandbox.entra_errors import Refusal, Report
from ipexportal.sandbox.errors import error
from ipexportal.sandbox.faults import Fault, Faults, Side, front_end_page, throttled
from ipexportal.sandbox.grants import Bearer
from ipexportal.sandbox.http import Request, Response
from ipexportal.sandbox.pages import answer as html_answer
from ipexportal.sandbox.tls import Certificates

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LARGEST_BODY: Final = 16 * 1024 * 1024
REQUESTS_KEPT: Final = 50_000
_WINDOW: Final = 300.0  # seconds of Dataverse's service protection
_TRANSPORT: Final = "sandbox.transport"
log = logging.getLogger(__name__)


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which lets the application reach its transport: a fault tears the connection."""

    def on_message_begin(self) -> None:
        """Begin a request; uvicorn calls this."""
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: {"transport": self.transport}}

    def shutdown(self) -> None:
        """Drop the connection at once: over TLS a polite end would wait 30 s for an idle client."""
        self.transport.abort()


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that came to Entra or Dataverse. `body` is "" for Entra's, which carry secrets."""

    side: Side
    method: str
    path: str
    query: str
    body: str
    status: int
    upn: str


class TornConnection(Exception):
    """The answer is that there is none."""


class Application:
    """The whole sandbox behind one origin (or several: http and https, by name and by number)."""

    def __init__(self, dataverse: Dataverse, *, latency: float, tenant: str = ACME_TENANT) -> None:
        self.dataverse = dataverse
        self.latency = latency
        self.entra = Entra(is_resource=self.is_ours)
        self.faults = Faults()
        self.control = control.Control(self)
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_KEPT)
        self.counts: Counter[str] = Counter()
        self.hosts: set[str] = set()
        self.busy = 0
        self._tenant = tenant
        self._affinity = secrets.token_hex(32)
        self._windows: dict[str, tuple[float, int]] = {}

    def is_ours(self, origin: str) -> bool:
        """Whether an origin is one of the sandbox's own, over http or https."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc in self.hosts and parts.path in ("", "/")

    def forget_requests(self) -> None:
        """Start the log of requests anew."""
        self.requests.clear()
        self.counts.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; every exception becomes a 500 with a trace in the log."""
        self.busy += 1
        try:
            await self._serve(scope, receive, send, arrived=time.perf_counter())
        finally:
            self.busy -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send, *, arrived: float) -> None:
        try:
            answer = await self._checked(await _read(scope, receive), arrived)
        except TornConnection:
            await _tear(scope, receive)
            return
        except asyncio.CancelledError:  # the sandbox stops, and the connection is gone already
            return
        except Exception:
            log.exception("The sandbox failed at %s %s", scope["method"], scope["path"])
            answer = error(500, "0x80040216", "An unexpected error occurred.")
        await _send(answer, send)

    async def _checked(self, request: Request | None, arrived: float) -> Response:
        if request is None:
            return _plain(413, "The request body is too large.")
        if urlsplit(request.origin).netloc not in self.hosts:
            return _plain(421, "The sandbox answers to 127.0.0.1 and localhost only.")
        return await self._answer(request, arrived)

    async def _answer(self, request: Request, arrived: float) -> Response:
        if request.path.startswith("/api/data/"):
            return await self._dataverse(request, arrived)
        if self.entra.knows(request.path):
            return await self._entra(request)
        if request.path == "/main.aspx":
            return crm_page.answer(request, self.dataverse)
        if request.path == azure_page.PATH:
            return self._app_registration(request)
        if request.path.startswith("/_sandbox/"):
            return control.handle(self.control, request)
        if request.path == "/":
            return self._front_page(request)
        return _plain(404, "There is nothing at this address in the sandbox.")

    # Entra

    async def _entra(self, request: Request) -> Response:
        for fault in self.faults.meet("entra", request, _target(request), ""):
            if fault.kind == "slow_entra":
                await asyncio.sleep(fault.seconds or 10)
            elif fault.kind == "entra_down":
                return self._keep("entra", request, "", front_end_page(503))
            elif request.method == "POST" and request.path.endswith("/token"):
                report = Report.of(Refusal(fault.code), request)
                return self._keep("entra", request, "", report.response(request.origin))
        return self._keep("entra", request, "", self.entra.handle(request))

    # Dataverse

    async def _dataverse(self, request: Request, arrived: float) -> Response:
        bearer = self._bearer(request)
        upn = bearer.user.upn if bearer else ""
        met = {fault.kind: fault for fault in self.faults.meet("dataverse", request, _target(request), upn)}
        if "slow" in met:
            await asyncio.sleep(met["slow"].seconds or 10)
        if "reset" in met:
            self._keep("dataverse", request, upn, Response(0))
            raise TornConnection
        if (
            self.latency
        ):  # half of it on the way here: requests sent at once arrive at once, and are then worked on in turn
            await asyncio.sleep(self.latency / 2)
        answer = self._trouble(met, upn) or self._authenticated(request, bearer, met)
        self._keep("dataverse", request, upn, answer)
        await self._after(met, answer)
        left = self.latency - (time.perf_counter() - arrived)
        if left > 0:
            await asyncio.sleep(left)
        return self._dressed(answer, upn)

    @staticmethod
    def _trouble(met: dict[str, Fault], upn: str) -> Response | None:
        """What the front end answers before anybody looks at the token."""
        if fault := met.get("html"):
            return front_end_page(fault.status or 502)
        if fault := met.get("unavailable"):
            return error(fault.status if fault.status >= 500 else 503, "0x80040216", "The service is unavailable.")
        return None

    async def _after(self, met: dict[str, Fault], answer: Response) -> None:
        """What happens to an answer whose request was carried out."""
        if "slow_after_write" in met:
            await asyncio.sleep(met["slow_after_write"].seconds or 10)
        if "reset_after_write" in met and answer.status < 300:
            raise TornConnection

    def _authenticated(self, request: Request, bearer: Bearer | None, met: dict[str, Fault]) -> Response:
        if bearer is None or "expired_token" in met:
            return self._unauthorized(request, expired="expired_token" in met)
        if (fault := met.get("throttle")) and (wait := fault.wait_for(bearer.user.upn)) is not None:
            return throttled(fault, wait)
        if refused := self.dataverse.rights.refusal(bearer.user):
            return refused
        answer = self.dataverse.handle(request, bearer.user)
        return _cut(answer) if "truncated" in met else answer

    def _bearer(self, request: Request) -> Bearer | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = self.entra.bearer(token.strip()) if scheme.lower() == "bearer" else None
        return bearer if bearer and self.is_ours(bearer.audience) else None

    def _unauthorized(self, request: Request, *, expired: bool) -> Response:
        """401 with the directory in WWW-Authenticate: also how an anonymous caller finds the directory."""
        challenge = (
            f"Bearer authorization_uri={request.origin}/{self._tenant}/oauth2/authorize, resource_id={request.origin}/"
        )
        if expired or "authorization" in request.headers:
            challenge += (
                ', error="invalid_token", error_description="The access token is expired or not for this resource"'
            )
        return Response(401, [("WWW-Authenticate", challenge), ("Content-Length", "0")])

    def _dressed(self, answer: Response, upn: str) -> Response:
        """Add the headers that every Dataverse answer carries."""
        started, used = self._windows.get(upn, (0.0, 0))
        now = time.monotonic()
        if now - started > _WINDOW:
            started, used = now, 0
        self._windows[upn] = (started, used + 1)
        service_request = str(uuid.uuid4())
        headers = [
            ("x-ms-service-request-id", service_request),
            ("REQ_ID", service_request),
            ("x-ms-dop-hint", "4"),
            ("x-ms-ratelimit-burst-remaining-xrm-requests", str(max(0, 6000 - used - 1))),
            ("x-ms-ratelimit-time-remaining-xrm-requests", "1,200.00"),
            ("Set-Cookie", f"ARRAffinity={self._affinity}; Path=/; HttpOnly; SameSite=Lax"),
        ]
        present = {name.lower() for name, _ in answer.headers}
        if answer.body or answer.status == 204:
            headers += [("OData-Version", "4.0"), ("Cache-Control", "no-cache")]
        headers = [(name, value) for name, value in headers if name.lower() not in present]
        return Response(answer.status, [*answer.headers, *headers], answer.body)

    def _keep(self, side: Side, request: Request, upn: str, answer: Response) -> Response:
        body = request.body.decode(errors="replace") if side == "dataverse" else ""
        query = request.query if side == "dataverse" else ""
        self.requests.append(Seen(side, request.method, request.path, query, body, answer.status, upn))
        self.counts[f"{side} {answer.status or 'torn'}"] += 1
        return answer

    def _app_registration(self, request: Request) -> Response:
        is_ours = self.is_ours(request.headers.get("origin", request.origin))
        return azure_page.answer(request, self.entra.registrations[SYSTEM_CLIENT_ID], is_ours=is_ours)

    def _front_page(self, request: Request) -> Response:
        people = "".join(f"<tr><th>{user.upn}</th><td>{user.name} · {user.note}</td></tr>" for user in PEOPLE)
        body = (
            "<h1>Stand-in for Microsoft</h1><p>Entra ID and Dataverse for the demo and the tests. Nothing here is real."
            f"</p><table><tr><th>Web API</th><td><code>{request.origin}/api/data/v9.2/</code></td></tr>"
            f"<tr><th>Authority</th><td><code>{request.origin}/{self._tenant}</code></td></tr>"
            f'<tr><th>Azure</th><td><a href="{azure_page.PATH}">App registrations: the system account</a></td></tr>'
            f"<tr><th>Switches</th><td><code>{request.origin}/_sandbox/state</code></td></tr></table>"
            f"<h2>Accounts</h2><table>{people}</table>"
        )
        return html_answer(200, "Sandbox", body, language="en")


def _plain(status: int, text: str) -> Response:
    return Response(status, [("Content-Type", "text/plain; charset=utf-8")], text.encode())


def _cut(answer: Response) -> Response:
    """Half an answer with a Content-Length that fits the half."""
    return Response(answer.status, answer.headers, answer.body[: len(answer.body) // 2])


def _target(request: Request) -> str:
    return f"{request.path}?{unquote(request.query)}" if request.query else request.path


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """The whole request; None when its body is too large."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            return None
    query = scope["query_string"].decode("latin-1")
    origin = f"{scope['scheme']}://{headers.get('host', '').lower()}"
    return Request(scope["method"], scope["path"], query, headers, bytes(body), origin)


async def _send(answer: Response, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.status not in (204, 304) and not any(name.lower() == b"content-length" for name, _ in headers):
        headers.append((b"Content-Length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _tear(scope: Scope, receive: Receive) -> None:
    """Reset the connection (RST, not FIN) and wait until uvicorn knows that it is gone."""
    transport: asyncio.Transport = scope["extensions"][_TRANSPORT]["transport"]
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await receive()


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes any free one. Raises OSError when the port is taken."""
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


class Server:
    """The application in a thread with an event loop of its own, on one or two listening sockets."""

    def __init__(self, application: Application, plain: socket.socket, tls: tuple[socket.socket, Certificates] | None):
        self._servers = [(uvicorn.Server(_config(application)), plain)]
        if tls:
            self._servers.append((uvicorn.Server(_config(application, tls[1])), tls[0]))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="sandbox", daemon=True)

    def start(self) -> None:
        """Return once it answers; raises RuntimeError when it does not within ten seconds."""
        self._thread.start()
        deadline = time.monotonic() + 10
        while not all(server.started for server, _ in self._servers):
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("The sandbox did not start.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop at once; answers still on their way are dropped."""
        for server, _ in self._servers:
            server.should_exit = server.force_exit = True
        self._thread.join(timeout=10)

    async def _serve(self) -> None:
        await asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in self._servers))


def _config(application: Application, certificates: Certificates | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=Protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=120,
        ssl_certfile=certificates.certificate_file if certificates else None,
        ssl_keyfile=certificates.key_file if certificates else None,
    )
