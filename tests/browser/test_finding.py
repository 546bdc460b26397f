"""An agent finds somebody by name with the keyboard alone, gives them the number, and says what a note is about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Route, expect

from tests.browser.conftest import Demo, Desk
from tests.browser.test_window_behaviour import RULES


@pytest.fixture
def at_work(jana: Desk) -> Iterator[Desk]:
    yield jana.at_work("jana@acme.example")
    jana.demo.quiet()


def ring(demo: Demo, unique_id: str, name: str = "Ringing") -> None:
    """From a number that nobody had before this try."""
    number = f"604{778_000 + demo.turn}"
    demo.event(
        EventName=name, From=number, Line="444", UniqueId=unique_id, Direction="incoming", Reason="Normal Clearing"
    )


def test_an_unknown_number_is_given_to_somebody_found_by_name_and_finds_them_next_time(
    at_work: Desk, demo: Demo
) -> None:
    window = at_work.window
    ring(demo, "find.1")
    expect(window.locator("#create")).to_be_visible()
    at_work.note.fill("Who may that be?")
    window.locator("#body").press("/")
    field = window.locator("#find-name")
    expect(field).to_be_focused()
    field.press_sequentially("kov")
    options = window.get_by_role("option")
    expect(options.first).to_be_visible()
    field.press_sequentially("ář rad")
    expect(options).to_have_count(1)
    field.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == "found-1"
    field.press("Enter")
    expect(window.locator(".adding")).to_contain_text("00420 604 555 666")
    window.locator(".adding .place").first.wait_for()
    free = window.locator(".adding [name=column]:checked")
    assert free.get_attribute("value") != "mobilephone"
    window.locator(".adding [type=submit]").press("Enter")
    expect(at_work.name).to_have_text("Radek Kovář")
    expect(at_work.name).to_be_focused()
    expect(at_work.note).to_have_value("Who may that be?")
    ring(demo, "find.1", name="Hangup")
    window.locator("button.bar-button").click()
    ring(demo, "find.2")
    expect(at_work.name).to_have_text("Radek Kovář")
    ring(demo, "find.2", name="Hangup")


def test_the_note_is_about_somebody_else_from_the_menu_and_escape_goes_back(at_work: Desk) -> None:
    window = at_work.window
    at_work.call("jana-horakova")
    expect(at_work.name).to_have_text("Jana Horáková")
    at_work.press("answer")
    expect(at_work.bar).to_have_attribute("data-call-state", "answered")
    at_work.note.fill("For her colleague.")
    more = window.locator(".more-button")
    more.press("Enter")
    menu = window.locator("#more-acts")
    expect(menu).to_be_visible()
    more.press("Escape")
    expect(menu).to_be_hidden()
    more.press("Enter")
    menu.locator("[data-find]").press("Enter")
    field = window.locator("#find-name")
    expect(field).to_be_focused()
    field.press("Escape")
    expect(at_work.name).to_have_text("Jana Horáková")
    window.locator("#body").press("/")
    field.press_sequentially("alfa s")
    window.get_by_role("option").first.click()
    expect(at_work.name).to_have_text("Alfa s.r.o.")
    expect(at_work.note).to_have_value("For her colleague.")
    more.click()
    menu.locator("button", has=window.locator('[href$="#close"]')).click()
    expect(at_work.name).to_have_count(0)
    expect(at_work.note).to_have_value("For her colleague.")


def test_a_slash_in_the_note_is_a_slash_and_the_list_keeps_wcag(at_work: Desk) -> None:
    window = at_work.window
    at_work.call("jana-horakova")
    expect(at_work.name).to_be_visible()
    at_work.note.press_sequentially("1/2")
    expect(at_work.note).to_have_value("1/2")
    expect(window.locator("#find-name")).to_have_count(0)
    window.locator("#body").press("/")
    window.locator("#find-name").press_sequentially("elek")
    expect(window.get_by_role("option").first).to_be_visible()
    window.locator("#find-name").press("ArrowDown")
    at_work.page.wait_for_timeout(300)
    found = Axe().run(at_work.frame, options=RULES).response["violations"]  # type: ignore[arg-type]
    problems = [f"{each['id']} {each['nodes'][0]['html'][:120]}" for each in found]
    assert [problem for problem in problems if not problem.startswith("landmark")] == []


def draw_the_card_anew(at_work: Desk) -> None:
    """As when another window of the agent chooses somebody."""
    at_work.frame.evaluate(
        """() => {
            const { stateUrl } = document.getElementById("window").dataset;
            const address = stateUrl.replace(/state\\/$/, `calls/${document.getElementById("bar").dataset.call}/matches/`);
            document.getElementById("matches").dataset.old = "yes";
            return htmx.ajax("GET", address, { target: "#matches", swap: "outerHTML", source: document.body });
        }"""
    )


def test_the_menu_stays_open_while_the_card_is_drawn_anew_below_it(at_work: Desk) -> None:
    window = at_work.window
    at_work.call("jana-horakova")
    expect(at_work.name).to_be_visible()
    at_work.note.fill("She waits for an offer.")
    window.locator(".more-button").click()
    window.locator("#more-acts [data-send]").evaluate("(item) => { item.dataset.old = 'yes'; }")
    draw_the_card_anew(at_work)
    expect(window.locator("#matches[data-old]")).to_have_count(0)
    expect(window.locator("#more-acts [data-send][data-old]")).to_be_visible()
    window.locator("#more-acts [data-send]").click()
    expect(window.locator("#more-acts")).to_be_hidden()
    expect(window.locator("#more-acts [data-old]")).to_have_count(0)
    expect(at_work.note_state).to_have_attribute("data-status", "written", timeout=20_000)


def test_the_search_comes_even_if_the_card_was_drawn_anew_while_it_was_on_its_way(at_work: Desk) -> None:
    window = at_work.window
    at_work.call("jana-horakova")
    expect(at_work.name).to_be_visible()
    waiting: list[Route] = []
    at_work.page.route("**/find/", lambda route: waiting.append(route))
    window.locator("#body").press("/")
    draw_the_card_anew(at_work)
    expect(window.locator("#matches[data-old]")).to_have_count(0)
    waiting[0].continue_()
    expect(window.locator("#find-name")).to_be_focused()
