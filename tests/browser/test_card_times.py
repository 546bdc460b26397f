"""What the window says of its own speed."""

from __future__ import annotations

from urllib.parse import parse_qs

from playwright.sync_api import Request, expect

from tests.browser.conftest import Demo, Desk

SLOW_MS = 800


def test_a_card_is_painted_when_its_own_caller_is_on_it_not_the_last_one(jana: Desk, demo: Demo) -> None:
    at_work = jana.at_work("jana@acme.example")
    reports: list[dict[str, list[str]]] = []

    def note(request: Request) -> None:
        if request.url.endswith("/painted/"):
            reports.append(parse_qs(request.post_data or ""))

    at_work.call("jana-horakova")
    expect(at_work.name).to_have_text("Jana Horáková")
    at_work.press("hang_up")
    at_work.page.wait_for_timeout(1000)
    at_work.page.on("request", note)
    demo.microsoft("latency", ms=SLOW_MS)
    at_work.call("lucie")
    expect(at_work.name).to_have_text("Lucie Marková")
    at_work.page.wait_for_timeout(300)
    assert [int(report["painted"][0]) > SLOW_MS for report in reports] == [True]
