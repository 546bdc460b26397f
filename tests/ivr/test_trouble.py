"""Microsoft down, slow or throttling, and too many calls at once: an answer comes in time all the same."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, sleep
from typing import Any

import pytest
from django.db import connections as databases

from crmwindow.ivr import asking, functions
from crmwindow.ivr.asking import Unanswered
from crmwindow.models import IvrFunction
from ipexportal import sandbox as stand_in
from ipexportal.sandbox import directory
from tenants import stopwatch
from tenants.dataverse.budget import Budget
from tenants.models import SystemAccount, Tenant
from tests import signed_in
from tests.ivr.conftest import Menu

pytestmark = pytest.mark.django_db
Person = Callable[..., str]
Asked = Callable[[], list[str]]


def reason_of(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["result"], answer.get("reason", "")


def test_a_slow_answer_comes_late_and_serves_the_next_caller(
    menu: Menu, microsoft: stand_in.Sandbox, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions, "BUDGET_MS", 300)
    microsoft.control.fault("slow", count=None, seconds=1.0)
    assert reason_of(menu.lookup("604218330")) == ("unavailable", "slow")
    reader = next(iter(asking._readers.values()))
    while reader.answers.running:
        sleep(0.01)
    microsoft.control.clear()
    asked()
    assert menu.lookup("604218330")["result"] == "not_found"
    assert asked() == []


def test_the_menu_may_lower_the_time_and_not_raise_it() -> None:
    slow, quick = IvrFunction(budget_ms=5000), IvrFunction(budget_ms=200)
    assert [functions.seconds(slow, ms) for ms in (300, 60_000)] == [0.3, 5.0]
    assert [functions.seconds(quick, ms) for ms in (300, 100)] == [0.2, 0.1]
    assert functions.seconds(None, 400) == 0.4


def test_what_a_question_waited_for_a_thread_is_not_left_to_microsoft() -> None:
    with stopwatch.watching(stopwatch.Watch(perf_counter() - 0.5)):
        assert 0.1 < functions.wait(None, 1000).left() <= 0.3
    with stopwatch.watching(stopwatch.Watch(perf_counter() - 60)):
        assert functions.wait(None, 1000).expired


@pytest.mark.parametrize("value", ["0", "-5", "abc", "1.5", "99999999999999999999"])
def test_a_budget_that_is_no_time_is_one_sentence(menu: Menu, value: str) -> None:
    answer = menu.ask("lookup", {"number": "777123456"}, **{"X-Budget-Ms": value})
    assert (answer.status_code, list(answer.json())) == (422, ["error"])


def test_throttled_nobody_asks_until_microsoft_says_so(menu: Menu, microsoft: stand_in.Sandbox, asked: Asked) -> None:
    microsoft.control.fault("throttle", count=None, seconds=300, retry_after=120)
    assert reason_of(menu.lookup("777123456")) == ("unavailable", "throttled")
    assert len(asked()) <= 3
    assert reason_of(menu.lookup("604218330")) == ("unavailable", "throttled")
    assert asked() == []


def test_after_some_failures_nobody_is_asked_for_a_while(menu: Menu, microsoft: stand_in.Sandbox, asked: Asked) -> None:
    microsoft.control.fault("unavailable", count=None, status=500)
    for place in range(3):
        assert reason_of(menu.lookup(f"60421833{place}")) == ("unavailable", "microsoft")
    asked()
    assert reason_of(menu.lookup("604218339")) == ("unavailable", "microsoft")
    assert asked() == []


@pytest.mark.django_db(transaction=True)
def test_a_wrong_secret_is_said_and_not_tried_on_every_call(
    acme: Tenant, account: SystemAccount, menu: Menu, microsoft: stand_in.Sandbox
) -> None:
    account.client_secret, account.token_cache, account.token_version = "wrong", "", 99
    account.save()
    for place in range(4):
        assert reason_of(menu.lookup(f"60421833{place}")) == ("unavailable", "system_account")
    assert sum(one["side"] == "entra" for one in microsoft.control.state(last=500)["requests"]) <= 8
    account.refresh_from_db()
    account.client_secret = directory.SYSTEM_CLIENT_SECRET
    account.save()
    assert menu.lookup("777123456")["result"] == "found"  # at once, not after the pause


def test_a_cut_connection_is_tried_again(menu: Menu, microsoft: stand_in.Sandbox) -> None:
    microsoft.control.fault("reset", count=1)
    assert menu.lookup("777123456")["result"] == "found"


def test_two_who_ask_the_same_ask_once(menu: Menu, account: SystemAccount, asked: Asked) -> None:
    reader, begun, go = asking.Reader(), threading.Event(), threading.Event()
    worked: list[int] = []

    def work(budget: Budget) -> str:
        worked.append(1)
        begun.set()
        go.wait(5)
        return "answer"

    with ThreadPoolExecutor(8) as callers:
        told = [callers.submit(reader.ask, "one", work, wait=Budget(10)) for _ in range(8)]
        begun.wait(5)
        go.set()
        assert [each.result() for each in told] == ["answer"] * 8
    assert worked == [1]
    reader.close()


def test_a_flood_of_one_customer_is_turned_away_and_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WAITING", 20)
    flooded, other, go = asking.Reader(), asking.Reader(), threading.Event()

    def hang(budget: Budget) -> str:
        go.wait(10)
        return "late"

    def ask(place: int) -> str:
        try:
            return flooded.ask(place, hang, wait=Budget(0.3))
        except Unanswered as error:
            return error.reason

    with ThreadPoolExecutor(40) as callers:
        told = sorted(callers.map(ask, range(40)))
        assert (told.count("busy"), told.count("slow")) == (20, 20)
        assert other.ask("one", lambda budget: "at once", wait=Budget(5)) == "at once"
        go.set()
    for reader in (flooded, other):
        reader.close()


def test_what_waited_too_long_is_not_asked_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ASKING_SECONDS", 0.2)
    monkeypatch.setattr(asking, "QUESTIONS", 1)
    reader, go, worked = asking.Reader(), threading.Event(), []
    with pytest.raises(Unanswered, match="slow"):
        reader.ask("first", lambda budget: go.wait(5), wait=Budget(0.05))
    with pytest.raises(Unanswered, match="slow"):
        reader.ask("second", lambda budget: worked.append(1), wait=Budget(0.05))
    sleep(0.2)
    go.set()
    with pytest.raises(Unanswered, match=r"busy|slow"):
        reader.ask("second", lambda budget: worked.append(1), wait=Budget(5))
    assert worked == []
    reader.close()


def test_a_mistake_of_ours_is_an_answer_too(monkeypatch: pytest.MonkeyPatch, menu: Menu) -> None:
    def broken(*args: object, **named: object) -> object:
        raise RuntimeError("a mistake")

    monkeypatch.setattr("crmwindow.ivr.looking_up.searched", broken)
    assert reason_of(menu.lookup("777123456")) == ("unavailable", "error")


@pytest.mark.django_db(transaction=True)
def test_an_expired_token_is_renewed_on_the_way(menu: Menu, microsoft: stand_in.Sandbox) -> None:
    from tests.ivr import conftest

    microsoft.control.expire_tokens()
    conftest._tokens.clear()
    signed_in.forget()  # what other tests hold is worth nothing now
    assert menu.lookup("777123456")["result"] == "found"
    for alias in databases:
        databases[alias].close()
