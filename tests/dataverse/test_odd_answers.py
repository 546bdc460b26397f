"""What a network, a front end or a fault does to an answer, and what it may cost: never more than the budget."""

import gzip
import socket
import struct
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
import requests
from requests.adapters import HTTPAdapter

from tenants.dataverse import client as client_module
from tenants.dataverse import errors
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tests.dataverse.conftest import Act, Reply, StandIn, error

RECORD = "25a1b2c3-0000-4000-8000-00000000000a"
CONTACT = f"contacts({RECORD})"
OK = Reply(body={"contactid": RECORD})


def raw(*pieces: bytes, pause: float = 0.0) -> Reply:
    def act(handler: BaseHTTPRequestHandler) -> None:
        for piece in pieces:
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(pause)
        handler.close_connection = True

    return Reply(act=act)


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Tear the connection down, as a front end does in the middle of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def slowly(handler: BaseHTTPRequestHandler, before: bytes, piece: bytes, after: bytes) -> None:
    """A perfect answer that takes three seconds, a little every 20 ms."""
    handler.wfile.write(before)
    for _ in range(150):
        handler.wfile.write(piece)
        time.sleep(0.02)
    handler.wfile.write(after)


def hang(handler: BaseHTTPRequestHandler) -> None:
    slowly(handler, b"", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def trickle(handler: BaseHTTPRequestHandler) -> None:
    slowly(handler, b"HTTP/1.1 200 OK\r\nContent-Length: 152\r\n\r\n", b" ", b"{}")


def trickle_chunks(handler: BaseHTTPRequestHandler) -> None:
    slowly(handler, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", b"2\r\n{}\r\n0\r\n\r\n")


def trickle_headers(handler: BaseHTTPRequestHandler) -> None:
    slowly(handler, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", b"\r\nContent-Length: 2\r\n\r\n{}")


RESET = Reply(act=reset)
HTML = Reply(200, b"<!DOCTYPE html><title>Sign in</title>", {"Content-Type": "text/html"})


def failure(dataverse: StandIn, method: str = "GET", *, seconds: float = 5, **options: str) -> errors.DataverseError:
    body = None if method == "GET" else {"subject": "x"}
    with pytest.raises(errors.DataverseError) as caught:
        dataverse.client.request(method, CONTACT, json=body, budget=Budget(seconds), **options)
    return caught.value


@pytest.mark.parametrize(
    "trouble", [RESET, error(503, ""), error(502, ""), error(504, ""), HTML], ids=["reset", "503", "502", "504", "html"]
)
def test_a_read_is_repeated_after_a_passing_trouble(dataverse: StandIn, trouble: Reply) -> None:
    dataverse.plays(trouble, trouble, OK)

    assert dataverse.client.get(CONTACT, budget=Budget(5)).data == OK.body
    assert len(dataverse.seen) == 3


def test_a_read_is_repeated_at_most_twice(dataverse: StandIn) -> None:
    dataverse.plays(*[error(503, "")] * 5)

    found = failure(dataverse)

    assert type(found) is errors.Unavailable
    assert (found.status, found.may_have_applied, len(dataverse.seen)) == (503, False, 3)


def test_a_plug_in_that_fails_is_not_asked_again(dataverse: StandIn) -> None:
    dataverse.plays(error(500, "0x80040216"), OK)

    assert (failure(dataverse).status, len(dataverse.seen)) == (500, 1)


@pytest.mark.parametrize("trouble", [RESET, error(503, ""), HTML], ids=["reset", "503", "html"])
def test_a_plain_post_is_sent_once(dataverse: StandIn, trouble: Reply) -> None:
    dataverse.plays(trouble, Reply(204))

    found = failure(dataverse, "POST")

    assert isinstance(found, errors.Unavailable)
    assert (found.may_have_applied, len(dataverse.seen)) == (True, 1)


def test_a_plain_patch_is_sent_once(dataverse: StandIn) -> None:
    dataverse.plays(RESET, Reply(204))

    assert (failure(dataverse, "PATCH").may_have_applied, len(dataverse.seen)) == (True, 1)


@pytest.mark.parametrize("options", [{"if_none_match": "*"}, {"if_match": 'W/"7"'}, {"if_match": "*"}])
def test_a_conditional_write_is_repeated(dataverse: StandIn, options: dict[str, str]) -> None:
    dataverse.plays(RESET, Reply(204))

    answer = dataverse.client.request("PATCH", CONTACT, json={"subject": "x"}, budget=Budget(5), **options)

    assert (answer.status, len(dataverse.seen)) == (204, 2)


def test_a_repeated_write_that_meets_its_own_trace_says_so(dataverse: StandIn) -> None:
    dataverse.plays(RESET, error(412, "0x80040237"), RESET, error(412, "0x80060882"), error(412, "0x80060882"))

    created = failure(dataverse, "PATCH", if_none_match="*")
    changed = failure(dataverse, "PATCH", if_match='W/"7"')
    elsewhere = failure(dataverse, "PATCH", if_match='W/"7"')

    assert (type(created), created.may_have_applied) == (errors.AlreadyExists, True)
    assert (type(changed), changed.may_have_applied) == (errors.VersionMismatch, True)
    assert (type(elsewhere), elsewhere.may_have_applied) == (errors.VersionMismatch, False)


def test_a_throttled_read_waits_as_told_when_that_fits(dataverse: StandIn) -> None:
    dataverse.plays(error(429, "0x80072322", Retry_After="0"), OK)

    assert dataverse.client.get(CONTACT, budget=Budget(5)).data == OK.body


@pytest.mark.parametrize("wait", ["30", "", "soon"])
def test_a_throttled_read_gives_up_when_waiting_does_not_fit(dataverse: StandIn, wait: str) -> None:
    dataverse.plays(error(429, "0x80072322", "limit", Retry_After=wait), OK)

    found = failure(dataverse, seconds=2)

    assert type(found) is errors.Throttled
    assert (found.retry_after, len(dataverse.seen)) == (30.0 if wait == "30" else None, 1)


def test_an_outage_with_a_long_retry_after_is_not_waited_for(dataverse: StandIn) -> None:
    dataverse.plays(error(503, "", Retry_After="30"), OK)

    assert (failure(dataverse).retry_after, len(dataverse.seen)) == (30.0, 1)


@pytest.mark.parametrize("act", [hang, trickle, trickle_chunks, trickle_headers])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_outlasts_the_budget(dataverse: StandIn, act: Act, method: str) -> None:
    dataverse.plays(Reply(act=act), OK)

    found = failure(dataverse, method, seconds=0.15)

    assert type(found) is errors.Unavailable
    assert (found.may_have_applied, len(dataverse.seen)) == (method == "POST", 1)


def test_a_spent_budget_sends_nothing(dataverse: StandIn) -> None:
    found = failure(dataverse, "POST", seconds=0)

    assert isinstance(found, errors.Unavailable)
    assert (found.reached, found.may_have_applied, dataverse.seen) == (False, False, [])


@pytest.mark.parametrize(
    "reply",
    [
        HTML,
        Reply(200, b'{"value": ['),
        Reply(200, b"[1, 2]"),
        Reply(200, b"\xff\xfe"),
        Reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"what?\r\n\r\n"),
        raw(b""),
        Reply(302, b"", {"Location": "https://login.example/"}),
        Reply(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}),
        Reply(403, b"<html>Blocked</html>", {"Content-Type": "text/html"}),
    ],
    ids=[
        "html",
        "cut-json",
        "list",
        "bytes",
        "gzip",
        "short",
        "chunk",
        "garbage",
        "empty",
        "redirect",
        "html-502",
        "html-403",
    ],
)
def test_what_cannot_be_read_is_an_outage(dataverse: StandIn, reply: Reply) -> None:
    dataverse.plays(reply, reply, reply)

    assert type(failure(dataverse)) is errors.Unavailable


def test_a_redirect_is_not_followed(dataverse: StandIn) -> None:
    dataverse.plays(Reply(307, b"", {"Location": f"{dataverse.origin}/api/data/v9.2/accounts"}), OK)

    assert (failure(dataverse).status, len(dataverse.seen)) == (307, 1)


def test_json_is_json_whatever_its_content_type(dataverse: StandIn) -> None:
    dataverse.plays(Reply(200, b'\xef\xbb\xbf{"a": "\xc5\xbe"}', {"Content-Type": "text/plain"}))

    assert dataverse.client.get(CONTACT, budget=Budget(5)).data == {"a": "ž"}


def test_compressed_answers_are_read(dataverse: StandIn) -> None:
    dataverse.plays(Reply(200, gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"}))

    assert dataverse.client.get(CONTACT, budget=Budget(5)).data == {"a": 1}


@pytest.mark.parametrize("compressed", [False, True])
def test_a_flood_is_cut_off(dataverse: StandIn, monkeypatch: pytest.MonkeyPatch, compressed: bool) -> None:
    monkeypatch.setattr(client_module, "MAX_BYTES", 100_000)
    body = b'{"a": "' + b"x" * 3_000_000 + b'"}'
    dataverse.plays(
        Reply(200, gzip.compress(body), {"Content-Encoding": "gzip"}) if compressed else Reply(200, body), OK
    )

    found = failure(dataverse)

    assert (str(found), len(dataverse.seen)) == ("The answer is too large.", 1)
    assert dataverse.client.get(CONTACT, budget=Budget(5)).data == OK.body


def test_a_flood_of_headers_is_cut_off(dataverse: StandIn) -> None:
    dataverse.plays(*[raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 500 + b"\r\n{}")] * 3)

    assert type(failure(dataverse)) is errors.Unavailable


@pytest.fixture
def nobody() -> Iterator[Client]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield Client(origin=f"http://127.0.0.1:{free.getsockname()[1]}", token=lambda forced: "t")


def test_a_post_that_met_a_closed_door_was_surely_not_sent(nobody: Client) -> None:
    with pytest.raises(errors.Unavailable) as caught:
        nobody.create("contacts", {}, budget=Budget(5))

    assert (caught.value.reached, caught.value.may_have_applied) == (False, False)
    assert str(caught.value) == "Dataverse cannot be reached."


def test_a_post_is_repeated_when_the_door_opens(dataverse: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    send = HTTPAdapter.send

    def closed_once(self: object, request: object, **options: object) -> object:
        opened.append(1)
        if len(opened) == 1:
            raise requests.exceptions.ConnectTimeout
        return send(self, request, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(HTTPAdapter, "send", closed_once)
    dataverse.plays(Reply(204))

    assert dataverse.client.create("contacts", {"lastname": "N"}, budget=Budget(5)).status == 204
    assert (len(opened), len(dataverse.seen)) == (2, 1)


def test_a_dead_address_leaves_time_for_the_next(dataverse: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with an unreachable IPv6 address first: the connection is made to the second."""
    port = int(dataverse.origin.rpartition(":")[2])
    addresses = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
    ]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: addresses if host == "localhost" else real(host, *a, **k)
    )
    client = Client(origin=f"http://localhost:{port}", token=lambda forced: "t", session=dataverse.session)

    assert client.get("contacts", budget=Budget(5)).status == 200


def test_a_name_nobody_knows_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    client = Client(origin="https://acme.crm4.dynamics.com", token=lambda forced: "t")

    with pytest.raises(errors.Unavailable) as caught:
        client.create("contacts", {}, budget=Budget(5))
    assert (str(caught.value), caught.value.may_have_applied) == ("Dataverse cannot be reached.", False)


@pytest.mark.parametrize("trouble", [errors.SignInRequired, errors.Unavailable, RuntimeError])
def test_a_token_that_cannot_be_had_is_not_asked_for_again(dataverse: StandIn, trouble: type[Exception]) -> None:
    asked: list[bool] = []

    def no_token(forced: bool) -> str:
        asked.append(forced)
        raise trouble

    with pytest.raises(trouble):
        Client(origin=dataverse.origin, token=no_token).get("contacts", budget=Budget(5))
    assert (asked, dataverse.seen) == ([False], [])


def test_a_connection_survives_errors_and_is_used_again(dataverse: StandIn) -> None:
    dataverse.plays(error(404, "0x80040217"), error(412, ""), OK)

    for _ in range(2):
        failure(dataverse, "PATCH", if_match="*")
    dataverse.client.get(CONTACT, budget=Budget(5))

    pools = dataverse.session.get_adapter(dataverse.origin).poolmanager.pools  # type: ignore[attr-defined]
    assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118 - not a dict
