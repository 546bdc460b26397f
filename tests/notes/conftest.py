"""Calls with notes: agents who have signed in, a call that rang, was answered and ended."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone, translation

from crmwindow import calls, notes
from crmwindow.models import Leg, Note
from tenants.models import Agent
from tests.lookup.conftest import bob, jana, metadata, ring

__all__ = ["bob", "jana", "metadata", "ring"]


@pytest.fixture(autouse=True)
def _nested_parties_are_taken(microsoft: Any) -> Any:
    yield
    microsoft.dataverse.refuse_nested_parties = False


@pytest.fixture
def tell() -> Callable[..., None]:
    """`tell(leg, "Hangup", Reason="…")`: another event of that leg's call, naming its agent unless said otherwise."""

    def tell(leg: Leg, name: str, **values: str) -> None:
        usual = {"EventName": name, "UniqueId": leg.call.unique_id, "Login": leg.agent.login}
        calls.receive(calls.read_event(usual | values, leg.call.tenant), tenant=leg.call.tenant)
        leg.refresh_from_db()
        leg.call.refresh_from_db()

    return tell


@pytest.fixture
def talk(ring: Callable[..., Leg], tell: Callable[..., None]) -> Callable[..., Leg]:
    """`talk(jana, "777123456")`: jana has answered."""

    def talk(agent: Agent, number: str = "777123456", **values: str) -> Leg:
        leg = ring(agent, number, **values)
        tell(leg, "Answered", **values)
        return leg

    return talk


def write(leg: Leg, text: str, outcome: str = "") -> Note:
    """Type it and press the button; the delivery is a step of its own."""
    note = notes.save_draft(leg=leg, text=text, outcome=outcome)
    notes.queue(note)
    return note


def in_crm(microsoft: Any, note: Note) -> dict[str, Any] | None:
    row = microsoft.dataverse.record("phonecall", str(note.code))
    return dict(row) if row is not None else None


@pytest.fixture
def english_and_warm(metadata: Any) -> Any:
    """Metadata is known already, as after the first call."""
    with translation.override("en"):
        yield


def deliver(note: Note) -> Note:
    notes.deliver(note.pk)
    note.refresh_from_db()
    return note


def later(note: Note) -> Note:
    """The pause before the next attempt is over."""
    Note.objects.filter(pk=note.pk, next_try_at__isnull=False).update(next_try_at=timezone.now())
    return deliver(note)


def writes(microsoft: Any, note: Note) -> list[str]:
    """Methods of the writes to this note that Dataverse applied."""
    return [method for method, path, _ in microsoft.dataverse.writes if str(note.code) in path]


def posts(microsoft: Any) -> int:
    return sum(method == "POST" and "phonecalls" in path for method, path, _ in microsoft.dataverse.writes)
