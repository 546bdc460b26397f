"""What an agent may not see, or what is gone, keeps no note out of Dataverse: it is written to the call without the record."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone, translation

from crmwindow import lookup, notes
from crmwindow.models import LeftOut, Leg, Note
from crmwindow.notes import delivery
from ipexportal.sandbox.demo_data import record_id
from tenants import connections
from tenants.dataverse.budget import Budget
from tenants.models import Agent
from tests.notes.conftest import deliver, in_crm, later, write

Talk = Callable[..., Leg]
JANA_HORAKOVA = record_id("contact", "Jana Horáková")  # jana's own: bob reads his own records only
HIDDEN = (
    "The note is written to the call without a record, because you may not see or link the one that was chosen. "
    "Ask your CRM admin."
)


@pytest.fixture(autouse=True)
def _warm(metadata: Any) -> Any:
    with translation.override("en"):
        yield


@pytest.fixture
def handed_over(jana: Agent, bob: Agent, talk: Talk, tell: Callable[..., None]) -> Leg:
    """Jana knows who is calling and hands the call to bob: his part of it."""
    hers = talk(jana)
    lookup.found(hers, budget=Budget(5))
    tell(hers, "AttendedTransfer", Login="bob")
    return Leg.objects.of(bob).select_related("call__tenant", "agent").get()


def parties(note: Note) -> set[tuple[int, str]]:
    columns = "participationtypemask,_partyid_value"
    path = f"phonecalls({note.code})?$select=subject&$expand=phonecall_activity_parties($select={columns})"
    rows = (connections.client_for(note.author).get(path, budget=Budget(2)).data or {})["phonecall_activity_parties"]
    return {(row["participationtypemask"], row["_partyid_value"]) for row in rows}


def test_after_a_transfer_bob_s_note_is_written_without_the_record_he_may_not_see(
    handed_over: Leg, bob: Agent, microsoft: Any
) -> None:
    note = deliver(write(handed_over, "Převzato, volat zítra.", "Vyřešeno"))

    row = in_crm(microsoft, note)
    assert row is not None
    assert (note.state, note.left_out, row["description"]) == (
        Note.State.WRITTEN,
        LeftOut.HIDDEN,
        "Převzato, volat zítra.",
    )
    assert (row.get("regardingobjectid"), row["createdby"]) == (None, str(bob.systemuser_id))
    assert {found for mask, found in parties(note) if mask != 9} == {str(bob.systemuser_id)}
    state = notes.state_of(note)
    assert (state.status, state.problem, state.sentence) == ("written", "", HIDDEN)


def test_an_outcome_alone_is_written_without_it_as_well(handed_over: Leg, microsoft: Any) -> None:
    note = deliver(write(handed_over, "", "Vyřešeno"))
    assert (note.state, note.left_out) == (Note.State.WRITTEN, LeftOut.HIDDEN)
    assert in_crm(microsoft, note)["subcategory"] == "Vyřešeno"


def test_jana_s_own_note_of_the_same_call_keeps_its_record(handed_over: Leg, jana: Agent, microsoft: Any) -> None:
    hers = deliver(write(Leg.objects.of(jana).select_related("call__tenant", "agent").get(), "předávám"))
    assert (hers.left_out, in_crm(microsoft, hers)["regardingobjectid"]) == ("", JANA_HORAKOVA)


def test_later_edits_reach_the_note_and_the_reason_stays(handed_over: Leg, microsoft: Any) -> None:
    deliver(write(handed_over, "první"))
    note = deliver(write(handed_over, "druhé"))
    assert (in_crm(microsoft, note)["description"], note.left_out) == ("druhé", LeftOut.HIDDEN)
    assert notes.state_of(note).sentence == HIDDEN


def test_another_choice_that_bob_may_see_gives_it_a_record(handed_over: Leg, bob: Agent, microsoft: Any) -> None:
    note = deliver(write(handed_over, "x"))
    own = uuid4()
    connections.client_for(bob).create("contacts", {"lastname": "Vlastní"}, record_id=str(own), budget=Budget(2))
    lookup.show(handed_over, table="contact", record_id=own)
    deliver(note)
    assert (in_crm(microsoft, note)["regardingobjectid"], note.left_out) == (str(own), "")
    assert notes.state_of(note).sentence == ""


def test_a_record_deleted_between_the_ring_and_the_note_is_left_out(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    gone = UUID(int=7)
    lookup.show(leg, table="contact", record_id=gone)
    note = deliver(write(leg, "Zákazník už v CRM není."))
    assert (note.state, note.left_out) == (Note.State.WRITTEN, LeftOut.GONE)
    assert in_crm(microsoft, note)["description"] == "Zákazník už v CRM není."
    assert "no longer in the CRM" in notes.state_of(note).sentence


def test_a_record_that_goes_after_it_was_written_takes_nothing_along(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    lookup.found(leg, budget=Budget(5))
    note = deliver(write(leg, "x"))
    lookup.show(leg, table="contact", record_id=UUID(int=7))
    deliver(note)
    row = in_crm(microsoft, note)
    assert row is not None
    assert (note.state, note.left_out, row["regardingobjectid"]) == (Note.State.WRITTEN, LeftOut.GONE, None)


@pytest.mark.parametrize("privilege", ["prvCreateActivity", "prvAppendActivity"])
def test_a_right_on_the_activity_itself_is_still_a_refusal(
    jana: Agent, talk: Talk, microsoft: Any, privilege: str
) -> None:
    leg = talk(jana)
    lookup.found(leg, budget=Budget(5))
    microsoft.control.fault("missing_privilege", privilege=privilege, upn="jana@acme.example")
    note = deliver(write(leg, "zůstane"))
    assert (note.state, note.problem, note.left_out) == (Note.State.REFUSED, "missing_privilege", "")
    assert in_crm(microsoft, note) is None


def test_a_missing_right_to_link_to_that_table_leaves_the_record_out(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    lookup.found(leg, budget=Budget(5))
    microsoft.control.fault("missing_privilege", privilege="prvAppendToContact", upn="jana@acme.example")
    note = deliver(write(leg, "zůstane"))
    assert (note.state, note.left_out) == (Note.State.WRITTEN, LeftOut.HIDDEN)


@pytest.mark.parametrize("dies_in_turn", [1, 2])
def test_a_process_that_dies_between_or_after_the_two_attempts_doubles_nothing(
    handed_over: Leg, microsoft: Any, monkeypatch: pytest.MonkeyPatch, dies_in_turn: int
) -> None:
    text = f"jednou {handed_over.call.unique_id}"
    note = write(handed_over, text)
    create, turns = delivery._Attempt._create_as, iter(range(1, 9))

    class Killed(BaseException):
        pass

    def die(attempt: Any, *args: Any) -> Any:
        turn = next(turns)
        try:
            return create(attempt, *args)
        finally:
            if turn == dies_in_turn:
                raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(delivery._Attempt, "_create_as", die)
        with pytest.raises(Killed):
            notes.deliver(note.pk)
    Note.objects.filter(pk=note.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    later(note)
    written = microsoft.dataverse.store.select("phonecall", ["description"])
    same = [row for row in written if row["description"] == text]
    assert (len(same), note.state, note.left_out) == (1, Note.State.WRITTEN, LeftOut.HIDDEN)


def test_microsoft_down_before_the_second_attempt_leaves_it_queued(
    handed_over: Leg, microsoft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = delivery._Attempt._create_as

    def fails_without(attempt: Any, activity: Any, content: Any) -> Any:
        if activity.about is None:
            microsoft.control.fault("unavailable", path="phonecalls", count=None)
        return create(attempt, activity, content)

    monkeypatch.setattr(delivery._Attempt, "_create_as", fails_without)
    note = deliver(write(handed_over, "počká"))
    assert (note.state, note.problem, in_crm(microsoft, note)) == (Note.State.QUEUED, "unavailable", None)
    microsoft.control.clear()
    monkeypatch.setattr(delivery._Attempt, "_create_as", create)
    assert (later(note).state, note.left_out) == (Note.State.WRITTEN, LeftOut.HIDDEN)
