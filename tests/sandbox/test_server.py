"""The stand-in's server: who may ask, the switches that make a bad day, starting and stopping."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from ipexportal import sandbox as stand_in
from ipexportal.sandbox import Sandbox, server
from ipexportal.sandbox.directory import ACME_TENANT, JANA
from tests.sandbox.asking import switch, whoami
from tests.sandbox.browser import Browser

Bearer = Callable[[str], dict[str, str]]


# who may ask


def test_an_anonymous_caller_learns_the_directory(microsoft: Sandbox) -> None:
    refused = whoami(microsoft, {})

    assert (refused.status_code, refused.text) == (401, "")
    assert refused.headers["WWW-Authenticate"] == (
        f"Bearer authorization_uri={microsoft.origin}/{ACME_TENANT}/oauth2/authorize, resource_id={microsoft.origin}/"
    )


@pytest.mark.parametrize("value", ["Bearer made-up", "Bearer ", "Basic amFuYTpqYW5h", "nonsense"])
def test_a_made_up_token_is_refused(microsoft: Sandbox, value: str) -> None:
    refused = whoami(microsoft, {"Authorization": value})

    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def test_jana_is_who_she_is(microsoft: Sandbox, bearer: Bearer) -> None:
    answer = whoami(microsoft, bearer("jana@acme.example"))

    assert (answer.status_code, answer.json()["UserId"]) == (200, JANA.systemuser_id)
    assert answer.headers["OData-Version"] == "4.0"
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-ms-service-request-id"])
    assert answer.headers["REQ_ID"] == answer.headers["x-ms-service-request-id"]
    assert answer.headers["x-ms-dop-hint"] == "4"
    assert "ARRAffinity=" in answer.headers["Set-Cookie"]


def test_what_is_left_of_the_limit_goes_down(microsoft: Sandbox, bearer: Bearer) -> None:
    headers, name = bearer("jana@acme.example"), "x-ms-ratelimit-burst-remaining-xrm-requests"
    first, second = (int(whoami(microsoft, headers).headers[name]) for _ in range(2))

    assert second == first - 1


def test_dan_is_no_member_of_the_organization(microsoft: Sandbox, bearer: Bearer) -> None:
    refused = whoami(microsoft, bearer("dan@acme.example"))

    assert refused.status_code == 403
    assert refused.json()["error"] == {"code": "0x80072560", "message": "The user is not a member of the organization."}


def test_eve_of_another_directory_is_no_member_either(microsoft: Sandbox, browser: Browser) -> None:
    code = browser.code("eve@beta.example", tenant="organizations")
    token = browser.redeem(code, tenant="organizations").json()["access_token"]
    refused = whoami(microsoft, {"Authorization": f"Bearer {token}"})

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "0x80072560")


def test_an_application_without_a_user_is_no_member(microsoft: Sandbox, browser: Browser) -> None:
    scope = f"{microsoft.origin}/.default"
    token = browser.post(grant_type="client_credentials", scope=scope).json()["access_token"]

    assert whoami(microsoft, {"Authorization": f"Bearer {token}"}).status_code == 403


def test_a_token_that_ran_out_is_refused(microsoft: Sandbox, bearer: Bearer) -> None:
    microsoft.control.expires_in(0)

    assert whoami(microsoft, bearer("jana@acme.example")).status_code == 401


def test_all_tokens_end_at_once(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.expire_tokens()

    assert whoami(microsoft, headers).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", ""])
def test_the_sandbox_answers_to_its_own_names_only(microsoft: Sandbox, host: str) -> None:
    assert requests.get(f"{microsoft.origin}/_sandbox/state", headers={"Host": host}).status_code in (400, 421)


def test_an_address_with_nothing_behind_it(microsoft: Sandbox) -> None:
    missing = requests.get(f"{microsoft.origin}/nothing")

    assert (missing.status_code, missing.text) == (404, "There is nothing at this address in the sandbox.")


def test_a_body_that_is_too_large(microsoft: Sandbox) -> None:
    answer = requests.post(f"{microsoft.origin}/_sandbox/faults", data=b"x" * (16 * 1024 * 1024 + 1))

    assert (answer.status_code, answer.text) == (413, "The request body is too large.")


def test_the_front_page_says_who_there_is(microsoft: Sandbox) -> None:
    page = requests.get(microsoft.origin)

    assert page.status_code == 200
    assert "jana@acme.example" in page.text
    assert page.headers["X-Frame-Options"] == "DENY"


# switches


def test_faults_are_ordered_listed_and_forgotten_over_http(microsoft: Sandbox) -> None:
    ordered = switch(microsoft, "faults", kind="html", count=2, status=502)
    listed = requests.get(f"{microsoft.origin}/_sandbox/faults").json()

    assert ordered.status_code == 201
    assert listed == [ordered.json()]
    assert {name: ordered.json()[name] for name in ("kind", "count", "status")} == {
        "kind": "html", "count": 2, "status": 502,
    }  # fmt: skip
    assert requests.delete(f"{microsoft.origin}/_sandbox/faults/{ordered.json()['id']}").json() == []
    switch(microsoft, "faults", kind="html")
    assert requests.delete(f"{microsoft.origin}/_sandbox/faults").json() == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "Name the kind of fault."),
        ({"kind": "earthquake"}, "There is no fault “earthquake”; there are throttle, "),
        ({"kind": "html", "colour": "red"}, "A fault has no field “colour”; it has count, "),
        ({"kind": "html", "count": 0}, "The count is a positive number, or null for all requests."),
        ({"kind": "html", "count": "two"}, "The field “count” of a fault is a whole number or null."),
        ({"kind": "html", "path": "("}, "The path is no regular expression: "),
        ({"kind": "html", "status": 418}, "The status is one of 200, 500, 502, 503, 504."),
        ({"kind": "slow", "seconds": 1e9}, "The seconds lie between 0 and 600."),
        ({"kind": "throttle", "limit": "patience"}, "The limit is one of requests, time, concurrency."),
        ({"kind": "missing_privilege"}, "Name the privilege, for example prvCreateLead."),
        ({"kind": "missing_privilege", "privilege": "prvReadLead", "upn": "x"}, "There is no account x."),
        ({"kind": "entra_error", "code": 1}, "The sandbox does not know AADSTS1."),
    ],
)
def test_a_fault_that_makes_no_sense(microsoft: Sandbox, values: dict[str, Any], sentence: str) -> None:
    refused = switch(microsoft, "faults", **values)

    assert refused.status_code == 400
    assert refused.json()["error"].startswith(sentence)
    assert microsoft.control.state()["faults"] == []


@pytest.mark.parametrize(
    ("act", "values", "status", "sentence"),
    [
        ("microsoft", {"mode": "asleep"}, 400, "Microsoft is one of running, slow, throttling, down."),
        ("microsoft", {}, 400, "The switch “microsoft” takes mode."),
        ("reset", {"hard": True}, 400, "The switch “reset” takes no fields."),
        ("latency", {"ms": -1}, 400, "The latency lies between 0 and 60000 milliseconds."),
        ("latency", {"ms": "80"}, 400, "The latency lies between 0 and 60000 milliseconds."),
        ("expires_in", {"seconds": 1e6}, 400, "A token lives between 0 and 86400 seconds."),
        ("disable", {"upn": "nobody@acme.example"}, 400, "There is no account nobody@acme.example."),
        ("explode", {}, 404, "There is no switch “explode”; there are faults, microsoft, "),
    ],
)
def test_a_switch_that_makes_no_sense(
    microsoft: Sandbox, act: str, values: dict[str, Any], status: int, sentence: str
) -> None:
    refused = switch(microsoft, act, **values)

    assert refused.status_code == status
    assert refused.json()["error"].startswith(sentence)


def test_a_fault_is_forgotten_by_its_number(microsoft: Sandbox) -> None:
    refused = requests.delete(f"{microsoft.origin}/_sandbox/faults/first")

    assert (refused.status_code, refused.json()["error"]) == (400, "A fault is forgotten by its number.")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[1]", b'"x"'])
def test_a_body_that_is_no_object(microsoft: Sandbox, body: bytes) -> None:
    refused = requests.post(f"{microsoft.origin}/_sandbox/faults", data=body)

    assert refused.status_code == 400
    assert refused.json()["error"] in ("The body is not JSON.", "Send one JSON object.")


def test_a_page_from_elsewhere_cannot_touch_the_switches(microsoft: Sandbox) -> None:
    refused = requests.post(f"{microsoft.origin}/_sandbox/reset", json={}, headers={"Origin": "https://evil.example"})

    assert refused.status_code == 403


def test_what_was_asked_can_be_read_back(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.reset()
    requests.get(f"{microsoft.origin}/api/data/v9.2/contacts?$select=fullname&$top=1", headers=headers)
    whoami(microsoft, {})

    asked = microsoft.requests
    assert [(one.method, one.path, one.query, one.status, one.upn) for one in asked] == [
        ("GET", "/api/data/v9.2/contacts", "$select=fullname&$top=1", 200, "jana@acme.example"),
        ("GET", "/api/data/v9.2/WhoAmI", "", 401, ""),
    ]
    assert microsoft.control.state()["counts"] == {"dataverse 200": 1, "dataverse 401": 1}


def test_secrets_never_get_into_that_log(microsoft: Sandbox, browser: Browser) -> None:
    browser.tokens("jana@acme.example")

    entra = [one for one in microsoft.requests if one.side == "entra"]
    assert len(entra) == 3
    assert {(one.query, one.body) for one in entra} == {("", "")}


# starting and stopping


def test_several_stand_ins_run_side_by_side() -> None:
    with stand_in.start(records=5) as one, stand_in.start(records=5) as two:
        assert one.origin != two.origin
        assert [requests.get(box.origin).status_code for box in (one, two)] == [200, 200]
    with pytest.raises(requests.ConnectionError):
        requests.get(one.origin)


def test_a_port_that_is_taken(microsoft: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        stand_in.start(port=int(microsoft.origin.rpartition(":")[2]))


def test_a_stopped_one_leaves_no_files(microsoft: Sandbox) -> None:
    with stand_in.start(tls_port=0, records=5) as one:
        folder = Path(one.ca_file).parent
        assert folder.is_dir()

    assert not folder.exists()
    one.stop()


def test_small_answers_do_not_wait_for_more() -> None:
    # With protocol 0 asyncio leaves Nagle's algorithm on, and every answer with a body waits 40 ms.
    with server.listen(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_second_port_that_is_taken_frees_the_first(microsoft: Sandbox) -> None:
    with server.listen(0) as free:
        port = free.getsockname()[1]
    with pytest.raises(OSError, match="in use"):
        stand_in.start(port=port, tls_port=int(microsoft.origin.rpartition(":")[2]))

    server.listen(port).close()
