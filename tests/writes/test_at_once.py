"""The voice menu asks twice in the same moment, and the exchange tells of a missed call twice."""

import pytest

from crmwindow import writing
from crmwindow.models import CrmWrite, IvrFunction
from tenants.models import Tenant
from tests.calls.test_at_once import at_once
from tests.writes.conftest import JANA_HORAKOVA, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("key", ["", "k-1"])
def test_the_same_request_at_the_same_moment_makes_one_row(acme: Tenant, complaint: IvrFunction, key: str) -> None:
    codes: set[object] = set()

    def ask() -> None:
        write = writing.accept(
            function=complaint, number=JANA_HORAKOVA, unique_id="7.1", values={"topic": "A"}, key=key
        )
        codes.add(write.code)

    at_once(ask, ask, ask)
    assert codes == {CrmWrite.objects.get().code}


def test_the_daily_cap_holds_when_many_come_at_once(acme: Tenant, complaint: IvrFunction) -> None:
    IvrFunction.objects.update(daily_cap=2)
    complaint.refresh_from_db()
    refused: list[int] = []

    def ask(number: int) -> None:
        try:
            writing.accept(function=complaint, number="", unique_id=f"7.{number}", values={})
        except writing.OverCap:
            refused.append(number)

    at_once(*(lambda number=number: ask(number) for number in range(4)))
    assert (CrmWrite.objects.count(), len(refused)) == (2, 2)


def test_two_hang_ups_at_once_make_one_missed_call(acme: Tenant) -> None:
    tell(acme, "NewCall", "8.1", From=JANA_HORAKOVA)
    at_once(*[lambda: tell(acme, "Hangup", "8.1")] * 3)
    assert CrmWrite.objects.get().state == CrmWrite.State.NO_ACCOUNT
