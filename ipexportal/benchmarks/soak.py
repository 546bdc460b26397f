"""A contact centre's day in some minutes: many agents, calls told twice and out of order, transfers, killed job processes, a
Microsoft with bad moments. At the end every note must be in the CRM exactly once, with its latest text, by its own author.

Over HTTP, as the exchange and the windows do it, against web and job processes of their own. Each note begins with a mark of
its call and author, so what is in the CRM can be compared without asking our own database.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import requests

from crmwindow import notes
from crmwindow.models import Call, Note
from ipexportal.benchmarks import Void
from ipexportal.benchmarks.crew import WAIT, Desk, Trouble, patient_session, portal
from ipexportal.benchmarks.stage import microsoft, signed_in_crew
from tenants import api_keys, connections
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.models import Agent, ApiKey

THREADS = 12
REPEATED, REORDERED, MISSED, TRANSFERRED, EDITED_LATER = 0.15, 0.15, 0.05, 0.12, 0.10
Event = dict[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """One call: who is rung, who answers (None: nobody), to whom it is handed over, and what is typed by whom."""

    unique_id: str
    number: str
    rung: tuple[Agent, ...]
    answers: Agent | None
    then: Agent | None
    late_edit: bool

    @property
    def authors(self) -> list[Agent]:
        return [agent for agent in (self.answers, self.then) if agent]


@dataclass(slots=True)
class Typed:
    """The latest text by mark, and whose it is."""

    text: dict[str, str] = field(default_factory=dict)
    author: dict[str, Agent] = field(default_factory=dict)
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, mark: str, text: str, author: Agent) -> None:
        with self.lock:
            self.text[mark], self.author[mark] = text, author


def measure(*, quick: bool, latency_ms: float, say: Callable[[str], object]) -> dict[str, Any]:
    people, calls = (8, 24) if quick else (200, 5000)
    with microsoft(records=200, agents=people) as stand_in:
        stand_in.latency(min(latency_ms, 20))
        say(f"{people} agents sign in…")
        agents = signed_in_crew(stand_in, people)
        keys = _keys(agents[0])
        with portal(workers=2) as (url, jobs):
            desks = {agent.pk: Desk(url, agent, keys["window"][0]) for agent in agents}
            trouble = Trouble(stand_in.origin, jobs, every=1.0 if quick else 2.0)
            run = _Run(url, keys["events"][1], desks)
            with trouble:
                say(f"{calls} calls…")
                started = monotonic()
                run.all(list(_stories(agents, calls)))
                seconds = monotonic() - started
            say("Waiting for the last notes…")
            _settle(agents[0], seconds=60 if quick else 600)
        return {
            "agents": people,
            "calls": calls,
            "seconds": round(seconds, 1),
            "faults": trouble.faults,
            "kills": trouble.kills,
            "events": run.events,
            "calls_wrong": abs(Call.objects.filter(tenant=agents[0].tenant, private_to=None).count() - calls),
            **_compare(agents[0], run.typed),
        }


def _keys(agent: Agent) -> dict[str, tuple[ApiKey, str]]:
    found = {}
    for scope in (ApiKey.Scope.EVENTS, ApiKey.Scope.WINDOW):
        text = api_keys.create(agent.tenant, scope, "benchmark")
        found[str(scope)] = agent.tenant.api_keys.filter(scope=scope).latest("pk"), text
    return found


def _stories(agents: list[Agent], count: int) -> Iterator[Story]:
    chance = random.Random(1)  # noqa: S311 - the same day in every run
    numbers = [f"7{chance.randrange(10_000_000, 39_999_999)}" for _ in range(12)]
    for number in range(count):
        rung = tuple(chance.sample(agents, chance.choice((1, 1, 2, 3))))
        answers = None if chance.random() < MISSED else rung[0]
        others = [agent for agent in agents if agent not in rung]
        then = chance.choice(others) if answers and chance.random() < TRANSFERRED else None
        unique_id = f"{1_700_000_000 + number}.{chance.randrange(1, 9999)}"
        late = chance.random() < EDITED_LATER
        yield Story(unique_id, chance.choice(numbers), rung, answers, then, late)


class _Run:
    def __init__(self, url: str, key: str, desks: dict[int, Desk]) -> None:
        self.url, self.desks = url, desks
        self.headers = {"Authorization": f"Bearer {key}"}
        self.typed = Typed()
        self.events = 0
        self.local = threading.local()
        self.late: list[tuple[Story, str]] = []

    def all(self, stories: list[Story]) -> None:
        """Calls of one agent follow each other; different agents talk at the same time."""
        by_agent: dict[int, list[Story]] = defaultdict(list)
        for story in stories:
            by_agent[story.rung[0].pk].append(story)
        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(self._day, day) for day in by_agent.values()]:
                done.result()
        for story, call in self.late:
            assert story.answers is not None
            self._type(story, story.answers, call, "dopsáno po hovoru", send=True)

    def _day(self, stories: list[Story]) -> None:
        for story in stories:
            self._call(story)

    def _call(self, story: Story) -> None:
        chance = random.Random(story.unique_id)  # noqa: S311
        call = self._tell(_before(story), chance)
        if story.answers:
            self._type(story, story.answers, call, "zájem o čerpadlo", send=chance.random() < 0.5)
        if story.then:
            self._tell([_event(story, "AttendedTransfer", story.then)], chance)
            self._type(story, story.then, call, "převzato od kolegy", send=True)
        self._tell(_after(story), chance)
        if story.answers and not story.then:
            self._type(story, story.answers, call, "uzavřeno", send=True)
            if story.late_edit:
                self.late.append((story, call))

    def _tell(self, events: list[Event], chance: random.Random) -> str:
        call = ""
        for event in _disturbed(events, chance):
            answer = self._session().post(f"{self.url}/api/v1/events", json=event, headers=self.headers, timeout=WAIT)
            if answer.status_code != 202:
                raise Void(f"an event was answered {answer.status_code}")
            self.events += 1
            call = answer.json()["call"] or call
        return call

    def _session(self) -> requests.Session:
        if not hasattr(self.local, "session"):
            self.local.session = patient_session()
        session: requests.Session = self.local.session
        return session

    def _type(self, story: Story, author: Agent, call: str, words: str, *, send: bool) -> None:
        """Some saves while typing, the last one perhaps by the button."""
        mark = f"[{story.unique_id} {author.login}]"
        text = f"{mark} {words} {uuid.uuid4().hex[:8]}"
        desk = self.desks[author.pk]
        for typed, button in ((text[: len(mark) + 4], False), (text, False), *([(text, True)] if send else [])):
            status = desk.note(call, typed, send=button)
            if status not in (200, 204):
                raise Void(f"a note was answered {status}")
            self.typed.keep(mark, typed, author)


def _before(story: Story) -> list[Event]:
    events = [_event(story, "NewCall")]
    events += [_event(story, "Ringing", agent) for agent in story.rung]
    if story.answers:
        events.append(_event(story, "Answered", story.answers))
        events += [_event(story, "Hangup", other, Reason="Answered elsewhere") for other in story.rung[1:]]
    return events


def _after(story: Story) -> list[Event]:
    if story.answers is None:
        return [_event(story, "Hangup", Reason="No user response"), _event(story, "CDR")]
    return [_event(story, "Hangup", story.then or story.answers, Reason="Normal Clearing"), _event(story, "CDR")]


def _event(story: Story, name: str, agent: Agent | None = None, **more: str) -> Event:
    who = {"Line": agent.line, "Login": agent.login, "Email": agent.email} if agent else {"Line": "", "Login": ""}
    common = {"EventName": name, "UniqueId": story.unique_id, "From": story.number, "Direction": "incoming"}
    return {**common, **who, "To": "222333444", "Queue": "Servis", **more}


def _disturbed(events: list[Event], chance: random.Random) -> list[Event]:
    """Some twice, some neighbours changed over."""
    told = list(events)
    for at in range(len(told) - 1):
        if chance.random() < REORDERED:
            told[at], told[at + 1] = told[at + 1], told[at]
    return [event for event in told for _ in range(2 if chance.random() < REPEATED else 1)]


def _settle(agent: Agent, *, seconds: float) -> None:
    """Until every note is written; the sweep, which runs each minute, is hurried."""
    ends = monotonic() + seconds
    waiting = Note.objects.filter(author__tenant=agent.tenant, revision__gt=0).exclude(state=Note.State.WRITTEN)
    while waiting.exists() and monotonic() < ends:
        Note.objects.filter(author__tenant=agent.tenant, state=Note.State.QUEUED).update(next_try_at=agent.signed_in_at)
        notes.sweep()
        sleep(1)


def _compare(agent: Agent, typed: Typed) -> dict[str, int]:
    """What the CRM holds, read by somebody who sees everything, against what was typed."""
    written: dict[str, list[dict[str, Any]]] = defaultdict(list)
    path = odata.query("phonecalls", select=("activityid", "description", "_createdby_value"))
    for page in connections.client_for(agent).pages(path, budget=Budget(300)):
        for row in page.rows:
            text = str(row.get("description") or "")
            if text.startswith("["):
                written[text.partition("]")[0] + "]"].append(row)
    found = {mark: rows[0] for mark, rows in written.items()}
    return {
        "notes": len(typed.text),
        "notes_lost": sum(mark not in found for mark in typed.text),
        "notes_doubled": sum(len(rows) - 1 for rows in written.values()),
        "wrong_author": sum(
            row["_createdby_value"] != str(typed.author[mark].systemuser_id) for mark, row in found.items()
        ),
        "text_stale": sum(row["description"] != typed.text[mark] for mark, row in found.items() if mark in typed.text),
    }
