"""An agent's open window, as in tests/window, and their day."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from crmwindow import day_views
from crmwindow.models import Call
from tenants.models import Tenant
from tests.window.conftest import acme_outcomes, jana_window, open_window, patience, ring

__all__ = ["acme_outcomes", "jana_window", "open_window", "patience", "ring"]


@pytest.fixture(autouse=True)
def more_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_views, "SECONDS", 15.0)


@pytest.fixture(autouse=True)
def in_english(acme: Tenant) -> None:
    acme.language = "en"
    acme.save()


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests must not care that midnight is near."""
    from crmwindow import day

    now = timezone.localtime()
    if now.hour < 4:
        monkeypatch.setattr(day, "_midnight", lambda: now - timedelta(hours=4))


@pytest.fixture
def happened() -> Callable[[Call, timedelta], datetime]:
    """`happened(call, timedelta(days=1))`: it was that long ago."""

    def happened(call: Call, ago: timedelta) -> datetime:
        then = timezone.now() - ago
        Call.objects.filter(pk=call.pk).update(started_at=then)
        call.legs.update(rang_at=then, answered_at=then, ended_at=then + timedelta(minutes=2))
        return then

    return happened
