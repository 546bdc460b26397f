"""Which times the form offers, at any time of the day."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from crmwindow import follow_ups

PRAGUE = ZoneInfo("Europe/Prague")


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        ("2026-11-23T14:36", ["2026-11-23T16:00", "2026-11-24T09:00", "2026-11-30T09:00"]),
        ("2026-11-23T15:00", ["2026-11-23T16:00", "2026-11-24T09:00", "2026-11-30T09:00"]),
        ("2026-11-23T05:10", ["2026-11-23T08:00", "2026-11-24T09:00", "2026-11-30T09:00"]),
        ("2026-11-23T17:01", ["2026-11-24T09:00", "2026-11-30T09:00"]),
        ("2026-12-31T23:30", ["2027-01-01T09:00", "2027-01-07T09:00"]),
    ],
)
def test_later_today_while_there_is_time_then_tomorrow_and_in_a_week(now: str, offered: list[str]) -> None:
    proposed = follow_ups.proposed(datetime.fromisoformat(now).replace(tzinfo=PRAGUE))
    assert [time.value for time in proposed] == offered
