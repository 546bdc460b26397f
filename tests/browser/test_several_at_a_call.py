"""One call and several people or tabs: a queue that rings at all, a call handed over, one agent with two windows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from time import time

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Demo, Desk

ALFA = "222111333"  # the switchboard of Alfa s.r.o. in the demo
JANA, KLARA = {"Line": "444", "Login": "jana.novakova"}, {"Line": "445", "Login": "klara.simkova"}
_turn = itertools.count(int(time()))


@pytest.fixture
def klara(person: BrowserContext, demo: Demo) -> Desk:
    return Desk(person, demo, "klara.localhost")


@pytest.fixture
def both(jana: Desk, klara: Desk) -> tuple[Desk, Desk]:
    return jana.at_work("jana@acme.example"), klara.at_work("klara@acme.example")


class Exchange:
    """One call of the exchange, told event by event."""

    def __init__(self, demo: Demo, number: str) -> None:
        self.demo, self.number, self.unique_id = demo, number, f"several.{next(_turn)}"

    def tell(self, name: str, who: dict[str, str] | None = None, **more: str) -> None:
        body = {"EventName": name, "UniqueId": self.unique_id, "From": self.number, "Direction": "incoming"}
        assert self.demo.event(**body, **(who or {}), **more).status_code == 202


@pytest.fixture
def call(demo: Demo) -> Iterator[Exchange]:
    call = Exchange(demo, "777123456")
    yield call
    call.tell("CDR")


def test_a_queue_rings_at_both_and_whoever_loses_gets_their_window_back(
    both: tuple[Desk, Desk], call: Exchange
) -> None:
    jana, klara = both
    call.tell("Ringing", JANA, Queue="Servis")
    call.tell("Ringing", KLARA, Queue="Servis")
    expect(jana.bar).to_have_attribute("data-call-state", "ringing")
    expect(klara.bar).to_have_attribute("data-call-state", "ringing")

    call.tell("Answered", KLARA)
    call.tell("Hangup", JANA, Reason="Answered elsewhere")

    expect(klara.bar).to_have_attribute("data-call-state", "answered")
    expect(jana.window.locator(".idle-title")).to_be_visible()


def test_a_call_handed_over_takes_its_card_along_and_each_keeps_an_own_note(
    both: tuple[Desk, Desk], call: Exchange
) -> None:
    jana, klara = both
    call.tell("Ringing", JANA)
    call.tell("Answered", JANA)
    expect(jana.name).to_be_visible()
    jana.note.fill("Čerpadlo hlučí, předávám.")
    expect(jana.note_state).to_have_attribute("data-status", "draft")

    call.tell("AttendedTransfer", KLARA)

    expect(klara.name).to_be_visible()
    expect(klara.window.locator("body")).to_contain_text("Čerpadlo hlučí, předávám.")
    expect(klara.note).to_have_value("")
    expect(jana.note_state).to_have_attribute("data-status", "written")
    klara.note.fill("Beru si to.")
    klara.note.press("Control+Enter")
    expect(klara.note_state).to_have_attribute("data-status", "written")
    expect(jana.note).to_have_value("Čerpadlo hlučí, předávám.")


def test_two_tabs_of_one_agent_show_the_same_call_and_the_same_note(
    jana: Desk, person: BrowserContext, demo: Demo, call: Exchange
) -> None:
    jana.at_work("jana@acme.example")
    second = Desk(person, demo, "localhost")
    call.tell("Ringing", JANA)
    expect(jana.name).to_be_visible()
    expect(second.name).to_be_visible()
    call.tell("Answered", JANA)
    expect(second.bar).to_have_attribute("data-call-state", "answered")

    jana.note.fill("Napsáno v první záložce.")
    expect(jana.note_state).to_have_attribute("data-status", "draft")
    second.page.reload()
    expect(second.note).to_have_value("Napsáno v první záložce.")


@pytest.mark.parametrize(("sent", "word"), [("anonymous", "nezobrazuje"), ("163", "Vnitřní")])
def test_who_is_not_looked_for_is_said_in_words(jana: Desk, demo: Demo, sent: str, word: str) -> None:
    jana.at_work("jana@acme.example")
    call = Exchange(demo, sent)
    call.tell("Ringing", JANA)
    expect(jana.window.locator("#matches")).to_contain_text(word)
    call.tell("CDR")
