"""The list of the day over the card, back with Esc, nothing typed lost; and cards that come up when jana wishes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Demo, Desk

_ids = itertools.count(1)


@pytest.fixture
def at_work(jana: Desk) -> Iterator[Desk]:
    yield jana.at_work("jana@acme.example")
    jana.demo.microsoft("microsoft", mode="running")
    jana.frame.evaluate(
        """() => fetch(`${document.getElementById("window").dataset.settingsUrl}quiet/`, {
            method: "POST", body: new URLSearchParams({ quiet: "ring" }), headers: { "HX-Request": "true" } })"""
    )


def choose_quiet(desk: Desk, mode: str) -> None:
    """By keyboard: `?` opens the sheet, its choice is saved at once."""
    key(desk, "?")
    chosen = desk.window.locator(f"#quiet-{mode}")
    expect(chosen).to_be_visible()
    with desk.page.expect_response(lambda answer: answer.url.endswith("/settings/quiet/")):
        chosen.check()
    expect(desk.window.locator(f"#quiet-{mode}")).to_be_focused()
    desk.window.locator(f"#quiet-{mode}").press("Escape")
    expect(desk.window.locator("#sheet")).to_be_hidden()


def key(desk: Desk, name: str) -> None:
    """Pressed while the cursor is nowhere."""
    desk.window.locator("#body").press(name)


def ended(demo: Demo, number: str, *, answered: bool = True) -> str:
    """A call of jana's that is over."""
    code = f"day.{next(_ids)}"
    for name in ("Ringing", *(["Answered"] if answered else []), "Hangup"):
        demo.event(
            EventName=name, From=number, Line="444", UniqueId=code, Direction="incoming", Reason="Normal Clearing"
        )
    return code


def rows(desk: Desk) -> Locator:
    return desk.window.locator("#day .day-row")


def test_an_old_card_is_opened_finished_and_left_by_keyboard_and_the_draft_of_the_call_is_still_there(
    at_work: Desk, demo: Demo
) -> None:
    ended(demo, "605333444")
    expect(at_work.name).to_have_text("Lucie Marková")
    at_work.call("alfa")
    expect(at_work.name).to_have_text("Alfa s.r.o.")
    at_work.press("answer")
    expect(at_work.bar).to_have_attribute("data-call-state", "answered")
    at_work.note.fill("Rozepsáno u hovoru.")
    at_work.note.press("Escape")

    key(at_work, "d")
    expect(rows(at_work).first).to_be_focused()
    expect(rows(at_work).first).to_contain_text("Alfa s.r.o.")
    expect(at_work.note).to_be_hidden()
    rows(at_work).first.press("ArrowDown")
    old = rows(at_work).filter(has_text="Lucie Marková").first
    expect(old).to_be_focused()
    old.press("Enter")
    expect(at_work.name).to_have_text("Lucie Marková")
    expect(at_work.note).to_have_value("")
    at_work.note.fill("Doplněno později.")
    expect(at_work.note_state).to_have_attribute("data-status", "draft")
    demo.event(EventName="Ringing", From="605333444", Line="999", UniqueId="nobody.1", Direction="incoming")
    expect(at_work.note).to_have_value("Doplněno později.")
    at_work.note.press("Escape")
    key(at_work, "Escape")

    expect(old).to_be_focused()
    expect(old).to_contain_text("Doplněno později.")
    old.press("Escape")
    expect(at_work.name).to_have_text("Alfa s.r.o.")
    expect(at_work.note).to_have_value("Rozepsáno u hovoru.")
    expect(at_work.window.locator('#bar [data-key="D"]')).to_be_focused()


def test_the_list_follows_what_happens_and_gives_way_to_a_call(at_work: Desk, demo: Demo) -> None:
    key(at_work, "d")
    expect(at_work.window.locator("#day")).to_be_visible()
    before = rows(at_work).count()
    ended(demo, "anonymous", answered=False)
    expect(at_work.bar).to_have_attribute("data-call-state", "missed")
    expect(rows(at_work).or_(at_work.window.locator("#note-text")).filter(visible=True).first).to_be_visible()
    if not rows(at_work).count():  # it gave way while the call rang
        key(at_work, "d")
    expect(rows(at_work)).to_have_count(before + 1)
    expect(at_work.window.locator("#day li").first).to_have_class("missed")
    at_work.call("jana-horakova")
    expect(at_work.name).to_have_text("Jana Horáková")
    expect(at_work.window.locator("#day")).to_be_hidden()


def test_a_second_call_waits_in_the_strip_above_the_open_list(at_work: Desk, demo: Demo) -> None:
    at_work.call("alfa")
    at_work.press("answer")
    expect(at_work.bar).to_have_attribute("data-call-state", "answered")
    key(at_work, "d")
    expect(at_work.window.locator("#day")).to_be_visible()
    demo.event(EventName="Ringing", From="605333444", Line="444", UniqueId="second.1", Direction="incoming")
    expect(at_work.window.locator(".strip")).to_contain_text("Lucie Marková")
    expect(at_work.window.locator("#day")).to_be_visible()
    expect(rows(at_work).first).to_contain_text("Lucie Marková")
    demo.event(EventName="Hangup", From="605333444", Line="444", UniqueId="second.1", Reason="Normal Clearing")


def test_a_note_that_waits_is_written_from_the_list(at_work: Desk, demo: Demo) -> None:
    at_work.call("jana-horakova")
    at_work.press("answer")
    expect(at_work.name).to_be_visible()
    demo.microsoft("microsoft", mode="down")
    at_work.note.fill("Počká na Microsoft.")
    at_work.window.locator("#note-text").press("Control+Enter")
    expect(at_work.window.locator(".note-state.queued.troubled")).to_be_visible()
    at_work.press("hang_up")
    key(at_work, "d")
    at_work.window.locator("#day-waiting").click()
    waiting = at_work.window.locator(".unwritten").first
    expect(waiting).to_contain_text("Počká na Microsoft.")
    expect(waiting.locator(".day-why")).not_to_be_empty()
    demo.microsoft("microsoft", mode="running")
    waiting.locator("[hx-post]").click()
    expect(at_work.window.locator(".unwritten", has_text="Počká na Microsoft.")).to_have_count(0, timeout=20_000)
    expect(at_work.note_state).to_have_attribute("data-status", "written")


def test_jana_lets_cards_come_up_when_she_answers(at_work: Desk) -> None:
    choose_quiet(at_work, "answer")
    at_work.call("jana-horakova")
    strip = at_work.window.locator(".strip")
    expect(strip).to_contain_text("Jana Horáková")
    expect(at_work.window.locator(".idle-title")).to_be_visible()
    at_work.press("answer")
    expect(at_work.name).to_have_text("Jana Horáková")
    expect(strip).to_have_count(0)


def test_by_hand_the_card_comes_up_with_the_button(at_work: Desk) -> None:
    choose_quiet(at_work, "hand")
    at_work.call("jana-horakova")
    at_work.press("answer")
    expect(at_work.window.locator(".strip")).to_contain_text("Jana Horáková")
    expect(at_work.window.locator(".idle-title")).to_be_visible()
    key(at_work, "Alt+2")
    expect(at_work.name).to_have_text("Jana Horáková")
    at_work.press("hang_up")
    expect(at_work.bar).to_have_attribute("data-call-state", "ended")
