"""Lost answers, Microsoft down, no sign-in, a killed process: a note comes into Dataverse once all the same."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crmwindow import delivering, notes
from crmwindow.models import Leg, Note, NoteRevision
from crmwindow.notes import delivery
from tenants import entra
from tenants.models import Agent, Instance
from tests.meanwhile import just_before
from tests.notes.conftest import deliver, in_crm, later, posts, write, writes
from tests.signed_in import sign_in

pytestmark = pytest.mark.usefixtures("english_and_warm")
Talk = Callable[..., Leg]


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
    assert in_crm(microsoft, note)["description"] == "jednou"


def test_a_lost_answer_to_an_edit_is_recognised(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    note = deliver(write(leg, "první"))
    microsoft.control.fault("reset_after_write", path="phonecalls", method="PATCH", count=3)
    deliver(write(leg, "druhé"))

    note.refresh_from_db()
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "druhé")


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
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "počká")


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
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "počká")


def test_a_sign_in_in_the_middle_of_an_attempt_for_want_of_it_is_heard(
    jana: Agent,
    talk: Talk,
    microsoft: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    leg = talk(jana)
    entra.sign_out(jana)
    # she comes back from Microsoft after the attempt has found no sign-in, and before it has said so
    just_before(monkeypatch, delivering, "pause", lambda: notes.after_sign_in(sign_in(jana)))
    with django_capture_on_commit_callbacks(execute=True):
        note = deliver(write(leg, "nečeká deset minut"))
    note.refresh_from_db()
    assert (note.state, in_crm(microsoft, note)["description"]) == (Note.State.WRITTEN, "nečeká deset minut")


def test_a_missing_right_is_said_and_the_text_kept(jana: Agent, talk: Talk, microsoft: Any) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvCreateActivity", upn="jana@acme.example")
    note = deliver(write(talk(jana), "zůstane"))

    state = notes.state_of(note)
    assert (state.status, state.problem, state.text) == ("refused", "missing_privilege", "zůstane")
    assert "prvCreateActivity" in state.sentence
    microsoft.control.clear()
    notes.queue(note)
    assert deliver(note).state == Note.State.WRITTEN


STEPS = ("_note_written", "_say_written", "_add_times", "_add_subject_matter", "_complete", "_finish")


@pytest.mark.parametrize("step", STEPS)
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
