"""`demo --check`: do over HTTP what a visitor does in the browser, and look for the result where it must have arrived."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote, urljoin

import requests

from ipexportal.sandbox.visitor import pick

TIMEOUT = 20
WAIT = 20.0
KNOWN, UNKNOWN = "777123456", "604218330"


class NotProven(Exception):
    """A step did not do what it should; `str()` says what came instead."""


@dataclass
class Browser:
    """One person's browser. Keeps Secure cookies on loopback as browsers do; requests alone would not."""

    portal: str
    cookies: dict[str, str] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False

    def ask(self, method: str, address: str, *, fragment: bool = False, **more: Any) -> requests.Response:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if fragment:
            headers |= {"HX-Request": "true", "Origin": self.portal, "Sec-Fetch-Site": "same-origin"}
        answer = self.session.request(
            method, urljoin(self.portal, address), headers=headers, allow_redirects=False, timeout=TIMEOUT, **more
        )
        self.session.cookies.clear()
        for cookie in SimpleCookie("; ".join(_set_cookies(answer))).values():
            self.cookies[cookie.key] = cookie.value
        return answer

    def get(self, address: str, *, fragment: bool = False) -> requests.Response:
        return self.ask("GET", address, fragment=fragment)

    def post(self, address: str, **data: str) -> requests.Response:
        return self.ask("POST", address, fragment=True, data=data)


def _set_cookies(answer: requests.Response) -> list[str]:
    return [value.partition(";")[0] for value in answer.raw.headers.getlist("Set-Cookie")]


@dataclass
class Proof:
    """The steps in order; each gives one line of what was seen, or raises NotProven."""

    portal: str
    events_key: str
    window_key: str
    upn: str
    login: str
    line: str
    read_as_agent: Callable[[str], dict[str, Any]]  # path below /api/data/v9.2/ → JSON, with the agent's own token
    frame: Browser = field(init=False)
    shell: str = ""

    def __post_init__(self) -> None:
        self.frame = Browser(self.portal)

    def steps(self) -> Iterator[str]:
        yield self._communicator()
        yield self._open_window()
        yield self._sign_in()
        call = self._ring(KNOWN)
        yield self._card(call, "Jana Horáková")
        text = f"demo --check {secrets.token_hex(8)}"
        yield self._write(call, text)
        yield self._read_back(text)
        self._hang_up()
        yield self._create(self._ring(UNKNOWN))
        self._hang_up()

    def _communicator(self) -> str:
        page = Browser(self.portal.replace("127.0.0.1", "localhost"))
        answer = expect(page.get("/"), 200)
        policy = answer.headers.get("Content-Security-Policy", "")
        need("unsafe-inline" not in policy and f"frame-src {self.portal}" in policy, f"its policy is {policy}")
        return "The simulated Communicator answers."

    def _open_window(self) -> str:
        answer = self.frame.session.post(
            f"{self.portal}/api/v1/window-tickets",
            json={"login": self.login},
            headers={"Authorization": f"Bearer {self.window_key}"},
            timeout=TIMEOUT,
        )
        entered = expect(self.frame.get(expect(answer, 201).json()["url"]), 303)
        self.shell = entered.headers["Location"]
        expect(self.frame.get(self.shell), 200)
        return "A ticket opened the window."

    def _sign_in(self) -> str:
        slot = expect(self.frame.post(f"{self.shell}sign-in/"), 200).text
        address = _one(r'href="([^"]*/window/sign-in/[^"]+)"', slot)
        popup = Browser(self.portal)
        leaving = expect(popup.get(address), 302)
        back = pick(leaving.headers["Location"], self.upn)
        need(back.startswith(f"{self.portal}/signin/microsoft/callback/"), f"Microsoft sent the browser to {back!r}")
        expect(popup.get(expect(popup.get(back), 302).headers["Location"]), 200)
        state = expect(self.frame.get(f"{self.shell}state/", fragment=True), 200).text
        need('hx-post="' + self.shell + "sign-in/" not in state, "the window still asks for a sign-in")
        return f"{self.upn} signed in at the stand-in's Microsoft page."

    def _event(self, name: str, number: str = "", **more: str) -> requests.Response:
        body = {
            "EventName": name,
            "From": number,
            "To": "222333444",
            "UniqueId": self._unique_id,
            "Direction": "incoming",
        }
        body |= {"Line": self.line, "Login": self.login, **more}
        address = f"{self.portal}/api/v1/events"
        answer = self.frame.session.post(address, json=body, auth=("x", self.events_key), timeout=TIMEOUT)
        return expect(answer, 202)

    def _ring(self, number: str) -> str:
        self._unique_id = f"{int(time.time())}.{secrets.randbelow(10_000)}"
        call: str = self._event("Ringing", number).json()["call"]
        return call

    def _hang_up(self) -> None:
        self._event("Hangup", Reason="Normal Clearing")

    def _card(self, call: str, name: str) -> str:
        started = time.perf_counter()
        state = expect(self.frame.get(f"{self.shell}state/", fragment=True), 200).text
        need(call in state, "the window does not show the call")
        self._matches(call, lambda text: name in text)
        return f"The telephone rang and the card said {name} after {(time.perf_counter() - started) * 1000:.0f} ms."

    def _matches(self, call: str, suits: Callable[[str], bool]) -> str:
        address = f"{self.shell}calls/{call}/matches/"
        return until(lambda: unescape(expect(self.frame.get(address, fragment=True), 200).text), suits)

    def _write(self, call: str, text: str) -> str:
        expect(self.frame.post(f"{self.shell}note/", call=call, text=text, outcome=""), 200)
        expect(self.frame.post(f"{self.shell}note/send/", call=call, text=text, outcome=""), 200)
        return "The note was saved and queued."

    def _read_back(self, text: str) -> str:
        wanted = quote(f"contains(description,'{text}')")
        address = f"phonecalls?$select=subject,description,_createdby_value&$filter={wanted}"
        rows = until(lambda: self.read_as_agent(address)["value"], bool)
        me = self.read_as_agent("WhoAmI")["UserId"]
        need(len(rows) == 1, f"{len(rows)} phone calls carry the note")
        need(rows[0]["_createdby_value"] == me, f"its author is {rows[0]['_createdby_value']}")
        return f"The note is in the CRM once, written by {self.upn}."

    def _create(self, call: str) -> str:
        shown = self._matches(call, lambda text: "data-opens" in text)
        place = _one(r'data-opens="([^"]+)"', shown)
        values = re.findall(r"hx-vals='({[^']*\"table\"[^']*})'", shown)
        need(bool(values), "the window offers nothing to create")
        table = _one(r'"table": "([^"]+)"', values[0])
        code = _one(r'"code": "([^"]+)"', values[0])
        last_name = f"Zkouška {secrets.token_hex(3)}"
        typed = {"first_name": "Eva", "last_name": last_name, "company": ""}
        expect(self.frame.post(f"{self.shell}create/", call=call, table=table, code=code, **typed), 200)
        tab = Browser(self.portal)
        link = until(lambda: tab.get(place).headers.get("Location", ""), bool)
        record_id = _one(r"[?&]id=([0-9a-f-]{36})", link)
        record = self.read_as_agent(f"{table}s({record_id})")
        need(last_name in str(record.get("lastname")), f"the new {table} is {record}")
        need(requests.get(link, timeout=TIMEOUT).ok, f"{link} shows nothing")
        return f"The unknown number became a new {table}, and its page in the CRM opens."


def expect(answer: requests.Response, status: int) -> requests.Response:
    if answer.status_code != status:
        text = " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())[:300]
        raise NotProven(
            f"{answer.request.method} {answer.url} answered {answer.status_code} instead of {status}: {text}"
        )
    return answer


def need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotProven(otherwise)


def until[T](ask: Callable[[], T], suits: Callable[[T], bool]) -> T:
    """Ask again until the answer suits; the last answer is part of the complaint."""
    deadline = time.monotonic() + WAIT
    while not suits(answer := ask()):
        if time.monotonic() > deadline:
            raise NotProven(f"after {WAIT:.0f} s it is still: {' '.join(str(answer).split())[:600]}")
        time.sleep(0.1)
    return answer


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if not found:
        raise NotProven(f"nothing like {pattern} in: {' '.join(text.split())[:600]}")
    return unescape(found[1])
