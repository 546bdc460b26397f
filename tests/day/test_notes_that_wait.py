"""Notes of any day that are not in the CRM yet: why, and what jana can do about it."""

import re
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from crmwindow import notes
from crmwindow.models import FollowUp, Note
from tests.window.conftest import text_of

from .test_list_of_the_day import counts, internal, rows, talked


@pytest.fixture
def waiting(jana, jana_window, ring):
    """A note that Microsoft did not take yet."""

    def waiting(problem: str = "unavailable", *, number: str = "605000001", text: str = "Zavolat v pátek.", **values):
        call = talked(ring, jana, number)
        jana_window.act("note", call=str(call.code), text=text)
        note = Note.objects.get(call=call)
        usual = {"state": Note.State.QUEUED, "problem": problem, "queued_at": timezone.now(), "tries": 3}
        usual |= {"next_try_at": timezone.now() + timedelta(minutes=5)}
        Note.objects.filter(pk=note.pk).update(**usual | values)
        note.refresh_from_db()
        return note

    return waiting


def test_a_note_that_waits_says_why_and_offers_to_be_written_now(jana_window, waiting):
    waiting()
    answer = jana_window.ask("day", filter="waiting")
    (listed,) = rows(answer)
    assert "Zavolat v pátek." in listed
    assert "Microsoft is not responding. The note is saved and goes out by itself." in listed
    assert "Write now" in listed


def test_notes_of_earlier_days_wait_in_the_same_list_and_between_calls_the_window_says_so(
    jana_window, waiting, happened
):
    note = waiting()
    happened(note.call, timedelta(days=3))
    jana_window.act("close", call=str(note.call.code))
    answer = jana_window.ask("day", filter="waiting")
    assert counts(answer) == {"all": 0, "unnoted": 0, "waiting": 1}
    assert len(rows(answer)) == 1
    assert "1 note waits" in text_of(jana_window.ask("state"))


def test_write_now_writes_it_once_and_it_leaves_the_list(jana_window, waiting, microsoft):
    note = waiting()
    answer = jana_window.act("note_now", call=str(note.call.code), filter="waiting")
    assert answer.status_code == 200
    jana_window.act("note_now", call=str(note.call.code), filter="waiting")
    notes.deliver(note.pk)
    note.refresh_from_db()
    assert note.state == Note.State.WRITTEN
    assert microsoft.dataverse.record("phonecall", str(note.code))["description"] == "Zavolat v pátek."
    after = jana_window.ask("day", filter="waiting")
    assert "All notes are in the CRM." in text_of(after)


def test_while_microsoft_asks_us_to_wait_nothing_is_sent_and_the_time_is_said(jana_window, waiting):
    throttled = waiting("throttled")
    other = waiting(number="605000002")
    listed = jana_window.ask("day", filter="waiting")
    assert listed.content.decode().count('aria-disabled="true"') == 2
    answer = jana_window.act("note_now", call=str(other.call.code), filter="waiting")
    assert answer.status_code == 409
    assert "Microsoft asks us to wait" in text_of(answer)
    other.refresh_from_db()
    assert (other.problem, other.tries) == ("unavailable", 3)
    Note.objects.filter(pk=throttled.pk).update(next_try_at=timezone.now())
    assert jana_window.act("note_now", call=str(other.call.code)).status_code == 200


def test_a_note_that_is_too_long_has_to_be_shortened_first(jana, jana_window, ring):
    call = talked(ring, jana, "605000001")
    jana_window.act("note", call=str(call.code), text="x" * 2012)
    answer = jana_window.ask("day", filter="waiting")
    (listed,) = rows(answer)
    assert "The note is 12 characters longer than the CRM allows." in listed
    assert "Write now" not in listed
    assert jana_window.act("note_now", call=str(call.code)).status_code == 409
    assert len(Note.objects.get().text) == 2012


def test_a_refused_note_names_the_right_that_is_missing(jana_window, waiting):
    note = waiting("missing_privilege", state=Note.State.REFUSED, next_try_at=None)
    (listed,) = rows(jana_window.ask("day", filter="waiting"))
    assert "A CRM admin can add it." in listed
    assert jana_window.act("note_now", call=str(note.call.code)).status_code == 200
    note.refresh_from_db()
    assert note.state == Note.State.QUEUED


def test_without_a_sign_in_the_list_leads_to_it(jana, waiting, jana_window):
    waiting("sign_in")
    jana.__class__.objects.filter(pk=jana.pk).update(sign_in_error="invalid_grant")
    answer = jana_window.ask("day", filter="waiting")
    assert "Your sign-in to Microsoft has expired" in text_of(answer)
    assert "To the sign-in" in text_of(answer)
    assert "note/now/" not in answer.content.decode()


def test_a_draft_of_the_call_under_way_waits_for_nothing(jana, jana_window, ring):
    call = ring(jana, "605000001", "Answered")
    jana_window.act("note", call=str(call.code), text="Rozepsáno")
    assert counts(jana_window.ask("day"))["waiting"] == 0


def test_what_was_written_to_an_internal_call_never_goes_out_and_does_not_wait(jana, jana_window):
    call = internal(jana)
    jana_window.act("note", call=str(call.code), text="Jen pro mě")
    assert counts(jana_window.ask("day"))["waiting"] == 0


def test_a_colleagues_notes_are_not_in_the_list(bob, open_window, waiting):
    note = waiting()
    window = open_window(bob, signed_in=False)
    assert rows(window.ask("day", filter="waiting")) == []
    assert window.act("note_now", call=str(note.call.code)).status_code == 404


def test_opening_one_brings_its_text_and_its_number(jana_window, waiting, happened):
    note = waiting()
    happened(note.call, timedelta(days=3))
    answer = jana_window.ask("call", note.call.code)
    assert "Zavolat v pátek.</textarea>" in answer.content.decode()
    assert "+420 605 000 001" in text_of(answer)


def test_a_task_that_waits_is_listed_with_the_notes_and_is_dealt_with_on_its_card(jana, jana_window, ring):
    call = talked(ring, jana, "605000001")
    now = timezone.now()
    FollowUp.objects.create(
        call=call, author=jana, form=uuid.uuid4(), subject="Poslat nabídku", due_at=now, queued_at=now,
        state=FollowUp.State.REFUSED, problem="refused",
    )  # fmt: skip
    answer = jana_window.ask("day", filter="waiting")
    (listed,) = rows(answer)
    assert "Task: Poslat nabídku" in listed
    assert "The CRM refused the task." in listed
    assert "Write now" not in listed
    assert counts(answer)["waiting"] == 1


@pytest.mark.parametrize("many", [1, 3])
def test_the_list_costs_the_same_with_one_note_and_with_three(jana_window, waiting, many, django_assert_num_queries):
    for number in range(many):
        waiting(number=f"60500000{number}")
    with django_assert_num_queries(8):
        answer = jana_window.ask("day", filter="waiting")
    assert len(re.findall(r"note/now/", answer.content.decode())) == many
