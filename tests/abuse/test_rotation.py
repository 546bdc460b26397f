"""Encrypting anew while others write, killed in the middle and begun again: every value stays readable, the newest stays."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from tenants import rotation
from tenants.models import Agent, Tenant

NEW = {"t2": b"n" * 32, "t1": b"k" * 32}


def make(acme: Tenant, many: int) -> None:
    for number in range(many):
        values = {"name": f"A{number}", "email": f"a{number}@acme.example", "token_cache": f"tokens {number}"}
        Agent.objects.create(tenant=acme, **values)


def texts() -> list[str]:
    return [agent.token_cache for agent in Agent.objects.order_by("pk")]


@pytest.mark.django_db
def test_what_a_killed_rotation_left_the_next_one_does(
    acme: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(acme, 5)
    settings.FIELD_KEYS = NEW
    real, done = rotation._rotate, []

    def killed(row: Any, column: str, count: rotation.Count) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(row.pk)
        real(row, column, count)

    monkeypatch.setattr(rotation, "_rotate", killed)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate(Agent, "token_cache")
    monkeypatch.setattr(rotation, "_rotate", real)
    assert texts() == [f"tokens {number}" for number in range(5)]  # both keys open what there is
    count = rotation.rotate(Agent, "token_cache")
    assert (count.rotated, count.current, count.unreadable) == (3, 2, 0)
    settings.FIELD_KEYS = {"t2": NEW["t2"]}
    assert texts() == [f"tokens {number}" for number in range(5)]


@pytest.mark.django_db(transaction=True)
def test_writers_at_work_keep_what_they_wrote(acme: Tenant, settings: Any) -> None:
    make(acme, 20)
    settings.FIELD_KEYS = NEW

    def write(agent: Agent) -> None:
        try:
            agent.token_cache = f"newer {agent.pk}"
            agent.save(update_fields=["token_cache"])
        finally:
            connection.close()

    agents = list(Agent.objects.order_by("pk"))
    with ThreadPoolExecutor(4) as threads:
        writing = threads.map(write, agents)
        count = rotation.rotate(Agent, "token_cache")
        list(writing)
    again = rotation.rotate(Agent, "token_cache")
    assert (count.unreadable, again.unreadable, again.rotated + again.current) == (0, 0, 20)
    settings.FIELD_KEYS = {"t2": NEW["t2"]}
    assert texts() == [f"newer {agent.pk}" for agent in agents]
