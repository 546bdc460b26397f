"""kill -9 of web, jobs and the database while people work; the database away, full, or changed under the processes."""

import itertools
import os
import random
import subprocess
import threading
from collections.abc import Iterator
from time import sleep
from typing import Any

import psycopg
import pytest
import requests
from django.db import connection

from crmwindow.models import Call, Note
from ipexportal.sandbox import Sandbox
from ipexportal.throwaway import Server
from tenants.models import Agent
from tests.faults.conftest import Database
from tests.machines.browser import until
from tests.machines.conftest import Exchange, Machines, OpenWindow, database_url, settle

pytestmark = pytest.mark.django_db(transaction=True)


class Day:
    """An agent answers calls and types, one after the other, until told to stop; `typed` is what the portal accepted."""

    def __init__(self, name: str, exchange: Exchange, agent: Agent, window: object) -> None:
        self.name, self.exchange, self.agent, self.window = name, exchange, agent, window
        self.typed: dict[str, str] = {}
        self.over, self.mistakes = threading.Event(), list[BaseException]()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        try:
            for number in itertools.count():
                if self.over.is_set():
                    return
                self._call(f"{self.name}.{self.agent.line}.{number}")
        except BaseException as mistake:
            self.mistakes.append(mistake)

    def _call(self, unique_id: str) -> None:
        mark = f"[{unique_id}]"
        call = self.exchange.says("Ringing", "777123456", self.agent, unique_id)
        self.exchange.says("Answered", "777123456", self.agent, unique_id)
        self.window.type(call, f"{mark} volá")  # type: ignore[attr-defined]  # a Window
        self.window.type(call, f"{mark} volá kvůli servisu", send=True)  # type: ignore[attr-defined]  # a Window
        self.typed[mark] = f"{mark} volá kvůli servisu"
        self.exchange.says("Hangup", "777123456", self.agent, unique_id, Reason="Normal Clearing")

    def end(self) -> dict[str, str]:
        self.over.set()
        self.thread.join(timeout=150)
        assert self.mistakes == []
        assert not self.thread.is_alive()
        return self.typed


def test_web_jobs_and_database_are_killed_at_random_moments(
    machines: Machines,
    database: Database,
    exchange: Exchange,
    open_window: OpenWindow,
    jana: Agent,
    bob: Agent,
    microsoft: Sandbox,
) -> None:
    days = [Day("51", exchange, agent, open_window(agent)) for agent in (jana, bob)]
    chance = random.Random(7)
    for victim in ("jobs", "web", "database", "jobs", "web"):
        sleep(0.3 + chance.random())
        if victim == "database":
            database.crash()
            sleep(chance.random())
            database.start()
        else:
            machines.units[victim][0].kill()
            machines.units[victim][0].start()
    machines.ready()
    sleep(1)
    typed = days[0].end() | days[1].end()
    connection.close()
    assert len(typed) >= 4, "they did work"
    assert Call.objects.count() == len(typed)
    settle(microsoft, typed)
    assert Note.objects.exclude(state=Note.State.WRITTEN).count() == 0


def test_streams_come_back_by_themselves_when_the_database_does(
    machines: Machines, database: Database, exchange: Exchange, open_window: OpenWindow, jana: Agent
) -> None:
    window = open_window(jana)
    connection.close()
    database.stop()
    web = machines.addresses["web"][0]
    assert requests.get(f"{web}/healthz", timeout=10).status_code == 200
    assert requests.get(f"{web}/readyz", timeout=30).status_code == 503
    database.start()
    exchange.says("Ringing", "777123456", jana, "52.1")
    window.shows("777 123 456", seconds=30)


# -- the disk is full --------------------------------------------------------------------------------------------------

FILLING = (
    "INSERT INTO crmwindow_outbox (agent_id, kind, at)"
    " SELECT (SELECT min(id) FROM tenants_agent), 'filling', now() FROM generate_series(1, %s)"
)
FULL = 16 * 1024 * 1024  # no smaller than a segment of the log, which is written all the same


@pytest.fixture
def full_disk(database: Database) -> Iterator[None]:
    """Files of PostgreSQL cannot grow; it ignores SIGXFSZ so that such a limit acts as a full disk."""
    with psycopg.connect(database_url(), autocommit=True) as server:
        server.execute(FILLING, [400_000])
        size = server.execute("SELECT pg_relation_size('crmwindow_outbox')").fetchone()
        assert size is not None
        assert size[0] >= FULL, size
    limit(database.server, FULL)
    with psycopg.connect(database_url(), autocommit=True) as server:
        until(lambda: _is_full(server))  # the last page has room for some
    yield
    limit(database.server, None)


def _is_full(server: psycopg.Connection[Any]) -> bool:
    try:
        server.execute(FILLING, [1])
    except psycopg.Error as error:
        return "extend file" in str(error)
    return False


def limit(server: Server, size: int | None) -> None:
    """As the account the server belongs to: not even root may do it to others everywhere."""
    folder = server.folder.stat()
    owner = {"user": folder.st_uid, "group": folder.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    for pid in server.processes():  # one may have ended meanwhile
        command = ["prlimit", f"--pid={pid}", f"--fsize={size or 'unlimited'}:"]
        subprocess.run(command, check=False, capture_output=True, **owner)  # type: ignore[call-overload]


def test_a_full_disk_accepts_nothing_by_halves_and_goes_on_when_there_is_room(
    machines: Machines,
    database: Database,
    exchange: Exchange,
    open_window: OpenWindow,
    jana: Agent,
    microsoft: Sandbox,
    request: pytest.FixtureRequest,
) -> None:
    window = open_window(jana)
    call = exchange.says("Ringing", "777123456", jana, "53.1")
    window.type(call, "[53.1] psáno, než došlo místo")
    request.getfixturevalue("full_disk")

    headers = {"Authorization": f"Bearer {exchange.key}"}
    address = f"{machines.addresses['web'][0]}/api/v1/events"
    for number in range(1000):  # its own connection may know a page with room
        unique_id = f"53.{number + 2}"
        body = {"EventName": "Ringing", "From": "604218330", "Login": jana.login, "UniqueId": unique_id}
        answer = requests.post(address, json=body, headers=headers, timeout=20)
        if answer.status_code != 202:
            break
    assert answer.status_code >= 500
    assert Call.objects.count() == 1 + number, "the refused one has left nothing behind"

    limit(database.server, None)
    exchange.says("Ringing", "604218330", jana, unique_id)
    assert Call.objects.filter(unique_id=unique_id).count() == 1
    window.type(call, "[53.1] psáno, než došlo místo", send=True)
    settle(microsoft, {"[53.1]": "[53.1] psáno, než došlo místo"})


# -- migrating while the version before still serves -------------------------------------------------------------------


NEXT_VERSION = (
    "SET lock_timeout = '5s'",  # as in the unit that migrates
    "ALTER TABLE crmwindow_call ADD COLUMN of_the_next_version varchar(20) NOT NULL DEFAULT ''",
    "CREATE INDEX of_the_next_version ON crmwindow_call (started_at, of_the_next_version)",
    "RESET lock_timeout",
)


def test_an_additive_migration_disturbs_nobody_who_is_still_of_the_version_before(
    machines: Machines, exchange: Exchange, open_window: OpenWindow, jana: Agent, microsoft: Sandbox
) -> None:
    day = Day("55", exchange, jana, open_window(jana))
    try:
        until(lambda: day.typed)
        for statement in NEXT_VERSION:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        accepted = len(day.typed)
        until(lambda: len(day.typed) > accepted + 1)
        typed = day.end()
    finally:
        day.over.set()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE crmwindow_call DROP COLUMN IF EXISTS of_the_next_version")
    assert Call.objects.count() == len(typed)
    settle(microsoft, typed)
