"""A real window in headless Chromium, and when its cards are painted by this process's clock.

Chromium is imported when it is asked for, and driven from a thread of its own: its library runs an event loop, beside which
Django's database refuses to work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SECONDS = 20.0
PAINTED = """(() => {
  const painted = {}, waiting = {}, known = new WeakSet();
  const answered = ["one", "many", "unknown", "failed"];
  const done = (call) => waiting[call]?.(painted[call]);
  function look() {
    const matches = document.getElementById("matches");
    if (!matches || known.has(matches) || !answered.includes(matches.dataset.matches)) return;
    known.add(matches);
    const call = document.getElementById("bar").dataset.call;
    if (call in painted) return;
    painted[call] = null;
    requestAnimationFrame(() => setTimeout(() => { painted[call] = performance.now(); done(call); }));
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  window.whenPainted = (call) => new Promise((resolve) => {
    waiting[call] = resolve;
    if (painted[call]) done(call);
  });
})()"""
SHOWN = """() => {
  const link = document.querySelector("#acts a[data-key='O']")?.href;
  const query = link && new URL(link).searchParams;
  const old = [...document.querySelectorAll("#matches [hx-vals]")]
    .map((button) => JSON.parse(button.getAttribute("hx-vals")).record).filter((one) => one?.includes(":"));
  const options = [...document.querySelectorAll("#matches input[name=record]")].map((radio) => radio.value);
  return {
    step: document.getElementById("matches").dataset.matches,
    records: [...options, ...old, ...(query ? [`${query.get("etn")}:${query.get("id")}`] : [])],
  };
}"""
AT_REST = """() => document.querySelector("#window[data-stream=open][data-complete=yes]")
  && !document.querySelector("[aria-busy=true]")"""


@dataclass(frozen=True, slots=True)
class Card:
    """What the window showed: "one", "many", "unknown" or "failed", and `table:id` of every record in it."""

    painted_at: float
    step: str
    records: frozenset[str]


class BrowserWindow:
    """One agent's window, open and listening. Times are this process's perf_counter."""

    def __init__(self, page: Any, run: Callable[..., Any]) -> None:
        self.page, self.run = page, run
        self.offset = 0.0

    def set_clock(self) -> None:
        """The browser's clock against ours, by the quickest of some questions: known to half of what that one took."""

        def ask() -> tuple[float, float]:
            before = perf_counter()
            there = self.page.evaluate("performance.now()") / 1000
            after = perf_counter()
            return after - before, (before + after) / 2 - there

        self.offset = self.run(lambda: min(ask() for _ in range(15)))[1]

    def rest(self) -> None:
        """Until everything that belongs to the card is there as well."""
        self.run(lambda: self.page.wait_for_function(AT_REST, timeout=1000 * SECONDS))

    def card(self, call: str) -> Card:
        def wait() -> Card:
            at = self.page.evaluate("(call) => window.whenPainted(call)", call) / 1000
            shown = self.page.evaluate(SHOWN)
            return Card(self.offset + at, shown["step"], frozenset(record.lower() for record in shown["records"]))

        found: Card = self.run(wait)
        return found


@contextmanager
def browser_window(address: str) -> Iterator[BrowserWindow]:
    """The window of that address, which carries a ticket."""
    with ThreadPoolExecutor(1, thread_name_prefix="chromium") as thread:

        def run(act: Callable[[], Any]) -> Any:
            return thread.submit(act).result(timeout=2 * SECONDS)

        playwright, browser = run(_launch)
        try:
            page = run(lambda: browser.new_page(viewport={"width": 420, "height": 800}))
            run(lambda: page.add_init_script(PAINTED))
            run(lambda: page.goto(address))
            window = BrowserWindow(page, run)
            window.rest()
            yield window
        finally:
            run(browser.close)
            run(playwright.stop)


def _launch() -> tuple[Any, Any]:
    from playwright.sync_api import sync_playwright

    playwright = sync_playwright().start()
    return playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
