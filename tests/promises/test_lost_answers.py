"""What the agent typed last is in Dataverse, once and under the agent's name, whichever answers were lost on the way."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from django.utils import timezone

from crmwindow import notes
from crmwindow.models import Note
from ipexportal.sandbox import Sandbox
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.models import Agent
from tests.promises.conftest import Open, until
from tests.sandbox.browser import Browser
from tests.window.conftest import Window

pytestmark = pytest.mark.django_db(transaction=True)
Exchange = Callable[..., str]
Beside = Callable[..., Future[Any]]


@pytest.fixture
def window(jana: Agent, open_window: Open) -> Window:
    return open_window(jana)


@pytest.fixture
def call(window: Window, exchange: Exchange, request: pytest.FixtureRequest) -> str:
    """Jana talks."""
    code = exchange("Ringing", "777123456", "jana", unique_id="4.1")
    exchange("Answered", "777123456", "jana", unique_id="4.1")
    window.ask("matches", code)
    return code


def activities(microsoft: Sandbox, word: str) -> list[tuple[str, str]]:
    """(text, author) of every phone call whose text holds this word, read as the administrator of the CRM."""
    path = odata.query(
        "phonecalls", select=["description", "_createdby_value"], filter=f"contains(description,'{word}')"
    )
    with Browser(microsoft) as browser:
        token = browser.tokens("alice@acme.example")["access_token"]
    rows = Client(origin=microsoft.origin, token=lambda forced: str(token)).get(path, budget=Budget(10)).rows
    return [(row["description"], row["_createdby_value"]) for row in rows]


def minutes_pass() -> Note:
    """The pauses between attempts are over, and the sweep comes by, until there is nothing left to do."""
    for _ in range(6):
        Note.objects.filter(next_try_at__isnull=False).update(next_try_at=timezone.now())
        notes.sweep()
    return Note.objects.get()


def test_an_edit_made_while_the_answer_to_the_write_is_lost(
    jana: Agent, window: Window, call: str, microsoft: Sandbox, beside: Beside
) -> None:
    microsoft.control.fault("slow_after_write", path="phonecalls", seconds=0.4)
    microsoft.control.fault("reset_after_write", path="phonecalls")
    sending = beside(window.act, "note_send", call=call, text="Volat zpět v úterý")
    until(lambda: activities(microsoft, "úterý") == [("Volat zpět v úterý", str(jana.systemuser_id))])
    edited = window.act("note", call=call, text="Volat zpět ve středu")
    assert edited.status_code == 200
    assert sending.result(timeout=15).status_code == 200
    note = minutes_pass()

    assert (note.state, note.text) == (Note.State.WRITTEN, "Volat zpět ve středu")
    assert activities(microsoft, "Volat zpět v") == [("Volat zpět ve středu", str(jana.systemuser_id))]


def test_an_edit_after_the_write_and_its_proof_were_both_lost(
    jana: Agent, window: Window, call: str, microsoft: Sandbox
) -> None:
    microsoft.control.fault("reset_after_write", path="phonecalls")
    microsoft.control.fault("reset", path="phonecalls", method="GET", count=4)
    window.act("note_send", call=call, text="První znění")
    note = Note.objects.get()
    assert (note.state, note.problem) == (Note.State.QUEUED, "unavailable")
    window.act("note", call=call, text="Druhé znění")
    microsoft.control.clear()
    note = minutes_pass()

    assert (note.state, note.text, note.author) == (Note.State.WRITTEN, "Druhé znění", jana)
    assert activities(microsoft, "znění") == [("Druhé znění", str(jana.systemuser_id))]


@pytest.mark.parametrize("kind", ["reset", "unavailable", "html", "throttle", "expired_token", "truncated"])
def test_one_bad_answer_neither_loses_nor_doubles_a_note(
    kind: str, jana: Agent, window: Window, call: str, microsoft: Sandbox
) -> None:
    microsoft.control.fault(kind, path="phonecalls", retry_after=1)
    window.act("note_send", call=call, text=f"Po chybě {kind}")
    assert minutes_pass().state == Note.State.WRITTEN
    assert activities(microsoft, f"Po chybě {kind}") == [(f"Po chybě {kind}", str(jana.systemuser_id))]
