"""A note until it is handed over for delivery: saving, the rules when it is due, and what happens to it around the call.

draft ── button, hang-up + 20 s, next call answered, sweep ──► queued ── delivery ──► written
  ▲                                                             │  ▲                     │
  └──────────── text too long, characters ──────────────────────┘  └─── edited again ────┘

An edit never waits for a delivery under way and never disturbs it: it raises `revision`, and the delivery, which works on the
revision it froze, finds at its end that there is a newer one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from crmwindow import outbox
from crmwindow.models import Call, Leg, Note, NoteRevision
from crmwindow.notes import activity, windows
from crmwindow.notes import text as texts
from crmwindow.notes.text import Content, TextProblem
from crmwindow.notes.windows import Window
from tenants import connections
from tenants.fields import seal
from tenants.models import Agent
from tenants.prepared import Prepared, PreparedInsert, PreparedSave, PreparedUpdate

QUIET = timedelta(seconds=20)
"""After the agent's own hang-up, without a keystroke."""
FORGOTTEN = timedelta(minutes=10)
"""After the hang-up, when no window told us more; also how long a written text is kept for an open card."""
ABANDONED = timedelta(minutes=60)
"""Since the last keystroke of a call of whose end nobody tells."""
_EDITED = ("text", "outcome", "revision", "text_revision", "edited_at", "erased_at", "state", "problem", "next_try_at")
NOWHERE = Window()
TEXT_PROBLEMS = ("too_long", "characters")


def save_draft(*, leg: Leg, text: str, outcome: str = "", window: Window = NOWHERE) -> Note:
    """Keep what the agent typed, whatever it is.

    A save that was overtaken on its way changes nothing, and none takes away what another window typed meanwhile
    (`notes.windows`). Raises TextProblem after storing, when it could not be written to the CRM like that. A note that was
    already queued or written gets a new revision, which follows by the same rules.
    """
    typed = Content(texts.normalised(text), texts.normalised(outcome)[:200].strip())
    with transaction.atomic():
        note = _locked(leg)
        if windows.is_overtaken(note, window):
            return note
        aside = note.aside
        content = windows.merged(note, typed, window)
        problem = texts.problem_of(content.text, limit_for(leg.agent, content.outcome))
        changed = _says_something_new(note, content, problem)
        if changed:
            _edit(note, leg, content, problem)
        if window.page or note.aside != aside:
            _note_typed(note=note, aside=seal(note, "aside", note.aside), page=window.page, turn=window.turn)
        if window.page and (changed or note.aside != aside):
            outbox.tell([leg.agent_id], outbox.note_of(window.page))
    if problem:
        raise problem
    return note


def _locked(leg: Leg) -> Note:
    note = _LOCKED.first(call=leg.call_id, author=leg.agent_id)
    if note is None:
        note = Note(call_id=leg.call_id, author_id=leg.agent_id, edited_at=timezone.now())
        if not _add(note):  # another window was faster
            (note,) = _LOCKED.rows(call=leg.call_id, author=leg.agent_id)
    note.call, note.author = leg.call, leg.agent
    return note


_add = PreparedInsert(Note, unless_there=True)
_save_edited = PreparedSave(Note, _EDITED)
_note_typed = PreparedUpdate(
    lambda note, aside, page, turn: (
        Note.objects.filter(pk=note),
        {"aside": aside, "typed_page": page, "typed_turn": turn},
    )
)
_LOCKED = Prepared(lambda call, author: Note.objects.select_for_update(no_key=True).filter(call=call, author=author))


def _says_something_new(note: Note, content: Content, problem: TextProblem | None) -> bool:
    """An empty field never replaces a text that is in the CRM only."""
    if note.erased_at:
        return bool(content.text)
    return content_of(note) != content or (problem.kind if problem else "") != _text_problem(note)


def content_of(note: Note) -> Content:
    return Content(note.text, note.outcome)


def _text_problem(note: Note) -> str:
    return note.problem if note.problem in TEXT_PROBLEMS else ""


def _edit(note: Note, leg: Leg, content: Content, problem: TextProblem | None) -> None:
    now = timezone.now()
    note.revision += 1
    note.text_revision = note.revision if note.text != content.text else note.text_revision
    note.text, note.outcome = content.text, content.outcome
    note.edited_at = now
    note.erased_at = None
    if problem or note.state != Note.State.QUEUED:
        note.state = Note.State.DRAFT
        note.problem = problem.kind if problem else ""
        note.next_try_at = _due_at(leg, now)
    else:
        note.next_try_at = max(note.next_try_at or now, now + QUIET) if leg.ended_at else note.next_try_at
    _save_edited(note)
    if note.state == Note.State.DRAFT and note.next_try_at and not problem:
        deliver_after_commit(note.pk, delay=QUIET)


def _due_at(leg: Leg, now: datetime) -> datetime | None:
    """A draft goes out when the agent has stopped typing after the call; during the call only by the button."""
    return now + QUIET if leg.ended_at else None


def limit_for(agent: Agent, outcome: str = "") -> int:
    """UTF-16 code units a note of this agent may have, as far as metadata was read. Asks nobody."""
    metadata = connections.known_metadata(agent.tenant.instance)
    return activity.limit(metadata.find("phonecall") if metadata else None, outcome)


# ── due ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_writable(call: Call) -> bool:
    """Internal calls are neither looked up nor written, unless the customer wants them."""
    internal = call.is_internal or call.caller == Call.Caller.INTERNAL
    return not internal or call.tenant.search_internal_calls


def queue(note: Note, *, page: str = "") -> bool:
    """Hand it over for delivery now. False when there is nothing to write. Raises TextProblem. `note` stays as it was read.

    `page`: the one whose request this is; its answer says so there.
    """
    content = content_of(note)
    problem = texts.problem_of(content.text, limit_for(note.author, content.outcome))
    if problem:
        Note.objects.filter(pk=note.pk).update(problem=problem.kind, state=Note.State.DRAFT)
        raise problem
    if not _has_something_to_write(note, content):
        return False
    now = timezone.now()
    with transaction.atomic():
        changed = _queue(note=note, now=now)
        if changed:
            outbox.tell([note.author_id], outbox.note_of(page) if page else outbox.STATE)
            deliver_after_commit(note.pk)
    return bool(changed)


_queue = PreparedUpdate(
    lambda note, now: (
        Note.objects.filter(~Q(state=Note.State.WRITTEN) | Q(written_revision__lt=F("revision")), pk=note),
        {"state": Note.State.QUEUED, "queued_at": now, "next_try_at": now, "problem": "", "tries": 0},
    )
)


def _has_something_to_write(note: Note, content: Content) -> bool:
    """Nothing typed makes no activity, unless one is there already or the customer logs every call."""
    if not is_writable(note.call) or note.erased_at:
        return False
    return bool(content) or note.step > Note.Step.NOTHING or note.call.tenant.log_every_call


def queue_if_due(note_pk: int) -> bool:
    """Queue a draft whose time has come. A draft that cannot be written stays one."""
    note = _DUE_DRAFT.first(note=note_pk, now=timezone.now())
    return note is not None and _try_to_queue(note)


def _try_to_queue(note: Note) -> bool:
    try:
        queued = queue(note)
    except TextProblem:
        queued = False
    if not queued:
        Note.objects.filter(pk=note.pk, state=Note.State.DRAFT, revision=note.revision).update(next_try_at=None)
    return queued


def _with_call() -> QuerySet[Note]:
    rows = Note.objects.select_related("call", "author__tenant__instance", "call__tenant")
    return rows.defer("author__tenant__instance__metadata")


_DUE_DRAFT = Prepared(
    lambda note, now: _with_call().filter(pk=note, state=Note.State.DRAFT, next_try_at__lte=now),
)


def queue_earlier(agent_pk: int, *, except_call: Call) -> None:
    """The agent answers another call: what was typed to the earlier ones goes out."""
    for note in _EARLIER.rows(agent=agent_pk, call=except_call):
        _try_to_queue(note)


_EARLIER = Prepared(
    lambda agent, call: (
        _with_call().filter(author=agent, state=Note.State.DRAFT).exclude(call=call).exclude(problem__in=TEXT_PROBLEMS)
    )
)


def after_hang_up(leg: Leg) -> None:
    """The agent's part has ended: a draft becomes due, a written note gets its end and length."""
    now = timezone.now()
    call = leg.call
    if call.tenant.log_every_call and leg.answered_at and is_writable(call):
        blank = Note(call=call, author_id=leg.agent_id, edited_at=now, revision=1)
        Note.objects.bulk_create([blank], ignore_conflicts=True)
    its = {"call": call, "author": leg.agent_id}
    _draft_is_due(**its, at=now + QUIET)
    _end_is_due(**its, at=now)
    for pk, state in _DUE.rows(**its):
        deliver_after_commit(pk, delay=QUIET if state == Note.State.DRAFT else timedelta())


def _of(call: Any, author: Any) -> QuerySet[Note]:
    return Note.objects.filter(call=call, author=author)


_draft_is_due = PreparedUpdate(
    lambda call, author, at: (
        _of(call, author).filter(state=Note.State.DRAFT, next_try_at=None),
        {"next_try_at": at},
    )
)
_end_is_due = PreparedUpdate(
    lambda call, author, at: (
        _of(call, author).filter(state=Note.State.WRITTEN, step__lt=Note.Step.COMPLETED),
        {"next_try_at": at},
    )
)
_DUE = Prepared(lambda call, author: _of(call, author).exclude(next_try_at=None).values_list("pk", "state"))


def hand_over(call: Call, agent_pk: int) -> None:
    """A colleague has the call now: what this agent typed is queued at once under this agent's name."""
    for note in _with_call().filter(call=call, author_id=agent_pk, state=Note.State.DRAFT):
        _try_to_queue(note)


def after_closing(leg: Leg) -> None:
    """The agent closed the card of an ended call, or one of whose end nobody tells."""
    if leg.ended_at or leg.call.private_to_id:
        hand_over(leg.call, leg.agent_id)


def after_sign_in(agent: Agent) -> None:
    """Everything that waited for it goes out."""
    waiting = Note.objects.filter(author=agent, state=Note.State.QUEUED)
    with transaction.atomic():
        waiting.update(next_try_at=timezone.now())
        for pk in waiting.values_list("pk", flat=True):
            deliver_after_commit(pk)


# ── what the call is about ───────────────────────────────────────────────────────────────────────────────────────────


def regard(leg: Leg, *, table: str, record_id: UUID) -> None:
    """The notes of all the call's agents are about that record; those already written are changed."""
    _about(leg, regarding_table=table, regarding_id=record_id)
    leg.call.regarding_table, leg.call.regarding_id = table, record_id


def disregard(leg: Leg, *, table: str, record_id: UUID) -> None:
    """They are not about that record after all."""
    if (leg.call.regarding_table, leg.call.regarding_id) == (table, record_id):
        _about(leg, regarding_table="", regarding_id=None)
        leg.call.regarding_table, leg.call.regarding_id = "", None


def _about(leg: Leg, **about: Any) -> None:
    with transaction.atomic():
        Call.objects.filter(pk=leg.call_id).update(**about)
        _written_otherwise(leg, about["regarding_id"])


def after_finding(leg: Leg, record_id: UUID) -> None:
    """The CRM said whom the call is about: what was written about nobody gets that record."""
    _written_otherwise(leg, record_id)


def _written_otherwise(leg: Leg, record_id: UUID | None) -> None:
    """An attempt under way looks at its end whether the call is about somebody else by then."""
    of_call = {"call": leg.call_id}
    for pk in _WRITTEN_ABOUT_ANOTHER.rows(**of_call, record=record_id) if record_id else _WRITTEN.rows(**of_call):
        Note.objects.filter(pk=pk).update(next_try_at=timezone.now())
        deliver_after_commit(pk)


_WRITTEN = Prepared(
    lambda call: Note.objects.filter(call=call, state=Note.State.WRITTEN).values_list("pk", flat=True),
)
_WRITTEN_ABOUT_ANOTHER = Prepared(
    lambda call, record: (
        Note.objects.filter(call=call, state=Note.State.WRITTEN)
        .exclude(written_about=record, left_out="")
        .values_list("pk", flat=True)
    )
)


# ── the sweep ────────────────────────────────────────────────────────────────────────────────────────────────────────


def sweep() -> None:
    """Every minute: find what no job hurried. Drafts that are due, notes to be tried again, texts to be erased."""
    now = timezone.now()
    for pk in _due_drafts(now).values_list("pk", flat=True)[:500]:
        note = _with_call().filter(pk=pk, state=Note.State.DRAFT).first()
        if note:
            _try_to_queue(note)
    Note.objects.filter(_untimed()).update(next_try_at=now)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    waiting = Note.objects.filter(free, next_try_at__lte=now, state__in=[Note.State.QUEUED, Note.State.WRITTEN])
    for pk in waiting.order_by("next_try_at").values_list("pk", flat=True)[:500]:
        deliver_after_commit(pk)
    erase_texts(now)


def _untimed() -> Q:
    """Written while the call went on, and its end passed unnoticed."""
    legs = Leg.objects.filter(call=OuterRef("call"), agent=OuterRef("author"), ended_at__isnull=False)
    return Q(Exists(legs), state=Note.State.WRITTEN, step=Note.Step.CREATED, next_try_at=None, erased_at=None)


def _due_drafts(now: datetime) -> QuerySet[Note]:
    legs = Leg.objects.filter(call=OuterRef("call"), agent=OuterRef("author"))
    forgotten = Exists(legs.filter(Q(ended_at__lt=now - FORGOTTEN) | Q(closed_at__lt=now - FORGOTTEN)))
    private = Q(call__private_to__isnull=False, edited_at__lt=now - FORGOTTEN)
    due = Q(next_try_at__lte=now) | Q(forgotten) | private | Q(edited_at__lt=now - ABANDONED)
    drafts = Note.objects.filter(due, state=Note.State.DRAFT, revision__gt=0)
    nothing = Q(text=b"", outcome="", step=Note.Step.NOTHING, call__tenant__log_every_call=False)
    return drafts.exclude(problem__in=TEXT_PROBLEMS).exclude(nothing)


def erase_texts(now: datetime) -> None:
    """Forget what was read back from Dataverse once no card shows it: closed, or untouched since the call ended."""
    legs = Leg.objects.filter(call=OuterRef("call"), agent=OuterRef("author"))
    gone = Exists(legs.filter(closed_at__isnull=False)) | (
        Exists(legs.filter(ended_at__lt=now - FORGOTTEN)) & Q(edited_at__lt=now - FORGOTTEN)
    )
    old = Q(edited_at__lt=now - ABANDONED)
    done = Note.objects.filter(state=Note.State.WRITTEN, erased_at=None, next_try_at=None).filter(Q(gone) | old)
    for pk, revision in done.values_list("pk", "written_revision")[:500]:
        _erase(pk, revision, now)


def _erase(pk: int, revision: int, now: datetime) -> None:
    with transaction.atomic():
        unchanged = Note.objects.filter(pk=pk, state=Note.State.WRITTEN, revision=revision)
        if unchanged.update(text=b"", outcome="", erased_at=now):
            NoteRevision.objects.filter(note_id=pk).delete()


def deliver_after_commit(pk: int, delay: timedelta = timedelta()) -> None:
    from crmwindow import tasks  # jobs know the verbs, not the other way round

    seconds = delay.total_seconds()

    def enqueue() -> None:
        if seconds:
            tasks.deliver_note.schedule((pk,), delay=seconds + 0.5)
        else:
            tasks.deliver_note(pk)

    transaction.on_commit(enqueue)


def unwritten(agent: Agent) -> QuerySet[Note]:
    """Notes of this agent that are not in the CRM yet, newest first, with their calls."""
    rows = Note.objects.filter(author=agent, revision__gt=0).exclude(state=Note.State.WRITTEN)
    return rows.select_related("call").order_by("-edited_at")
