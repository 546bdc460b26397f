"""Voice menus of 50 calls at once against a portal of its own process: look-up, verification, writing.

Each call asks as a menu does: who calls, then a PIN, then it writes down what was said, with the pauses of somebody who listens
and types: 50 calls in progress, not 50 requests. The same again while Microsoft is slow (5 s), throttles, and is down: then no
answer need be good, but each must be in time. Times are the caller's own, over HTTP. A refusal takes 0.4 s on purpose and is
counted apart. Last, 50 clients look numbers up without any pause (`closed_…`): that says how many look-ups one process can do,
not how long one takes. A wrong answer voids the run: a stranger, a right PIN refused, a wrong one taken.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import uuid
from asyncio import gather, sleep
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import requests

from crmwindow import index, phone
from crmwindow.models import IvrFunction
from ipexportal.benchmarks import Void, percentile, spread
from ipexportal.benchmarks.crew import portal
from ipexportal.benchmarks.lookup import Known, _draw, _read_all
from ipexportal.benchmarks.stage import Microsoft, customer, microsoft
from ipexportal.benchmarks.wire import Wire
from ipexportal.sandbox import directory
from tenants import api_keys, connections
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.models import ApiKey, Instance, SystemAccount, Tenant

KINDS = ("lookup", "verify", "write")
BUDGET_MS = 1500
SECONDS = 15.0
TROUBLES: dict[str, dict[str, Any]] = {
    "slow": {"kind": "slow", "count": None, "seconds": 5.0},
    "throttled": {"kind": "throttle", "count": None, "retry_after": 5},
    "down": {"kind": "unavailable", "count": None, "status": 503},
}


@dataclass(slots=True)
class Times:
    """Seconds per kind of question and state of Microsoft, and how often each result came."""

    seconds: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    results: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, state: str, kind: str, seconds: float, result: str) -> None:
        self.seconds[state, kind].append(seconds)
        self.results[state, kind, result] += 1

    def of(self, state: str, *kinds: str) -> list[float]:
        """In milliseconds; of all kinds when none is named."""
        found = [
            times for (each, what), times in self.seconds.items() if each == state and (not kinds or what in kinds)
        ]
        return [1000 * seconds for times in found for seconds in times]


@dataclass(frozen=True, slots=True)
class Extent:
    """`pause`: seconds between two questions of one call, while somebody listens and types."""

    records: int
    calls: int
    rounds: int
    trouble_rounds: int
    hurry_seconds: float
    pause: tuple[float, float]


FULL = Extent(100_000, calls=50, rounds=12, trouble_rounds=4, hurry_seconds=10, pause=(0.5, 2.5))
# Fewer calls with shorter pauses: as many questions a second
QUICK = Extent(2_000, calls=12, rounds=1, trouble_rounds=1, hurry_seconds=1, pause=(0.1, 0.6))


@dataclass(frozen=True, slots=True)
class Person:
    """Made for this run: whose PIN is known."""

    number: str
    pin: str


def measure(*, quick: bool, latency_ms: float, say: Callable[[str], object]) -> dict[str, Any]:
    extent = QUICK if quick else FULL
    calls, rounds = extent.calls, extent.rounds
    with microsoft(records=extent.records) as stand_in:
        tenant = customer(stand_in)
        client = _system_account(tenant)
        known = _known(client, tenant)
        people = _people(client, calls)
        key = _functions(tenant)
        floor = _floor(client, stand_in, latency_ms)
        with portal(workers=0) as (url, _jobs):
            menus = _Menus(url, key, known, people, extent.pause)
            numbers = _draw(known, 2 * max(200, calls * rounds))  # one half each: an answer is kept for some seconds
            menus.warm_up(numbers[-20:])  # of which the calls ask last, if at all
            say(f"{calls} calls at once at {latency_ms:g} ms, without the index…")
            menus.calls("live", numbers[::2], rounds)
            _build_index(tenant, stand_in, latency_ms)
            say("With the index…")
            menus.calls("running", numbers[1::2], rounds)
            say("Without pauses…")
            closed = menus.without_pause(_draw(known, 20 * calls), extent.hurry_seconds)
            for name, fault in TROUBLES.items():
                say(f"Microsoft is {name}…")
                order(stand_in, fault)
                menus.calls(name, _draw(known, 3 * calls), extent.trouble_rounds)
                order(stand_in, None)
    return _figures(menus.times, floor, latency_ms, extent) | {"closed_lookups_per_s": closed}


def _build_index(tenant: Tenant, stand_in: Microsoft, latency_ms: float) -> None:
    stand_in.latency(0)
    Instance.objects.filter(tenant=tenant).update(index=True)
    while index.sync(tenant.instance.pk):
        pass
    stand_in.latency(latency_ms)


def order(stand_in: Microsoft, fault: dict[str, Any] | None) -> None:
    """A fault until it is called off with None."""
    address = f"{stand_in.origin}/_sandbox/faults"
    answer = requests.post(address, json=fault, timeout=10) if fault else requests.delete(address, timeout=10)
    answer.raise_for_status()


def _system_account(tenant: Tenant) -> Client:
    account = SystemAccount.objects.create(
        instance=tenant.instance,
        client_id=uuid.UUID(directory.SYSTEM_CLIENT_ID),
        client_secret=directory.SYSTEM_CLIENT_SECRET,
    )
    return connections.client_for(account)


def _known(client: Client, tenant: Tenant) -> Known:
    metadata = connections.metadata(tenant.instance, client, Budget(SECONDS))
    return _read_all(client, metadata, tenant.instance)


def _people(client: Client, count: int) -> list[Person]:
    people = [Person(f"+42079{number:07}", f"{7919 * number % 10_000:04}") for number in range(1, count + 1)]
    for person in people:
        body = {"lastname": "Měřená", "mobilephone": person.number, "nnn_pin": person.pin}
        client.create("contacts", body, budget=Budget(SECONDS), record_id=str(uuid.uuid4()))
    return people


def _functions(tenant: Tenant) -> str:
    """One function of each kind, and the key that opens them."""
    IvrFunction.objects.create(
        tenant=tenant, name="pin", kind="verify", entity="contact", column="nnn_pin", attempts=1000
    )
    IvrFunction.objects.update(attempts_per_record=10_000)
    columns = {"text": "nnn_description"}
    IvrFunction.objects.create(
        tenant=tenant, name="zapis", kind="write", entity="nnn_mylead", columns=columns, daily_cap=1_000_000
    )
    return api_keys.create(tenant, ApiKey.Scope.IVR, "benchmark")


def _floor(client: Client, stand_in: Microsoft, latency_ms: float) -> float:
    """Median milliseconds of one keyed GET over a warm connection: what nobody can be quicker than."""
    rows = client.get(odata.query("contacts", select=["contactid"], top=40), budget=Budget(SECONDS)).rows
    stand_in.latency(latency_ms)
    times = []
    for row in rows:
        started = perf_counter()
        path = odata.query(odata.record("contacts", row["contactid"]), select=["fullname", "mobilephone"])
        client.get(path, budget=Budget(SECONDS))
        times.append(1000 * (perf_counter() - started))
    floor = statistics.median(times[5:])
    if floor > latency_ms + 10:
        raise Void(f"one keyed GET took {floor:.1f} ms at {latency_ms:g} ms latency: the machine is busy")
    return floor


class _Menus:
    """All callers in one thread, so that asking costs little beside what is measured."""

    def __init__(self, url: str, key: str, known: Known, people: list[Person], pause: tuple[float, float]) -> None:
        self.url, self.key, self.known, self.people, self.pause = url, key, known, people, pause
        self.times = Times()

    def warm_up(self, numbers: list[phone.Number]) -> None:
        asyncio.run(self._warm_up(numbers))

    def calls(self, state: str, numbers: list[phone.Number], rounds: int) -> None:
        """All at once, each round with other numbers."""
        asyncio.run(self._calls(state, numbers, rounds))

    def without_pause(self, numbers: list[phone.Number], seconds: float) -> float:
        """Look-ups in a second, by as many clients as calls, each asking again as soon as it is answered."""
        started = perf_counter()
        asked = asyncio.run(self._all_hurry(numbers, started + seconds))
        return round(asked / (perf_counter() - started), 1)

    async def _warm_up(self, numbers: list[phone.Number]) -> None:
        with closing(Wire(self.url)) as wire:
            for number in numbers:
                await self._ask(wire, "warm", "lookup", {"number": number.e164})

    async def _calls(self, state: str, numbers: list[phone.Number], rounds: int) -> None:
        await gather(
            *(
                self._line(state, person, numbers[place :: len(self.people)], rounds, place)
                for place, person in enumerate(self.people)
            )
        )

    async def _all_hurry(self, numbers: list[phone.Number], until: float) -> int:
        calls = len(self.people)
        return sum(await gather(*(self._hurry(numbers[place::calls], until) for place in range(calls))))

    async def _hurry(self, numbers: list[phone.Number], until: float) -> int:
        asked = 0
        with closing(Wire(self.url)) as wire:
            while perf_counter() < until:
                number = numbers[asked % len(numbers)]
                self._check_found(number, await self._ask(wire, "closed", "lookup", {"number": number.e164}))
                asked += 1
        return asked

    async def _line(self, state: str, person: Person, numbers: list[phone.Number], rounds: int, place: int) -> None:
        chance = random.Random(place)  # noqa: S311 - the same pauses in every run
        with closing(Wire(self.url)) as wire:
            await sleep(chance.uniform(0, self.pause[1]))
            for turn in range(rounds):
                await self._call(wire, state, person, numbers[turn % len(numbers)], f"{place}.{turn}", chance)

    async def _call(
        self, wire: Wire, state: str, person: Person, number: phone.Number, unique_id: str, chance: random.Random
    ) -> None:
        found = await self._ask(wire, state, "lookup", {"number": number.e164, "unique_id": unique_id})
        self._check_found(number, found)
        await sleep(chance.uniform(*self.pause))
        is_right = chance.random() < 0.7
        value = person.pin if is_right else "none"
        body = {"number": person.number, "unique_id": unique_id, "function": "pin", "value": value}
        verdict = (await self._ask(wire, state, "verify", body))["result"]
        if verdict not in {"verified" if is_right else "refused", "unavailable"}:
            raise Void(f"a {'right' if is_right else 'wrong'} PIN was {verdict}")
        await sleep(chance.uniform(*self.pause))
        values = {"text": f"Reklamace {unique_id}"}
        said = {"function": "zapis", "unique_id": unique_id, "number": "", "values": values}
        await self._ask(wire, state, "write", said)
        await sleep(chance.uniform(*self.pause))

    async def _ask(self, wire: Wire, state: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(body).encode()
        answer = await wire.post(f"/api/v1/ivr/{kind}", text, "application/json", Authorization=f"Bearer {self.key}")
        if answer.status not in {200, 202}:
            raise Void(f"ivr/{kind} answered {answer.status}: {answer.text[:200]}")
        data: dict[str, Any] = json.loads(answer.body)
        result = str(data.get("result") or "accepted")
        self.times.add(state, "refusal" if result == "refused" else kind, answer.seconds, result)
        return data

    def _check_found(self, number: phone.Number, answer: dict[str, Any]) -> None:
        record = (answer["entity"], answer["id"])
        if answer["result"] == "found" and record not in self.known.get(number.e164, {}):
            raise Void("a look-up found a stranger")


def _figures(times: Times, floor: float, latency_ms: float, extent: Extent) -> dict[str, Any]:
    states = ("live", "running", "closed", *TROUBLES)
    late = {state: sum(each > BUDGET_MS for each in times.of(state)) for state in states}
    good = sum(count for (state, _kind, result), count in times.results.items()
               if state == "running" and result != "unavailable")  # fmt: skip
    answered = times.of("running", *KINDS)
    figures: dict[str, Any] = {
        "latency_ms": latency_ms,
        "records": extent.records,
        "calls_at_once": extent.calls,
        "answers": len(times.of("running")),
        "unavailable": len(times.of("running")) - good,
        "floor_ms": round(floor, 1),
        **spread("", answered),
        "p95_over_floor": round(percentile(answered, 95) / floor, 2),
        "lookup_p50_over_floor": round(statistics.median(times.of("running", "lookup")) / floor, 2),
        "over_budget": sum(count for state, count in late.items() if state != "closed"),
        "closed_over_budget": late["closed"],
    }
    figures |= spread("closed_", times.of("closed")) | spread("refusal_", times.of("running", "refusal"))
    for kind in KINDS:
        figures |= spread(f"{kind}_", times.of("running", kind))
        figures |= spread(f"live_{kind}_", times.of("live", kind))
    for state in TROUBLES:
        figures |= spread(f"{state}_", times.of(state)) | {f"{state}_over_budget": late[state]}
    return figures
