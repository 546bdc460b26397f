"""Times a follow-up is usually planned for. Pure: local times in, local times out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_HOUR, LAST_HOUR, MORNING = 8, 18, 9


@dataclass(frozen=True, slots=True)
class Time:
    """`kind`: today, tomorrow or week; `value` is what a form sends: "2026-11-24T09:00"."""

    kind: str
    at: datetime

    @property
    def value(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M")


def proposed(now: datetime) -> list[Time]:
    """Later today while there is time, tomorrow morning, in a week. `now` is local and aware."""
    morning = now.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    times = [Time("tomorrow", morning + timedelta(days=1)), Time("week", morning + timedelta(days=7))]
    later = _later_today(now)
    return [Time("today", later), *times] if later else times


def _later_today(now: datetime) -> datetime | None:
    """The full hour that is an hour away or more, within working hours."""
    full = (now + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    if now.minute == now.second == 0:
        full -= timedelta(hours=1)
    if full.date() != now.date() or full.hour > LAST_HOUR:
        return None
    return full.replace(hour=max(full.hour, FIRST_HOUR))
