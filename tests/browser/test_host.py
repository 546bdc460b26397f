"""host.js and the window's ears: two pages of different origins that tell each other only what the contract says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Frame, Locator, Page, Route, expect

from tests.browser.conftest import Demo, Desk

HOST = """<!doctype html><title>Host</title><div id="a"></div><div id="b"></div>
<script src="/static/js/host.js"></script>"""
LISTEN = """([place, address, options]) => {
  const crm = new IpexWindow(document.getElementById(place), options);
  const heard = crm.heard = [];
  for (const name of ["ready", "state", "dial", "height", "call", "hello", "sent"])
    crm.addEventListener(name, ({detail}) => heard.push([name, detail]));
  crm.frame.id = `frame-${place}`;
  crm.frame.style.cssText = "width: 360px; height: 640px";
  (window.crms ||= {})[place] = crm;
  crm.open(address);
}"""


class Host:
    """A page of an embedding origin that uses host.js and nothing else of ours."""

    def __init__(self, person: BrowserContext, demo: Demo, host: str = "localhost") -> None:
        self.demo, self.host = demo, host
        person.grant_permissions(
            ["local-network-access"]
        )  # the page is made here, so Chromium takes it for a public one
        self.page: Page = person.new_page()
        self.page.set_default_timeout(10_000)
        self.page.route("**/host-page", lambda route: route.fulfill(body=HOST, content_type="text/html"))
        self.page.goto(f"{demo.communicator(host)}host-page")

    def ticket(self) -> str:
        """The address that Communicator's server would ask for."""
        headers = {"Host": f"{self.host}:{self.demo.port}"}
        token = requests.get(self.demo.portal, headers=headers, timeout=10).cookies["csrftoken"]
        headers |= {"X-CSRFToken": token, "Cookie": f"csrftoken={token}"}
        answer = requests.post(f"{self.demo.portal}/simulator/window/", json={}, headers=headers, timeout=10)
        return str(answer.json()["url"])

    def open(self, place: str = "a", address: str = "", **options: Any) -> None:
        self.page.evaluate(LISTEN, [place, address or self.ticket(), options])

    def until(self, name: str, place: str = "a") -> None:
        self.page.wait_for_function(
            "([place, name]) => crms[place].heard.some(([one]) => one === name)", arg=[place, name]
        )

    def heard(self, *names: str, place: str = "a") -> list[Any]:
        every = self.page.evaluate("(place) => crms[place].heard", place)
        return [detail for name, detail in every if name in names]

    def forget(self, place: str = "a") -> None:
        self.page.evaluate("(place) => { crms[place].heard.length = 0; }", place)

    def frame(self, place: str = "a") -> Frame:
        frame = self.page.locator(f"#frame-{place}").element_handle().content_frame()
        assert frame
        return frame

    def state(self, state: str, place: str = "a") -> None:
        """Until the window has said so."""
        self.page.wait_for_function(
            "([place, state]) => crms[place].heard.filter(([one]) => one === 'state').at(-1)?.[1].state === state",
            arg=[place, state],
        )

    def settle(self) -> None:
        """Longer than any message takes on its way."""
        self.page.wait_for_timeout(400)


@pytest.fixture
def host(person: BrowserContext, demo: Demo) -> Iterator[Host]:
    yield Host(person, demo)
    demo.quiet()


@pytest.fixture
def idle_host(jana: Desk, person: BrowserContext, demo: Demo) -> Host:
    """jana is signed in and nothing rings; her window is open in a page that uses host.js."""
    jana.at_work("jana@acme.example")
    jana.page.close()
    host = Host(person, demo)
    host.open(canDial=True)
    host.page.wait_for_function("crms.a.heard.some(([name, {connected}]) => name === 'state' && connected)")
    host.state("idle")
    return host


def announce(host: Host, place: str = "a", **call: str) -> None:
    host.page.evaluate("([place, call]) => crms[place].call(call)", [place, call])


def steady(place: Locator) -> str:
    """What it says once it has said the same for a second: messages still on their way have come."""
    said, since = place.inner_text(), 0
    while since < 10:
        place.page.wait_for_timeout(100)
        now = place.inner_text()
        said, since = now, since + 1 if now == said else 0
    return said


def close_card(host: Host) -> None:
    host.frame().locator("button.bar-button").click()
    host.state("idle")


def test_a_host_opens_the_window_announces_a_call_and_hears_how_it_stands(idle_host: Host) -> None:
    assert idle_host.heard("ready") == [{"signedIn": True}]
    announce(idle_host, uniqueId="host.a1", direction="incoming", number="777123456")
    idle_host.state("ringing")
    expect(idle_host.frame().locator(".identity-name")).to_have_text("Jana Horáková")
    assert all(set(said) == {"state", "connected"} for said in idle_host.heard("state"))
    assert "Horáková" not in json.dumps(idle_host.heard("ready", "state", "height"))
    assert "777" not in json.dumps(idle_host.heard("ready", "state", "height"))
    close_card(idle_host)


def test_the_window_wishes_a_height_and_the_host_gives_it(idle_host: Host) -> None:
    announce(idle_host, uniqueId="host.h1", direction="incoming", number="777123456")
    idle_host.state("ringing")
    expect(idle_host.frame().locator("#history:not([aria-busy])")).to_be_visible()
    idle_host.settle()
    wish = idle_host.heard("height")[-1]["height"]
    idle_host.page.evaluate("(height) => crms.a.resize({width: 400, height: height + 4})", wish)
    idle_host.settle()
    box = idle_host.page.locator("#frame-a").bounding_box()
    assert box
    assert (round(box["width"]), round(box["height"])) == (404, wish + 8)  # with the browser's own border
    assert idle_host.frame().evaluate(
        "document.getElementById('body').scrollHeight <= document.getElementById('body').clientHeight + 1"
    )
    close_card(idle_host)


def test_what_is_typed_outlives_closing_the_frame_and_opening_it_again(idle_host: Host) -> None:
    announce(idle_host, uniqueId="host.n1", direction="incoming", number="777123456")
    idle_host.state("ringing")
    idle_host.frame().locator("#note-text").fill("Typed just before the frame went away.")
    idle_host.page.evaluate("crms.a.close()")
    expect(idle_host.page.locator("iframe")).to_have_count(0)
    idle_host.settle()
    idle_host.open()
    idle_host.until("ready")
    expect(idle_host.frame().locator("#note-text")).to_have_value("Typed just before the frame went away.")
    close_card(idle_host)


def test_a_call_announced_before_the_sign_in_is_shown_after_it(host: Host) -> None:
    fixed = _fixed_address(host)
    host.open(address=fixed)
    host.until("ready")
    assert host.heard("ready") == [{"signedIn": False}]
    announce(host, uniqueId="host.s1", direction="incoming", number="777123456")
    host.settle()
    assert [said["type"] for said in host.heard("sent")] == ["ipex.hello"]
    with host.page.expect_popup() as opened:
        host.frame().locator("[data-popup]").click()
    popup = opened.value
    popup.locator("button[value='jana@acme.example']").click()
    code = popup.locator(".signin-code").inner_text()
    host.frame().locator("[data-code]").press_sequentially("".join(code.split()))
    expect(host.frame().locator(".identity-name")).to_have_text("Jana Horáková")
    assert host.heard("sent")[-1]["type"] == "ipex.call"
    close_card(host)


def _fixed_address(host: Host) -> str:
    """As an implementer would put it into Communicator. Read without a browser: the page would open a window."""
    headers = {"Host": f"{host.host}:{host.demo.port}"}
    page = requests.get(f"{host.demo.portal}/developers/", headers=headers, timeout=10).text
    found = re.search(r'data-fixed-url="([^"]+)"', page)
    assert found
    return found[1]


WRONG = [
    {"type": "ipex.call", "v": 2, "uniqueId": "w.1", "direction": "incoming", "number": "777123456"},
    {"type": "ipex.call", "v": "1", "number": "777123456"},
    {"type": "ipex.call", "number": "777123456"},
    {"type": "ipex.call", "v": 1, "number": 777123456},
    {"type": "ipex.call", "v": 1, "number": ["777123456"]},
    {"type": "ipex.call", "v": 1, "number": "777123456", "uniqueId": {"toString": "x"}},
    {"type": "ipex.call", "v": 1, "number": "7" * 1_000_000},
    {"type": "ipex.dial", "v": 1, "number": "777123456"},
    {"type": "constructor", "v": 1},
    {"type": "__proto__", "v": 1},
    {"type": ["ipex.call"], "v": 1, "number": "777123456"},
    "<img src=x onerror=alert(1)>",
    None,
    7,
    [],
]


def test_messages_that_are_none_of_ours_change_nothing_in_the_window(idle_host: Host) -> None:
    asked: list[str] = []
    idle_host.page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    idle_host.forget()
    for message in WRONG:
        idle_host.page.evaluate(
            "([message, origin]) => crms.a.frame.contentWindow.postMessage(message, origin)",
            [message, idle_host.demo.portal],
        )
    idle_host.settle()
    assert (asked, idle_host.heard("ready", "state", "dial")) == ([], [])
    expect(idle_host.frame().locator(".idle-title")).to_be_visible()


def test_mark_up_in_a_number_is_shown_as_what_it_is(idle_host: Host) -> None:
    announce(idle_host, uniqueId="<b>x</b>", direction="incoming", number="<img src=x onerror=alert(1)>")
    idle_host.state("ringing")
    expect(idle_host.frame().locator("#body")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(idle_host.frame().locator("#body img")).to_have_count(0)
    expect(idle_host.frame().locator(".call-back")).to_have_count(0)
    close_card(idle_host)


def test_a_control_character_in_a_number_is_refused_in_words(idle_host: Host) -> None:
    announce(idle_host, uniqueId="host.c1", direction="incoming", number="777\u0000123")
    expect(idle_host.frame().locator("#connection")).to_have_text("Hodnota number obsahuje řídicí znaky.")
    expect(idle_host.frame().locator(".idle-title")).to_be_visible()


HOSTILE = [
    {"type": "ipex.state", "v": 1, "state": "<b>ringing</b>", "connected": True},
    {"type": "ipex.state", "v": 1, "state": "ringing", "connected": "yes"},
    {"type": "ipex.state", "v": 2, "state": "ringing", "connected": True},
    {"type": "ipex.height", "v": 1, "height": 1e9},
    {"type": "ipex.height", "v": 1, "height": -1},
    {"type": "ipex.height", "v": 1, "height": "100%"},
    {"type": "ipex.dial", "v": 1, "number": "tel:+420777123456"},
    {"type": "ipex.dial", "v": 1, "number": "*21*900123456#"},
    {"type": "ipex.dial", "v": 1, "number": {"length": 9}},
    {"type": "ipex.hello", "v": 1},
    {"type": "toString", "v": 1},
    "ipex.ready",
    None,
]


def test_messages_that_are_none_of_the_window_s_reach_no_listener_of_the_host(idle_host: Host) -> None:
    idle_host.forget()
    for message in HOSTILE:
        idle_host.frame().evaluate("(message) => parent.postMessage(message, '*')", message)
    idle_host.settle()
    assert idle_host.heard("ready", "state", "dial", "height", "hello") == []


def test_a_known_message_brings_only_what_the_contract_names(idle_host: Host) -> None:
    idle_host.forget()
    said = {"type": "ipex.height", "v": 1, "height": 333, "html": "<b>", "name": "Jana"}
    idle_host.frame().evaluate("(said) => parent.postMessage(said, '*')", said)
    idle_host.until("height")
    assert idle_host.heard("height")[0] == {"height": 333}


STRANGER = "<!doctype html><title>Stranger</title>"


def test_a_stranger_s_frame_in_the_same_page_is_heard_by_neither_side(idle_host: Host, demo: Demo) -> None:
    page = idle_host.page
    page.route("**/stranger", lambda route: route.fulfill(body=STRANGER, content_type="text/html"))
    page.evaluate(
        "(address) => document.body.append(Object.assign(document.createElement('iframe'), {id: 'stranger', src: address}))",
        f"http://stranger.localhost:{demo.port}/stranger",
    )
    page.frame_locator("#stranger").locator("title").wait_for(state="attached")
    stranger = next(frame for frame in page.frames if frame.url.endswith("/stranger"))
    idle_host.forget()
    stranger.evaluate("parent.postMessage({type: 'ipex.dial', v: 1, number: '+420900123456'}, '*')")
    stranger.evaluate(
        "parent.frames[0].postMessage({type: 'ipex.call', v: 1, uniqueId: 'evil', number: '777123456'}, '*')"
    )
    idle_host.settle()
    assert idle_host.heard("dial", "state", "ready") == []
    expect(idle_host.frame().locator(".idle-title")).to_be_visible()


def test_a_frame_that_went_elsewhere_is_not_heard_as_the_window(idle_host: Host, demo: Demo) -> None:
    page = idle_host.page
    page.route("**/stranger", lambda route: route.fulfill(body=STRANGER, content_type="text/html"))
    idle_host.forget()
    with page.expect_event("framenavigated", lambda frame: frame.url.endswith("/stranger")):
        page.evaluate("(address) => { crms.a.frame.src = address; }", f"http://stranger.localhost:{demo.port}/stranger")
    stranger = next(frame for frame in page.frames if frame.url.endswith("/stranger"))
    stranger.evaluate("() => { window.got = []; addEventListener('message', ({data}) => got.push(data)); }")
    stranger.evaluate("parent.postMessage({type: 'ipex.dial', v: 1, number: '+420900123456'}, '*')")
    announce(idle_host, uniqueId="host.e1", direction="incoming", number="777123456")
    idle_host.settle()
    assert (idle_host.heard("dial"), stranger.evaluate("got")) == ([], [])


def test_a_page_of_a_foreign_origin_hears_nothing_even_where_the_browser_would_frame_the_window(
    host: Host, demo: Demo
) -> None:
    """`frame-ancestors` is the first lock; here it is taken away, so that the window's own stands alone."""
    fixed = _fixed_address(host)

    def without_policy(route: Route) -> None:
        answer = route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name != "content-security-policy"}
        route.fulfill(response=answer, headers=headers)

    page = host.page.context.new_page()
    page.set_default_timeout(10_000)
    page.route("**/host-page", lambda route: route.fulfill(body=HOST, content_type="text/html"))
    page.goto(f"http://stranger.localhost:{demo.port}/host-page")
    page.route(fixed, without_policy)
    page.evaluate("() => { window.got = []; addEventListener('message', ({data}) => got.push(data)); }")
    page.evaluate(LISTEN, ["a", fixed, {}])
    expect(page.frame_locator("#frame-a").locator("#bar")).to_be_visible()
    page.evaluate("(origin) => crms.a.frame.contentWindow.postMessage({type: 'ipex.hello', v: 1}, origin)", demo.portal)
    page.wait_for_timeout(400)
    assert page.evaluate("got") == []


def test_two_windows_in_one_page_are_not_taken_for_each_other(idle_host: Host) -> None:
    idle_host.open("b")
    idle_host.until("ready", "b")
    idle_host.state("idle", "b")
    idle_host.forget("a")
    idle_host.forget("b")
    idle_host.frame("a").evaluate("parent.postMessage({type: 'ipex.dial', v: 1, number: '+420777123456'}, '*')")
    idle_host.frame("b").evaluate("parent.postMessage({type: 'ipex.height', v: 1, height: 321}, '*')")
    idle_host.until("dial", "a")
    idle_host.until("height", "b")
    assert idle_host.heard("dial", place="b") == []  # and this one was not made with canDial
    assert {"height": 321} not in idle_host.heard("height", place="a")
    announce(idle_host, "a", uniqueId="host.t1", direction="incoming", number="605333444")
    idle_host.state("ringing", "a")
    idle_host.state("ringing", "b")  # both are jana's, so both show her call
    close_card(idle_host)


def test_a_host_that_goes_away_and_comes_back_finds_the_window_as_it_was(idle_host: Host, demo: Demo) -> None:
    announce(idle_host, uniqueId="host.g1", direction="incoming", number="777123456")
    idle_host.state("ringing")
    idle_host.frame().locator("#note-text").fill("Before the page went away.")
    idle_host.page.goto("about:blank")
    idle_host.page.goto(f"{demo.communicator()}host-page")
    idle_host.open()
    idle_host.state("ringing")
    expect(idle_host.frame().locator("#note-text")).to_have_value("Before the page went away.")
    close_card(idle_host)


def test_a_window_whose_stream_is_away_says_so_to_the_host(idle_host: Host) -> None:
    idle_host.forget()
    idle_host.frame().evaluate("document.getElementById('window').dataset.stream = 'lost'")
    idle_host.until("state")
    assert idle_host.heard("state") == [{"state": "idle", "connected": False}]


def test_call_back_asks_a_host_that_can_dial_and_is_a_tel_link_elsewhere(jana: Desk, demo: Demo) -> None:
    jana.at_work("jana@acme.example")
    jana.call("jana-horakova")
    expect(jana.name).to_be_visible()
    back = jana.window.locator("#matches .call-back")
    expect(back).to_be_hidden()
    jana.press("hang_up")
    expect(jana.bar).to_have_attribute("data-call-state", "missed")
    expect(back).to_be_visible()
    expect(back).to_have_attribute("href", "tel:+420777123456")
    jana.window.locator("#body").press("b")
    expect(jana.page.locator("#line-state")).to_have_text("dials")
    expect(jana.page.locator("#number")).to_have_value("+420777123456")
    expect(jana.bar).to_have_attribute("data-call-state", "answered")
    jana.press("hang_up")


CLICK = """(link) => {
  let followed = null;  // stays so where the card was drawn anew just now: a link that is gone tells nobody of its click
  const heard = (event) => { followed = !event.defaultPrevented; event.preventDefault(); };
  addEventListener("click", heard);
  link.click();
  removeEventListener("click", heard);
  return followed;
}"""


def test_without_a_host_that_can_dial_the_link_stays_a_link(idle_host: Host, demo: Demo) -> None:
    idle_host.page.evaluate("crms.a.close()")
    idle_host.open()
    idle_host.until("ready")
    call = {"From": "777123456", "Line": "444", "UniqueId": "tel.1", "Direction": "incoming"}
    demo.event(EventName="Ringing", **call)
    idle_host.state("ringing")
    demo.event(EventName="Hangup", Reason="No user response", **call)
    idle_host.state("idle")
    link = idle_host.frame().locator(".call-back").first
    expect(link).to_be_visible()
    clicks = (link.evaluate(CLICK) for _ in range(5))
    followed = next((followed for followed in clicks if followed is not None), None)
    assert followed is True
    assert idle_host.heard("dial") == []
    close_card(idle_host)


# -- the page for developers -------------------------------------------------------------------------------------------


def test_the_developers_page_lists_what_passes_in_all_four_ways(person: BrowserContext, demo: Demo) -> None:
    page = person.new_page()
    page.goto(f"{demo.communicator()}developers/")
    passed = page.locator("#passed")
    expect(passed).to_contain_text("ipex.ready")
    expect(page.locator("#fact-ready")).to_have_text("yes")
    page.locator("[data-do='ring']").click()
    expect(page.locator("#fact-state")).to_have_text("ringing")
    for event in ("NewCall", "Ringing", "ipex.hello", "ipex.state", "ipex.height"):
        expect(passed.locator("li", has_text=event).first).to_be_visible()
    expect(passed.locator("li", has_text="jana.novakova").first).to_be_visible()
    exchange = " ".join(passed.locator("li[data-of='exchange'] code").all_inner_texts())
    assert "From 777 ••• 456" in exchange
    assert "777123456" not in exchange
    page.locator("label.chip", has_text="exchange → portal").click()
    expect(passed.locator("li[data-of='exchange']").first).to_be_hidden()
    page.locator("[data-do='hang_up']").click()
    expect(page.locator("#fact-state")).to_have_text("idle")
    heard = page.locator("[data-way='heard'] ~ .figures")
    before = steady(heard)
    for button in page.locator("[data-wrong]").all():
        button.click()
    page.wait_for_timeout(400)
    assert heard.inner_text() == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_developers_page_breaks_no_rule_of_wcag_and_fits(chromium: Browser, demo: Demo, scheme: str) -> None:
    page = chromium.new_page(color_scheme=scheme, locale="en-GB")  # type: ignore[arg-type]
    page.goto(f"{demo.communicator()}developers/")
    expect(page.locator("#passed")).to_contain_text("ipex.state")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.response["violations"] == [], found.generate_report()
    for width in (320, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
