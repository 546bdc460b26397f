"""What is asked of the database between a voice menu's request to write and its answer, statement by statement."""

from collections.abc import Callable
from typing import Any

import pytest

from crmwindow.models import CrmWrite, IvrFunction
from tenants.models import SystemAccount, Tenant
from tests.ivr.test_warm import Clock, pass_time, queries
from tests.writes.conftest import JANA_HORAKOVA, stored, tell

__all__ = ["pass_time"]
pytestmark = pytest.mark.django_db
ACCEPTED = [
    "SELECT crmwindow_ivrfunction",  # locked: one after the other
    "SELECT crmwindow_crmwrite",  # at once: the same write before, today's count, the call, the account
    "INSERT crmwindow_crmwrite",
    "INSERT crmwindow_ivrstep",
    "SELECT crmwindow_leg",  # whose card hears of it
]


@pytest.mark.parametrize("repeat", ["", "k-1"])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_write_is_accepted_by_five_statements(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, pass_time: Clock, rows: int, repeat: str
) -> None:
    for number in range(rows):
        stored(ask("complaint", topic=f"before {number}"))
    assert queries(lambda: ask("complaint", topic="A", repeat=repeat)) == ACCEPTED


def test_nothing_but_the_acceptance_itself_is_a_transaction(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, pass_time: Clock,
    django_assert_num_queries: Any,
) -> None:  # fmt: skip
    stored(ask("complaint", topic="before"))
    with django_assert_num_queries(len(ACCEPTED) + 2):
        ask("complaint", topic="A")


def test_a_repeat_costs_three_statements(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, pass_time: Clock
) -> None:
    ask("complaint", unique_id="7.twice", topic="A")
    asked = queries(lambda: ask("complaint", unique_id="7.twice", topic="A"))
    assert asked == [*ACCEPTED[:2], "SELECT crmwindow_crmwrite"]


def test_a_write_over_the_days_cap_costs_two(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, pass_time: Clock
) -> None:
    IvrFunction.objects.update(daily_cap=1)
    stored(ask("complaint", topic="A"))
    assert queries(lambda: ask("complaint", topic="B")) == ACCEPTED[:2]


def test_the_row_knows_its_call(ask: Callable[..., Any], complaint: IvrFunction, acme: Tenant) -> None:
    tell(acme, "NewCall", "7.known", From=JANA_HORAKOVA)
    write = stored(ask("complaint", unique_id="7.known", topic="A"))
    assert write.call is not None
    assert write.call.unique_id == "7.known"


def test_a_function_removed_a_moment_ago_is_not_there(
    ask: Callable[..., Any], complaint: IvrFunction, pass_time: Clock
) -> None:
    stored(ask("complaint", topic="A"))
    CrmWrite.objects.all().delete()
    IvrFunction.objects.filter(pk=complaint.pk).delete()
    answer = ask("complaint", topic="B")
    assert (answer.status_code, list(answer.json())) == (404, ["error"])
    assert CrmWrite.objects.count() == 0


def test_one_key_at_two_functions_is_another_body(
    ask: Callable[..., Any], complaint: IvrFunction, acme: Tenant
) -> None:
    other = IvrFunction.objects.create(
        tenant=acme, name="other", kind="write", entity="lead", columns={"topic": "subject"}
    )
    assert ask("complaint", unique_id="7.1", repeat="k-9", topic="A").status_code == 202
    assert ask(other.name, unique_id="7.1", repeat="k-9", topic="A").status_code == 409
