"""What the window says of its own speed."""

from __future__ import annotations

from urllib.parse import parse_qs

from playwright.sync_api import expect

from tests.browser.conftest import Demo, Desk

SLOW_MS = 800


def test_a_card_is_painted_when_its_own_caller_is_on_it_not_the_last_one(jana: Desk, demo: Demo) -> None:
    at_work = jana.at_work("jana@acme.example")
    at_work.call("jana-horakova")
    expect(at_work.name).to_have_text("Jana Horáková")
    at_work.press("hang_up")
    at_work.page.wait_for_timeout(1000)
    demo.microsoft("latency", ms=SLOW_MS)
    with at_work.page.expect_request(lambda request: request.url.endswith("/painted/")) as report:
        at_work.call("lucie")
    told = parse_qs(report.value.post_data or "")
    assert int(told["painted"][0]) > SLOW_MS
    expect(at_work.name).to_have_text("Lucie Marková")
