"""A note comes into Dataverse once, under its author's name, whatever happens on the way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone, translation

from crmwindow import lookup, notes
from crmwindow.models import Leg, Note, NoteRevision
from crmwindow.notes import delivery
from ipexportal.sandbox.demo_data import record_id
from tenants import entra
from tenants.dataverse.budget import Budget
from tenants.models import Agent, Instance
from tests.notes.conftest import in_crm, write
from tests.signed_in import sign_in

Talk = Callable[..., Leg]
JANA_HORAKOVA = record_id("contact", "Jana Horáková")


@pytest.fixture(autouse=True)
def _warm(metadata: Any) -> Any:
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


# ── the plain way ────────────────────────────────────────────────────────────────────────────────────────────────────


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
    assert in_crm(microsoft, note)["statecode"] == 0  # type: ignore[index]
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

    assert in_crm(microsoft, note)["subcategory"] == "Volat zpět"  # type: ignore[index]


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
    assert in_crm(microsoft, note)["description"] == "x"  # type: ignore[index]
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
    assert in_crm(microsoft, jana_note)["createdby"] == str(jana.systemuser_id)  # type: ignore[index]


# ── edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_of_a_written_note_replaces_it(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    deliver(write(leg, "druhé"))

    note.refresh_from_db()
    assert in_crm(microsoft, note)["description"] == "druhé"  # type: ignore[index]
    assert (note.state, note.written_revision) == (Note.State.WRITTEN, 2)
    assert writes(microsoft, note) == ["PATCH", "PATCH"]


def test_an_edit_made_while_the_answer_is_lost_ends_up_in_dataverse(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = write(leg, "první")
    microsoft.control.fault("reset_after_write", path="phonecalls", count=3)
    microsoft.control.fault("unavailable", path="phonecalls", method="GET", count=3)
    deliver(note)
    assert (note.state, note.problem) == (Note.State.QUEUED, "unavailable")
    assert in_crm(microsoft, note)["description"] == "první"  # type: ignore[index]

    microsoft.control.clear()
    notes.save_draft(leg=leg, text="první a druhé", outcome="")
    later(note)
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "první a druhé")  # type: ignore[index]


def test_an_edit_made_while_it_is_being_written_follows(
    jana: Agent, talk: Talk, microsoft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leg = talk(jana)
    note = write(leg, "první")
    freeze = delivery._Attempt._freeze

    def freeze_and_be_edited(attempt: Any) -> Any:
        content = freeze(attempt)
        monkeypatch.setattr(delivery._Attempt, "_freeze", freeze)
        notes.save_draft(leg=leg, text="druhé", outcome="")
        return content

    monkeypatch.setattr(delivery._Attempt, "_freeze", freeze_and_be_edited)
    deliver(note)
    assert (note.state, note.written_revision, note.revision) == (Note.State.QUEUED, 1, 2)
    later(note)
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "druhé")  # type: ignore[index]


def test_somebody_elses_text_is_never_overwritten_and_both_are_shown(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    microsoft.dataverse.store.update(
        "phonecall", str(note.code), {"description": "upraveno v CRM", "versionnumber": 10**9}
    )
    deliver(write(leg, "druhé"))

    note.refresh_from_db()
    state = notes.state_of(note)
    assert (state.status, state.problem, state.text, state.theirs) == ("refused", "conflict", "druhé", "upraveno v CRM")
    assert in_crm(microsoft, note)["description"] == "upraveno v CRM"  # type: ignore[index]

    notes.keep_mine(note)
    deliver(note)
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "druhé")  # type: ignore[index]


def test_the_agent_may_keep_the_crms_text(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    microsoft.dataverse.store.update("phonecall", str(note.code), {"description": "v CRM", "versionnumber": 10**9})
    deliver(write(leg, "druhé"))
    note.refresh_from_db()
    notes.keep_theirs(note)

    assert (note.state, note.text, notes.state_of(note).problem) == (Note.State.WRITTEN, "v CRM", "")
    deliver(write(leg, "v CRM a třetí"))
    assert in_crm(microsoft, note)["description"] == "v CRM a třetí"  # type: ignore[index]


def test_another_change_in_the_crm_does_not_stop_an_edit(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    microsoft.dataverse.store.update("phonecall", str(note.code), {"prioritycode": 2, "versionnumber": 10**9})
    deliver(write(leg, "druhé"))

    assert in_crm(microsoft, note)["description"] == "druhé"  # type: ignore[index]


@pytest.mark.parametrize("note_state", list(Instance.NoteState))
def test_a_colleagues_edit_during_the_call_survives_the_hang_up_and_the_next_edit(
    jana: Agent, talk: Talk, tell: Callable[..., None], microsoft: Any, note_state: str
) -> None:
    Instance.objects.filter(pk=jana.tenant.instance.pk).update(note_state=note_state)
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    theirs = {"description": "upraveno v CRM", "versionnumber": 10**9}
    microsoft.dataverse.store.update("phonecall", str(note.code), theirs)
    tell(leg, "Hangup", Reason="Normal Clearing")
    deliver(note)
    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["description"], row["actualdurationminutes"]) == ("upraveno v CRM", 0)

    deliver(write(leg, "druhé"))
    note.refresh_from_db()
    assert (note.problem, note.text) == ("conflict", "druhé")
    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["description"], row["statecode"]) == ("upraveno v CRM", int(note_state == "completed"))

    notes.keep_mine(note)
    deliver(note)
    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["description"], row["statecode"]) == ("druhé", int(note_state == "completed"))


def test_a_note_completed_in_the_crm_is_opened_edited_and_completed_again(
    jana: Agent, talk: Talk, tell: Callable[..., None], microsoft: Any
) -> None:
    leg = talk(jana)
    tell(leg, "Hangup", Reason="Normal Clearing")
    note = deliver(write(leg, "první"))
    microsoft.dataverse.store.update(
        "phonecall", str(note.code), {"statecode": 1, "statuscode": 4, "versionnumber": 10**9}
    )
    deliver(write(leg, "druhé"))

    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["description"], row["statecode"]) == ("druhé", 1)


def test_a_note_deleted_in_the_crm_says_so_and_can_be_written_anew(jana: Agent, talk: Talk, microsoft: Any) -> None:
    from tenants import connections

    leg = talk(jana)
    note = deliver(write(leg, "první"))
    connections.client_for(jana).request("DELETE", f"phonecalls({note.code})", budget=Budget(2))
    deliver(write(leg, "druhé"))
    note.refresh_from_db()
    assert (note.state, note.problem, note.text) == (Note.State.REFUSED, "gone", "druhé")

    notes.queue(note)
    deliver(note)
    assert in_crm(microsoft, note)["description"] == "druhé"  # type: ignore[index]


def test_another_choice_of_the_caller_moves_the_note(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana, "224551111")
    note = deliver(write(leg, "x"))
    assert in_crm(microsoft, note).get("regardingobjectid") is None  # type: ignore[union-attr]
    petr = next(match for match in lookup.found(leg, budget=Budget(5)).matches if match.name == "Petr Dvořák")
    lookup.choose(leg, table=petr.table, record_id=UUID(petr.record_id), remember=False)
    deliver(note)
    assert in_crm(microsoft, note)["regardingobjectid"] == petr.record_id  # type: ignore[index]

    leg.refresh_from_db()
    leg.call.refresh_from_db()
    lookup.none_of_them(leg)
    deliver(note)
    assert in_crm(microsoft, note).get("regardingobjectid") is None  # type: ignore[union-attr]
    assert note.state == Note.State.WRITTEN


# ── on a bad day ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["reset_after_write", "truncated"])
def test_a_lost_answer_does_not_double_the_note(jana: Agent, talk: Talk, microsoft: Any, kind: str) -> None:
    microsoft.control.fault(kind, path="phonecalls", method="PATCH")
    note = deliver(write(talk(jana), "jednou"))

    assert (note.state, writes(microsoft, note)) == (Note.State.WRITTEN, ["PATCH"])


def test_a_lost_answer_to_a_post_does_not_double_the_note(jana: Agent, talk: Talk, microsoft: Any) -> None:
    Instance.objects.filter(pk=jana.tenant.instance.pk).update(refuses_nested_parties=True)
    microsoft.control.fault("reset_after_write", path="phonecalls", method="POST")
    before = posts(microsoft)
    note = deliver(write(talk(jana), "jednou"))

    assert (note.state, posts(microsoft) - before) == (Note.State.WRITTEN, 1)
    assert in_crm(microsoft, note)["description"] == "jednou"  # type: ignore[index]


def test_a_lost_answer_to_an_edit_is_recognised(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    microsoft.control.fault("reset_after_write", path="phonecalls", method="PATCH", count=3)
    deliver(write(leg, "druhé"))

    note.refresh_from_db()
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "druhé")  # type: ignore[index]


def test_microsoft_down_leaves_it_queued_with_a_growing_pause(jana: Agent, talk: Talk, microsoft: Any) -> None:
    microsoft.control.microsoft("down")
    note = deliver(write(talk(jana), "počká"))
    first = note.next_try_at
    assert (note.state, note.problem, note.tries) == (Note.State.QUEUED, "unavailable", 1)
    assert first is not None
    assert notes.state_of(note).sentence == "Microsoft is not responding. The note is saved and goes out by itself."
    later(note)
    assert note.tries == 2

    microsoft.control.microsoft("running")
    later(note)
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "počká")  # type: ignore[index]


def test_throttling_is_waited_out_as_long_as_microsoft_says(jana: Agent, talk: Talk, microsoft: Any) -> None:
    microsoft.control.fault("throttle", count=None, retry_after=120)
    now = timezone.now()
    note = deliver(write(talk(jana), "počká"))

    assert (note.state, note.problem) == (Note.State.QUEUED, "throttled")
    assert note.next_try_at is not None
    assert note.next_try_at >= now + timedelta(seconds=120)


def test_without_a_sign_in_it_waits_and_goes_out_after_it(
    jana: Agent, talk: Talk, microsoft: Any, django_capture_on_commit_callbacks: Any
) -> None:
    leg = talk(jana)
    entra.sign_out(jana)
    note = deliver(write(leg, "počká"))
    assert (note.state, note.problem) == (Note.State.QUEUED, "sign_in")

    sign_in(jana)
    with django_capture_on_commit_callbacks(execute=True):
        notes.after_sign_in(jana)
    note.refresh_from_db()
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "počká")  # type: ignore[index]


def test_a_missing_right_is_said_and_the_text_kept(jana: Agent, talk: Talk, microsoft: Any) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvCreateActivity", upn="jana@acme.example")
    note = deliver(write(talk(jana), "zůstane"))

    state = notes.state_of(note)
    assert (state.status, state.problem, state.text) == ("refused", "missing_privilege", "zůstane")
    assert "prvCreateActivity" in state.sentence
    microsoft.control.clear()
    notes.queue(note)
    assert deliver(note).state == Note.State.WRITTEN


@pytest.mark.parametrize("step", ["_note_written", "_add_times", "_add_subject_matter", "_complete", "_finish"])
def test_a_process_that_dies_between_two_steps_is_continued(
    jana: Agent, talk: Talk, tell: Callable[..., None], microsoft: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """kill -9: nothing after this point is carried out, not even the clean-up."""
    Instance.objects.filter(pk=jana.tenant.instance.pk).update(note_state=Instance.NoteState.COMPLETED)
    leg = talk(jana)
    tell(leg, "Hangup", Reason="Normal Clearing")
    note = write(leg, "jednou")

    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(delivery._Attempt, step, die)
        with pytest.raises(Killed):
            notes.deliver(note.pk)
    Note.objects.filter(pk=note.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    later(note)

    row = in_crm(microsoft, note)
    assert row is not None
    assert (row["description"], row["statecode"], row["actualdurationminutes"]) == ("jednou", 1, 0)
    assert (note.state, note.step, note.lease_until) == (Note.State.WRITTEN, Note.Step.COMPLETED, None)


def test_two_deliveries_at_once_are_one(jana: Agent, talk: Talk, microsoft: Any) -> None:
    note = write(talk(jana), "jednou")
    Note.objects.filter(pk=note.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
    deliver(note)

    assert (note.state, in_crm(microsoft, note)) == (Note.State.QUEUED, None)


def test_if_match_star_is_never_sent_for_a_note(jana: Agent, talk: Talk, microsoft: Any) -> None:
    from tenants.dataverse.client import Client

    leg = talk(jana)
    sent: list[str | None] = []
    request = Client.request

    def watch(client: Client, method: str, path: str, **more: Any) -> Any:
        if method == "PATCH":
            sent.append(more.get("if_match"))
        return request(client, method, path, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "request", watch)
        deliver(write(leg, "první"))
        deliver(write(leg, "druhé"))
    assert len(sent) == 2
    assert sent[0] is None
    assert (sent[1] or "").startswith('W/"')


def test_what_was_sent_is_kept_as_revisions(jana: Agent, talk: Talk) -> None:
    leg = talk(jana)
    deliver(write(leg, "první"))
    deliver(write(leg, "druhé"))

    assert [(kept.number, kept.text) for kept in NoteRevision.objects.order_by("number")] == [
        (1, "první"),
        (2, "druhé"),
    ]


def test_whoever_signs_in_sends_what_waited() -> None:
    from tenants import sign_in as signing_in

    assert notes.after_sign_in in signing_in.when_signed_in
