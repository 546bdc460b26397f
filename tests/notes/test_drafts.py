"""What is typed is kept, and goes out when it is due."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone, translation

from crmwindow import calls, delivering, lookup, notes
from crmwindow.models import Leg, Note, NoteRevision
from crmwindow.notes import TextProblem
from ipexportal.sandbox.demo_data import record_id
from tenants.dataverse.budget import Budget
from tenants.models import Agent
from tests.meanwhile import just_before
from tests.notes.conftest import in_crm, write

Talk = Callable[..., Leg]
Tell = Callable[..., None]
BYE = {"Reason": "Normal Clearing"}


@pytest.fixture(autouse=True)
def _warm(metadata: Any) -> Any:
    with translation.override("en"):
        yield


def draft(leg: Leg, text: str = "čerpadlo", outcome: str = "") -> Note:
    return notes.save_draft(leg=leg, text=text, outcome=outcome)


def state(note: Note) -> str:
    note.refresh_from_db()
    return str(note.state)


def sweep_after(pause: timedelta) -> None:
    with time_machine.travel(timezone.now() + pause, tick=False):
        notes.sweep()


# ── what may be typed ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_note_as_long_as_the_column_is_fine(jana: Agent, talk: Talk, microsoft: Any) -> None:
    limit = notes.limit_for(jana)
    leg = talk(jana)
    note = write(leg, "😀" * (limit // 2))
    notes.deliver(note.pk)

    assert state(note) == Note.State.WRITTEN


def test_text_over_the_limit_stays_a_draft_with_its_surplus_marked_and_nothing_cut(jana: Agent, talk: Talk) -> None:
    limit = notes.limit_for(jana)
    leg = talk(jana)
    text = "a" * (limit - 1) + "😀"
    with pytest.raises(TextProblem) as raised:
        draft(leg, text)

    assert (raised.value.kind, raised.value.surplus) == ("too_long", 1)
    assert str(raised.value) == "The note is 1 character longer than the CRM allows. It stays saved here."
    note = Note.objects.get()
    assert (note.text, note.state) == (text, Note.State.DRAFT)
    assert notes.state_of(note).surplus == 1
    with pytest.raises(TextProblem):
        notes.queue(note)
    sweep_after(timedelta(hours=3))
    assert state(note) == Note.State.DRAFT

    draft(leg, text[1:])
    assert notes.state_of(Note.objects.get()).problem == ""


def test_a_queued_note_that_grows_too_long_is_a_draft_again(jana: Agent, talk: Talk) -> None:
    leg = talk(jana)
    note = write(leg, "krátké")
    with pytest.raises(TextProblem):
        draft(leg, "x" * (notes.limit_for(jana) + 7))

    assert (state(note), notes.state_of(note).surplus) == (Note.State.DRAFT, 7)


def test_line_ends_count_once(jana: Agent, talk: Talk) -> None:
    limit = notes.limit_for(jana)

    assert draft(talk(jana), "\r\n" * limit).text == "\n" * limit


def test_characters_the_crm_cannot_store_are_named_and_kept(jana: Agent, talk: Talk) -> None:
    with pytest.raises(TextProblem) as raised:
        draft(talk(jana), "zvonek \x07 a \x00 konec\ufffe")

    assert raised.value.kind == "characters"
    assert "U+0007, U+0000, U+FFFE" in str(raised.value)
    assert Note.objects.get().text == "zvonek \x07 a \x00 konec\ufffe"


def test_half_an_emoji_cannot_break_the_save(jana: Agent, talk: Talk) -> None:
    assert draft(talk(jana), "a\ud83db").text == "a\ufffdb"


def test_saving_the_same_again_changes_nothing(jana: Agent, talk: Talk, django_assert_num_queries: Any) -> None:
    leg = talk(jana)
    first = draft(leg)

    with django_assert_num_queries(3):  # savepoint, note, release
        again = draft(leg)
    assert (again.revision, again.edited_at) == (first.revision, first.edited_at)


def test_what_is_typed_is_encrypted(jana: Agent, talk: Talk) -> None:
    from django.db import connection

    draft(talk(jana), "tajné přání")
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM crmwindow_note")
        assert "tajné".encode() not in bytes(cursor.fetchone()[0])


# ── when it goes out ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_of_a_call_going_on_waits(jana: Agent, talk: Talk) -> None:
    note = draft(talk(jana))
    sweep_after(timedelta(minutes=5))

    assert state(note) == Note.State.DRAFT


def test_it_goes_out_twenty_seconds_after_the_hang_up_without_a_keystroke(jana: Agent, talk: Talk, tell: Tell) -> None:
    leg = talk(jana)
    note = draft(leg)
    tell(leg, "Hangup", **BYE)
    sweep_after(timedelta(seconds=10))
    assert state(note) == Note.State.DRAFT

    with time_machine.travel(timezone.now() + timedelta(seconds=15), tick=False):
        draft(leg, "čerpadlo a hadice")
    sweep_after(timedelta(seconds=25))
    assert state(note) == Note.State.DRAFT
    sweep_after(timedelta(seconds=36))
    assert state(note) == Note.State.QUEUED


def test_answering_the_next_call_sends_the_earlier_notes(jana: Agent, talk: Talk, ring: Any, tell: Tell) -> None:
    note = draft(talk(jana))
    second = ring(jana, "602111222")
    assert state(note) == Note.State.DRAFT

    tell(second, "Answered")
    assert state(note) == Note.State.QUEUED


def test_closing_the_card_of_an_ended_call_sends_its_note(jana: Agent, talk: Talk, tell: Tell) -> None:
    leg = talk(jana)
    note = draft(leg)
    tell(leg, "Hangup", **BYE)
    calls.close_card(leg)

    assert state(note) == Note.State.QUEUED


def test_a_private_card_of_whose_end_nobody_tells_is_swept_up(jana: Agent) -> None:
    call = calls.open_by_agent(agent=jana, number="777123456")
    note = draft(Leg.objects.of(jana).get(call=call))
    sweep_after(timedelta(minutes=5))
    assert state(note) == Note.State.DRAFT

    sweep_after(timedelta(minutes=11))
    assert state(note) == Note.State.QUEUED


def test_a_call_whose_hang_up_was_lost_keeps_no_note_for_ever(jana: Agent, talk: Talk) -> None:
    note = draft(talk(jana))
    sweep_after(timedelta(minutes=61))

    assert state(note) == Note.State.QUEUED


def test_an_empty_draft_is_nobodys_business(jana: Agent, talk: Talk, tell: Tell) -> None:
    leg = talk(jana)
    note = draft(leg, "")
    tell(leg, "Hangup", **BYE)
    sweep_after(timedelta(hours=2))

    assert state(note) == Note.State.DRAFT


def test_where_every_call_is_logged_an_answered_one_needs_no_note(
    jana: Agent, bob: Agent, ring: Any, talk: Talk, tell: Tell, microsoft: Any
) -> None:
    jana.tenant.log_every_call = True
    jana.tenant.save()
    leg = talk(jana)
    tell(leg, "Hangup", **BYE)
    unanswered = ring(bob, "602111222")
    tell(unanswered, "Hangup", Reason="No user response")
    sweep_after(timedelta(minutes=1))

    note = Note.objects.get()
    assert (note.author, note.state) == (jana, Note.State.QUEUED)
    Note.objects.update(next_try_at=timezone.now())
    notes.deliver(note.pk)
    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["description"] or "", state(note)) == ("", Note.State.WRITTEN)


def test_a_queued_note_goes_out_when_its_time_has_come(
    jana: Agent, talk: Talk, microsoft: Any, django_capture_on_commit_callbacks: Any
) -> None:
    note = write(talk(jana), "x")
    Note.objects.filter(pk=note.pk).update(next_try_at=timezone.now() + timedelta(minutes=1))
    with django_capture_on_commit_callbacks(execute=True):
        notes.sweep()
    assert state(note) == Note.State.QUEUED

    Note.objects.filter(pk=note.pk).update(
        next_try_at=timezone.now(), lease_until=timezone.now() - timedelta(seconds=1)
    )
    with django_capture_on_commit_callbacks(execute=True):
        notes.sweep()
    assert state(note) == Note.State.WRITTEN


def test_the_end_of_a_call_that_passed_unnoticed_is_found_by_the_sweep(
    jana: Agent, talk: Talk, tell: Tell, django_capture_on_commit_callbacks: Any
) -> None:
    leg = talk(jana)
    note = write(leg, "x")
    notes.deliver(note.pk)
    tell(leg, "Hangup", **BYE)
    Note.objects.filter(pk=note.pk).update(next_try_at=None)
    with django_capture_on_commit_callbacks(execute=True):
        notes.sweep()

    note.refresh_from_db()
    assert note.step == Note.Step.TIMED


# ── forgetting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def written(leg: Leg, tell: Tell, text: str = "čerpadlo") -> Note:
    note = write(leg, text)
    tell(leg, "Hangup", **BYE)
    notes.deliver(note.pk)
    note.refresh_from_db()
    return note


def test_a_written_text_is_erased_once_its_card_is_closed(jana: Agent, talk: Talk, tell: Tell) -> None:
    leg = talk(jana)
    note = written(leg, tell)
    notes.sweep()
    assert note.text == "čerpadlo"

    calls.close_card(leg)
    notes.sweep()
    note.refresh_from_db()
    assert (note.text, NoteRevision.objects.count(), notes.state_of(note).editable) == ("", 0, False)
    assert (note.written_by, bool(note.etag), bool(note.written_at)) == (str(jana.systemuser_id), True, True)


def test_a_written_text_is_erased_ten_minutes_after_the_call(jana: Agent, talk: Talk, tell: Tell) -> None:
    note = written(talk(jana), tell)
    sweep_after(timedelta(minutes=11))

    note.refresh_from_db()
    assert note.text == ""


def test_an_unwritten_text_is_never_erased(jana: Agent, talk: Talk, tell: Tell) -> None:
    leg = talk(jana)
    note = write(leg, "čerpadlo")
    tell(leg, "Hangup", **BYE)
    calls.close_card(leg)
    sweep_after(timedelta(days=30))

    note.refresh_from_db()
    assert note.text == "čerpadlo"


def test_an_empty_field_does_not_replace_a_text_that_is_in_the_crm_only(
    jana: Agent, talk: Talk, tell: Tell, microsoft: Any
) -> None:
    leg = talk(jana)
    note = written(leg, tell)
    sweep_after(timedelta(minutes=11))
    draft(leg, "")

    assert state(note) == Note.State.WRITTEN
    assert in_crm(microsoft, note)["description"] == "čerpadlo"


def test_its_author_can_bring_it_back_and_go_on(jana: Agent, talk: Talk, tell: Tell, microsoft: Any) -> None:
    leg = talk(jana)
    note = written(leg, tell)
    sweep_after(timedelta(minutes=11))
    note = Note.objects.get(pk=note.pk)
    notes.load(note, budget=Budget(2))
    assert (note.text, notes.state_of(note).editable) == ("čerpadlo", True)

    again = write(leg, "čerpadlo a hadice")
    notes.deliver(again.pk)
    assert in_crm(microsoft, note)["description"] == "čerpadlo a hadice"


def test_the_note_of_a_caller_found_late_is_about_them(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = write(leg, "x")
    lookup.found(leg, budget=Budget(5))
    notes.deliver(note.pk)

    assert in_crm(microsoft, note)["regardingobjectid"] is not None


def test_a_note_quicker_than_the_search_is_about_whom_it_finds(
    jana: Agent, talk: Talk, microsoft: Any, django_capture_on_commit_callbacks: Any
) -> None:
    leg = talk(jana)
    note = write(leg, "x")
    notes.deliver(note.pk)
    assert in_crm(microsoft, note)["regardingobjectid"] is None

    with django_capture_on_commit_callbacks(execute=True):
        lookup.found(leg, budget=Budget(5))
    assert in_crm(microsoft, note)["regardingobjectid"] == record_id("contact", "Jana Horáková")


def test_who_is_chosen_while_the_note_is_being_written_is_whom_it_is_about(
    jana: Agent,
    talk: Talk,
    microsoft: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    leg = talk(jana)
    note = write(leg, "x")
    horakova = UUID(record_id("contact", "Jana Horáková"))
    choose = partial(notes.regard, leg, table="contact", record_id=horakova)
    just_before(monkeypatch, delivering, "create_and_read", choose)  # the attempt has read whom the call is about
    with django_capture_on_commit_callbacks(execute=True):
        notes.deliver(note.pk)
    assert in_crm(microsoft, note)["regardingobjectid"] == str(horakova)


def test_a_save_that_was_overtaken_on_its_way_changes_nothing(talk: Talk, jana: Agent) -> None:
    """The save on hiding the page runs past the auto-save before it."""
    leg = talk(jana)
    notes.save_draft(leg=leg, text="Chce nabídku do pátku.", window=notes.Window("p1", 2))
    notes.save_draft(leg=leg, text="Chce nab", window=notes.Window("p1", 1))
    assert Note.objects.get().text == "Chce nabídku do pátku."
    notes.save_draft(leg=leg, text="Jiné okno píše dál.", window=notes.Window("p2", 1))
    assert Note.objects.get().text == "Jiné okno píše dál."
