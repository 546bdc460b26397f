"""The window without a page around it: in a plain tab, and as the only page of an application window as Electron and
WebView2 show it, which has cookies of its own and may open other windows or not. The frame is in test_main_job.py."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import FLAGS, Demo

_turn = itertools.count(int(time()))


def fixed_address(demo: Demo) -> str:
    page = requests.get(f"{demo.portal}/developers/", headers={"Host": f"localhost:{demo.port}"}, timeout=10).text
    found = re.search(r'data-fixed-url="([^"]+)"', page)
    assert found
    return found[1]


def rings_and_is_written(page: Page, demo: Demo, line: str, name: str) -> None:
    """A call by webhook, a note on it, both as anywhere."""
    call = {"From": "777123456", "Line": line, "UniqueId": f"embeddings.{next(_turn)}", "Direction": "incoming"}
    demo.event(EventName="Ringing", **call)
    expect(page.locator("#bar")).to_have_attribute("data-call-state", "ringing")
    expect(page.locator("#matches h2")).to_have_text(name)
    page.locator("#note-text").fill("Psáno bez rámu.")
    page.locator("#note-text").press("Control+Enter")
    expect(page.locator("#note-state")).to_have_attribute("data-status", "written", timeout=20_000)
    demo.event(EventName="Hangup", Reason="Normal Clearing", **call)
    expect(page.locator("#bar")).not_to_have_attribute("data-call-state", "ringing")


@pytest.fixture(autouse=True)
def nobody_calls(demo: Demo) -> None:
    demo.microsoft("reset")
    demo.quiet()


@pytest.fixture
def application(
    chromium: Browser, demo: Demo, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """A window without tabs or address bar, opened at a ticket's address, with a jar of cookies of its own."""
    app = f"--app={demo.ticket(request.param)}"
    context = chromium.browser_type.launch_persistent_context(
        tmp_path / "jar", executable_path="/usr/bin/chromium", args=[*FLAGS, app], locale="en-GB"
    )
    yield context
    context.close()


def needs_sign_in(page: Page) -> bool:
    """An agent's sign-in is theirs and not the window's, so that of an earlier test may still hold."""
    link = page.locator("[data-popup]")
    expect(link.or_(page.locator(".idle-title")).or_(page.locator("button.bar-button")).first).to_be_visible()
    return link.count() > 0


def test_a_plain_tab_signs_in_without_digits_rings_and_writes(person: BrowserContext, demo: Demo) -> None:
    page = person.new_page()
    page.goto(fixed_address(demo))
    with page.expect_popup() as opened:
        page.locator("[data-popup]").click()
    opened.value.locator("button[value='jana@acme.example']").click()
    expect(page.locator("[data-popup]")).to_have_count(0)
    expect(page.locator("[data-code]")).to_have_count(0)
    rings_and_is_written(page, demo, "444", "Jana Horáková")


@pytest.mark.parametrize("application", ["klara.localhost"], indirect=True)
def test_an_application_s_own_window_signs_in_rings_and_writes(application: BrowserContext, demo: Demo) -> None:
    page = application.pages[0]
    alone = "[window.top === window, window.opener, matchMedia('(display-mode: standalone)').matches]"
    assert page.evaluate(alone) == [True, None, True]
    if needs_sign_in(page):
        with page.expect_popup() as opened:
            page.locator("[data-popup]").click()
        opened.value.locator("button[value='klara@acme.example']").click()
    expect(page.locator("[data-popup]")).to_have_count(0)
    rings_and_is_written(page, demo, "445", "Jana Horáková")


@pytest.mark.parametrize("application", ["bob.localhost"], indirect=True)
def test_an_application_that_opens_no_window_signs_in_where_it_is_and_comes_back(
    application: BrowserContext, demo: Demo
) -> None:
    application.add_init_script("window.open = () => null")
    page = application.pages[0]
    page.reload()
    if needs_sign_in(page):
        page.locator("[data-popup]").click()
        page.locator("button[value='bob@acme.example']").click()
        page.wait_for_url("**/window/**")
    expect(page.locator("[data-popup]")).to_have_count(0)
    rings_and_is_written(page, demo, "163", "+420 777 123 456")
