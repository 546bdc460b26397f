"""A task after a call, planned in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Demo, Desk


@pytest.fixture
def on_the_phone(jana: Desk) -> Desk:
    """jana, who talks to Jana Horáková and has begun a note."""
    jana.at_work("jana@acme.example")
    jana.call("jana-horakova")
    expect(jana.name).to_have_text("Jana Horáková")
    jana.press("answer")
    expect(jana.bar).to_have_attribute("data-call-state", "answered")
    jana.note.fill("Chce nabídku.")
    expect(jana.note_state).to_have_attribute("data-status", "draft")
    return jana


def test_by_keys_alone_and_the_task_is_in_the_crm_while_the_note_stays(on_the_phone: Desk) -> None:
    desk, window = on_the_phone, on_the_phone.window
    desk.note.press("Escape")
    window.locator("body").press("t")
    subject = window.locator("#plan-subject")
    expect(subject).to_be_focused()
    expect(subject).to_have_value(re.compile("Jana Horáková"))
    expect(desk.note).to_be_hidden()
    subject.fill("Poslat nabídku čerpadla")
    subject.press("Control+Enter")
    link = window.locator(".follow-up.written a")
    expect(link).to_be_visible(timeout=20_000)
    expect(window.locator('#acts [data-key="T"]')).to_be_focused()
    expect(desk.note).to_have_value("Chce nabídku.")
    expect(desk.note_state).to_have_attribute("data-status", "draft")
    with desk.page.context.expect_page() as opened:
        link.click()
    crm = opened.value
    expect(crm.locator("h1")).to_have_text("Poslat nabídku čerpadla")
    expect(crm.locator("body")).to_contain_text("Jana Horáková")


def test_what_is_typed_survives_a_mistake_a_detour_and_a_second_call(on_the_phone: Desk, demo: Demo) -> None:
    desk, window = on_the_phone, on_the_phone.window
    window.locator('#acts [data-key="T"]').click()
    window.locator("#plan-subject").fill("")
    window.locator("#plan-description").fill("i ceník")
    window.locator(".plan [type=submit]").click()
    expect(window.locator("#plan-subject-mistake")).to_be_visible()
    expect(window.locator("[data-plan-mistakes]")).to_be_focused()
    window.locator("#plan-subject").fill("Rozepsaný úkol")
    demo.event(EventName="Ringing", From="605333444", Line="444", UniqueId="planning.1")
    expect(window.locator(".strip")).to_be_visible()
    expect(window.locator("#plan-subject")).to_have_value("Rozepsaný úkol")
    window.locator("#plan-subject").press("Escape")
    expect(window.locator(".plan")).to_have_count(0)
    expect(desk.note).to_have_value("Chce nabídku.")
    window.locator('#acts [data-key="T"]').click()
    expect(window.locator("#plan-subject")).to_have_value("Rozepsaný úkol")
    expect(window.locator("#plan-description")).to_have_value("i ceník")
    demo.event(EventName="Hangup", UniqueId="planning.1", Line="444", Reason="Normal Clearing")


def test_what_is_planned_about_the_record_comes_without_moving_the_calls(on_the_phone: Desk) -> None:
    window = on_the_phone.window
    expect(window.locator("#activities:not([aria-busy])")).to_be_visible()
    expect(window.locator("#activities .overdue").first).to_contain_text("Poslat nabídku na prodloužení smlouvy")
    history = window.locator("#history")
    assert history.evaluate("place => place.querySelector('.rows, p').getBoundingClientRect().height") >= 104
