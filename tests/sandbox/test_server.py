"""The stand-in's server: who may ask, what a bad day looks like, and the switches that make one."""

import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from ipexportal import sandbox as stand_in
from ipexportal.sandbox import Sandbox, server
from ipexportal.sandbox.demo_data import record_id
from ipexportal.sandbox.directory import ACME_TENANT, APP_ID, JANA
from tests.sandbox.browser import Browser

Bearer = Callable[[str], dict[str, str]]


def whoami(box: Sandbox, headers: dict[str, str]) -> requests.Response:
    return requests.get(f"{box.origin}/api/data/v9.2/WhoAmI", headers=headers)


def switch(box: Sandbox, act: str, **values: Any) -> requests.Response:
    return requests.post(f"{box.origin}/_sandbox/{act}", json=values)


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


# bad days


def test_throttled_longer_and_longer_while_one_keeps_asking(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.fault("throttle", count=3, retry_after=2)
    refused = [whoami(microsoft, headers) for _ in range(4)]

    assert [answer.status_code for answer in refused] == [429, 429, 429, 200]
    assert [answer.headers.get("Retry-After") for answer in refused] == ["2", "4", "6", None]
    assert refused[0].json()["error"] == {
        "code": "0x80072322",
        "message": "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
    }


@pytest.mark.parametrize(
    ("limit", "code"), [("requests", "0x80072322"), ("time", "0x80072321"), ("concurrency", "0x80072326")]
)
def test_each_limit_has_its_own_words(microsoft: Sandbox, bearer: Bearer, limit: str, code: str) -> None:
    microsoft.control.fault("throttle", limit=limit)

    assert whoami(microsoft, bearer("jana@acme.example")).json()["error"]["code"] == code


def test_a_penalty_with_an_end_is_over_for_those_who_wait(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.fault("throttle", count=None, seconds=0.2)
    first = whoami(microsoft, headers)
    time.sleep(0.25)

    assert (first.status_code, first.headers["Retry-After"]) == (429, "1")
    assert whoami(microsoft, headers).status_code == 200


def test_trouble_can_be_janas_alone(microsoft: Sandbox, bearer: Bearer, browser: Browser) -> None:
    jana = bearer("jana@acme.example")
    bob = {"Authorization": f"Bearer {browser.tokens('bob@acme.example', prompt='select_account')['access_token']}"}
    microsoft.control.fault("throttle", count=None, upn="jana@acme.example")

    assert whoami(microsoft, jana).status_code == 429
    assert whoami(microsoft, bob).status_code == 200


def test_trouble_can_keep_to_some_addresses(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.fault("unavailable", count=None, path="/contacts", method="GET")

    assert whoami(microsoft, headers).status_code == 200
    answer = requests.get(f"{microsoft.origin}/api/data/v9.2/contacts?$top=1", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "0x80040216")


@pytest.mark.parametrize("status", [200, 502, 503])
def test_a_front_end_answers_in_html(microsoft: Sandbox, bearer: Bearer, status: int) -> None:
    microsoft.control.fault("html", status=status)
    answer = whoami(microsoft, bearer("jana@acme.example"))

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_an_answer_is_cut_in_the_middle(microsoft: Sandbox, bearer: Bearer) -> None:
    microsoft.control.fault("truncated")
    answer = whoami(microsoft, bearer("jana@acme.example"))

    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_token_is_refused_once(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.fault("expired_token")

    assert [whoami(microsoft, headers).status_code for _ in range(2)] == [401, 200]


def test_an_answer_comes_late(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.fault("slow", seconds=0.3)

    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{microsoft.origin}/api/data/v9.2/WhoAmI", headers=headers, timeout=0.1)


def test_one_slow_answer_holds_up_nobody_else(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.fault("slow", seconds=0.5)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(whoami, microsoft, headers)
        while microsoft.control.state()["faults"]:
            time.sleep(0.005)
        assert whoami(microsoft, headers).status_code == 200
        assert not slow.done()


def note(identifier: str) -> dict[str, Any]:
    return {"activityid": identifier, "subject": "Hovor", "directioncode": False}


def test_the_connection_breaks_after_the_note_was_written(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    url = f"{microsoft.origin}/api/data/v9.2/phonecalls"
    microsoft.control.fault("reset_after_write", path="/phonecalls")
    with pytest.raises(requests.ConnectionError, match="Connection reset"):
        requests.post(url, json=note("d0d0d0d0-0000-4000-8000-000000000001"), headers=headers)

    found = requests.get(f"{url}(d0d0d0d0-0000-4000-8000-000000000001)?$select=subject", headers=headers)
    assert (found.status_code, found.json()["subject"]) == (200, "Hovor")


def test_the_connection_breaks_before_the_note_was_written(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    url = f"{microsoft.origin}/api/data/v9.2/phonecalls"
    microsoft.control.fault("reset", method="POST")
    with pytest.raises(requests.ConnectionError, match="Connection reset"):
        requests.post(url, json=note("d0d0d0d0-0000-4000-8000-000000000002"), headers=headers)

    found = requests.get(f"{url}(d0d0d0d0-0000-4000-8000-000000000002)?$select=subject", headers=headers)
    assert found.status_code == 404


def test_the_answer_about_a_written_note_comes_too_late(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    url = f"{microsoft.origin}/api/data/v9.2/phonecalls"
    microsoft.control.fault("slow_after_write", seconds=0.3)
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json=note("d0d0d0d0-0000-4000-8000-000000000005"), headers=headers, timeout=0.15)

    found = requests.get(f"{url}(d0d0d0d0-0000-4000-8000-000000000005)?$select=subject", headers=headers)
    assert found.status_code == 200


def test_the_connection_breaks_over_tls_too(microsoft: Sandbox, bearer: Bearer) -> None:
    microsoft.control.fault("reset")

    with pytest.raises(requests.ConnectionError):
        requests.get(
            f"{microsoft.tls_origin}/api/data/v9.2/WhoAmI",
            headers=bearer("jana@acme.example"),
            verify=microsoft.ca_file,
        )


def test_reading_is_not_torn_by_a_fault_of_writing(microsoft: Sandbox, bearer: Bearer) -> None:
    microsoft.control.fault("reset_after_write")

    assert whoami(microsoft, bearer("jana@acme.example")).status_code == 200


def test_lena_loses_a_privilege_and_gets_it_back(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    url = f"{microsoft.origin}/api/data/v9.2/contacts?$select=fullname&$top=1"
    ordered = microsoft.control.fault("missing_privilege", privilege="prvReadContact", upn="jana@acme.example")
    refused = requests.get(url, headers=headers)
    microsoft.control.clear(ordered)

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "0x80040220")
    assert "prvReadContact" in refused.json()["error"]["message"]
    assert requests.get(url, headers=headers).status_code == 200


@pytest.mark.parametrize(("mode", "status"), [("down", 503), ("throttling", 429), ("running", 200)])
def test_the_simulators_switch(microsoft: Sandbox, bearer: Bearer, mode: str, status: int) -> None:
    headers = bearer("jana@acme.example")

    assert switch(microsoft, "microsoft", mode=mode).json()["microsoft"] == mode
    assert whoami(microsoft, headers).status_code == status


def test_entra_is_down_when_microsoft_is(microsoft: Sandbox) -> None:
    microsoft.control.microsoft("down")
    answer = requests.get(f"{microsoft.origin}/{ACME_TENANT}/v2.0/.well-known/openid-configuration")

    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html")


def test_entra_alone_is_slow(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.fault("slow_entra", seconds=0.5, count=None)

    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{microsoft.origin}/{ACME_TENANT}/v2.0/.well-known/openid-configuration", timeout=0.1)
    assert whoami(microsoft, headers).status_code == 200


def test_the_latency_is_dataverses_alone(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    microsoft.control.latency(300)

    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{microsoft.origin}/api/data/v9.2/WhoAmI", headers=headers, timeout=0.15)
    assert requests.get(f"{microsoft.origin}/_sandbox/state", timeout=0.25).json()["latency_ms"] == 300.0


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


# the CRM page


def page_of(box: Sandbox, language: str = "cs", **query: str) -> requests.Response:
    asked = {"appid": APP_ID, "pagetype": "entityrecord", **query}
    return requests.get(f"{box.origin}/main.aspx", params=asked, headers={"Accept-Language": language})


def test_the_note_is_found_on_the_customers_page(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    api = f"{microsoft.origin}/api/data/v9.2"
    contact = "e0e0e0e0-0000-4000-8000-000000000001"
    requests.post(f"{api}/contacts", json={"contactid": contact, "lastname": "Malá & <syn>"}, headers=headers)
    body = {
        **note("d0d0d0d0-0000-4000-8000-000000000003"),
        "description": "Chce <b>nabídku</b>.\nVolat zítra.",
        "regardingobjectid_contact_phonecall@odata.bind": f"/contacts({contact})",
    }
    assert requests.post(f"{api}/phonecalls", json=body, headers=headers).status_code == 204
    page = page_of(microsoft, etn="contact", id=f"{{{contact.upper()}}}")

    assert page.status_code == 200
    assert "<h1>Malá &amp; &lt;syn&gt;</h1>" in page.text
    assert "Chce &lt;b&gt;nabídku&lt;/b&gt;.\nVolat zítra." in page.text
    assert 'data-phonecall="d0d0d0d0-0000-4000-8000-000000000003"' in page.text
    assert "<td>Jana Nováková</td>" in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_the_crm_page_lists_the_tasks_of_a_record_the_late_one_first(microsoft: Sandbox) -> None:
    page = page_of(microsoft, etn="contact", id=record_id("contact", "Jana Horáková")).text
    late, undated = page.index("Poslat nabídku na prodloužení smlouvy"), page.index("Zjistit zájem o druhé čerpadlo")
    assert late < undated
    assert page.count("data-task=") >= 2


def test_the_notes_own_page_names_author_and_parties(microsoft: Sandbox, bearer: Bearer) -> None:
    headers = bearer("jana@acme.example")
    api = f"{microsoft.origin}/api/data/v9.2"
    contact, call = "e0e0e0e0-0000-4000-8000-000000000002", "d0d0d0d0-0000-4000-8000-000000000004"
    requests.post(f"{api}/contacts", json={"contactid": contact, "lastname": "Nová"}, headers=headers)
    parties = [
        {"partyid_contact@odata.bind": f"/contacts({contact})", "participationtypemask": 1},
        {"partyid_systemuser@odata.bind": f"/systemusers({JANA.systemuser_id})", "participationtypemask": 2},
    ]
    requests.post(f"{api}/phonecalls", json={**note(call), "phonecall_activity_parties": parties}, headers=headers)
    page = page_of(microsoft, etn="phonecall", id=call).text

    assert re.findall(r'<tr data-party="(\w+)">.*?<a href="[^"]+">([^<]+)</a>', page) == [
        ("from", "Nová"),
        ("to", "Jana Nováková"),
    ]
    assert re.search(r'<tr data-column="createdby">.*?<a href="[^"]+">Jana Nováková</a>', page)


def test_without_an_id_it_is_a_new_record(microsoft: Sandbox) -> None:
    page = page_of(microsoft, etn="contact", language="en")

    assert page.status_code == 200
    assert "<h1>New record: Contact</h1>" in page.text


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ({"etn": "contact", "appid": "00000000-0000-4000-8000-000000000000"}, 404, "Aplikace nebyla nalezena"),
        ({"etn": "contact", "appid": "my app"}, 404, "Aplikace nebyla nalezena"),
        ({"etn": "contacts"}, 404, "Organizace nemá tabulku „contacts“."),
        ({}, 404, "Organizace nemá tabulku „“."),
        ({"etn": "contact", "id": "42"}, 400, "Identifikátor záznamu není GUID."),
        ({"etn": "contact", "id": "00000000-0000-4000-8000-000000000000"}, 404, "Záznam není k dispozici"),
        ({"etn": "contact", "pagetype": "dashboard"}, 400, "Sandbox zná jen pagetype=entityrecord."),
        ({"etn": "<script>"}, 404, "Organizace nemá tabulku „&lt;script&gt;“."),
    ],
)
def test_an_address_that_opens_nothing(microsoft: Sandbox, query: dict[str, str], status: int, sentence: str) -> None:
    page = page_of(microsoft, **query)

    assert page.status_code == status
    assert sentence in page.text


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
