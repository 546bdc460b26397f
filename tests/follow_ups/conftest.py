"""A task planned after a call that jana has answered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone, translation

from crmwindow import follow_ups
from crmwindow.models import FollowUp, Leg
from tests.lookup.conftest import bob, jana, metadata, ring
from tests.notes.conftest import talk, tell

__all__ = ["bob", "jana", "metadata", "ring", "talk", "tell"]


@pytest.fixture(autouse=True)
def _warm(metadata: Any) -> Any:
    with translation.override("en"):
        yield


def wanted(subject: str = "Poslat nabídku", description: str = "", **away: float) -> follow_ups.Wanted:
    return follow_ups.Wanted(subject, timezone.now() + timedelta(**(away or {"days": 1})), description)


def plan(leg: Leg, subject: str = "Poslat nabídku", description: str = "") -> FollowUp:
    return follow_ups.plan(leg=leg, form=uuid4(), wanted=wanted(subject, description))


def deliver(row: FollowUp) -> FollowUp:
    follow_ups.deliver(row.pk)
    row.refresh_from_db()
    return row


def later(row: FollowUp) -> FollowUp:
    """The pause before the next attempt is over."""
    FollowUp.objects.filter(pk=row.pk, next_try_at__isnull=False).update(next_try_at=timezone.now())
    return deliver(row)


def in_crm(microsoft: Any, row: FollowUp) -> dict[str, Any]:
    found = microsoft.dataverse.record("task", str(row.code))
    assert found is not None
    return dict(found)


def tasks_called(microsoft: Any, subject: str) -> int:
    return sum(row["subject"] == subject for row in microsoft.dataverse.store.select("task", ["subject"]))


Talk = Callable[..., Leg]
