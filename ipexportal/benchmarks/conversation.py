"""One call as the exchange, the agent and the window's own script live it, over HTTP.

It rings, the window hears of it and fetches its state, the card with everything that loads by itself; the agent answers, types,
hangs up and presses the button; the note goes out. A window asks for exactly what the page asks for: each part of an answer
that says so is fetched.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from html import unescape
from itertools import cycle
from typing import Any

from ipexportal.benchmarks import Void
from ipexportal.benchmarks.seats import Seat
from ipexportal.benchmarks.wire import Answer, Wire

Event = dict[str, str]
RING_SECONDS, TYPING_SECONDS, WRAP_UP_SECONDS = 1.0, 1.0, 0.5
LONGEST_WAIT = 30.0
LOADS_ITSELF = re.compile(r'<[a-z]+[^>]*?\bid="([\w-]+)"[^>]*?hx-get="([^"]+)"[^>]*?hx-trigger="(load|every \d+s)')
SHOWN = {name: re.compile(rf'\bid="{place}"[^>]*?\bdata-{mark}="([^"]*)"') for name, place, mark in (
    ("shown", "bar", "call"), ("body", "body", "body"), ("strip", "strip", "strip"),
)}  # fmt: skip
CARD = re.compile(r'\bdata-matches="(one|many|unknown|failed)"')
SHOWS_WHO_CALLS = {"one", "many", "unknown"}
NOTE = re.compile(r'\bid="note-state"[^>]*?\bdata-status="(\w*)"')


@dataclass(slots=True)
class Times:
    """Milliseconds of each step, by name, with the moment it ended; and what went wrong."""

    steps: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, step: str, seconds: float) -> None:
        self.steps[step].append((time.time(), 1000 * seconds))

    def since(self, moment: float) -> dict[str, list[float]]:
        return {step: [ms for at, ms in found if at >= moment] for step, found in self.steps.items()}


class Window:
    """What the page of one seat shows, kept up to date as its script does it."""

    def __init__(self, address: str, seat: Seat, times: Times) -> None:
        self.wire, self.address, self.seat, self.times = seat.wire, address, seat, times
        self.shown = dict.fromkeys(SHOWN, "")
        self.card = self.note = ""
        self.turn = 0
        self._news = asyncio.Event()
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        seat.told = self._hear
        self._start(self._follow())

    async def open(self) -> None:
        """The page itself."""
        await self._take("window", await self.wire.get(self.address, **self.seat.headers))

    async def until(self, true: Callable[[], bool]) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(LONGEST_WAIT), self._changed:
            await self._changed.wait_for(true)

    async def type(self, call: str, text: str, *, send: bool = False) -> None:
        self.turn += 1
        values = {"call": call, "text": text, "page": "load", "turn": str(self.turn)}
        path = f"{self.address}note/{'send/' if send else ''}"
        answer = await self.wire.form(path, values, **self.seat.headers)
        await self._take("note sent" if send else "note saved", answer)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hear(self, kind: str) -> None:
        """A note is news for the agent's other pages only, who calls for one that does not show it."""
        if kind == "state" or (kind == "found" and self.card not in SHOWS_WHO_CALLS):
            self._news.set()

    async def _follow(self) -> None:
        """News that come while the state is being fetched lead to one more fetch, as in the page."""
        while True:
            await self._news.wait()
            self._news.clear()
            query = "&".join(f"{name}={value}" for name, value in self.shown.items())
            await self._fetch("state", f"{self.address}state/?{query}")

    async def _fetch(self, step: str, path: str) -> None:
        try:
            answer = await self.wire.get(path, **self.seat.headers)
        except OSError as error:
            self.times.errors[f"{step}: {type(error).__name__}"] += 1
            return
        await self._take(step, answer)

    async def _take(self, step: str, answer: Answer) -> None:
        self.times.add(step, answer.seconds)
        if answer.status not in {200, 204}:
            self.times.errors[f"{step}: {answer.status}"] += 1
            return
        text = answer.text
        for name, pattern in SHOWN.items():
            if found := pattern.search(text):
                if name == "shown" and found[1] != self.shown[name]:
                    self.card = self.note = ""
                self.shown[name] = found[1]
        self.card = found[1] if (found := CARD.search(text)) else self.card
        self.note = found[1] if (found := NOTE.search(text)) else self.note
        for part, path, when in LOADS_ITSELF.findall(text):
            self._start(self._load(part, unescape(path), when))
        async with self._changed:
            self._changed.notify_all()

    async def _load(self, part: str, path: str, when: str) -> None:
        call = self.shown["shown"]
        if when != "load":
            await asyncio.sleep(float(when.removeprefix("every ").rstrip("s")))
        if call == self.shown["shown"]:
            await self._fetch(part, path)


class Exchange:
    """Tells the portal what happens on the phone, and lives one call after the other at the windows that are free."""

    def __init__(self, wires: Iterable[Wire], key: str, times: Times) -> None:
        self.wires, self.times = cycle(wires), times
        self.headers = {"Authorization": f"Bearer {key}"}

    async def call(self, window: Window, number: str, *, known: bool) -> None:
        """Raises nothing: what goes wrong is counted."""
        try:
            await self._call(window, number, known=known)
        except (OSError, Void) as error:  # a time-out is an OSError, too
            self.times.errors[f"call: {error or type(error).__name__}"] += 1

    async def _call(self, window: Window, number: str, *, known: bool) -> None:
        agent = window.seat.agent
        common = {
            "UniqueId": uuid.uuid4().hex,
            "From": number,
            "To": "222333444",
            "Direction": "incoming",
            "Queue": "Servis",
        }
        who = common | {"Line": agent.line, "Login": agent.login}
        await self._tell(common | {"EventName": "NewCall"})
        began = time.perf_counter()
        code = await self._tell(who | {"EventName": "Ringing"})
        await window.until(lambda: window.shown["shown"] == code and bool(window.card))
        self.times.add("card", time.perf_counter() - began)
        self._check(window.card, known=known)
        await asyncio.sleep(RING_SECONDS)
        await self._tell(who | {"EventName": "Answered"})
        for text in ("Zájem o čerpadlo", "Zájem o čerpadlo, zavolat zpět v pátek"):
            await asyncio.sleep(TYPING_SECONDS)
            await window.type(code, f"{text} {code[:8]}")
        await self._tell(who | {"EventName": "Hangup", "Reason": "Normal Clearing"})
        await self._tell(common | {"EventName": "CDR"})
        await asyncio.sleep(WRAP_UP_SECONDS)
        await self._deliver(window, code)

    async def _deliver(self, window: Window, code: str) -> None:
        began = time.perf_counter()
        await window.type(code, f"Zájem o čerpadlo, objednáno {code[:8]}", send=True)
        await window.until(lambda: window.note == "written")
        self.times.add("note delivered", time.perf_counter() - began)

    def _check(self, card: str, *, known: bool) -> None:
        right = {"one", "many"} if known else {"unknown"}
        if card not in right:
            raise Void(f"the card of a {'known' if known else 'strange'} number said {card}")

    async def _tell(self, event: Event) -> str:
        wire = next(self.wires)  # whichever process gets it, the window's or another
        answer = await wire.post("/api/v1/events", json.dumps(event).encode(), "application/json", **self.headers)
        self.times.add("webhook", answer.seconds)
        if answer.status != 202:
            raise Void(f"an event was answered {answer.status}")
        return str(json.loads(answer.body)["call"])
