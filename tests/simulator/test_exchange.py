"""The simulated exchange tells the stories of IPEX's documentation."""

import threading
import time
from base64 import b64encode

import pytest
from django.utils import translation

from ipexportal.simulator.exchange import Exchange, Impossible
from ipexportal.simulator.journal import journal
from ipexportal.simulator.people import DESKS
from tests.simulator.conftest import Portal

JANA, BOB, KLARA, LENA = DESKS


def settled() -> None:
    """Until every prepared step has been taken."""
    deadline = time.monotonic() + 5
    while any(isinstance(thread, threading.Timer) for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.005)


def test_a_call_rings_is_answered_and_ends(exchange: Exchange, portal: Portal) -> None:
    exchange.ring(JANA, "777123456")
    exchange.answer(JANA)
    exchange.hang_up(JANA)
    assert portal.story == [
        ("NewCall", ""),
        ("Ringing", "jana.novakova"),
        ("Answered", "jana.novakova"),
        ("Hangup", "jana.novakova"),
        ("CDR", "jana.novakova"),
    ]
    assert len({event["UniqueId"] for event in portal.events}) == 1
    assert portal.events[1] | {"UniqueId": ""} == {
        "EventName": "Ringing", "From": "777123456", "To": "222333444", "Line": "444", "Email": "jana@acme.example",
        "Login": "jana.novakova", "UniqueId": "", "Queue": "Servis", "Direction": "incoming",
    }  # fmt: skip


def test_every_event_carries_the_key_of_the_exchange(exchange: Exchange, portal: Portal) -> None:
    exchange.ring(JANA, "777123456")
    assert (
        portal.mock.calls[0].request.headers["Authorization"] == f"Basic {b64encode(b'ipex:ipx_events_key').decode()}"
    )


def test_a_call_nobody_took_names_nobody(exchange: Exchange, portal: Portal) -> None:
    exchange.ring(JANA, "777123456")
    exchange.hang_up(JANA)
    assert portal.story[2:] == [("Hangup", "No user response"), ("CDR", "")]
    assert portal.events[2]["Line"] == ""


def test_an_outgoing_call_names_the_customer_in_to(exchange: Exchange, portal: Portal) -> None:
    exchange.dial(JANA, "605333444")
    settled()
    assert portal.story == [("NewCall", "jana.novakova"), ("Ringing", "jana.novakova"), ("Answered", "jana.novakova")]
    assert {(event["From"], event["To"], event["Direction"]) for event in portal.events} == {
        ("444", "605333444", "outgoing")
    }


def test_in_a_queue_the_others_hear_that_it_was_answered_elsewhere(exchange: Exchange, portal: Portal) -> None:
    exchange.queue("602111222")
    settled()
    assert portal.story == [
        ("NewCall", ""),
        *(("Ringing", desk.login) for desk in DESKS),
        ("Answered", "klara.simkova"),
        *(("Hangup", desk.login) for desk in (JANA, BOB, LENA)),
    ]
    assert {event.get("Reason") for event in portal.events[6:]} == {"Answered elsewhere"}
    assert exchange.state(JANA)["state"] == "idle"
    assert exchange.state(KLARA)["state"] == "talking"


def test_a_queue_call_that_jana_took_stays_hers(exchange: Exchange, portal: Portal) -> None:
    exchange.ring(JANA, "602111222", everyone=True)
    exchange.answer(JANA)
    assert ("Hangup", "klara.simkova") in portal.story
    assert exchange.state(JANA)["state"] == "talking"


def test_a_consultation_ends_with_the_call_at_jana_s_line(exchange: Exchange, portal: Portal) -> None:
    exchange.handover(JANA, "602111222")
    settled()
    assert portal.story[-2:] == [("Answered", "klara.simkova"), ("AttendedTransfer", "jana.novakova")]
    assert exchange.state(JANA)["transfer"] is True


def test_two_calls_wait_for_one_agent(exchange: Exchange, portal: Portal) -> None:
    exchange.two(JANA, "777123456", "224551111")
    settled()
    assert [event["From"] for event in portal.events if event["EventName"] == "Ringing"] == ["777123456", "224551111"]


@pytest.mark.parametrize("act", ["answer", "hang_up"])
def test_a_phone_without_a_call_says_so(exchange: Exchange, portal: Portal, act: str) -> None:
    with pytest.raises(Impossible, match=r"\.$"):
        getattr(exchange, act)(JANA)
    assert portal.events == []


def test_a_call_cannot_be_handed_to_a_busy_line(exchange: Exchange, portal: Portal) -> None:
    for desk in (JANA, BOB):
        exchange.ring(desk, "777123456")
        exchange.answer(desk)
    with translation.override("en"), pytest.raises(Impossible, match="busy"):
        exchange.transfer(JANA, BOB)


def test_a_refused_event_is_told_with_the_portal_s_own_words(exchange: Exchange, portal: Portal) -> None:
    portal.mock.replace("POST", "http://127.0.0.1:8000/api/v1/events", json={"error": "100 % wrong key."}, status=401)
    before = journal.last
    exchange.ring(JANA, "777123456")
    row = journal.since(before)[0]
    assert (row["tone"], row["what"]) == ("bad", '401 {"error": "100 % wrong key."}')


def test_voice_menu_finds_and_verifies_the_caller_before_it_rings(
    exchange: Exchange, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATOR_IVR_KEY", "ipx_ivr_key")
    for what, result in (("lookup", "found"), ("verify", "verified")):
        portal.mock.post(f"http://127.0.0.1:8000/api/v1/ivr/{what}", json={"result": result})
    exchange.through_menu(JANA, "777123456", "4711")
    asked = [event for event in portal.events if "function" in event]
    told = [event["EventName"] for event in portal.events if "EventName" in event]
    assert [(event["function"], event.get("value")) for event in asked] == [("kdo_vola", None), ("overeni_pin", "4711")]
    assert told == ["NewCall", "Ringing"]
    assert {event["unique_id"] for event in asked} == {portal.events[0]["UniqueId"]}
    assert any("verified" in row["what"] for row in journal.since(0))
