"""What the windows were given, read by the page while they are being given more."""

from collections import deque
from datetime import UTC, datetime

import pytest

from crmwindow.models import Leg
from ipexportal.simulator import watch
from tenants.models import Agent

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class AnsweredMeanwhile:
    """A fragment of which just as it is looked at another window receives its own."""

    window = "somebody"

    @property
    def at(self) -> datetime:
        watch.given.append(watch.Given("another", "state", NOW))
        return NOW


def test_a_window_may_be_answered_while_the_page_looks(jana: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "given", deque([AnsweredMeanwhile(), AnsweredMeanwhile()]))
    assert watch._first(Leg(agent=jana), after=NOW) is None
