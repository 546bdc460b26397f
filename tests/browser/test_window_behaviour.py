"""What the window's own script promises: nothing typed is lost, keys, focus; and every state of it by WCAG's rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Demo, Desk
from tests.window import preview

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


@pytest.fixture
def at_work(jana: Desk) -> Iterator[Desk]:
    yield jana.at_work("jana@acme.example")
    jana.page.context.set_offline(False)
    jana.demo.microsoft("microsoft", mode="running")


def test_a_note_typed_without_a_connection_is_kept_and_saved_later(at_work: Desk) -> None:
    at_work.call("jana-horakova")
    expect(at_work.name).to_be_visible()
    at_work.page.context.set_offline(True)
    at_work.note.fill("Typed in a tunnel.")
    expect(at_work.note_state).to_have_attribute("data-status", "refused")
    expect(at_work.note).to_have_value("Typed in a tunnel.")
    at_work.page.context.set_offline(False)
    expect(at_work.note_state).to_have_attribute("data-status", "draft", timeout=20_000)
    at_work.page.reload()
    expect(at_work.note).to_have_value("Typed in a tunnel.")


def test_what_happens_to_the_call_leaves_the_field_alone_while_jana_types(at_work: Desk) -> None:
    at_work.call("jana-horakova")
    expect(at_work.name).to_be_visible()
    at_work.note.press_sequentially("First ")
    at_work.press("answer")
    at_work.note.press_sequentially("second ")
    expect(at_work.bar).to_have_attribute("data-call-state", "answered")
    at_work.note.press_sequentially("third")
    expect(at_work.note).to_have_value("First second third")
    expect(at_work.note).to_be_focused()


def test_the_next_call_waits_in_the_strip_while_jana_finishes_her_note(at_work: Desk, demo: Demo) -> None:
    at_work.call("jana-horakova")
    at_work.press("answer")
    expect(at_work.bar).to_have_attribute("data-call-state", "answered")
    at_work.note.fill("Half a sen")
    at_work.press("hang_up")
    at_work.note.press("End")
    expect(at_work.bar).to_have_attribute("data-call-state", "ended")
    demo.event(EventName="Ringing", From="605333444", Line="444", UniqueId="busy.1", Direction="incoming")
    expect(at_work.window.locator(".strip")).to_be_visible()
    expect(at_work.note).to_have_value("Half a sen")
    expect(at_work.note).to_be_focused()
    demo.event(EventName="Hangup", From="605333444", Line="444", UniqueId="busy.1", Reason="Normal Clearing")


def test_a_digit_chooses_a_match_and_the_name_gets_the_focus(at_work: Desk) -> None:
    at_work.call("elektro")
    second = at_work.window.locator(".option-name").nth(1)
    expect(second).to_be_visible()
    name = second.inner_text()
    at_work.window.locator("#body").press("2")
    expect(at_work.name).to_have_text(name)
    expect(at_work.name).to_be_focused()


def test_letters_typed_into_the_note_are_no_shortcuts(at_work: Desk, demo: Demo) -> None:
    demo.event(EventName="Ringing", From="604777001", Line="444", UniqueId="letters.1", Direction="incoming")
    expect(at_work.window.locator("#create")).to_be_visible()
    pages = len(at_work.page.context.pages)
    at_work.note.press_sequentially("kls 123")
    expect(at_work.note).to_have_value("kls 123")
    assert len(at_work.page.context.pages) == pages
    demo.event(EventName="Hangup", From="604777001", Line="444", UniqueId="letters.1", Reason="Normal Clearing")


def test_ctrl_enter_writes_the_note(at_work: Desk) -> None:
    at_work.call("jana-horakova")
    expect(at_work.name).to_be_visible()
    at_work.note.fill("By keyboard.")
    at_work.note.press("Control+Enter")
    expect(at_work.note_state).to_have_attribute("data-status", "written")


def test_a_ringing_call_is_announced_once_with_number_then_name(at_work: Desk) -> None:
    at_work.frame.evaluate(
        """() => { window.said = []; new MutationObserver(() => said.push(document.getElementById("announcer").textContent))
                   .observe(document.getElementById("announcer"), {childList: true}); }"""
    )
    at_work.call("jana-horakova")
    expect(at_work.name).to_be_visible()
    at_work.page.wait_for_timeout(300)
    said = at_work.frame.evaluate("said")
    assert [text for text in said if "Jana Horáková" in text] == said[-1:]
    assert len(said) <= 2


def test_every_state_of_the_window_keeps_wcag_and_fits_its_width(chromium: Browser, tmp_path: Path) -> None:
    problems = []
    context = chromium.new_context(color_scheme="light")
    page = context.new_page()
    page.route("http://preview.test/**", lambda route: preview.answer(route, tmp_path))
    for name in preview.write(tmp_path, "cs"):
        page.goto(f"http://preview.test/{name}.html")
        page.evaluate(preview.FILL)
        for width in (180, 320, 480, 560, 360):
            page.set_viewport_size({"width": width, "height": 640})
            if page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
                problems.append(f"{name} is wider than {width}")
        problems += [f"{name}: {each}" for each in violations(page, RULES)]
        page.emulate_media(color_scheme="dark")
        problems += [f"{name} in the dark: {each}" for each in violations(page, COLOURS)]
        page.emulate_media(color_scheme="light")
    context.close()
    assert problems == []


def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    page.wait_for_timeout(250)  # colours settle
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("rules => axe.run(document, rules).then((told) => told.violations)", rules)
    return [f"{each['id']} {each['nodes'][0]['html'][:120]}" for each in found]


def test_a_card_is_fetched_once_and_nobody_asks_for_what_the_window_shows_already(at_work: Desk) -> None:
    asked: list[str] = []
    of_the_window = re.compile(r"/window/[0-9a-f-]{36}/(?:\S*/)?(\w+)/(?:\?|$)")
    at_work.page.on("request", lambda request: asked.extend(of_the_window.findall(request.url)))

    def times(what: str) -> int:
        at_work.page.wait_for_timeout(1000)
        return asked.count(what)

    at_work.call("alfa")
    expect(at_work.name).to_have_text("Alfa s.r.o.")
    assert (times("matches"), asked.count("history")) == (1, 1)
    assert asked.count("state") == 1  # it rings; the name came with the card

    at_work.press("answer")
    expect(at_work.bar).to_have_attribute("data-call-state", "answered")
    at_work.note.fill("Chtějí posunout servis.")
    at_work.note.press("Control+Enter")
    expect(at_work.note_state).to_have_attribute("data-status", "written")
    assert times("state") == 3  # answered; written. That the note goes out, the answer to the click said
