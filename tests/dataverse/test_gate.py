"""After a row of failures nobody is asked for a while; 429 is heeded to the second."""

import pytest

from tenants.dataverse import errors, gate
from tenants.dataverse.gate import Gate, Held


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(gate, "monotonic", clock)
    return clock


def fail(door: Gate, error: errors.DataverseError) -> None:
    with pytest.raises(type(error)), door.passing():
        raise error


def succeed(door: Gate) -> None:
    with door.passing():
        pass


def test_five_failures_close_it_and_one_looks_whether_it_is_over(clock: Clock) -> None:
    door = Gate()
    for _ in range(5):
        fail(door, errors.Unavailable(status=503))
    with pytest.raises(Held) as held, door.passing():
        raise AssertionError
    assert (type(held.value.because), held.value.retry_after) == (errors.Unavailable, 5.0)
    clock.now += 5.1
    with door.passing(), pytest.raises(Held), door.passing():
        raise AssertionError  # while the first one looks, the others wait
    succeed(door)
    assert door.held is None


def test_each_pause_is_twice_as_long_until_somebody_answers(clock: Clock) -> None:
    door, pauses = Gate(), []
    for _ in range(4):
        fail(door, errors.Unavailable(status=503))
    for _ in range(6):
        fail(door, errors.Unavailable(status=503))
        assert door.held
        pauses.append(round(door.held.retry_after or 0))
        clock.now += pauses[-1] + 0.1
    assert pauses == [5, 10, 20, 40, 60, 60]
    succeed(door)
    fail(door, errors.Unavailable(status=503))
    assert door.held is None


def test_failures_are_counted_in_a_row(clock: Clock) -> None:
    door = Gate()
    for _ in range(3):
        for _ in range(4):
            fail(door, errors.Unavailable(status=503))
        succeed(door)
    assert door.held is None


def test_a_429_closes_it_for_as_long_as_it_says(clock: Clock) -> None:
    door = Gate()
    fail(door, errors.Throttled(status=429, retry_after=30))
    clock.now += 29
    with pytest.raises(Held), door.passing():
        raise AssertionError
    clock.now += 1.1
    succeed(door)
    assert door.held is None


def test_a_late_answer_to_an_old_request_opens_nothing(clock: Clock) -> None:
    door = Gate()
    with door.passing():
        fail(door, errors.Throttled(status=429, retry_after=30))
    assert door.held is not None


@pytest.mark.parametrize(
    "error",
    [
        errors.NotFound(status=404),
        errors.MissingPrivilege(status=403),
        errors.Refused(status=400),
        errors.UnknownName("no such column"),
        errors.Unavailable("There was no time left to ask Dataverse.", final=True, reached=False),
    ],
)
def test_what_is_wrong_with_one_question_says_nothing_about_the_next(
    clock: Clock, error: errors.DataverseError
) -> None:
    door = Gate()
    for _ in range(20):
        fail(door, error)
    assert door.held is None


@pytest.mark.parametrize("error", [errors.SignInRequired(status=401), errors.NotAMember(status=403)])
def test_an_account_that_is_refused_is_not_tried_on_every_call(clock: Clock, error: errors.DataverseError) -> None:
    door = Gate()
    for _ in range(5):
        fail(door, error)
    assert door.held is not None
