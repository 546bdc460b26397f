"""From the exchange's webhook to the painted card, in a real window in headless Chromium, against one keyed GET, interleaved.

The clock starts before the webhook is sent and ends after the frame with the answer: the name, the choice among several, or
that nobody has the number. What the card shows is compared with a plain reading of all records; a wrong one voids the run.
Beside it stands what the product measured itself (`reported_…`), step by step.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from time import monotonic, perf_counter, sleep
from typing import Any

import requests

from crmwindow import index, phone
from crmwindow.index.finding import MOST
from crmwindow.models import CardTiming
from crmwindow.sessions import issue_ticket
from ipexportal.benchmarks import Void, percentile
from ipexportal.benchmarks.browser import BrowserWindow, Card, browser_window
from ipexportal.benchmarks.crew import portal
from ipexportal.benchmarks.lookup import Known, _draw, _is_live, _read_all
from ipexportal.benchmarks.stage import microsoft, signed_in_agent, with_index
from tenants import api_keys, connections
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.models import Agent, ApiKey, Instance

SECONDS = 15.0
WARM_UP = 10
CLOCK_EVERY = 10
STEPS = ("told_ms", "committed_ms", "begun_ms", "candidates_ms", "answered_ms", "pushed_ms", "fetched_ms", "painted_ms")


def measure(*, quick: bool, latency_ms: float, path: str | None = None, say: Callable[[str], object]) -> dict[str, Any]:
    path = path or "index"
    records, numbers = (2_000, 40) if quick else (100_000, 220)
    with microsoft(records=records) as stand_in:
        agent = signed_in_agent(stand_in)
        client = connections.client_for(agent)
        stand_in.track_changes("nnn_mylead")
        metadata = connections.metadata(agent.tenant.instance, client, Budget(SECONDS))
        say("Reading all records, to know what is right…")
        known = _read_all(client, metadata, agent.tenant.instance)
        if path == "index":
            say("Building the number index…")
            _build(agent.tenant.instance)
        keys = {scope: api_keys.create(agent.tenant, scope, "benchmark") for scope in ("events", "window")}
        ticket = issue_ticket(agent=agent, by=ApiKey.objects.get(tenant=agent.tenant, scope="window"))
        stand_in.latency(latency_ms)
        drawn = _draw(known, numbers + WARM_UP)
        with portal(workers=0) as (url, _jobs), browser_window(f"{url}/window/?ticket={ticket}") as window:
            run = _Run(_Exchange(url, keys["events"], agent), window, client, known)
            run.calls(drawn[:WARM_UP])
            rings, floor = run.calls(drawn[WARM_UP:], say=say)
            _until_reported(len(drawn))
        figures = _figures(rings, floor, drawn[WARM_UP:], known)
        figures |= {"path": path, "latency_ms": latency_ms, "records": records, **_reported(path, drawn)}
        say(f"Card at p50 {figures['p50_ms']} ms, keyed GET {figures['floor_ms']} ms, steps {figures['steps']}.")
        if figures["floor_ms"] > latency_ms + 10:
            raise Void(f"one keyed GET took {figures['floor_ms']} ms at {latency_ms:g} ms latency: the machine is busy")
        return figures


def _build(instance: Instance) -> None:
    with_index(instance)
    while index.sync(instance.pk):
        pass


class _Exchange:
    """What posts the webhooks, over one warm connection."""

    def __init__(self, url: str, key: str, agent: Agent) -> None:
        self.url, self.agent = url, agent
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {key}"

    def tell(self, name: str, unique_id: str, number: str) -> str:
        event = {"EventName": name, "UniqueId": unique_id, "From": number, "To": "222333444", "Direction": "incoming",
                 "Line": self.agent.line, "Login": self.agent.login, "Queue": "Servis"}  # fmt: skip
        answer = self.session.post(f"{self.url}/api/v1/events", json=event, timeout=SECONDS)
        if answer.status_code != 202:
            raise Void(f"an event was answered {answer.status_code}: {answer.text[:200]}")
        return str(answer.json()["call"])


class _Run:
    def __init__(self, exchange: _Exchange, window: BrowserWindow, client: Client, known: Known) -> None:
        self.exchange, self.window, self.client, self.known = exchange, window, client, known
        contacts = {record for found in known.values() for record in found if record[0] == "contact"}
        self.keyed = [record_id for _table, record_id in sorted(contacts)]
        self.told = 0

    def calls(
        self, numbers: Iterable[phone.Number], *, say: Callable[[str], object] | None = None
    ) -> tuple[list[float], list[float]]:
        """Seconds from webhook to card, and of the keyed GETs between them."""
        rings, floor = [], []
        for turn, number in enumerate(numbers):
            if turn % CLOCK_EVERY == 0:
                self.window.set_clock()
            if say and turn % 50 == 0:
                say(f"{turn} calls…")
            floor.append(self._keyed())
            rings.append(self._ring(number))
            floor.append(self._keyed())
        return rings, floor

    def _ring(self, number: phone.Number) -> float:
        self.told += 1
        unique_id = f"17950{self.told:05}.{self.told}"
        started = perf_counter()
        call = self.exchange.tell("Ringing", unique_id, number.e164)
        card = self.window.card(call)
        _check(number, card, self.known)
        self.window.rest()
        self.exchange.tell("Hangup", unique_id, number.e164)
        return card.painted_at - started

    def _keyed(self) -> float:
        path = odata.query(
            odata.record("contacts", self.keyed[(self.told * 7919) % len(self.keyed)]),
            select=("contactid", "fullname", "telephone1", "mobilephone", "_ownerid_value", "statecode"),
        )
        started = perf_counter()
        self.client.get(path, budget=Budget(SECONDS), prefer=[odata.ANNOTATIONS])
        return perf_counter() - started


def _check(number: phone.Number, card: Card, known: Known) -> None:
    """No stranger on the card, and everybody whose spelling is found; a company may stand with its people."""
    texts = {f"{table}:{key}".lower(): found for (table, key), found in known.get(number.e164, {}).items()}
    right = set(texts)
    must = {record for record in right if any(_is_live(text, number) for text in texts[record])}
    missing = {record for record in must - card.records if not (record.startswith("account:") and card.records)}
    if card.step == "failed" or card.records - right or (missing and len(right) <= MOST and card.step != "one"):
        raise Void(f"a card was wrong ({card.step}): {len(card.records - right)} strangers, {len(missing)} missing")
    if bool(card.records) < bool(must):
        raise Void(f"a caller of the CRM was shown as {card.step}")


def _until_reported(cards: int) -> None:
    """The windows' own reports come after the paint."""
    ends = monotonic() + 5
    while CardTiming.objects.filter(ring_ms__isnull=False).count() < cards and monotonic() < ends:
        sleep(0.1)


def _figures(rings: list[float], floor: list[float], numbers: list[phone.Number], known: Known) -> dict[str, Any]:
    times, keyed = [1000 * each for each in rings], [1000 * each for each in floor]
    floor_ms, p95 = statistics.median(keyed), percentile(times, 95)
    return {
        "calls": len(times),
        "misses": sum(number.e164 not in known for number in numbers),
        "p50_ms": percentile(times, 50),
        "p95_ms": p95,
        "p99_ms": percentile(times, 99),
        "floor_ms": round(floor_ms, 1),
        "floor_p95_ms": percentile(keyed, 95),
        "p50_over_floor_ms": round(percentile(times, 50) - floor_ms, 1),
        "p95_over_floor_ms": round(p95 - floor_ms, 1),
    }


def _reported(path: str, drawn: list[phone.Number]) -> dict[str, Any]:
    """What the product says of the same calls; medians of its steps."""
    rows = list(CardTiming.objects.order_by("pk").values("path", "ring_ms", *STEPS)[WARM_UP:])
    rings = [row["ring_ms"] for row in rows if row["ring_ms"] is not None]
    taken = sum(row["path"] == path for row in rows)
    if len(rings) < 0.8 * (len(drawn) - WARM_UP):
        raise Void(f"the window reported only {len(rings)} of {len(drawn) - WARM_UP} cards")
    steps = {step: [row[step] for row in rows if row[step] is not None] for step in STEPS}
    return {
        "by_path": taken,
        "reported": len(rings),
        "reported_p50_ms": percentile(rings, 50),
        "reported_p95_ms": percentile(rings, 95),
        "steps": {step: round(statistics.median(values)) for step, values in steps.items() if values},
    }
