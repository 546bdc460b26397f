"""What a bad day at Microsoft looks like: limits, faults, answers that are late, torn or lost."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.directory import ACME_TENANT
from tests.sandbox.asking import note, switch, whoami
from tests.sandbox.browser import Browser

Bearer = Callable[[str], dict[str, str]]


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
