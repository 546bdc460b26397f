"""One look-up over four tables, live and by the number index, against one keyed GET over warm pooled connections, interleaved.

Numbers are drawn from the sandbox's own records: every live spelling there is, and misses. Each answer is compared with what
a plain reading of all records gives; a wrong one voids the run.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from time import perf_counter, process_time
from typing import Any

from crmwindow import candidates, index, phone
from crmwindow.index.finding import MOST
from crmwindow.lookup import search
from ipexportal.benchmarks import Void, summary
from ipexportal.benchmarks.stage import microsoft, signed_in_agent, with_index
from tenants import connections, schema
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import Metadata
from tenants.models import Instance

SECONDS = 10.0
MISSES = 0.1
Record = tuple[str, str]
Known = dict[str, dict[Record, set[str]]]
"""E.164 → the records that hold it, each with the stored texts that say so."""


def measure(*, quick: bool, latency_ms: float, say: Callable[[str], object]) -> dict[str, Any]:
    records, numbers, instant = (4_000, 60, 20) if quick else (100_000, 400, 200)
    with microsoft(records=records) as stand_in:
        agent = signed_in_agent(stand_in)
        instance = with_index(agent.tenant.instance)
        stand_in.track_changes("nnn_mylead")
        say("Building the number index…")
        while index.sync(instance.pk):
            pass
        client = connections.client_for(agent)
        metadata = connections.metadata(instance, client, Budget(SECONDS))
        say("Reading all records, to know what is right…")
        known = _read_all(client, metadata, instance)
        drawn = _draw(known, numbers)
        run = _Run(client, metadata, instance, known)
        stand_in.latency(0)
        run.warm_up(drawn[:20])
        say("Measuring without latency…")
        at_once = run.interleaved(drawn[:instant])
        stand_in.latency(latency_ms)
        say(f"Measuring {len(drawn)} numbers at {latency_ms:g} ms…")
        floor, live, indexed, cpu = run.interleaved(drawn)
    floor_ms = 1000 * statistics.median(floor)
    if floor_ms > latency_ms + 10:
        raise Void(f"one keyed GET took {floor_ms:.1f} ms at {latency_ms:g} ms latency: the machine is busy")
    return {
        "latency_ms": latency_ms,
        "records": records,
        "numbers": len(drawn),
        "misses": sum(number.e164 not in known for number in drawn),
        "tables": len(schema.of(instance, metadata).tables),
        "live_ratio": _ratio(live, floor),
        "index_ratio": _ratio(indexed, floor),
        "index_hit_ratio": _ratio(
            [took for took, number in zip(indexed, drawn, strict=True) if number.e164 in known], floor
        ),
        **summary("floor", floor),
        **summary("live", live),
        **summary("index", indexed),
        "cpu_ms_per_lookup": round(1000 * statistics.median(cpu), 2),
        "live_ratio_at_0_ms": _ratio(at_once[1], at_once[0]),
        "floor_ms_at_0_ms": round(1000 * statistics.median(at_once[0]), 2),
        "live_ms_at_0_ms": round(1000 * statistics.median(at_once[1]), 2),
        "index_ratio_at_0_ms": _ratio(at_once[2], at_once[0]),
        "index_ms_at_0_ms": round(1000 * statistics.median(at_once[2]), 2),
    }


def _ratio(times: list[float], yardstick: list[float]) -> float:
    return round(statistics.median(times) / statistics.median(yardstick), 3)


class _Run:
    def __init__(self, client: Client, metadata: Metadata, instance: Instance, known: Known) -> None:
        self.client, self.metadata, self.instance, self.known = client, metadata, instance, known
        contacts = [record for found in known.values() for record in found if record[0] == "contact"]
        self.keyed = sorted({record_id for _, record_id in contacts})
        self.random = random.Random(1)  # noqa: S311 - the same numbers in every run

    def warm_up(self, numbers: list[phone.Number]) -> None:
        for number in numbers:
            self._live(number)
            self._indexed(number)
            self._keyed()

    def interleaved(self, numbers: list[phone.Number]) -> tuple[list[float], list[float], list[float], list[float]]:
        """Seconds of the keyed GETs, of live look-ups and of those by the index, and the live ones' seconds of CPU here."""
        floor, live, indexed, cpu = [], [], [], []
        for turn, number in enumerate(numbers):
            if turn % 2:
                floor.append(self._keyed())
            took, burnt = self._live(number)
            live.append(took)
            cpu.append(burnt)
            indexed.append(self._indexed(number))
            if not turn % 2:
                floor.append(self._keyed())
        return floor, live, indexed, cpu

    def _keyed(self) -> float:
        path = odata.query(
            odata.record("contacts", self.random.choice(self.keyed)),
            select=("contactid", "fullname", "telephone1", "mobilephone", "_ownerid_value", "statecode"),
        )
        started = perf_counter()
        self.client.get(path, budget=Budget(SECONDS), prefer=[odata.ANNOTATIONS])
        return perf_counter() - started

    def _live(self, number: phone.Number) -> tuple[float, float]:
        burnt, started = process_time(), perf_counter()
        result = search(self.client, self.metadata, self.instance, number, Budget(SECONDS))
        took, burnt = perf_counter() - started, process_time() - burnt
        self._check(number, {(hit.table, hit.record_id) for hit in result.hits}, result.failed)
        return took, burnt

    def _indexed(self, number: phone.Number) -> float:
        """From the number to its records as the agent reads them. Every spelling must be found, the index-only ones, too."""
        started = perf_counter()
        result = candidates.find(self.client, self.metadata, self.instance, number, Budget(SECONDS))
        took = perf_counter() - started
        found, right = {(hit.table, hit.record_id) for hit in result.hits}, set(self.known.get(number.e164, {}))
        if result.failed or (len(right) <= MOST and found != right):
            raise Void(
                f"the index was wrong: {len(found - right)} strangers, {len(right - found)} missing, {result.failed}"
            )
        return took

    def _check(self, number: phone.Number, found: set[Record], failed: dict[str, str]) -> None:
        """Nothing that does not hold the number, and everything whose spelling a live query reaches."""
        right = self.known.get(number.e164, {})
        must = {record for record, texts in right.items() if any(_is_live(text, number) for text in texts)}
        if failed or found - set(right) or must - found:
            raise Void(
                f"a look-up was wrong: {len(found - set(right))} strangers, {len(must - found)} missing, {failed}"
            )


def _is_live(text: str, number: phone.Number) -> bool:
    """Does a live query reach this stored text (module text of crmwindow.phone)?"""
    lowered = text.lower()
    return lowered in {each.lower() for each in phone.spellings(number)} or any(
        _like(lowered, pattern.lower()) for pattern in phone.patterns(number)
    )


def _like(text: str, pattern: str) -> bool:
    """SQL's LIKE for `pattern%`, where pattern knows only `%`."""
    first, *rest = pattern.split("%")
    if not text.startswith(first):
        return False
    at = len(first)
    for part in rest:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def _read_all(client: Client, metadata: Metadata, instance: Instance) -> Known:
    known: Known = defaultdict(lambda: defaultdict(set))
    for table in schema.of(instance, metadata).tables:
        columns = [column.property for column in table.phones]
        path = odata.query(table.table.entity_set, select=(table.table.id_column, *columns))
        for row in _rows(client, path):
            for text in filter(None, (row.get(column) for column in columns)):
                for number in phone.numbers_in(text, instance.tenant.country):
                    known[number.e164][table.table.logical_name, row[table.table.id_column]].add(text)
    return known


def _rows(client: Client, path: str) -> Iterator[dict[str, Any]]:
    for page in client.pages(path, budget=Budget(120)):
        yield from page.rows


def _draw(known: Known, count: int) -> list[phone.Number]:
    """Distinct numbers: of each way of writing some, and misses."""
    chance = random.Random(1)  # noqa: S311 - the same numbers in every run
    by_form: dict[str, list[str]] = defaultdict(list)
    for e164, records in known.items():
        for text in {text for texts in records.values() for text in texts}:
            by_form["".join("9" if sign.isdigit() else sign for sign in text)].append(e164)
    drawn: dict[str, None] = {}
    forms = [chance.sample(found, len(found)) for _, found in sorted(by_form.items())]
    while len(drawn) < count * (1 - MISSES) and any(forms):
        for found in forms:
            if found and len(drawn) < count * (1 - MISSES):
                drawn.setdefault(found.pop())
    while len(drawn) < count:
        e164 = f"+420{chance.randrange(720_000_000, 779_999_999)}"
        if e164 not in known:
            drawn.setdefault(e164)
    numbers = [number for e164 in drawn if (number := phone.parse(e164, "CZ"))]
    chance.shuffle(numbers)
    return numbers
