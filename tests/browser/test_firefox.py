"""The main job in Firefox as it comes: Total Cookie Protection gives the cross-site frame a cookie jar for each page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Demo
from tests.browser.firefox import CONTROL, ENTER, Firefox, firefox

COOKIES = """
return Services.cookies.cookies.filter(({name}) => name === "__Host-ipex-window").map((cookie) => [
  cookie.originAttributes.partitionKey, cookie.isPartitioned, cookie.isHttpOnly, cookie.isSecure]);
"""
PROTECTION = 'return Services.prefs.getIntPref("network.cookie.cookieBehavior")'
FORGET = """
for (const {name, host, path, originAttributes} of Services.cookies.cookies)
  if (name === "__Host-ipex-window") Services.cookies.remove(host, name, path, originAttributes);
"""
NOTE = "#note-text"


@pytest.fixture
def browser(demo: Demo) -> Iterator[Firefox]:
    """Somebody's Firefox, without a past."""
    demo.microsoft("reset")
    demo.quiet()
    with firefox() as browser:
        yield browser
    demo.quiet()


def without_a_ticket(browser: Firefox) -> None:
    """The frame shows the fixed address, in a browser that never showed the window."""
    browser.enter("#crm-window")
    shell = browser.script("return location.origin + location.pathname")
    browser.leave()
    browser.privileged(FORGET)
    browser.script(f"document.getElementById('crm-window').src = '{shell}?again=1'")
    browser.enter("#crm-window", showing="?again=1")


def sign_in(browser: Firefox, upn: str) -> None:
    """By the popup of Microsoft's stand-in, whose six digits are typed into the frame."""
    page = browser.window
    browser.click("[data-popup]")
    browser.on(browser.another())
    browser.click(f"button[value='{upn}']")
    digits = browser.sees("[data-code]")
    browser.on(page)
    browser.enter("#crm-window")
    browser.type("#code", digits)
    browser.sees("#bar")


def test_jana_signs_in_sees_who_calls_and_writes_a_note_that_outlives_a_reload(browser: Firefox, demo: Demo) -> None:
    browser.goto(demo.communicator())
    without_a_ticket(browser)
    sign_in(browser, "jana@acme.example")

    browser.leave()
    browser.click("[data-caller='alfa']")
    browser.enter("#crm-window")
    browser.sees("#bar[data-call-state='ringing']")
    browser.sees(".identity-name", "Alfa s.r.o.")
    browser.leave()
    browser.click("[data-act='answer']")
    browser.enter("#crm-window")
    browser.sees("#bar[data-call-state='answered']")
    browser.type(NOTE, "Uprostřed slo")

    browser.reload()
    browser.enter("#crm-window")
    browser.holds(NOTE, "Uprostřed slo")
    browser.type(NOTE, "va" + CONTROL + ENTER)
    browser.sees("#note-state[data-status='written']")
    browser.holds(NOTE, "Uprostřed slova")


def test_a_ticket_s_cookie_lives_in_the_partition_of_the_page_around_the_window(browser: Firefox, demo: Demo) -> None:
    browser.goto(demo.communicator("bob.localhost"))
    browser.enter("#crm-window")
    browser.sees("#bar")
    assert browser.privileged(PROTECTION) == 5  # third parties' cookies are kept apart for each site
    assert browser.privileged(COOKIES) == [["(http,bob.localhost)", True, True, True]]
