"""Windows of agents who have signed in, used by several threads at once; and a watch over transactions."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from ipexportal.sandbox import Sandbox
from tenants import api_keys
from tenants.models import Agent, ApiKey, Tenant
from tests import signed_in
from tests.window.conftest import Window, patience

__all__ = ["patience"]

Open = Callable[[Agent], Window]


def until(holds: Callable[[], object]) -> None:
    """Wait for another thread, not for ever."""
    for _ in range(3000):
        if holds():
            return
        sleep(0.005)
    raise AssertionError("It did not happen within fifteen seconds.")


@pytest.fixture
def open_window() -> Open:
    """A window opened with a ticket, of an agent who has signed in before."""

    def opened(agent: Agent) -> Window:
        window = Window(signed_in.sign_in(agent))
        signed_in.know_tables(window.agent)
        window.enter()
        return window

    return opened


@pytest.fixture
def exchange(acme: Tenant) -> Callable[..., str]:
    """`exchange("Ringing", "777123456", "jana", unique_id="1.1")`: an event over the API; gives the call's code."""
    key = api_keys.create(acme, ApiKey.Scope.EVENTS, "tests")

    def said(name: str, number: str = "", login: str = "", *, unique_id: str, **more: str) -> str:
        body = {"EventName": name, "From": number, "To": "224000000", "Login": login, "UniqueId": unique_id,
                "Direction": "incoming", **more}  # fmt: skip
        answer = Client().post(
            "/api/v1/events", body, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code == 202, answer.content
        return str(answer.json()["call"])

    return said


@pytest.fixture
def beside() -> Iterator[Callable[..., Future[Any]]]:
    """`beside(act, …)`: in a thread of its own, with its own database connection."""

    def alone(act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return act(*args, **kwargs)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=8) as pool:
        yield lambda act, *args, **kwargs: pool.submit(alone, act, *args, **kwargs)


@pytest.fixture
def asked_in_transaction(monkeypatch: pytest.MonkeyPatch, microsoft: Sandbox) -> list[str]:
    """Addresses at Microsoft that somebody asked while holding a transaction. Stays empty."""
    real, held = requests.Session.send, []

    def send(session: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        if connection.in_atomic_block and str(request.url).startswith(microsoft.origin):
            held.append(f"{request.method} {request.url}")
        return real(session, request, **more)

    monkeypatch.setattr(requests.Session, "send", send)
    return held


@pytest.fixture
def without_waiting() -> Any:
    """Another connection's write fails at once if anybody holds a lock on what it wants."""

    def write(sql: str, parameters: list[Any]) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'" if settings.ON_POSTGRESQL else "PRAGMA busy_timeout = 50")
            cursor.execute(sql, parameters)
            return int(cursor.rowcount)

    return write
