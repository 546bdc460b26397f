"""Whole calls at a rising rate until something gives in, or at one rate for long: uvicorn, run_huey and PostgreSQL as in
production, the sandbox as a process of its own.

A call: the exchange tells of it, the window hears, fetches its state and the card; the agent answers, types, hangs up, presses
the button; the note is in the CRM. Calls come at their rate whether or not the ones before are done. A rate holds while calls
come through as fast as they are made, cards within 1.5 s and notes within 5 s (p95), nothing fails. What stopped it is
measured in /proc, not guessed. With --rate, and with --quick, one rate is kept: nothing may fail, grow, or take connections
without bound, else the run is void.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import sync_to_async

from crmwindow import index, phone
from ipexportal.benchmarks import Void, machine, percentile, seats, spread
from ipexportal.benchmarks.conversation import Exchange, Times, Window
from ipexportal.benchmarks.crew import Portal, production
from ipexportal.benchmarks.gauges import Gauges, Stretch, connections_bound
from ipexportal.benchmarks.lookup import Known, _draw, _read_all
from ipexportal.benchmarks.stage import Microsoft, idle_crew, microsoft, signed_in_crew, with_index
from ipexportal.benchmarks.wire import Wire
from tenants import api_keys, connections
from tenants.dataverse.budget import Budget
from tenants.models import Agent, ApiKey

FIRST_RATE, FASTER = 2.0, 1.35
FINER = 1.1  # between the last rate that held and the first that did not
STEP_SECONDS = 20.0
WEB = 2  # one for each of the two cores that the product has here, as docs/operating.md starts them
CARD_MS, NOTE_MS = 1500.0, 5000.0
THROUGH, AT_THE_EDGES = 0.93, 2
CALL_SECONDS = 12.0  # so many agents for each call per second: a call takes 6, and in a slow minute 10
WARM_SHARE = 0.3
GROWTH_MB = 12.0  # more in a whole run is growth, less is the allocator's
BENCHMARK_CONNECTIONS = 8  # its own look-ups and gauges
STEPS = (
    "webhook",
    "state",
    "matches",
    "details",
    "history",
    "activities",
    "card",
    "note saved",
    "note sent",
    "note delivered",
)


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one rate."""

    rate: float
    seconds: float
    errors: int
    times: dict[str, list[float]] = field(repr=False)
    stretch: Stretch

    @property
    def calls_per_s(self) -> float:
        return round(len(self.times["card"]) / self.seconds, 2)

    @property
    def holds(self) -> bool:
        in_time = (
            percentile(self.times["card"], 95) <= CARD_MS and percentile(self.times["note delivered"], 95) <= NOTE_MS
        )
        came_through = len(self.times["card"]) >= THROUGH * self.rate * self.seconds - AT_THE_EDGES
        return in_time and came_through and not self.errors

    def figures(self) -> dict[str, Any]:
        return {
            "rate": round(self.rate, 1),
            "calls_per_s": self.calls_per_s,
            "card_p95_ms": percentile(self.times["card"], 95),
            "note_p95_ms": percentile(self.times["note delivered"], 95),
            "cores": self.stretch.cores,
            "machine": self.stretch.machine,
        }


def measure(
    *,
    quick: bool,
    latency_ms: float,
    minutes: float | None,
    windows: int | None,
    rate: float | None,
    say: Callable[[str], object],
) -> dict[str, Any]:
    records, steady = (1_000, rate or 2.0) if quick else (20_000, rate)
    people = math.ceil((steady or 25.0) * CALL_SECONDS) + 4
    windows = max(windows or (60 if quick else 0), people)
    machine.allow_files(windows)
    cores = machine.cores()
    with microsoft(records=records, agents=people) as stand_in:
        say(f"{people} agents sign in…")
        agents = signed_in_crew(stand_in, people)
        numbers = _numbers(agents[0], stand_in)
        agents += idle_crew(agents[0].tenant, windows - people)
        stand_in.latency(latency_ms)
        keys = {scope: api_keys.create(agents[0].tenant, scope, "benchmark") for scope in ("events", "window")}
        with production(workers=1, web=WEB) as portal, Gauges(portal, stand_in) as gauges:
            run = _Run(portal, gauges, agents, people, keys, numbers, say)
            if steady:
                figures = asyncio.run(run.steady(steady, 60 * minutes if minutes else 10.0 if quick else 600.0))
            else:
                figures = asyncio.run(run.climb(60 * minutes / 10 if minutes else STEP_SECONDS))
    conditions = {"quick": quick, "latency_ms": latency_ms, "records": records, "windows": windows}
    return conditions | {"cores": cores, "web_processes": WEB, "sandbox_apart": gauges.is_apart} | figures


def _numbers(agent: Agent, stand_in: Microsoft) -> Iterator[tuple[str, bool]]:
    """Without end: a number, and whether the CRM knows it. The number index is built."""
    instance = with_index(agent.tenant.instance)
    stand_in.track_changes("nnn_mylead")
    while index.sync(instance.pk):
        pass
    client = connections.client_for(agent)
    known = _read_all(client, connections.metadata(instance, client, Budget(60)), instance)
    return _drawn(known, _draw(known, 500))


def _drawn(known: Known, numbers: list[phone.Number]) -> Iterator[tuple[str, bool]]:
    chance = random.Random(1)  # noqa: S311 - the same calls in every run
    while True:
        number = chance.choice(numbers).e164
        yield number, number in known


class _Run:
    def __init__(
        self,
        portal: Portal,
        gauges: Gauges,
        agents: list[Agent],
        people: int,
        keys: dict[str, str],
        numbers: Iterator[tuple[str, bool]],
        say: Callable[[str], object],
    ) -> None:
        self.portal, self.gauges, self.agents, self.people = portal, gauges, agents, people
        self.keys, self.numbers, self.say = keys, numbers, say
        self.times = Times()
        self.wires = [Wire(url, known_as=portal.url) for url in portal.urls]
        self.exchange = Exchange(self.wires, keys[ApiKey.Scope.EVENTS], self.times)
        self.free: asyncio.Queue[Window] = asyncio.Queue()
        self.calling: set[asyncio.Task[None]] = set()

    async def climb(self, seconds: float) -> dict[str, Any]:
        everybody = await self._sit_down()
        steps: list[Step] = []
        rate, too_fast = FIRST_RATE, math.inf
        while rate < too_fast / FINER:
            self.say(f"{rate:.1f} calls per second…")
            step = await self._step(rate, seconds)
            self.say(str(step.figures()))
            steps.append(step)
            if not step.holds:
                too_fast = rate
                await self._all_end()
            held_at = max((each.rate for each in steps if each.holds), default=FIRST_RATE / FASTER)
            rate = min(held_at * FASTER, math.sqrt(held_at * too_fast))
        await self._all_end()
        seats.close(everybody)
        held = [step for step in steps if step.holds]
        best = max(held or steps, key=lambda step: step.rate)
        last = min((step for step in steps if not step.holds), key=lambda step: step.rate)
        return {
            "calls_per_s": best.calls_per_s if held else 0.0,
            "saturated_by": last.stretch.saturated_by(),
            "saturated_at": last.figures(),
            **self._figures(best.times, best.stretch),
            "steps": [step.figures() for step in steps],
        }

    async def steady(self, rate: float, seconds: float) -> dict[str, Any]:
        everybody = await self._sit_down()
        newest = await sync_to_async(seats.newest_news)()
        self.say(f"{rate:g} calls per second for {seconds:.0f} s…")
        step = await self._step(rate, seconds)
        await self._all_end()
        news, missed = await sync_to_async(seats.delays)(everybody, after=newest)
        seats.close(everybody)
        self.times.errors["news that did not come"] += missed
        processes = {"web": len(self.portal.web), "jobs": len(self.portal.jobs)}
        bound = connections_bound(**processes, benchmark=BENCHMARK_CONNECTIONS)
        most = max(sample.connections for sample in self.gauges.samples)
        growth = {name: step.stretch.growth_mb_per_minute(name) for name in ("web", "jobs")}
        figures = {
            "rate": rate,
            "seconds": seconds,
            "calls_per_s": step.calls_per_s,
            "holds": step.holds,
            "saturated_by": None if step.holds else step.stretch.saturated_by(),
            "event_p50_ms": percentile(news, 50),
            "event_p99_ms": percentile(news, 99),
            **{f"{name}_growth_mb_per_minute": grown for name, grown in growth.items()},
            "connections_most": most,
            "connections_bound": bound,
            **self._figures(step.times, step.stretch),
        }
        self._judge(figures, step, growth, most, bound)
        return figures

    def _judge(self, figures: dict[str, Any], step: Step, growth: dict[str, float], most: int, bound: int) -> None:
        wrong = [f"{count} x {what}" for what, count in self.times.errors.items() if count]
        grown = {name: slope * step.stretch.seconds / 60 for name, slope in growth.items()}
        wrong += [f"{name} grew by {mb:.1f} MB" for name, mb in grown.items() if mb > GROWTH_MB]
        wrong += [f"{most} database connections, not {bound} at most"] if most > bound else []
        if wrong:
            raise Void(f"{'; '.join(wrong)}: {figures}")

    def _figures(self, times: dict[str, list[float]], stretch: Stretch) -> dict[str, Any]:
        found: dict[str, Any] = {"errors": dict(+self.times.errors)}
        for step in STEPS:
            found |= spread(f"{step.replace(' ', '_')}_", times.get(step, []))
        last = stretch.samples[-1]
        memory = {f"{name}_mb": round(kb / 1024, 1) for name, kb in last.pss_kb.items()}
        return found | {"cores_busy": stretch.cores, "machine_busy": stretch.machine, "threads": last.threads, **memory}

    async def _sit_down(self) -> list[seats.Seat]:
        self.say(f"{len(self.agents)} windows open…")
        everybody = await seats.take(self.wires, self.keys[ApiKey.Scope.WINDOW], self.agents)
        instance = str(self.agents[0].tenant.instance.code)
        windows = [Window(f"/window/{instance}/", seat, self.times) for seat in everybody]
        await seats.at_once([window.open() for window in windows])
        await seats.open_streams(instance, everybody)
        for window in windows[: self.people]:
            self.free.put_nowait(window)
        return everybody

    async def _step(self, rate: float, seconds: float) -> Step:
        """Calls begin at an even pace; what belongs to the warm part at the beginning is not counted."""
        began, errors = time.time(), self.times.errors.total()
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.time()))
            self._begin()
        counted = began + WARM_SHARE * seconds
        times, ended = self.times.since(counted), time.time()
        stretch = self.gauges.between(counted, ended)
        if stretch is None:
            raise Void("the machine was too busy to look at it")
        return Step(
            rate=rate,
            seconds=ended - counted,
            errors=self.times.errors.total() - errors,
            times={step: times.get(step, []) for step in STEPS},
            stretch=stretch,
        )

    def _begin(self) -> None:
        if self.free.empty():
            self.times.errors["no agent was free"] += 1
            return
        window = self.free.get_nowait()
        number, known = next(self.numbers)
        task = asyncio.ensure_future(self._call(window, number, known=known))
        self.calling.add(task)
        task.add_done_callback(self.calling.discard)

    async def _call(self, window: Window, number: str, *, known: bool) -> None:
        await self.exchange.call(window, number, known=known)
        self.free.put_nowait(window)

    async def _all_end(self) -> None:
        await asyncio.gather(*self.calling)
        await asyncio.sleep(1.0)  # for the last news
