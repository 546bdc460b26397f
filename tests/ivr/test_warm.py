"""A voice menu that asks all the time costs few queries, and what is withdrawn stops working within two seconds."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crmwindow.ivr import asking, functions, looking_up
from crmwindow.models import IvrFunction
from tenants import access, briefly
from tenants.models import ApiKey, SystemAccount
from tests.ivr.conftest import Menu

pytestmark = pytest.mark.django_db
Clock = Callable[[float], None]


@pytest.fixture
def pass_time(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """As in production: rows are known for two seconds, of a clock that is moved by hand."""
    settings.KNOWN_FOR_SECONDS = 2.0
    now = [1000.0]
    monkeypatch.setattr(briefly, "monotonic", lambda: now[0])
    for each in (access._keys, functions._functions, asking._accounts, looking_up._extras):
        each.forget()

    def pass_time(seconds: float) -> None:
        now[0] += seconds

    return pass_time


def queries(act: Callable[[], Any]) -> list[str]:
    """Tables in the order they are asked."""
    with CaptureQueriesContext(connection) as captured:
        act()
    sentences = [query["sql"] for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]
    return [f"{sql.split()[0]} {_table(sql)}" for sql in sentences]


def _table(sql: str) -> str:
    return sql.split('"')[1] if sql.startswith(("INSERT", "UPDATE")) else sql.partition(' FROM "')[2].partition('"')[0]


def test_a_look_up_asks_the_database_nothing_before_its_answer(menu: Menu, pass_time: Clock) -> None:
    menu.lookup("777123456")
    asked = queries(lambda: menu.lookup("602111222", unique_id="7.2"))
    assert asked == ["INSERT crmwindow_ivrstep"]  # after the answer, and no card shows it
    assert queries(lambda: menu.lookup("604218330")) == ["INSERT crmwindow_ivrstep"]


def test_a_verification_counts_asks_and_counts_again(
    menu: Menu, pin: IvrFunction, person: Callable[..., str], pass_time: Clock
) -> None:
    person(mobilephone="601000301", nnn_pin="4711")
    assert menu.verify("601000301", "4711") == {"result": "verified"}
    assert queries(lambda: menu.verify("601000301", "4711")) == [
        "UPDATE crmwindow_ivrattempts",
        "SELECT crmwindow_ivrattempts",
        "UPDATE crmwindow_ivrattempts",
        "INSERT crmwindow_ivrstep",
        "SELECT crmwindow_leg",
    ]


def test_no_transaction_is_begun_before_a_right_pin_is_answered(
    menu: Menu, pin: IvrFunction, person: Callable[..., str], pass_time: Clock, django_assert_num_queries: Any
) -> None:
    person(mobilephone="601000302", nnn_pin="4711")
    menu.verify("601000302", "4711")
    with django_assert_num_queries(3 + 2):  # then the step, and whose card hears of it
        menu.verify("601000302", "4711")


def test_a_wrong_pin_is_counted_at_the_caller_and_at_the_record(
    menu: Menu, pin: IvrFunction, person: Callable[..., str], pass_time: Clock
) -> None:
    person(mobilephone="601000303", nnn_pin="4711")
    assert menu.verify("601000303", "4712") == {"result": "refused"}
    asked = queries(lambda: menu.verify("601000303", "4712"))
    assert (asked.count("UPDATE crmwindow_ivrattempts"), asked.count("SELECT crmwindow_ivrattempts")) == (3, 4)
    assert len(asked) == 9


def test_a_revoked_key_opens_nothing_after_two_seconds(menu: Menu, pass_time: Clock) -> None:
    menu.lookup("604218330")
    ApiKey.objects.update(revoked_at=timezone.now())
    pass_time(2.0)
    assert menu.ask("lookup", {"number": "604218330"}).status_code == 401


def test_a_key_that_has_run_out_opens_nothing_at_once(menu: Menu, pass_time: Clock) -> None:
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    menu.lookup("604218330")
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert menu.ask("lookup", {"number": "604218330"}).status_code == 401


def test_what_is_no_key_is_asked_for_each_time(menu: Menu, pass_time: Clock) -> None:
    wrong = {"Authorization": "Bearer ipx_ivr_wrong"}
    for _ in range(2):
        asked = queries(lambda: menu.ask("lookup", {"number": "604218330"}, **wrong))
        assert "SELECT tenants_apikey" in asked


def test_a_function_that_is_switched_off_is_gone_after_two_seconds(
    menu: Menu, pin: IvrFunction, pass_time: Clock
) -> None:
    menu.verify("604218330", "1")
    IvrFunction.objects.update(enabled=False)
    pass_time(2.0)
    assert menu.ask("verify", {"number": "1", "unique_id": "1", "function": "pin", "value": "1"}).status_code == 404


def test_a_new_system_account_answers_at_once(menu: Menu, account: SystemAccount, pass_time: Clock) -> None:
    kept = SystemAccount.objects.get()
    SystemAccount.objects.all().delete()
    assert menu.lookup("604218330")["reason"] == "no_system_account"
    kept.save(force_insert=True)
    assert menu.lookup("604218330")["result"] == "not_found"
