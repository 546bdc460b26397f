"""`$batch` with reads: several requests in one, answered in one. Clients also hide a single long address in it.

Source: Microsoft, "Execute batch operations using the Web API". Change sets and writes are not known here.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit

from ipexportal.sandbox import errors
from ipexportal.sandbox.http import Request, Response

MOST: Final = 1000
_BOUNDARY: Final = re.compile(r'multipart/mixed\s*;.*?boundary="?([^";,\s]+)"?', re.IGNORECASE)
_LINE: Final = re.compile(r"(\w+) (\S+) HTTP/1\.[01]")


def answer(request: Request, ask: Callable[[Request], Response]) -> Response:
    """`ask` answers one of them. The first that fails ends it, unless the client wants the others all the same."""
    goes_on = "odata.continue-on-error" in request.headers.get("prefer", "")
    parts: list[bytes] = []
    for one in _requests(request):
        said = ask(one)
        parts.append(_part(said))
        if said.status >= 400 and not goes_on:
            break
    mark = f"batchresponse_{uuid.uuid4()}"
    body = b"".join(f"--{mark}\r\n".encode() + part + b"\r\n" for part in parts) + f"--{mark}--\r\n".encode()
    return Response(200, [("Content-Type", f"multipart/mixed; boundary={mark}"), ("OData-Version", "4.0")], body)


def _requests(request: Request) -> Iterator[Request]:
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if request.method != "POST" or not found:
        raise errors.Refused(400, "0x80060891", "A batch is a POST of multipart/mixed with a boundary.")
    pieces = request.body.decode(errors="replace").split(f"--{found[1]}")[1:-1]
    if not 0 < len(pieces) <= MOST:
        raise errors.Refused(400, "0x80060891", f"A batch has between 1 and {MOST} requests.")
    yield from (_request(request, piece) for piece in pieces)


def _request(outer: Request, piece: str) -> Request:
    about, _, inner = piece.strip("\r\n").replace("\r\n", "\n").partition("\n\n")
    if "application/http" not in about.lower():
        raise errors.not_implemented("A change set in $batch")
    first, *lines = inner.lstrip("\n").split("\n")
    found = _LINE.fullmatch(first.strip())
    if not found or found[1] != "GET":
        raise errors.not_implemented("A request in $batch that is no GET")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    parts = urlsplit(found[2])
    path = parts.path if parts.path.startswith("/") else f"{outer.path.removesuffix('$batch')}{parts.path}"
    return Request("GET", unquote(path), parts.query, headers, b"", outer.origin)


def _part(said: Response) -> bytes:
    lines = [
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        f"HTTP/1.1 {said.status} {HTTPStatus(said.status).phrase}",
        *(f"{name}: {value}" for name, value in said.headers),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + said.body
