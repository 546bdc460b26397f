"""The Communicator's page: fits every screen, both themes, accessible, keeps to its policy."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Demo, Desk


@pytest.mark.parametrize("width", [320, 360, 768, 1440])
def test_nothing_scrolls_sideways(chromium: Browser, demo: Demo, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(demo.communicator())
    expect(page.frame_locator("#crm-window").locator("#bar")).to_be_visible()
    for window in (320, 560):
        page.locator(f"[data-width='{window}']").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_breaks_no_rule_of_wcag(chromium: Browser, demo: Demo, scheme: str) -> None:
    page = chromium.new_page(color_scheme=scheme, locale="en-GB")  # type: ignore[arg-type]
    page.goto(demo.communicator())
    expect(page.frame_locator("#crm-window").locator("#bar")).to_be_visible()
    page.locator("[data-caller='hidden']").click()
    expect(page.locator("#rows tr:not(.empty)").first).to_be_visible()
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.response["violations"] == [], found.generate_report()
    page.locator("[data-act='hang_up']").click()
    page.close()


def test_the_dial_pad_dials_and_what_happened_is_told(jana: Desk) -> None:
    jana.page.locator("#number").fill("")
    for key in "163":
        jana.page.locator(f"[data-key='{key}']").click()
    jana.press("ring")
    rows = jana.page.locator("#rows")
    expect(rows).to_contain_text("NewCall")
    expect(rows).to_contain_text("Rings at line 444")
    expect(jana.page.locator("#line-state")).to_have_text("rings")


def test_a_line_without_a_call_cannot_answer(jana: Desk) -> None:
    for act in ("answer", "hang_up", "transfer"):
        expect(jana.page.locator(f"[data-act='{act}']")).to_be_disabled()


def test_the_page_speaks_the_chosen_language(jana: Desk) -> None:
    jana.page.locator("[name='language'][value='sk']").click()
    expect(jana.page.locator("html")).to_have_attribute("lang", "sk")
