"""One attempt to bring a note into Dataverse, under its author's name, exactly once.

The activity's GUID is the note's `code`, so a create that is repeated is refused (412) instead of doubled. Whatever the answer
to a write is, or if there is none, the activity is read and judged:

    absent                            the error was real, try again later
    our newest text                   written
    one of our older revisions        replace it, `If-Match` the version just read
    another author, or an unknown text in a version that is not ours    conflict: both texts are shown, nothing is overwritten

Each step that Dataverse confirmed is noted in the row at once, so that a process that dies is continued by the next attempt.
No transaction is open while Microsoft is asked; the lease says who is at work, and every later UPDATE requires it.

Source: Microsoft, "Perform conditional operations using the Web API", "Update and delete table rows", "Phone Call".
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from crmwindow import delivering, linking, outbox, timings
from crmwindow.delivering import LEASE, SECONDS, LostLease, Verdict
from crmwindow.models import Call, Leg, Note, NoteRevision
from crmwindow.notes import drafts
from crmwindow.notes.activity import OPEN, Activity
from crmwindow.notes.text import Content
from tenants import connections
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import PARTIES, Metadata
from tenants.fields import seal
from tenants.models import Agent, Instance
from tenants.prepared import Prepared, PreparedInsert, PreparedUpdate

FOLLOW_UP_PAUSE = timedelta(hours=1)

logger = logging.getLogger(__name__)


class Conflict(Exception):
    """Somebody else's text is in Dataverse."""

    def __init__(self, row: dict[str, Any]) -> None:
        super().__init__("The activity was changed by somebody else.")
        self.row = row


def deliver(note_pk: int) -> None:
    """One attempt, if the note is due and nobody is at it. Never raises for what Dataverse does."""
    drafts.queue_if_due(note_pk)
    lease = _take_lease(note_pk)
    if lease is None:
        return
    (note,) = _WITH_CALL.rows(note=note_pk)
    note.call.tenant = note.author.tenant
    attempt = _Attempt(note, lease)
    try:
        attempt.run()
    except LostLease:
        logger.info("A note was taken over by another delivery.")
    except Conflict as conflict:
        _conflict(attempt, conflict)
    except errors.DataverseError as error:
        _failed(attempt, error)
    except Exception:
        logger.exception("The delivery of a note broke off.")
        _failed(attempt, errors.Unavailable())


_WITH_CALL = Prepared(
    lambda note: (
        Note.objects.filter(pk=note)
        .select_related("call", "author__tenant__instance")
        .defer("author__tenant__instance__metadata")
    )
)


def _take_lease(note_pk: int) -> datetime | None:
    now = timezone.now()
    lease = now + LEASE
    return lease if _lend(note=note_pk, now=now, until=lease) else None


_lend = PreparedUpdate(
    lambda note, now, until: (
        Note.objects.filter(
            delivering.is_free(now), pk=note, next_try_at__lte=now, state__in=[Note.State.QUEUED, Note.State.WRITTEN]
        ),
        {"lease_until": until},
    )
)


class _Attempt:
    def __init__(self, note: Note, lease: datetime) -> None:
        self.note, self.lease = note, lease
        self.author: Agent = note.author
        self.instance: Instance = note.author.tenant.instance
        self.leg = self._leg()
        self.frozen = note.revision
        self.budget = Budget(SECONDS)
        self.close_again = self.linked = False
        self.written = note.state == Note.State.WRITTEN

    def _leg(self) -> Leg:
        """The author's part, as it is now."""
        found = _LEG.first(call=self.note.call_id, agent=self.author)
        return found or Leg(call=self.note.call, agent=self.author)

    def run(self) -> None:
        with timings.tracing(self.leg, self.author.tenant):
            self._run()

    def _run(self) -> None:
        self.client = connections.client_for(self.author)
        metadata = connections.metadata(self.instance, self.client, self.budget)
        try:
            self._carry_out(metadata)
        except errors.UnknownName:
            metadata = connections.metadata(self.instance, self.client, self.budget, refresh=True)
            self._carry_out(metadata)

    def _carry_out(self, metadata: Metadata) -> None:
        self.dataverse = _Record(self.client, metadata, self.note, self.budget)
        self.activity = self._activity(metadata)
        if self.note.step == Note.Step.NOTHING or self.note.written_revision < self.frozen:
            self._write_text()
        self._say_written()
        self._add_times()
        self._add_subject_matter()
        self._complete()
        self._finish()

    def _activity(self, metadata: Metadata) -> Activity:
        call = self.note.call
        about = (call.regarding_table, call.regarding_id) if call.regarding_id else None
        language = call.tenant.language
        return Activity(metadata, call, self.leg, self.author.systemuser_id, about, language)

    # -- the text --

    def _write_text(self) -> None:
        content = self._freeze()
        if self.note.step == Note.Step.NOTHING:
            row = self._create(content)
        else:
            row = self._rewrite(content)
        self._note_written(row)

    def _freeze(self) -> Content:
        """The exact text of this attempt, kept so that a lost answer can be recognised later."""
        content = drafts.content_of(self.note)
        revision = NoteRevision(note=self.note, number=self.frozen, text=content.text, outcome=content.outcome)
        _keep(revision)
        self._progress(frozen_revision=self.frozen)
        return content

    def _create(self, content: Content) -> dict[str, Any]:
        """Answers the activity as it was read back."""
        row, lost, left_out = self._create_linked(content)
        timed = Note.Step.TIMED if lost is None and self.leg.ended_at else Note.Step.CREATED
        if self._judge(row, content) == "ours":
            self._progress(step=Note.Step.CREATED)
            return self._rewrite(content)
        about = self.note.call.regarding_id if lost is None else None
        self._progress(step=timed, written_about=about, left_out=left_out if about else "")
        self.linked = True
        return row

    def _create_linked(self, content: Content) -> tuple[dict[str, Any], errors.DataverseError | None, str]:
        """With the record it is about, or without it where Dataverse refuses just that; then why stands last."""
        try:
            return *self._create_as(self.activity, content), ""
        except (errors.MissingPrivilege, errors.NotFound) as error:
            left_out = linking.left_out_because(error, self.activity.about)
            if not left_out:
                raise
        return *self._create_as(replace(self.activity, about=None), content), left_out

    def _create_as(self, activity: Activity, content: Content) -> tuple[dict[str, Any], errors.DataverseError | None]:
        body = activity.body(content, self.leg.ended_at)
        return delivering.create_and_read(lambda: self._create_once(body), self.dataverse.read)

    def _create_once(self, body: dict[str, Any]) -> None:
        delivering.create_once(
            self.client,
            instance=self.instance,
            table=self.activity.table,
            record_id=self.note.code,
            body=body,
            parties=PARTIES,
            budget=self.budget,
        )

    def _rewrite(self, content: Content) -> dict[str, Any]:
        """Replace our own older text, only in a version whose text is known to be ours."""
        if self.note.step == Note.Step.COMPLETED:
            self._reopen(content)
        elif not self.dataverse.etag and self._judge(self.dataverse.read(), content) == "same":
            return self.dataverse.row
        for _attempt in range(3):
            try:
                self.dataverse.patch(self.activity.text(content))
            except errors.Closed:
                self._reopen(content)
                continue
            except (errors.VersionMismatch, errors.Unavailable) as error:
                if isinstance(error, errors.Unavailable) and not error.may_have_applied:
                    raise
            row = self.dataverse.read()
            if self._judge(row, content) == "same":
                return row
        raise errors.Unavailable("The note's text did not stay in Dataverse.")

    def _reopen(self, content: Content | None = None) -> None:
        """A completed activity is read-only: open it, and complete it again at the end.

        With `content` the text is judged before and after, because the version that comes out of it is then trusted.
        """
        self.close_again = True
        if content:
            self._judge(self.dataverse.read(), content)
        self.dataverse.patch_latest(OPEN)
        if self.note.step == Note.Step.COMPLETED:
            self._progress(step=Note.Step.TIMED, etag=self._trusted_etag())
        if content:
            self._judge(self.dataverse.row, content)

    def _trusted_etag(self) -> str:
        """The version just read if its text is what we wrote last, else ""; then the next edit looks before it writes."""
        kept = self.note.revisions.filter(number=self.note.written_revision).first()
        written = Content(kept.text, kept.outcome) if kept else None
        if written is None:
            return ""
        there = self.activity.content_of(self.dataverse.row, written.outcome)
        return self.dataverse.etag if there.same_as(written) else ""

    def _judge(self, row: dict[str, Any], content: Content) -> str:
        """ "same": our newest text is there; "ours": an older one of ours. Raises Conflict."""
        creator = str(row.get("_createdby_value") or "").lower()
        if creator and self.author.systemuser_id and creator != str(self.author.systemuser_id):
            raise Conflict(row)
        there = self.activity.content_of(row, content.outcome)
        if there.same_as(content):
            return "same"
        if row.get("@odata.etag") and row["@odata.etag"] == self.note.etag:
            return "ours"
        for old in self.note.revisions.order_by("-number"):
            if self.activity.content_of(row, old.outcome).same_as(Content(old.text, old.outcome)):
                return "ours"
        raise Conflict(row)

    def _note_written(self, row: dict[str, Any]) -> None:
        now = timezone.now()
        self._progress(
            written_revision=self.frozen,
            written_by=str(row.get("_createdby_value") or "").lower(),
            written_at=now,
            etag=self.dataverse.etag,
            detail=b"",
        )
        if self.author.first_note_at is None:
            Agent.objects.filter(pk=self.author.pk, first_note_at=None).update(first_note_at=now)

    def _say_written(self) -> None:
        """Also of a text that an attempt wrote which died before it could say so."""
        if _text_is_there(note=self.note, lease=self.lease, revision=self.frozen):
            self.note.state, self.written = Note.State.WRITTEN, True
            outbox.tell([self.author.pk])

    # -- the rest --

    def _add_times(self) -> None:
        if self.leg.ended_at and self.note.step < Note.Step.TIMED:
            self._follow_up(self.activity.times(self.leg.ended_at))
            self._progress(step=Note.Step.TIMED, etag=self._trusted_etag())

    def _add_subject_matter(self) -> None:
        """What it is about, when that was said or changed after it was written. A refusal leaves it about nobody."""
        wanted = self.note.call.regarding_id
        if wanted == self.note.written_about and (self.linked or not self.note.left_out):
            return
        body = self.activity.regarding() or self._nothing_more()
        changed: dict[str, Any] = {"written_about": wanted, "left_out": ""}
        if body:
            try:
                self._follow_up(body)
                changed["etag"] = self._trusted_etag()
            except (errors.MissingPrivilege, errors.NotFound, errors.Refused, errors.UnknownName) as error:
                logger.info("Dataverse refused what a note should be about.")
                changed |= self._leave_out(error)
        self._progress(**changed)
        outbox.tell([self.author.pk])

    def _leave_out(self, error: errors.DataverseError) -> dict[str, Any]:
        """What it was about before is not right any more either."""
        left_out = linking.left_out_because(error, self.activity.about)
        if not left_out or not (body := self._nothing_more()):
            return {"left_out": left_out}
        self._follow_up(body)
        return {"left_out": left_out, "etag": self._trusted_etag()}

    def _nothing_more(self) -> dict[str, Any]:
        return self.activity.no_regarding() if self.note.written_about and not self.note.left_out else {}

    def _follow_up(self, body: dict[str, Any]) -> None:
        """Change other columns than the text; whoever changed the text meanwhile is not disturbed by that."""
        try:
            self.dataverse.patch_latest(body)
        except errors.Closed:
            self._reopen()
            self.dataverse.patch_latest(body)

    def _complete(self) -> None:
        wanted = self.instance.note_state == Instance.NoteState.COMPLETED or self.close_again
        if wanted and self.leg.ended_at and self.note.step < Note.Step.COMPLETED and self._is_newest():
            self.dataverse.patch_latest(self.activity.completed())
            self._progress(step=Note.Step.COMPLETED, etag=self._trusted_etag())

    def _is_newest(self) -> bool:
        return Note.objects.filter(pk=self.note.pk, revision=self.frozen).exists()

    def _finish(self) -> None:
        """Free the row. What was typed meanwhile goes out when the agent pauses; an end that came meanwhile, or whom the call
        turned out to be about, at once.
        """
        now = timezone.now()
        if _nothing_is_left(note=self.note, lease=self.lease, revision=self.frozen):
            if self._has_more_to_say():
                Note.objects.filter(pk=self.note.pk, state=Note.State.WRITTEN).update(next_try_at=now)
                drafts.deliver_after_commit(self.note.pk)
            return
        mine = Note.objects.filter(pk=self.note.pk, lease_until=self.lease)
        mine.filter(state=Note.State.QUEUED).update(next_try_at=now)
        if mine.update(lease_until=None, tries=0):
            drafts.deliver_after_commit(self.note.pk)

    def _has_more_to_say(self) -> bool:
        if self.note.step < Note.Step.TIMED and self._leg().ended_at:
            return True
        about = _ABOUT.rows(call=self.note.call_id)
        return bool(about) and about != [self.note.call.regarding_id]

    def _progress(self, **values: Any) -> None:
        """Write down what is done. Raises LostLease."""
        if not _note_progress(note=self.note, lease=self.lease, **values):
            raise LostLease
        for name, value in values.items():
            setattr(self.note, name, value)


_LEG = Prepared(lambda call, agent: Leg.objects.filter(call=call, agent=agent)[:1])
_ABOUT = Prepared(lambda call: Call.objects.filter(pk=call).values_list("regarding_id", flat=True))
_keep = PreparedInsert(NoteRevision, unless_there=True)


def _leased(note: Any, lease: Any) -> QuerySet[Note]:
    return Note.objects.filter(pk=note, lease_until=lease)


_note_progress = PreparedUpdate(lambda note, lease, **done: (_leased(note, lease), done))
_text_is_there = PreparedUpdate(
    lambda note, lease, revision: (
        _leased(note, lease).filter(revision=revision, state=Note.State.QUEUED),
        {"state": Note.State.WRITTEN, "problem": "", "tries": 0},
    )
)
_nothing_is_left = PreparedUpdate(
    lambda note, lease, revision: (
        _leased(note, lease).filter(revision=revision, state=Note.State.WRITTEN),
        {"lease_until": None, "next_try_at": None},
    )
)


@dataclass
class _Record:
    """The activity in Dataverse: its last known version and how to change it."""

    client: Client
    metadata: Metadata
    note: Note
    budget: Budget

    def __post_init__(self) -> None:
        self.etag: str = self.note.etag
        self.row: dict[str, Any] = {}
        table = self.metadata.table("phonecall")
        self.path = odata.record(table.entity_set, self.note.code)
        columns = ("description", "subcategory", "statecode", "_createdby_value", "_modifiedby_value")
        self.columns = [name for name in columns if name in table.properties]

    def read(self) -> dict[str, Any]:
        """Raises NotFound when it is not there (any more)."""
        answer = self.client.get(odata.query(self.path, select=self.columns), budget=self.budget)
        self.row, self.etag = answer.data or {}, answer.etag
        return self.row

    def patch(self, body: dict[str, Any]) -> None:
        """Only in the version we know. The new version is unknown until it is read."""
        self._patch(body, self.etag)

    def patch_latest(self, body: dict[str, Any]) -> None:
        """In the version that is there now, for columns in which nobody's words can be lost."""
        if not self.etag:
            self.read()
        try:
            self._patch(body, self.etag)
        except errors.VersionMismatch:
            self.read()
            self._patch(body, self.etag)
        except errors.Unavailable as error:
            if not error.may_have_applied:
                raise
            self.read()  # idempotent: whether it arrived or not, it may be sent again
            self._patch(body, self.etag)
        self.read()

    def _patch(self, body: dict[str, Any], etag: str) -> None:
        self.client.request("PATCH", self.path, json=body, if_match=etag, budget=self.budget)


# ── when it did not work ─────────────────────────────────────────────────────────────────────────────────────────────


def _failed(attempt: _Attempt, error: errors.DataverseError) -> None:
    verdict = delivering.verdict_of(error)
    note = attempt.note
    if attempt.written:
        _try_follow_up_later(attempt, error)
        return
    if verdict.final:
        about = error.privilege if isinstance(error, errors.MissingPrivilege) else error.detail[:500]
        start_over = {"step": Note.Step.NOTHING, "etag": ""} if isinstance(error, errors.NotFound) else {}
        _give_back(attempt, verdict, seal(note, "detail", about), **start_over)
        return
    mine = Note.objects.filter(pk=note.pk, lease_until=attempt.lease)
    later = timezone.now() + delivering.pause(error, note.tries)
    mine.filter(state=Note.State.QUEUED).update(next_try_at=later, problem=verdict.problem)
    mine.update(lease_until=None, tries=note.tries + 1)
    outbox.tell([note.author_id])
    if verdict.problem == "sign_in" and delivering.signed_in_meanwhile(attempt.author):
        drafts.after_sign_in(attempt.author)


def _give_back(attempt: _Attempt, verdict: Verdict, detail: bytes, **values: Any) -> None:
    """To the agent, with the reason; but what was typed meanwhile is tried first."""
    note = attempt.note
    mine = Note.objects.filter(pk=note.pk, lease_until=attempt.lease, state=Note.State.QUEUED)
    if values:
        Note.objects.filter(pk=note.pk, lease_until=attempt.lease).update(**values)
    # Only the author can shorten a text, so that is a draft again
    state = Note.State.DRAFT if verdict.problem == "too_long" else Note.State.REFUSED
    final = {"state": state, "problem": verdict.problem, "detail": detail, "next_try_at": None}
    if not mine.filter(revision=attempt.frozen).update(**final):
        mine.update(next_try_at=timezone.now())
    Note.objects.filter(pk=note.pk, lease_until=attempt.lease).update(lease_until=None)
    outbox.tell([note.author_id])


def _try_follow_up_later(attempt: _Attempt, error: errors.DataverseError) -> None:
    """The text is in Dataverse; only its end, subject matter or completion is missing."""
    passing = isinstance(error, errors.Unavailable | errors.SignInRequired)
    pause = delivering.pause(error, attempt.note.tries) if passing else FOLLOW_UP_PAUSE
    Note.objects.filter(pk=attempt.note.pk, lease_until=attempt.lease).update(
        lease_until=None, next_try_at=timezone.now() + pause, tries=attempt.note.tries + 1
    )


def _conflict(attempt: _Attempt, conflict: Conflict) -> None:
    """Keep what is there so that the agent sees both, and the version it has, so that they may decide."""
    text = str(conflict.row.get("description") or "")
    outcome = str(conflict.row.get("subcategory") or "")[:200]
    there = {"text": text, "outcome": outcome, "etag": str(conflict.row.get("@odata.etag") or "")}
    detail = seal(attempt.note, "detail", json.dumps(there, ensure_ascii=False))
    _give_back(attempt, Verdict("conflict", final=True), detail)
