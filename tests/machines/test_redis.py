"""Jobs and counters in a real Redis instead of PostgreSQL."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest
import redis
import requests

from crmwindow.models import Note
from ipexportal.sandbox import Sandbox
from tenants.models import Agent
from tests.machines.browser import until
from tests.machines.conftest import Exchange, Machines, OpenWindow, environment, once_in_the_crm, settle
from tests.machines.units import free_port, site

pytestmark = pytest.mark.django_db(transaction=True)


class Redis:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        until(self._answers)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def client(self) -> Any:
        return redis.Redis.from_url(self.url)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: Any) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def machines(
    where_machines_live: None, sandbox: Sandbox, redis_server: Redis, tmp_path_factory: Any
) -> Iterator[Machines]:
    given = environment(sandbox, PORTAL_URL=f"http://127.0.0.1:{free_port()}", REDIS_URL=redis_server.url)
    with site(given, tmp_path_factory.mktemp("machines")) as running:
        one = Machines(running, web=1, jobs=2)
        one.addresses["stream"] = one.addresses["web"]
        yield one


def test_notes_travel_through_redis_and_limits_are_counted_there(
    redis_server: Redis,
    machines: Machines,
    exchange: Exchange,
    open_window: OpenWindow,
    jana: Agent,
    microsoft: Sandbox,
) -> None:
    window = open_window(jana)
    call = exchange.says("Ringing", "777123456", jana, "61.1")
    window.type(call, "[61.1] přes Redis", send=True)
    once_in_the_crm(microsoft, "[61.1]", "[61.1] přes Redis")
    wrong = {"Authorization": "Bearer ipx_events_" + "x" * 40}
    refused = requests.post(f"{machines.addresses['web'][0]}/api/v1/events", json={}, headers=wrong, timeout=30)
    assert refused.status_code == 401
    keys = {key.decode() for key in redis_server.client().keys("*")}
    assert any(key.startswith("ipex:") for key in keys), keys


def test_while_redis_is_away_nothing_is_refused_or_lost(
    redis_server: Redis,
    machines: Machines,
    exchange: Exchange,
    open_window: OpenWindow,
    jana: Agent,
    microsoft: Sandbox,
) -> None:
    window = open_window(jana)
    redis_server.stop()
    try:
        call = exchange.says("Ringing", "777123456", jana, "62.1")
        window.shows("777 123 456")
        window.type(call, "[62.1] bez Redisu", send=True)
        assert requests.get(f"{machines.addresses['web'][0]}/readyz", timeout=10).ok
        assert Note.objects.filter(state=Note.State.QUEUED).count() == 1
    finally:
        redis_server.start()
    sleep(1)
    settle(microsoft, {"[62.1]": "[62.1] bez Redisu"})
