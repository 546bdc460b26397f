"""The demo as a stranger starts it, and Chromium with third-party cookies blocked.

Their own pytest call: `pytest tests/browser --override-ini addopts=`. Needs Debian's chromium and firefox-esr.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Frame, FrameLocator, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = [
    "--no-sandbox",  # CI runs as root
    "--test-third-party-cookie-phaseout",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=25_000)  # machines stand still for seconds; what holds waits no longer than it must


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Why a test was tried again: what held later is to be mended all the same."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"first try of {report.nodeid}", sep="-")
        terminalreporter.write_line("\n".join(report.longreprtext.splitlines()[-40:]))


@dataclass
class Demo:
    port: int
    crm: str
    key: str
    password: str  # ivana's
    turn: int = 0
    live: dict[str, dict[str, str]] = field(default_factory=dict)  # calls that a webhook began and none ended

    @property
    def portal(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def communicator(self, host: str = "localhost") -> str:
        return f"http://{host}:{self.port}/"

    def unique(self, call: str) -> str:
        """An exchange gives no call the UniqueId of an earlier one, nor do a test's second try and the next test."""
        return f"{call}.{self.turn}"

    def event(self, **body: str) -> requests.Response:
        """A webhook, as the exchange (or curl) would send it."""
        if "UniqueId" in body:
            body["UniqueId"] = self.unique(body["UniqueId"])
            self.live[body["UniqueId"]] = body
            if body["EventName"] == "Hangup":
                del self.live[body["UniqueId"]]
        return self._tell(body)

    def _tell(self, body: dict[str, str]) -> requests.Response:
        return requests.post(f"{self.portal}/api/v1/events", json=body, auth=("x", self.key), timeout=10)

    def quiet(self) -> None:
        """Every line hangs up, as with the buttons of its phone, also of calls that a webhook began."""
        for body in self.live.values():
            self._tell(body | {"EventName": "Hangup", "Reason": "Normal Clearing"})
        self.live.clear()
        for host in ("localhost", "bob.localhost", "klara.localhost", "lena.localhost"):
            headers = {"Host": f"{host}:{self.port}"}
            token = requests.get(self.portal, headers=headers, timeout=10).cookies["csrftoken"]
            headers |= {"X-CSRFToken": token, "Cookie": f"csrftoken={token}"}
            address = f"{self.portal}/simulator/act/"
            while requests.post(address, json={"act": "hang_up"}, headers=headers, timeout=10).ok:
                pass

    def ticket(self, host: str) -> str:
        """The address that Communicator's server would ask for."""
        headers = {"Host": f"{host}:{self.port}"}
        token = requests.get(self.portal, headers=headers, timeout=10).cookies["csrftoken"]
        headers |= {"X-CSRFToken": token, "Cookie": f"csrftoken={token}"}
        return str(
            requests.post(f"{self.portal}/simulator/window/", json={}, headers=headers, timeout=10).json()["url"]
        )

    def microsoft(self, act: str, **values: Any) -> None:
        requests.post(f"{self.crm}/_sandbox/{act}", json=values, timeout=10).raise_for_status()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    port = free_port()
    command = [sys.executable, "manage.py", "demo", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        said = "".join(iter(lambda: _line_before_the_last(process.stdout), ""))
        key = re.search(r"-u x:(\S+)", said)
        crm = re.search(r"(http://127\.0\.0\.1:\d+)/main\.aspx", said)
        assert key, said
        assert crm, said
        password = re.search(r"ivana@ipex\.example +(\S+)", said)
        assert password, said
        rest: list[str] = []
        reader = threading.Thread(target=rest.extend, args=(process.stdout,))  # a full pipe would stop the demo
        reader.start()
        yield Demo(port, crm[1], key[1], password[1])
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        reader.join(timeout=5)
    assert (process.returncode, [line.strip() for line in rest[-1:]]) == (0, ["Stopped."]), "".join(rest)


def _line_before_the_last(lines: Any) -> str:
    """What the demo says until it is ready; "" then, or when it ends."""
    line = lines.readline()
    return "" if line.startswith("Stop with") else line


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def person(chromium: Browser, demo: Demo) -> Iterator[BrowserContext]:
    """One person's browser, without a past. What a page does wrong, its policy forbids or the portal breaks at fails."""
    demo.turn += 1
    demo.microsoft("reset")
    demo.quiet()
    context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 1000})
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    context.on("response", lambda answer: complaints.append(answer.url) if answer.status == 500 else None)
    yield context
    context.close()
    assert complaints == []


class Desk:
    """An agent's Communicator with the CRM window in its cross-site frame."""

    def __init__(self, person: BrowserContext, demo: Demo, host: str) -> None:
        self.person, self.demo = person, demo
        self.page: Page = person.new_page()
        self.page.goto(demo.communicator(host))
        self.window: FrameLocator = self.page.frame_locator("#crm-window")
        expect(self.bar).to_be_visible()

    def sign_in(self, upn: str) -> Page:
        """By the popup of Microsoft's stand-in; gives the popup, which may have closed itself."""
        with self.page.expect_popup() as opened:
            self.window.locator("[data-popup]").click()
        popup = opened.value
        popup.locator(f"button[value='{upn}']").click()
        return popup

    def at_work(self, upn: str) -> Desk:
        """Signed in and waiting for a call: the cards of ended calls are closed."""
        sign_in, idle, close = (
            self.window.locator(place) for place in ("[data-popup]", ".idle-title", "button.bar-button")
        )
        expect(sign_in.or_(idle).or_(close).first).to_be_visible()
        self.frame.wait_for_load_state()
        if sign_in.count():
            self.sign_in(upn)
            expect(sign_in).to_have_count(0)
        while not idle.count():
            close.evaluate_all("buttons => buttons.forEach((button) => button.click())")
            self.page.wait_for_timeout(300)
        expect(idle).to_be_visible()
        return self

    @property
    def frame(self) -> Frame:
        return next(frame for frame in self.page.frames if frame.url.startswith(f"{self.demo.portal}/window/"))

    def call(self, caller: str) -> None:
        self.page.locator(f"[data-caller='{caller}']").click()

    def press(self, act: str) -> None:
        self.page.locator(f"[data-act='{act}']").click()

    def send_note(self) -> None:
        """By the menu's first item."""
        self.window.locator(".more-button").click()
        self.window.locator("#more-acts [data-send]").click()

    @property
    def bar(self) -> Locator:
        return self.window.locator("#bar")

    @property
    def name(self) -> Locator:
        return self.window.locator(".identity-name")

    @property
    def note(self) -> Locator:
        return self.window.locator("#note-text")

    @property
    def note_state(self) -> Locator:
        return self.window.locator("#note-state")


@pytest.fixture
def jana(person: BrowserContext, demo: Demo) -> Desk:
    return Desk(person, demo, "localhost")


@pytest.fixture
def bob(person: BrowserContext, demo: Demo) -> Desk:
    return Desk(person, demo, "bob.localhost")
