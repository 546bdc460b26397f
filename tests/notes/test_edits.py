"""What the agent, a colleague or somebody in the CRM changes in a note that is written already."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from crmwindow import lookup, notes
from crmwindow.models import Leg, Note
from crmwindow.notes import delivery
from tenants.dataverse.budget import Budget
from tenants.models import Agent, Instance
from tests.notes.conftest import deliver, in_crm, later, write, writes

pytestmark = pytest.mark.usefixtures("english_and_warm")
Talk = Callable[..., Leg]


def test_an_edit_of_a_written_note_replaces_it(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    deliver(write(leg, "druhé"))

    note.refresh_from_db()
    assert in_crm(microsoft, note)["description"] == "druhé"
    assert (note.state, note.written_revision) == (Note.State.WRITTEN, 2)
    assert writes(microsoft, note) == ["PATCH", "PATCH"]


def test_an_edit_made_while_the_answer_is_lost_ends_up_in_dataverse(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = write(leg, "první")
    microsoft.control.fault("reset_after_write", path="phonecalls", count=3)
    microsoft.control.fault("unavailable", path="phonecalls", method="GET", count=3)
    deliver(note)
    assert (note.state, note.problem) == (Note.State.QUEUED, "unavailable")
    assert in_crm(microsoft, note)["description"] == "první"

    microsoft.control.clear()
    notes.save_draft(leg=leg, text="první a druhé", outcome="")
    later(note)
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "první a druhé")


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
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "druhé")


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
    assert in_crm(microsoft, note)["description"] == "upraveno v CRM"

    notes.keep_mine(note)
    deliver(note)
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "druhé")


def test_the_agent_may_keep_the_crms_text(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    microsoft.dataverse.store.update("phonecall", str(note.code), {"description": "v CRM", "versionnumber": 10**9})
    deliver(write(leg, "druhé"))
    note.refresh_from_db()
    notes.keep_theirs(note)

    assert (note.state, note.text, notes.state_of(note).problem) == (Note.State.WRITTEN, "v CRM", "")
    deliver(write(leg, "v CRM a třetí"))
    assert in_crm(microsoft, note)["description"] == "v CRM a třetí"


def test_another_change_in_the_crm_does_not_stop_an_edit(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    microsoft.dataverse.store.update("phonecall", str(note.code), {"prioritycode": 2, "versionnumber": 10**9})
    deliver(write(leg, "druhé"))

    assert in_crm(microsoft, note)["description"] == "druhé"


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
    assert in_crm(microsoft, note)["description"] == "druhé"


def test_another_choice_of_the_caller_moves_the_note(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana, "224551111")
    note = deliver(write(leg, "x"))
    assert in_crm(microsoft, note).get("regardingobjectid") is None  # type: ignore[union-attr]
    petr = next(match for match in lookup.found(leg, budget=Budget(5)).matches if match.name == "Petr Dvořák")
    lookup.choose(leg, table=petr.table, record_id=UUID(petr.record_id), remember=False)
    deliver(note)
    assert in_crm(microsoft, note)["regardingobjectid"] == petr.record_id

    leg.refresh_from_db()
    leg.call.refresh_from_db()
    lookup.none_of_them(leg)
    deliver(note)
    assert in_crm(microsoft, note).get("regardingobjectid") is None  # type: ignore[union-attr]
    assert note.state == Note.State.WRITTEN
