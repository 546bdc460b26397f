"""Several machines: each a process of its own, with its own memory, against one PostgreSQL.

Run by: python -m ipexportal.throwaway pytest tests/machines --override-ini addopts=
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone

from crmwindow import notes
from crmwindow.models import Note
from ipexportal.sandbox import Sandbox
from tenants import api_keys
from tenants.models import Agent, ApiKey, Tenant
from tests.lookup.conftest import bob, jana
from tests.machines.browser import Window, anywhere, until
from tests.machines.units import Unit, answers, free_port, site

__all__ = ["bob", "jana"]

SECRETS = ("SECRET_KEY", "FIELD_KEYS", "INDEX_KEYS", "ENTRA_CLIENT_ID", "ENTRA_CLIENT_SECRET")


def database_url(name: str = "") -> str:
    """The one the tests look into, or another on the same server."""
    given = connection.settings_dict
    return f"postgres://{given['USER']}@{given['HOST']}:{given['PORT']}/{name or given['NAME']}"


def environment(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """What all machines share."""
    return {
        **{name: os.environ[name] for name in SECRETS},
        "DATABASE_URL": database_url(),
        "PORTAL_URL": "http://127.0.0.1:8000",
        "ALLOW_LOOPBACK_MICROSOFT": "on",
        "ENTRA_AUTHORITY": sandbox.authority,
        "SERVE_STATIC_FROM_SOURCE": "on",
        **more,
    }


class Machines:
    """Web, stream and job processes by name, and where the servers among them listen."""

    def __init__(self, running: Any, **counts: int) -> None:
        self.portal = running.environment["PORTAL_URL"]
        self.running, self.units, self.addresses = running, dict[str, list[Unit]](), dict[str, list[str]]()
        for kind in ("web", "stream"):
            servers = [running.serve(kind) for _ in range(counts.get(kind, 0))]
            self.units[kind] = [unit for unit, _address in servers]
            self.addresses[kind] = [address for _unit, address in servers]
        self.units["jobs"] = [running.start("jobs", number) for number in range(counts.get("jobs", 0))]
        self.ready()

    def ready(self) -> None:
        for address in (*self.addresses["web"], *self.addresses["stream"]):
            answers(address)

    def start_again(self) -> None:
        """Whatever is not running, as systemd's Restart=always."""
        for units in self.units.values():
            for unit in units:
                if unit.process is None or unit.process.poll() is not None:
                    unit.start()
        self.ready()


@pytest.fixture(scope="session")
def where_machines_live(django_db_setup: None) -> None:
    assert connection.vendor == "postgresql", "Several machines need PostgreSQL: python -m ipexportal.throwaway …"


@pytest.fixture(scope="module")
def machines(where_machines_live: None, sandbox: Sandbox, tmp_path_factory: Any) -> Iterator[Machines]:
    """Two of each."""
    folder: Path = tmp_path_factory.mktemp("machines")
    with site(environment(sandbox, PORTAL_URL=f"http://127.0.0.1:{free_port()}"), folder) as running:
        yield Machines(running, web=2, stream=2, jobs=2)


class Exchange:
    """The telephone exchange, whose events go to any web process."""

    def __init__(self, tenant: Tenant, webs: list[str]) -> None:
        self.webs, self.session = webs, requests.Session()
        self.session.trust_env = False
        self.key = api_keys.create(tenant, ApiKey.Scope.EVENTS, "ivana")
        self.tickets = api_keys.create(tenant, ApiKey.Scope.WINDOW, "ivana")

    def says(self, name: str, number: str, agent: Agent, unique_id: str, **more: Any) -> str:
        webs = more.pop("webs", self.webs)
        body = {"EventName": name, "From": number, "To": "224000000", "Login": agent.login, "UniqueId": unique_id,
                "Direction": "incoming", **more}  # fmt: skip
        answer = self._post(webs, "/api/v1/events", self.key, body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["call"])

    def ticket(self, agent: Agent) -> str:
        answer = self._post(self.webs, "/api/v1/window-tickets", self.tickets, {"login": agent.login})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"])

    def _post(self, webs: list[str], path: str, key: str, body: dict[str, str]) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}"}
        return anywhere(self.session, "post", webs, path, json=body, headers=headers)


@pytest.fixture
def exchange(acme: Tenant, machines: Machines) -> Exchange:
    return Exchange(acme, machines.addresses["web"])


OpenWindow = Callable[..., Window]


@pytest.fixture
def open_window(exchange: Exchange, machines: Machines) -> Iterator[OpenWindow]:
    """`open_window(jana)`: anywhere; `webs=`, `streams=`: on these."""
    opened: list[Window] = []

    def open_one(agent: Agent, **where: list[str]) -> Window:
        both = {"webs": machines.addresses["web"], "streams": machines.addresses["stream"], **where}
        window = Window(machines.portal, str(agent.tenant.instance.code), exchange.ticket(agent), **both)
        window.listen()
        opened.append(window)
        return window

    yield open_one
    for window in opened:
        window.close()


def activities(microsoft: Sandbox, mark: str) -> list[str]:
    """The texts of the phone calls in the CRM that hold this."""
    dataverse = microsoft.dataverse
    with dataverse._lock:
        rows = dataverse.store.select("phonecall", (), '"description" LIKE ?', [f"%{mark}%"], order='"createdon"')
        return [str(row["description"]) for row in rows]


def once_in_the_crm(microsoft: Sandbox, mark: str, text: str, seconds: float = 60) -> None:
    """Written with its newest text; and nowhere twice."""
    until(lambda: text in activities(microsoft, mark), seconds)
    assert activities(microsoft, mark) == [text]


def settle(microsoft: Sandbox, typed: dict[str, str]) -> None:
    """Every text is in the CRM, once, and the portal knows it. What a killed process was at is free once its lease ended;
    here, at once. The CRM has a text before the portal has read it back."""
    connection.close()
    waiting = Note.objects.filter(state=Note.State.QUEUED)
    waiting.update(next_try_at=timezone.now(), lease_until=None)
    notes.sweep()
    until(lambda: not waiting.exists(), seconds=120)  # one that failed meanwhile waits for the sweep of the next minute
    for mark, text in typed.items():
        once_in_the_crm(microsoft, mark, text)
