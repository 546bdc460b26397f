"""What tires nobody: nothing jumps, the mouse may stay where it is, and whoever needs larger letters, other colours or no
motion has them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Demo, Desk
from tests.window import preview

_turn = itertools.count(int(time()))

# Chromium's own measure, and besides where each part stands: one that is drawn anew counts for nothing in the first.
WATCH = """() => {
  window.shifts = 0;
  window.moved = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts += entry.value;
  }).observe({type: "layout-shift", buffered: false});
  const PLACES = ["#dock", "#note-text", "#acts", ".number-text", ".identity-name", ".identity-company", ".reason", ".fields",
    "#history .block-title", "#history .rows", "#activities .block-title", "#activities .rows"];
  const top = (part) => part ? part.offsetTop + top(part.offsetParent) : 0;
  let call = "", stood = {};
  (function look() {
    if (call !== document.getElementById("bar").dataset.call) [call, stood] = [document.getElementById("bar").dataset.call, {}];
    for (const place of PLACES) {
      const part = document.querySelector(place);
      if (!part?.checkVisibility()) continue;
      if (place in stood && stood[place] !== top(part)) moved.push(`${place}: from ${stood[place]} to ${top(part)}`);
      stood[place] = top(part);
    }
    requestAnimationFrame(look);
  })();
}"""


@pytest.fixture
def at_work(jana: Desk) -> Iterator[Desk]:
    yield jana.at_work("jana@acme.example")
    jana.demo.microsoft("reset")
    jana.demo.quiet()


class Exchange:
    """Calls of jana's as the exchange would tell them."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.live: list[str] = []

    def ring(self, number: str) -> None:
        self.live.append(f"comfort.{next(_turn)}")
        self.demo.event(EventName="Ringing", From=number, Line="444", UniqueId=self.live[-1], Direction="incoming")

    def hang_up(self) -> None:
        while self.live:
            self.demo.event(EventName="Hangup", Line="444", UniqueId=self.live.pop(), Reason="Normal Clearing")


@pytest.fixture
def exchange(demo: Demo) -> Iterator[Exchange]:
    exchange = Exchange(demo)
    yield exchange
    exchange.hang_up()


def test_nothing_moves_while_the_parts_of_a_card_arrive_one_by_one(at_work: Desk, exchange: Exchange) -> None:
    exchange.demo.microsoft("latency", ms=300)
    at_work.frame.evaluate(WATCH)
    exchange.ring("777123456")
    expect(at_work.name).to_have_text("Jana Horáková")
    expect(at_work.window.locator("#activities:not([aria-busy])")).to_be_visible()
    expect(at_work.window.locator("#body [aria-busy]")).to_have_count(0)
    at_work.page.wait_for_timeout(200)
    assert at_work.frame.evaluate("moved") == []
    assert at_work.frame.evaluate("shifts") < 0.02


@pytest.mark.parametrize(("number", "found"), [("224551111", ".option-name"), ("604777654", "#create")])
def test_a_note_begun_while_the_crm_is_searched_stays_under_the_fingers(
    at_work: Desk, exchange: Exchange, number: str, found: str
) -> None:
    exchange.demo.microsoft("latency", ms=300)
    at_work.frame.evaluate(WATCH)
    exchange.ring(number)
    expect(at_work.bar).to_have_attribute("data-call-state", "ringing")
    at_work.note.focus()
    expect(at_work.window.locator(found).first).to_be_visible()
    at_work.page.keyboard.type("Bez váhání.")
    expect(at_work.note).to_have_value("Bez váhání.")
    assert [each for each in at_work.frame.evaluate("moved") if each.startswith("#note-text")] == []


def test_a_whole_call_and_the_next_one_without_a_mouse(at_work: Desk, exchange: Exchange) -> None:
    keys, window, context = at_work.page.keyboard, at_work.window, at_work.page.context
    at_work.frame.evaluate("window.focus()")
    exchange.ring(f"604{next(_turn) % 1_000_000:06}")
    expect(window.locator("#create")).to_be_visible()
    window.locator("#body").focus()  # where a click anywhere, or Tab, would have put the agent
    keys.press("n")
    expect(at_work.note).to_be_focused()
    keys.type("Bez myši: 1, 2, n, o.")
    keys.press("Control+Enter")
    expect(at_work.note_state).to_have_attribute("data-status", "written", timeout=20_000)
    keys.press("Escape")
    with context.expect_page() as opened:
        keys.press("k")
    opened.value.wait_for_url(re.compile(r"/main\.aspx\?.*etn=contact"))
    expect(at_work.name).to_be_visible()
    keys.press("t")
    expect(window.locator("#plan-subject")).to_be_focused()
    keys.type("Zavolat zítra")
    keys.press("Control+Enter")
    expect(window.locator(".follow-up.written")).to_be_visible(timeout=20_000)
    exchange.hang_up()
    expect(window.locator("button.bar-button")).to_be_visible()
    keys.press("Escape")
    expect(window.locator(".idle-title")).to_be_visible()

    exchange.ring("224551111")
    expect(window.locator(".option-name").nth(1)).to_be_visible()
    keys.press("ArrowDown")
    keys.press("ArrowUp")
    keys.press("2")
    expect(at_work.name).to_be_focused()
    with context.expect_page() as opened:
        keys.press("o")
    opened.value.wait_for_url(re.compile(r"/main\.aspx\?"))


# -- every state of the window, drawn without a server -----------------------------------------------------------------

CONTROLS = """() => {
  const within = document.querySelector(".sheet[role=dialog]") || document;
  const all = [...within.querySelectorAll("a[href], button, input, select, textarea, summary, [role=option][tabindex]")];
  const group = ({name}) => all.filter((each) => each.name === name);
  window.controls = all.filter((each) => each.type !== "hidden" && !each.disabled && each.tabIndex >= 0
    && each.checkVisibility({visibilityProperty: true}) && !each.closest("[hidden], .menu:not(:popover-open)")
    && (each.type !== "radio" || each === (group(each).find((one) => one.checked) || group(each)[0])));
  document.activeElement?.blur();
  return controls.length;
}"""
FOCUSED = """() => {
  const at = document.activeElement;
  if (at === document.body) return null;
  if (!controls.includes(at)) return [-1, ""];
  const shown = at.closest("label") || at.closest(".code")?.querySelector(".next") || at;
  const marked = [at, shown].some((each) => getComputedStyle(each).outlineStyle !== "none"
    && parseFloat(getComputedStyle(each).outlineWidth) >= 1 && !each.matches(".visually-hidden"));
  const {left, right, top, bottom} = shown.getBoundingClientRect();
  const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  const inSight = hit && (shown.contains(hit) || hit.contains(shown));
  const says = at.outerHTML.slice(0, 90);
  return [controls.indexOf(at), !marked ? `no focus seen: ${says}` : inSight ? "" : `hidden: ${says}`];
}"""
LEFT_OUT = (
    "(reached) => controls.filter((_each, at) => !reached.includes(at)).map((each) => each.outerHTML.slice(0, 90))"
)
TOO_WIDE = """() => {
  const problems = [];
  for (const each of document.querySelectorAll("body *")) {
    const {overflowX, textOverflow} = getComputedStyle(each);
    if (!each.checkVisibility() || each.closest(".visually-hidden, svg, .row-text")) continue;
    if (["auto", "scroll"].includes(overflowX) && textOverflow === "clip" && each.scrollWidth > each.clientWidth + 1)
      problems.push(`${each.id || each.className} scrolls sideways`);
    if (!each.matches("a, button, input:not(.visually-hidden), select, textarea, h1, h2")) continue;
    const {left, right} = each.getBoundingClientRect();
    if (left < -1 || right > innerWidth + 1) problems.push(`${each.outerHTML.slice(0, 60)} leaves the window`);
  }
  if (document.documentElement.scrollWidth > innerWidth + 1) problems.push("the page scrolls sideways");
  return problems;
}"""
UNBORDERED = """() =>
  [...document.querySelectorAll(".button, .chip, .option, .input, #note-text, .tag, .bar, .dock, .strip, .key")]
  .filter((each) => each.checkVisibility() && getComputedStyle(each).borderBottomStyle === "none")
  .map((each) => each.outerHTML.slice(0, 80))"""
# What is chosen, beside something of its kind that is not
UNMARKED = """() => [[".chip:has(:checked), .chip[aria-pressed=true]", ".chip:not(:has(:checked), [aria-pressed=true])"],
  [".option:has(:checked)", ".option:not(:has(:checked))"], [".day-row.now", ".day-row:not(.now)"]]
  .filter(([chosen, other]) => {
    const [one, two] = [chosen, other].map((each) => document.querySelector(each));
    const looks = ["backgroundColor", "outlineStyle", "borderTopColor", "borderTopWidth"];
    return one && two && looks.every((name) => getComputedStyle(one)[name] === getComputedStyle(two)[name]);
  }).map(([chosen]) => chosen)"""
MOVING = """() => document.getAnimations().filter((each) => each.effect.getComputedTiming().duration > 1)
  .map((each) => each.animationName || each.transitionProperty)"""
# Contrast of lines and of secondary text with the ground they stand on
PALE = """() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
  const light = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, two) => {
    const [dark, bright] = [light(one), light(two)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const problems = [];
  const asked = ".button:not([disabled], [aria-disabled=true]), .chip, .option, .input, .row-time, .field-pair dt";
  for (const each of document.querySelectorAll(asked)) {
    if (!each.checkVisibility()) continue;
    const {borderTopColor, borderTopStyle, backgroundColor, color} = getComputedStyle(each);
    const ground = getComputedStyle(document.querySelector(".window")).backgroundColor;
    const filled = contrast(backgroundColor, ground) >= 3 && !/, 0\\)|transparent/.test(backgroundColor);
    const pale = borderTopStyle !== "none" && contrast(borderTopColor, ground) < 3;
    if (!filled && pale) problems.push(`line of ${each.className}`);
    if (!filled && contrast(color, ground) < 7) problems.push(`text of ${each.className || each.nodeName}`);
  }
  return [...new Set(problems)];
}"""
EACH_KIND = (
    "ringing", "partial", "ended", "verified", "matches", "remembered", "unknown", "finding", "adding",
    "two-calls", "planned", "task-refused", "note-conflict", "note-too-long", "microsoft-down", "day",
    "day-waiting", "settings", "idle", "sign-in", "sign-in-code",
)  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    preview.write(folder, "cs")
    return folder


@pytest.fixture
def page(chromium: Browser, drawn: Path) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 360, "height": 640})
    page = context.new_page()
    page.route("http://preview.test/**", lambda route: preview.answer(route, drawn))
    yield page
    context.close()


def show(page: Page, name: str) -> None:
    page.goto(f"http://preview.test/{name}.html")
    page.evaluate(preview.FILL)


def test_every_control_is_reached_by_tab_and_is_seen_when_it_is(page: Page) -> None:
    problems: list[str] = []
    for name in EACH_KIND:
        show(page, name)
        reached: list[int] = []
        for _ in range(page.evaluate(CONTROLS) + 12):  # a date has several places to stop at
            page.keyboard.press("Tab")
            at, problem = page.evaluate(FOCUSED) or (-1, "")
            if at in reached[:-1]:
                break
            reached += [at] if at >= 0 and at not in reached[-1:] else []
            problems += [f"{name}: {problem}"] if problem else []
        problems += [f"{name}: not reached {each}" for each in page.evaluate(LEFT_OUT, reached)]
    assert problems == []


def test_nothing_scrolls_sideways_at_any_width_at_200_percent_nor_with_letters_twice_as_large(page: Page) -> None:
    problems: list[str] = []
    for name in EACH_KIND:
        show(page, name)
        for width in (180, 320, 360, 480, 560):  # 180: the window of 360 at 200 %
            page.set_viewport_size({"width": width, "height": 640})
            problems += [f"{name} at {width}: {each}" for each in page.evaluate(TOO_WIDE)]
        page.set_viewport_size({"width": 360, "height": 640})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        problems += [f"{name} with large letters: {each}" for each in page.evaluate(TOO_WIDE)]
    assert problems == []


def test_with_colours_of_one_s_own_every_state_is_still_told_by_lines(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    problems: list[str] = []
    for name in EACH_KIND:
        show(page, name)
        problems += [f"{name}: no line around {each}" for each in page.evaluate(UNBORDERED)]
        problems += [f"{name}: not told from the others: {each}" for each in page.evaluate(UNMARKED)]
    assert problems == []


def test_whoever_asks_for_no_motion_sees_none(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    for name in ("ringing", "searching", "two-calls", "elsewhere"):
        show(page, name)
        assert page.evaluate(MOVING) == [], name
    page.emulate_media(reduced_motion="no-preference")
    show(page, "ringing")
    assert page.evaluate(MOVING) != []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whoever_asks_for_more_contrast_gets_it_in_lines_and_letters(page: Page, scheme: str) -> None:
    page.emulate_media(contrast="more", color_scheme=scheme)  # type: ignore[arg-type]  # a literal in the signature
    for name in ("ringing", "matches", "unknown", "answered", "idle"):
        show(page, name)
        page.wait_for_timeout(150)  # colours settle
        assert page.evaluate(PALE) == [], name


def test_what_is_still_on_its_way_has_its_place_from_the_beginning(page: Page) -> None:
    """Other tables are still searched, the fields are still read: what stands below is where it will stay."""
    below = (
        "['.fields', '#history .block-title'].map((place) => document.querySelector(place).getBoundingClientRect().top)"
    )
    page.emulate_media(reduced_motion="reduce")
    for width in (320, 360):
        page.set_viewport_size({"width": width, "height": 640})
        show(page, "partial")
        early = page.evaluate(below)
        show(page, "ringing")
        assert page.evaluate(below) == early, width
