"""The request and the answer as the sandbox's parts hand them to each other, without a server in between."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `query` is raw, still percent-encoded; header names are lower case; `origin` is `http://host:port`."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = "http://127.0.0.1"


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer. `headers` keep their order and may repeat."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
