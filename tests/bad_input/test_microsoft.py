"""Microsoft down, slow, throttling or talking HTML: the card says so in one sentence, and what is typed goes out later."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from crmwindow import lookup, notes, views
from crmwindow.models import Call, Lookup, Note
from ipexportal.sandbox import Sandbox
from tests.window.conftest import Window, text_of

pytestmark = pytest.mark.django_db(transaction=True)
KEEP_LOOKING = "We do not know the name yet and keep looking. Write the note, it goes to the CRM later by itself."
DOWN = f"Microsoft is not responding {KEEP_LOOKING}"
BUSY = f"Microsoft asks us to wait {KEEP_LOOKING}"
NOT_RESPONDING = "Microsoft is not responding. The note is saved and goes out by itself."
THROTTLED = "The CRM is busy. The note is saved and goes out by itself."

Trouble = Callable[[Sandbox], object]
TROUBLES: dict[str, tuple[Trouble, str, str]] = {
    "down": (lambda it: it.control.microsoft("down"), DOWN, NOT_RESPONDING),
    "throttling": (lambda it: it.control.microsoft("throttling"), BUSY, THROTTLED),
    "HTML with 502": (lambda it: it.control.fault("html", count=None), DOWN, NOT_RESPONDING),
    "HTML with 200": (lambda it: it.control.fault("html", status=200, count=None), DOWN, NOT_RESPONDING),
    "half answers": (lambda it: it.control.fault("truncated", count=None), DOWN, NOT_RESPONDING),
    "torn connections": (lambda it: it.control.fault("reset", count=None), DOWN, NOT_RESPONDING),
    "slow": (lambda it: it.control.fault("slow", seconds=1.0, count=None), DOWN, NOT_RESPONDING),
}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window waits a short while here, so that slow needs not be very slow."""
    monkeypatch.setattr(views, "SECONDS", 0.6)
    monkeypatch.setattr(lookup, "SECONDS", 0.5)
    monkeypatch.setattr(notes.delivery, "SECONDS", 0.5)


@pytest.fixture
def ring(hook: Callable[..., Any], window: Window) -> Callable[[], str]:
    def rings() -> str:
        return str(
            hook({"EventName": "Ringing", "From": "777123456", "Login": "jana", "UniqueId": "1.7"}).json()["call"]
        )

    return rings


def minutes_pass() -> Note:
    for _ in range(4):
        Note.objects.filter(next_try_at__isnull=False).update(next_try_at=timezone.now())
        notes.sweep()
    return Note.objects.get()


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_card_says_so_and_the_note_goes_out_afterwards(
    trouble: str, window: Window, ring: Callable[[], str], microsoft: Sandbox
) -> None:
    begin, on_the_card, at_the_note = TROUBLES[trouble]
    begin(microsoft)
    call = ring()
    shown = window.ask("matches", call)
    assert shown.status_code == 200
    assert on_the_card in text_of(shown)
    assert "+420 777 123 456" in text_of(shown)
    assert "Try again" in text_of(shown)
    saved = window.act("note_send", call=call, text="Psáno za výpadku")
    assert saved.status_code == 200
    state = window.ask("call", call)
    assert at_the_note in text_of(state)
    assert "Psáno za výpadku" in state.content.decode()

    microsoft.control.reset()
    assert "Jana Horáková" in window.ask("matches", call, again="1").content.decode()
    note = minutes_pass()
    assert (note.state, note.text) == (Note.State.WRITTEN, "Psáno za výpadku")
    row = microsoft.dataverse.record("phonecall", str(note.code))
    assert row is not None
    assert row["description"] == "Psáno za výpadku"


def test_one_table_that_fails_does_not_hide_the_others(
    window: Window, ring: Callable[[], str], microsoft: Sandbox
) -> None:
    microsoft.control.fault("unavailable", path="/leads", count=None)
    call, shown = ring(), "Still looking"
    while "Still looking" in shown:  # the window asks again as long as that stands there
        shown = text_of(window.ask("matches", call))
        assert "Jana Horáková" in shown
    assert "Could not be searched: Lead." in shown


def test_a_sign_in_that_ended_at_microsoft_says_who_must_act(
    window: Window, ring: Callable[[], str], microsoft: Sandbox
) -> None:
    microsoft.control.fault("expired_token", count=None)
    call = ring()
    shown = window.ask("matches", call)
    assert "Your sign-in to Microsoft has expired" in text_of(shown)
    assert f"/window/{window.code}/sign-in/" in shown.content.decode()
    window.act("note_send", call=call, text="Až se přihlásím")
    note = Note.objects.get()
    assert (note.state, note.problem, note.text) == (Note.State.QUEUED, "sign_in", "Až se přihlásím")


def test_a_right_that_is_missing_is_named(window: Window, ring: Callable[[], str], microsoft: Sandbox) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvCreateActivity", upn=window.agent.email)
    call = ring()
    window.ask("matches", call)
    window.act("note_send", call=call, text="Bez práva")
    assert "Your role in the CRM lacks a right for this (prvCreateActivity). A CRM admin can add it." in text_of(
        window.ask("call", call)
    )
    assert Note.objects.get().text == "Bez práva"
    microsoft.control.clear()
    window.act("note_send", call=call, text="Bez práva")
    assert Note.objects.get().state == Note.State.WRITTEN


def test_trouble_leaves_no_lookup_running_for_ever(window: Window, ring: Callable[[], str], microsoft: Sandbox) -> None:
    microsoft.control.microsoft("down")
    call = ring()
    window.ask("matches", call)
    row = Lookup.objects.get()
    assert (row.lease_until, row.problem) == (None, "unavailable")
    assert Call.objects.get().legs.count() == 1
