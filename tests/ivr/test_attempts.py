"""Whoever guesses must wait, longer each time; whoever is guessed at need not."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from crmwindow.ivr import asking, attempts
from crmwindow.ivr.attempts import Attempt, Locked
from crmwindow.models import IvrAttempts, IvrFunction
from ipexportal import sandbox as stand_in
from tests.ivr.conftest import Menu

pytestmark = pytest.mark.django_db
Person = Callable[..., str]
REFUSED, VERIFIED, LOCKED = {"result": "refused"}, {"result": "verified"}, {"result": "locked"}


def test_three_wrong_values_lock_the_number_for_a_quarter_of_an_hour(
    menu: Menu, pin: IvrFunction, person: Person
) -> None:
    person(mobilephone="601000301", nnn_pin="4711")
    assert [menu.verify("601000301", wrong, unique_id=wrong) for wrong in "123"] == [REFUSED] * 3
    assert menu.verify("601000301", "4711") == LOCKED
    with time_machine.travel(timezone.now() + timedelta(minutes=14)):
        assert menu.verify("601000301", "4711") == LOCKED
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert menu.verify("601000301", "4711") == VERIFIED


def test_each_lock_is_twice_as_long_and_a_right_value_forgives(pin: IvrFunction) -> None:
    now, locks = timezone.now(), []
    for _ in range(9):
        with time_machine.travel(now, tick=False):
            for _try in range(3):
                attempt = Attempt(pin, "1", "+420601000302")
                attempt.begin()
                attempt.wrong([])
            until = IvrAttempts.objects.get(of="caller").locked_until
            assert until
            locks.append(round((until - now).total_seconds() / 60))
            now = until
    assert locks == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    with time_machine.travel(now, tick=False):
        attempt = Attempt(pin, "1", "+420601000302")
        attempt.begin()
        attempt.right()
        row = IvrAttempts.objects.get(of="caller")
        assert (row.wrong, row.locks, row.locked_until) == (0, 0, None)


def test_a_day_without_a_wrong_value_is_a_new_beginning(pin: IvrFunction) -> None:
    for _ in range(2):
        attempt = Attempt(pin, "1", "+420601000303")
        attempt.begin()
        attempt.wrong([])
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        attempt = Attempt(pin, "1", "+420601000303")
        attempt.begin()
        attempt.wrong([])
        assert IvrAttempts.objects.get(of="caller").locked_until is None


def test_tries_that_are_not_judged_yet_count(pin: IvrFunction) -> None:
    """Many at once get no more than one after the other."""
    for _ in range(3):
        Attempt(pin, "1", "+420601000304").begin()
    with pytest.raises(Locked):
        Attempt(pin, "1", "+420601000304").begin()


def test_a_stranger_cannot_lock_a_customer_out(menu: Menu, pin: IvrFunction, person: Person) -> None:
    record = person(telephone1="601000305", mobilephone="601000306", nnn_pin="4711")
    IvrFunction.objects.update(attempts=5, attempts_per_record=2)
    assert [menu.verify("601000305", wrong) for wrong in "12"] == [REFUSED] * 2
    assert menu.verify("601000305", "4711") == LOCKED  # whoever guessed at this record waits for the day to end
    assert menu.verify("601000306", "4711") == VERIFIED
    pin.refresh_from_db()
    assert not Attempt(pin, "1", "+420601000305").may_try([record])
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert Attempt(pin, "2", "+420601000305").may_try([record])


def test_a_number_of_nobody_is_locked_in_the_same_way(menu: Menu, pin: IvrFunction, person: Person) -> None:
    """So that locks do not tell which numbers are in the CRM."""
    person(mobilephone="601000307", nnn_pin="4711")
    IvrFunction.objects.update(attempts=5, attempts_per_record=2)
    told = [[menu.verify(number, wrong) for wrong in "1234567"] for number in ("601000307", "604218331")]
    assert told[0] == told[1] == [REFUSED] * 2 + [LOCKED] * 5


def test_guessing_from_many_numbers_reaches_only_the_records_of_each(
    menu: Menu, pin: IvrFunction, person: Person
) -> None:
    person(mobilephone="601000308", nnn_pin="4711")
    told = [menu.verify(f"6042190{place:02}", "4711") for place in range(20)]
    assert told == [REFUSED] * 20
    assert menu.verify("601000308", "4711") == VERIFIED


def test_withheld_callers_are_counted_per_call_and_all_together(
    menu: Menu, pin: IvrFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "WITHHELD_CALLS", 2)
    told = [menu.verify("anonymous", wrong, unique_id="1.1") for wrong in "1234"]
    assert told == [REFUSED] * 3 + [LOCKED]
    told = [menu.verify("anonymous", wrong, unique_id=f"2.{wrong}") for wrong in "1234"]
    assert told == [REFUSED] * 3 + [LOCKED]


def test_what_microsoft_could_not_judge_is_no_attempt(
    menu: Menu, pin: IvrFunction, person: Person, microsoft: stand_in.Sandbox
) -> None:
    person(mobilephone="601000309", nnn_pin="4711")
    microsoft.control.fault("unavailable", count=None, status=500)
    for _ in range(4):
        assert menu.verify("601000309", "4711")["result"] == "unavailable"
    microsoft.control.clear()
    asking.forget()
    assert menu.verify("601000309", "4711") == VERIFIED


def test_counters_hold_the_number_sealed_and_go_when_they_have_served(menu: Menu, pin: IvrFunction) -> None:
    menu.verify("604218330", "1")
    row = IvrAttempts.objects.get(of="caller")
    assert row.number == "+420604218330"
    assert b"604218330" not in bytes(row.__dict__["number"])
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        attempts.tidy()
    assert not IvrAttempts.objects.exists()
