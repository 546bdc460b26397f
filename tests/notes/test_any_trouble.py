"""Whatever goes wrong and whenever the agent types: in the end one activity holds the newest text."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmwindow import notes
from crmwindow.models import Leg, Note
from crmwindow.notes import delivery
from tenants.dataverse import client as client_module
from tenants.models import Agent, Instance
from tests.notes.conftest import in_crm

TROUBLES = ("reset", "reset_after_write", "truncated", "unavailable", "html", "expired_token", "throttle")
ACTS = st.one_of(
    st.just(("type", "")),
    st.just(("send", "")),
    st.just(("deliver", "")),
    st.just(("hang up", "")),
    st.just(("die", "")),
    st.tuples(st.just("trouble"), st.sampled_from(TROUBLES)),
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch, metadata: Any) -> None:
    monkeypatch.setattr(client_module, "sleep", lambda seconds: None)


class Story:
    """One note of one call, what the agent typed last, and Dataverse with its troubles."""

    def __init__(self, leg: Leg, tell: Callable[..., None], microsoft: Any) -> None:
        self.leg, self.tell, self.microsoft = leg, tell, microsoft
        self.typed = 0
        self.type()

    @property
    def text(self) -> str:
        return f"verze {self.typed}"

    def type(self) -> None:
        self.typed += 1
        self.note = notes.save_draft(leg=self.leg, text=self.text, outcome="")

    def deliver(self) -> None:
        waiting = Note.objects.filter(pk=self.note.pk, next_try_at__isnull=False)
        waiting.update(next_try_at=timezone.now(), lease_until=None)
        notes.deliver(self.note.pk)

    def die(self) -> None:
        """A delivery that is killed once Dataverse has the text: our row knows nothing of it."""

        class Killed(BaseException):
            pass

        def die(*_: Any, **__: Any) -> None:
            raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivery._Attempt, "_note_written", die)
            with suppress(Killed):
                self.deliver()

    def act(self, act: str, what: str) -> None:
        if act == "trouble":
            self.microsoft.control.fault(what, path="phonecalls", count=1, retry_after=60)
        elif act == "send":
            Note.objects.filter(pk=self.note.pk).update(lease_until=None)
            notes.queue(Note.objects.select_related("call__tenant", "author__tenant").get(pk=self.note.pk))
        elif act == "hang up":
            self.tell(self.leg, "Hangup", Reason="Normal Clearing")
        else:
            getattr(self, act)()

    def settle(self) -> Note:
        self.microsoft.control.clear()
        self.act("send", "")
        for _ in range(4):
            self.deliver()
        return Note.objects.get(pk=self.note.pk)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(acts=st.lists(ACTS, min_size=3, max_size=14), completed=st.booleans())
def test_one_activity_holds_the_newest_text(
    jana: Agent, talk: Callable[..., Leg], tell: Callable[..., None], microsoft: Any, acts: Any, completed: bool
) -> None:
    microsoft.control.clear()
    state = Instance.NoteState.COMPLETED if completed else Instance.NoteState.OPEN
    Instance.objects.filter(pk=jana.tenant.instance.pk).update(note_state=state)
    story = Story(talk(jana, "anonymous"), tell, microsoft)
    for act, what in acts:
        story.act(act, what)
    note = story.settle()

    row = in_crm(microsoft, note)
    assert row is not None
    assert (note.state, note.problem, row["description"]) == (Note.State.WRITTEN, "", story.text)
    ended = story.leg.ended_at is not None
    assert (row["statecode"], row.get("actualend") is not None) == (int(completed and ended), ended)
