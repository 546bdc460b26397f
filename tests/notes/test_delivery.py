"""A note comes into Dataverse once, under its author's name, whatever happens on the way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from crmwindow import lookup, notes
from crmwindow.models import Leg, Note
from ipexportal.sandbox.demo_data import record_id
from tenants.dataverse.budget import Budget
from tenants.models import Agent, Instance
from tests.notes.conftest import deliver, in_crm, posts, write, writes

pytestmark = pytest.mark.usefixtures("english_and_warm")
Talk = Callable[..., Leg]
JANA_HORAKOVA = record_id("contact", "Jana Horáková")


def test_a_note_is_written_under_janas_name_about_the_caller(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    lookup.found(leg, budget=Budget(5))
    note = deliver(write(leg, "Chce nové čerpadlo 😀\r\npříští týden", "Vyřešeno"))

    assert (note.state, note.written_revision, note.problem) == (Note.State.WRITTEN, note.revision, "")
    assert note.written_by == str(jana.systemuser_id)
    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["description"], row["subcategory"]) == ("Chce nové čerpadlo 😀\npříští týden", "Vyřešeno")
    assert (row["phonenumber"], bool(row["directioncode"])) == ("+420777123456", False)
    assert row["subject"].endswith("+420 777 123 456")
    assert (row["regardingobjectid"], row["createdby"]) == (JANA_HORAKOVA, str(jana.systemuser_id))
    assert row["actualstart"] is not None
    assert row.get("actualend") is None
    jana.refresh_from_db()
    assert jana.first_note_at is not None


def test_caller_and_agent_take_part(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    lookup.found(leg, budget=Budget(5))
    note = deliver(write(leg, "x"))

    from tenants import connections

    answer = connections.client_for(jana).get(
        f"phonecalls({note.code})?$select=subject&$expand=phonecall_activity_parties($select=participationtypemask,_partyid_value)",
        budget=Budget(2),
    )
    taking_part = {
        (row["participationtypemask"], row["_partyid_value"])
        for row in (answer.data or {})["phonecall_activity_parties"]
    }
    assert {(1, JANA_HORAKOVA), (2, str(jana.systemuser_id))} <= taking_part


def test_an_outgoing_call_is_outgoing(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana, "444", To="602111222", From="444", Direction="outgoing")
    note = deliver(write(leg, "x"))

    row = in_crm(microsoft, note)
    assert row is not None
    assert (bool(row["directioncode"]), row["phonenumber"]) == (True, "+420602111222")


def test_the_end_and_the_length_follow_after_the_hang_up(
    jana: Agent, talk: Talk, tell: Callable[..., None], microsoft: Any
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        leg = talk(jana)
        note = deliver(write(leg, "x"))
    with time_machine.travel(start + timedelta(minutes=3, seconds=40), tick=False):
        tell(leg, "Hangup", Reason="Normal Clearing")
        deliver(note)

    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["actualdurationminutes"], note.step, note.state) == (4, Note.Step.TIMED, Note.State.WRITTEN)
    assert row["actualend"] is not None
    assert row["statecode"] == 0


def test_a_note_of_an_ended_call_needs_one_write(
    jana: Agent, talk: Talk, tell: Callable[..., None], microsoft: Any
) -> None:
    leg = talk(jana)
    tell(leg, "Hangup", Reason="Normal Clearing")
    note = deliver(write(leg, "x"))

    assert (note.step, len(writes(microsoft, note))) == (Note.Step.TIMED, 1)


def test_where_notes_are_completed_it_is_the_last_step_and_an_edit_reopens(
    jana: Agent, talk: Talk, tell: Callable[..., None], microsoft: Any
) -> None:
    Instance.objects.filter(pk=jana.tenant.instance.pk).update(note_state=Instance.NoteState.COMPLETED)
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    assert in_crm(microsoft, note)["statecode"] == 0
    tell(leg, "Hangup", Reason="Normal Clearing")
    deliver(note)
    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["statecode"], row["statuscode"], note.step) == (1, 4, Note.Step.COMPLETED)

    deliver(write(leg, "druhé"))
    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["description"], row["statecode"]) == ("druhé", 1)


def test_no_note_and_no_outcome_make_no_activity(jana: Agent, talk: Talk, microsoft: Any) -> None:
    note = notes.save_draft(leg=talk(jana), text="  \n", outcome="")

    assert notes.queue(note) is False
    assert in_crm(microsoft, deliver(note)) is None


def test_an_outcome_alone_is_written(jana: Agent, talk: Talk, microsoft: Any) -> None:
    note = deliver(write(talk(jana), "", "Volat zpět"))

    assert in_crm(microsoft, note)["subcategory"] == "Volat zpět"


def test_a_caller_without_a_number_can_have_a_note(jana: Agent, talk: Talk, microsoft: Any) -> None:
    note = deliver(write(talk(jana, "anonymous"), "nechtěl se představit"))

    row = in_crm(microsoft, note)
    assert row is not None
    assert (row.get("phonenumber"), row.get("regardingobjectid")) == (None, None)


def test_internal_calls_are_not_written(jana: Agent, talk: Talk, microsoft: Any) -> None:
    note = notes.save_draft(leg=talk(jana, "446", Direction="incomingLocal"), text="oběd ve 12", outcome="")

    assert notes.queue(note) is False


def test_where_nested_parties_are_refused_it_is_posted_with_our_key_and_remembered(
    jana: Agent, talk: Talk, microsoft: Any
) -> None:
    microsoft.dataverse.refuse_nested_parties = True
    before = posts(microsoft)
    note = deliver(write(talk(jana), "x"))
    assert (note.state, posts(microsoft) - before) == (Note.State.WRITTEN, 1)
    assert in_crm(microsoft, note)["description"] == "x"
    assert Instance.objects.get(pk=jana.tenant.instance.pk).refuses_nested_parties

    before = len(microsoft.requests)
    deliver(write(talk(jana), "y"))
    assert [seen.method for seen in microsoft.requests[before:] if "phonecalls" in seen.path] == ["POST", "GET"]


def test_bob_and_jana_each_write_their_own_note_to_one_call(
    jana: Agent, bob: Agent, talk: Talk, tell: Callable[..., None], microsoft: Any
) -> None:
    hers = talk(jana)
    lookup.found(hers, budget=Budget(5))
    notes.save_draft(leg=hers, text="předávám Bobovi", outcome="")
    tell(hers, "AttendedTransfer", Login="bob")
    his = Leg.objects.of(bob).get()
    jana_note, bob_note = Note.objects.get(author=jana), write(his, "převzato")

    assert jana_note.state == Note.State.QUEUED
    handed = notes.handover(his)
    assert handed is not None
    assert (handed.author, handed.text) == (jana, "předávám Bobovi")
    deliver(jana_note)
    deliver(bob_note)
    assert in_crm(microsoft, jana_note)["createdby"] == str(jana.systemuser_id)
