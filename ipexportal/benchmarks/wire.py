"""Many HTTP connections in one asyncio process, cheap enough not to disturb what is being measured.

Knows only what the portal's own answers need: HTTP/1.1, Content-Length or chunks, connections kept open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

TIMEOUT = 30.0
LONGEST_LINE = 1 << 20
type _Parts = tuple[int, dict[str, str], bytes]
"""Status, headers with small names, body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`at`: when its last byte was here (time.time()); `seconds`: since it was asked for."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)
    at: float
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode()


class Wire:
    """Requests to one address, each over a connection that is free, else over a new one."""

    def __init__(self, url: str, *, known_as: str = "") -> None:
        """`known_as`: the portal's own address, where this is one of several processes behind it."""
        self.url = url
        self.origin = known_as or url
        parts = urlsplit(url)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._ask("GET", path, headers, b"")

    async def post(self, path: str, body: bytes, kind: str, **headers: str) -> Answer:
        return await self._ask("POST", path, {"Content-Type": kind, **headers}, body)

    async def form(self, path: str, values: Mapping[str, str], **headers: str) -> Answer:
        return await self.post(path, urlencode(values).encode(), "application/x-www-form-urlencoded", **headers)

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises OSError (a time-out, too) when there is no whole answer."""
        started = time.perf_counter()
        head = request_head(method, path, f"{self.host}:{self.port}", {**headers, "Content-Length": str(len(body))})
        async with asyncio.timeout(TIMEOUT):
            reader, writer, (status, fields, content) = await self._answered(head + body)
        if fields.get("connection") == "close":
            writer.close()
        else:
            self._free.append((reader, writer))
        return Answer(status, fields, content, time.time(), time.perf_counter() - started)

    async def _answered(self, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, _Parts]:
        """As browsers do: a kept connection that the server closed in this very moment is replaced by a new one."""
        while True:
            kept = self._kept()
            reader, writer = kept or await asyncio.open_connection(self.host, self.port, limit=LONGEST_LINE)
            try:
                writer.write(request)
                return reader, writer, await _read(reader)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                writer.close()
                begun = isinstance(error, asyncio.IncompleteReadError) and error.partial
                if kept is None or begun:
                    raise ConnectionError("an answer broke off") from error

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        while self._free:
            reader, writer = self._free.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def close(self) -> None:
        for _reader, writer in self._free:
            writer.close()
        self._free.clear()


def request_head(method: str, path: str, host: str, headers: Mapping[str, str]) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _read(reader: asyncio.StreamReader) -> _Parts:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    fields = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in head[1:] if line)}
    if fields.get("transfer-encoding") == "chunked":
        return status, fields, await _chunks(reader)
    return status, fields, await reader.readexactly(int(fields.get("content-length", "0")))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


class Stream(asyncio.Protocol):
    """One open event stream; tells `heard` each event's name and when it came (time.time())."""

    __slots__ = ("_head", "_heard", "_rest", "ended", "opened", "transport")

    def __init__(self, head: bytes, heard: Callable[[str, float], None]) -> None:
        self._head, self._heard, self._rest = head, heard, b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended = False
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"event: "):
                if not self.opened.done():
                    self.opened.set_result(None)
                self._heard(line[7:].decode(), now)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("an event stream did not open"))

    def close(self) -> None:
        if self.transport:
            self.transport.close()


async def open_stream(wire: Wire, path: str, heard: Callable[[str, float], None], **headers: str) -> Stream:
    """Answers when its first event came."""
    head = request_head("GET", path, f"{wire.host}:{wire.port}", headers)
    loop = asyncio.get_running_loop()
    _transport, stream = await loop.create_connection(lambda: Stream(head, heard), wire.host, wire.port)
    async with asyncio.timeout(TIMEOUT):
        await stream.opened
    return stream
