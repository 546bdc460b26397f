"""The processes of a production portal on this machine, and people who answer its phones over HTTP."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from crmwindow.sessions import issue_ticket
from tenants.models import Agent, ApiKey

WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Process:
    """One program, started again whenever it ends until it is stopped."""

    command: list[str]
    environment: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        process = subprocess.Popen(
            self.command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.running[:] = [process]

    def kill_and_restart(self) -> None:
        """As a crash: without any chance to finish something."""
        self.running[0].send_signal(signal.SIGKILL)
        self.running[0].wait()
        self.start()

    @property
    def pid(self) -> int:
        return self.running[0].pid

    def stop(self) -> None:
        self.running[0].terminate()
        with suppress(subprocess.TimeoutExpired):
            self.running[0].wait(timeout=10)
        self.running[0].kill()


@dataclass(frozen=True, slots=True)
class Portal:
    """`urls` of its web processes, of which the first is the one it is known by."""

    urls: list[str]
    web: list[Process]
    jobs: list[Process]

    @property
    def url(self) -> str:
        return self.urls[0]


@contextmanager
def portal(*, workers: int) -> Iterator[tuple[str, list[Process]]]:
    """As `production`; gives the address and the job processes."""
    with production(workers=workers) as running:
        yield running.url, running.jobs


@contextmanager
def production(*, workers: int, web: int = 1) -> Iterator[Portal]:
    """Web and job processes, each on a free port."""
    ports = _free_ports(web)
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    environment = {
        **os.environ,
        "PORTAL_URL": urls[0],
        "ALLOWED_HOSTS": "127.0.0.1",
        "ENTRA_AUTHORITY": settings.ENTRA_AUTHORITY,
        "DJANGO_SETTINGS_MODULE": "ipexportal.settings",
        "LOG_LEVEL": "CRITICAL",
    }
    server = [sys.executable, "-m", "uvicorn", "ipexportal.asgi:application", "--log-level", "error"]
    waits = ["--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "2"]  # the first as in deploy/systemd
    servers = [Process([*server, *waits, "--port", str(port)], environment) for port in ports]
    jobs = [Process([sys.executable, "manage.py", "run_huey"], environment) for _ in range(workers)]
    for process in (*servers, *jobs):
        process.start()
    try:
        for url in urls:
            _answers(f"{url}/healthz")
        yield Portal(urls, servers, jobs)
    finally:
        for process in (*servers, *jobs):
            process.stop()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as all_at_once:
        probes = [all_at_once.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _answers(address: str) -> None:
    ends = monotonic() + WAIT
    while monotonic() < ends:
        with suppress(requests.RequestException):
            if requests.get(address, timeout=5).ok:
                return
        sleep(0.1)
    raise RuntimeError(f"Nothing answers at {address}.")


def patient_session() -> requests.Session:
    """As browsers and exchanges do: what a closed connection swallowed is sent again. Every receiver takes it twice."""
    again = Retry(connect=5, read=5, status=0, allowed_methods=None, backoff_factor=0.2)
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(max_retries=again))
    return session


class Desk:
    """One agent's window: its cookie, and the requests its page makes."""

    def __init__(self, url: str, agent: Agent, key: ApiKey) -> None:
        self.url, self.agent = url, agent
        self.session = patient_session()
        ticket = issue_ticket(agent=agent, by=key)
        answer = self.session.get(f"{url}/window/", params={"ticket": ticket}, allow_redirects=False, timeout=WAIT)
        cookie = answer.cookies.get(settings.WINDOW_COOKIE)  # Secure: a browser sends it on loopback, requests does not
        headers = {"HX-Request": "true", "Origin": url, "Cookie": f"{settings.WINDOW_COOKIE}={cookie}"}
        self.session.headers.update(headers)
        self.turn = 0

    def note(self, call: str, text: str, *, send: bool = False) -> int:
        """Save what was typed so far, or press the button; answers the HTTP status."""
        self.turn += 1
        address = f"{self.url}/window/{self.agent.tenant.instance.code}/note/{'send/' if send else ''}"
        values: dict[str, Any] = {"call": call, "text": text, "page": "soak", "turn": self.turn}
        return self.session.post(address, data=values, timeout=WAIT).status_code


class Trouble(threading.Thread):
    """Until it is stopped: Microsoft has bad moments, and job processes are killed."""

    FAULTS: tuple[dict[str, Any], ...] = (
        {"kind": "throttle", "count": 4, "retry_after": 1},
        {"kind": "unavailable", "count": 6},
        {"kind": "html", "count": 3, "status": 502},
        {"kind": "reset", "count": 4},
        {"kind": "reset_after_write", "count": 4, "method": "PATCH"},
        {"kind": "truncated", "count": 3},
        {"kind": "expired_token", "count": 2},
        {"kind": "slow_after_write", "count": 2, "seconds": 3.0},
    )

    def __init__(self, origin: str, jobs: list[Process], *, every: float) -> None:
        super().__init__(name="trouble", daemon=True)
        self.origin, self.jobs, self.every = origin, jobs, every
        self.chance = random.Random(7)  # noqa: S311 - the same troubles in every run
        self.over = threading.Event()
        self.faults = self.kills = 0

    def __enter__(self) -> Trouble:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Also when the day broke off: nobody would stop a process that is started again."""
        self.over.set()
        self.join()
        with suppress(requests.RequestException):
            requests.post(f"{self.origin}/_sandbox/reset", json={}, timeout=WAIT)

    def run(self) -> None:
        while not self.over.wait(self.every * (0.5 + self.chance.random())):
            if self.chance.random() < 0.15:
                self.chance.choice(self.jobs).kill_and_restart()
                self.kills += 1
            else:
                requests.post(f"{self.origin}/_sandbox/fault", json=self.chance.choice(self.FAULTS), timeout=WAIT)
                self.faults += 1
