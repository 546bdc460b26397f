"""The same look-up over the same four tables by clients that others wrote: npm dynamics-web-api and PyPI
PowerPlatform-Dataverse-Client.

Everybody, we included, speaks TLS with the sandbox, has a token and knows the tables; the peers ask their queries in parallel,
each in a process of its own that takes the time inside. They get our filters and select our columns, but need not check what
comes back. A peer's ratio is its time divided by ours. The peers are installed beside the project, by their lock files in
tests/foreign, never into it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from crmwindow import live_query, phone
from crmwindow.search import ROWS, selected
from ipexportal.benchmarks import Void, peer_installing, percentile
from ipexportal.benchmarks.lookup import SECONDS, Known, _draw, _is_live, _read_all, _Run
from ipexportal.benchmarks.stage import microsoft, signed_in_agent
from tenants import connections, entra, schema
from tenants.dataverse import transport
from tenants.dataverse.budget import Budget
from tenants.dataverse.metadata import Metadata
from tenants.models import Agent, Instance

type Queries = list[dict[str, Any]]
OURS = "ours"


def measure(*, quick: bool, latency_ms: float, say: Callable[[str], object]) -> dict[str, Any]:
    records, numbers, instant = (2_000, 30, 20) if quick else (100_000, 300, 150)
    say("Installing the peers…")
    commands = peer_installing.installed()
    with microsoft(records=records, tls=True) as stand_in:
        os.environ["REQUESTS_CA_BUNDLE"] = stand_in.ca_file
        transport.shared_session.cache_clear()
        agent = signed_in_agent(replace(stand_in, origin=stand_in.tls_origin))
        client = connections.client_for(agent)
        metadata = connections.metadata(agent.tenant.instance, client, Budget(SECONDS))
        known = _read_all(client, metadata, agent.tenant.instance)
        drawn = _draw(known, numbers)
        ours = _Run(client, metadata, agent.tenant.instance, known)
        with ExitStack() as stack:
            peers = {name: stack.enter_context(_peer(name, command, agent)) for name, command in commands.items()}
            race = _Race(ours, peers, agent.tenant.instance, metadata, known)
            race.run(drawn[:10])
            say("Measuring without latency…")
            at_once = race.run(drawn[:instant])
            stand_in.latency(latency_ms)
            say(f"Measuring {len(drawn)} numbers at {latency_ms:g} ms…")
            times = race.run(drawn)
    figures: dict[str, Any] = {
        "latency_ms": latency_ms,
        "records": records,
        "numbers": len(drawn),
        "tables": len(schema.of(agent.tenant.instance, metadata).tables),
    }
    for name in peers:
        figures |= {f"{name}_ratio": _ratio(times, name), f"{name}_ratio_at_0_ms": _ratio(at_once, name)}
    for name in (*peers, OURS):
        figures |= {f"{name}_p50_ms": percentile(times[name], 50), f"{name}_p95_ms": percentile(times[name], 95)}
        figures |= {f"{name}_p50_ms_at_0_ms": percentile(at_once[name], 50)}
    return figures


def _ratio(times: dict[str, list[float]], name: str) -> float:
    return round(percentile(times[name], 50) / percentile(times[OURS], 50), 3)


class _Race:
    """One number after the other, by everybody, who begins changing each time."""

    def __init__(
        self,
        ours: _Run,
        peers: dict[str, Callable[[Queries], dict[str, Any]]],
        instance: Instance,
        metadata: Metadata,
        known: Known,
    ) -> None:
        self.ours, self.peers, self.known = ours, peers, known
        self.tables = schema.of(instance, metadata).tables

    def run(self, numbers: list[phone.Number]) -> dict[str, list[float]]:
        """Milliseconds by name."""
        names = [OURS, *self.peers]
        times: dict[str, list[float]] = {name: [] for name in names}
        for turn, number in enumerate(numbers):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                times[name].append(1000 * self.ours._live(number)[0] if name == OURS else self._by(name, number))
        return times

    def _by(self, name: str, number: phone.Number) -> float:
        answer = self.peers[name](self._queries(number))
        if "error" in answer:
            raise Void(f"{name} could not ask: {answer['error']}")
        found = {(entity_set, record_id.lower()) for entity_set, record_id in answer["found"]}
        if missing := self._must(number) - found:
            raise Void(f"{name} did not find {len(missing)} records")
        return float(answer["ms"])

    def _queries(self, number: phone.Number) -> Queries:
        return [
            {
                "set": each.table.entity_set,
                "table": each.table.schema_name,
                "key": each.table.id_column,
                "select": list(selected(each)),
                "filter": condition,
                "top": ROWS,
            }
            for each in self.tables
            for condition in live_query.filters(number, [column.property for column in each.phones])
        ]

    def _must(self, number: phone.Number) -> set[tuple[str, str]]:
        """Records whose spelling these queries reach, as (entity set, id)."""
        sets = {each.table.logical_name: each.table.entity_set for each in self.tables}
        right = self.known.get(number.e164, {})
        return {
            (sets[table], key) for (table, key), texts in right.items() if any(_is_live(text, number) for text in texts)
        }


@contextmanager
def _peer(name: str, command: list[str], agent: Agent) -> Iterator[Callable[[Queries], dict[str, Any]]]:
    ca_file = os.environ["REQUESTS_CA_BUNDLE"]
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    environment |= {"SERVER": agent.tenant.instance.url, "NODE_EXTRA_CA_CERTS": ca_file}
    environment |= {"TOKEN": entra.token_for(agent, budget=Budget(SECONDS))}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )

    def ask(queries: Queries) -> dict[str, Any]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps({"queries": queries}) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(process.stdout.readline() or '{"error": "it ended"}')
        return answer

    with process:
        yield ask
        assert process.stdin
        process.stdin.close()
