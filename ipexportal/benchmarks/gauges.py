"""What the processes take while the calls go on: a look at /proc and at PostgreSQL once a second."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time

from django.conf import settings
from django.db import connection

from ipexportal.benchmarks import machine
from ipexportal.benchmarks.crew import Portal
from ipexportal.benchmarks.stage import Microsoft

EVERY = 1.0
FULL_CORE, FULL_MACHINE = 0.85, 0.92
BUSY_SESSIONS = 4.0
ONE_INTERPRETER = ("web", "jobs", "sandbox")  # a process of these takes one core at most


@dataclass(frozen=True, slots=True)
class Sample:
    at: float
    cpu: dict[str, float]
    pss_kb: dict[str, int]
    busy: tuple[float, float]
    connections: int
    sessions_at_work: int
    threads: int


class Gauges(threading.Thread):
    """Samples until it is stopped; `between` says what a stretch of time took."""

    def __init__(self, portal: Portal, stand_in: Microsoft) -> None:
        super().__init__(name="gauges", daemon=True)
        self.database = machine.database_server()
        self.processes = {
            "web": [process.pid for process in portal.web],
            "jobs": [process.pid for process in portal.jobs],
            "sandbox": [stand_in.pid],
            "caller": [os.getpid()],
        }
        self.samples: list[Sample] = []
        self._over = threading.Event()

    def __enter__(self) -> Gauges:
        self.is_apart = _keep_apart(
            [*self.processes["web"], *self.processes["jobs"], *machine.family(self.database)],
            [*self.processes["sandbox"], *self.processes["caller"]],
        )
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        try:
            while not self._over.wait(EVERY):
                self.samples.append(self._sample())
        finally:
            connection.close()

    def _sample(self) -> Sample:
        groups = self.processes | {"database": machine.family(self.database)}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), count(*) FILTER (WHERE state = 'active' AND pid <> pg_backend_pid())"
                " FROM pg_stat_activity WHERE datname = current_database()"
            )
            connections, at_work = cursor.fetchone()
        costs = {name: machine.cost(groups[name]) for name in ("web", "jobs")}
        return Sample(
            at=time(),
            cpu={name: machine.cpu_seconds(pids) for name, pids in groups.items()},
            pss_kb={name: cost.pss_kb for name, cost in costs.items()},
            busy=machine.busy_seconds(),
            connections=connections,
            sessions_at_work=at_work,
            threads=costs["web"].threads,
        )

    def between(self, start: float, end: float) -> Stretch | None:
        """None when there were fewer than two looks."""
        samples = [sample for sample in self.samples if start <= sample.at <= end]
        return (
            Stretch(samples, {name: len(pids) for name, pids in self.processes.items()}) if len(samples) > 1 else None
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    samples: list[Sample]
    processes: dict[str, int]

    @property
    def seconds(self) -> float:
        return self.samples[-1].at - self.samples[0].at

    @property
    def cores(self) -> dict[str, float]:
        """Cores at work, by kind of process."""
        first, last = self.samples[0].cpu, self.samples[-1].cpu
        return {name: round((last[name] - first[name]) / self.seconds, 2) for name in last}

    @property
    def machine(self) -> float:
        """Share of all cores at work, also for whoever else is on the machine."""
        (busy, every), (busy_then, every_then) = self.samples[-1].busy, self.samples[0].busy
        return round((busy - busy_then) / (every - every_then), 2)

    @property
    def sessions_at_work(self) -> float:
        return round(sum(sample.sessions_at_work for sample in self.samples) / len(self.samples), 1)

    def saturated_by(self) -> str:
        """What had no more to give, by measure: a process at its one core, the machine, the database, else waiting."""
        names = {
            "web": "web CPU",
            "jobs": "job CPU",
            "sandbox": "sandbox",
            "database": "database",
            "caller": "the benchmark",
        }
        cores = self.cores
        share = {name: cores[name] / self.processes[name] for name in ONE_INTERPRETER}
        fullest = max(share, key=lambda name: share[name])
        if share[fullest] >= FULL_CORE:
            return names[fullest]
        if self.machine >= FULL_MACHINE:
            return f"{names[max(cores, key=lambda name: cores[name])]} (all cores of the machine are taken)"
        return "database" if self.sessions_at_work >= BUSY_SESSIONS else "waiting (threads or connections)"

    def growth_mb_per_minute(self, name: str) -> float:
        """Slope of the memory by least squares."""
        times = [sample.at - self.samples[0].at for sample in self.samples]
        sizes = [sample.pss_kb[name] / 1024 for sample in self.samples]
        middle, size = sum(times) / len(times), sum(sizes) / len(sizes)
        spread = sum((each - middle) ** 2 for each in times)
        slope = sum((at - middle) * (mb - size) for at, mb in zip(times, sizes, strict=True)) / spread
        return round(60 * slope, 2)


def connections_bound(jobs: int, benchmark: int, web: int = 1) -> int:
    """As many as these processes may hold: pools, the stream's listener, the queue's (one each, one per worker)."""
    pool = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    workers = settings.HUEY["consumer"]["workers"]
    return int(web * (pool + 2) + jobs * (pool + 1 + workers) + benchmark)


def _keep_apart(product: list[int], others: list[int]) -> bool:
    """With three cores or more: the product on two, Microsoft and the callers on the rest. What is there already obeys, too."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 3:
        return False
    for pids, places in ((product, cores[:2]), (others, cores[2:])):
        for pid in pids:
            with suppress(OSError):
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    os.sched_setaffinity(int(thread.name), places)
    return True
