"""The look-up as it really runs: begun by the event's commit, in a thread, while several windows ask for it."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from crmwindow import lookup
from crmwindow.lookup import Found
from crmwindow.models import Leg, Lookup, Outbox
from tenants.dataverse.budget import Budget
from tenants.models import Agent

pytestmark = pytest.mark.django_db(transaction=True)
Ring = Callable[..., Leg]


@pytest.fixture(autouse=True)
def _nothing_runs_on() -> Iterator[None]:
    yield
    ends = time.monotonic() + 10
    while lookup._running and time.monotonic() < ends:
        time.sleep(0.01)


def asked(microsoft: Any, table: str) -> int:
    return sum(seen.path.partition("?")[0].endswith(f"/{table}") for seen in microsoft.requests)


def test_it_begins_with_the_ringing_before_any_window_asks(
    jana: Agent, ring: Ring, metadata: Any, microsoft: Any
) -> None:
    leg = ring(jana, "777123456")
    ends = time.monotonic() + 5
    while not Lookup.objects.filter(leg=leg, finished_at__isnull=False).exists() and time.monotonic() < ends:
        time.sleep(0.01)

    assert Lookup.objects.get(leg=leg).problem == ""
    while lookup._running and time.monotonic() < ends:
        time.sleep(0.01)
    told = Outbox.objects.filter(agent=jana).order_by("pk").values_list("kind", flat=True)
    assert list(told) == ["state", f"found.{str(leg.call.code)[:12]}"]  # it rings; who calls is known
    jana.refresh_from_db()
    assert jana.first_card_at is not None


def test_all_who_ask_at_once_share_one_look_up(jana: Agent, ring: Ring, metadata: Any, microsoft: Any) -> None:
    microsoft.control.latency(100)
    before = asked(microsoft, "contacts")
    leg = ring(jana, "777123456")
    answers: list[Found] = []

    def ask() -> None:
        answers.append(lookup.found(leg, budget=Budget(5)))
        connections.close_all()

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    microsoft.control.latency(0)

    assert [[match.name for match in found.matches] for found in answers] == [["Jana Horáková"]] * 4
    assert asked(microsoft, "contacts") - before == 1


def test_while_another_process_asks_the_window_only_looks_at_its_row(
    jana: Agent, ring: Ring, metadata: Any, django_assert_max_num_queries: Any
) -> None:
    leg = ring(jana, "777123456")
    lookup.found(leg, budget=Budget(5))
    Lookup.objects.filter(leg=leg).update(
        result=b"", finished_at=None, lease_until=timezone.now() + timedelta(seconds=15)
    )
    budget = Budget(0.3)
    with django_assert_max_num_queries(16) as asked_for:  # every 20 ms, one small question each
        assert lookup.found(leg, budget=budget).state == "running"
    assert {query["sql"].partition(" FROM ")[2].split()[0].strip('"') for query in asked_for} == {"crmwindow_lookup"}


def test_who_asks_again_at_once_is_not_told_the_old_answer(
    jana: Agent, ring: Ring, metadata: Any, microsoft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "WHILE_IT_IS_PAINTED", 1.0)  # its thread is not through yet
    leg = ring(jana, "777123456")
    lookup.found(leg, budget=Budget(5))
    before = asked(microsoft, "contacts")

    lookup.retry(leg)
    again = lookup.found(leg, budget=Budget(5))

    assert [match.name for match in again.matches] == ["Jana Horáková"]
    assert asked(microsoft, "contacts") - before == 1


def test_a_slow_table_does_not_keep_the_name_waiting(jana: Agent, ring: Ring, metadata: Any, microsoft: Any) -> None:
    microsoft.control.fault("slow", path="/leads", seconds=1.2)
    leg = ring(jana, "777123456")

    first = lookup.found(leg, budget=Budget(5))
    assert (first.state, [match.name for match in first.matches], first.pending) == (
        "partial", ["Jana Horáková"], ("Zájemce",),
    )  # fmt: skip
    lookup._running[leg.pk].wait(5)
    assert lookup.found(leg, budget=Budget(5)).state == "done"


def test_a_table_slower_than_the_budget_is_said_to_have_failed(
    jana: Agent, ring: Ring, metadata: Any, microsoft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "SECONDS", 0.5)
    microsoft.control.fault("slow", path="/leads", seconds=1.5)
    leg = ring(jana, "604218330")

    found = lookup.found(leg, budget=Budget(5))
    assert (found.state, found.matches, len(found.failures)) == ("partial", (), 1)
    assert not found.unknown


def test_an_expired_token_is_refreshed_on_the_way(jana: Agent, ring: Ring, metadata: Any, microsoft: Any) -> None:
    microsoft.control.fault("expired_token", path="/contacts")
    microsoft.control.fault("expired_token", path="/accounts")

    found = lookup.found(ring(jana, "777123456"), budget=Budget(5))
    assert (found.state, [match.name for match in found.matches]) == ("done", ["Jana Horáková"])
    jana.refresh_from_db()
    assert jana.is_signed_in


def test_when_the_process_that_asked_has_died_the_window_asks_itself(
    jana: Agent, ring: Ring, metadata: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "start", lambda *_: None)
    leg = ring(jana, "777123456")
    Lookup.objects.filter(leg=leg).update(lease_until=timezone.now() + timedelta(seconds=0.2))

    assert [match.name for match in lookup.found(leg, budget=Budget(5)).matches] == ["Jana Horáková"]


def test_who_does_not_want_to_wait_hears_that_it_runs(
    jana: Agent, ring: Ring, metadata: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "start", lambda *_: None)
    leg = ring(jana, "777123456")
    Lookup.objects.filter(leg=leg).update(lease_until=timezone.now() + timedelta(seconds=60))

    assert lookup.found(leg, budget=Budget(0.05)).state == "running"
