"""Where a note has got to, in words for its author."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crmwindow import outbox
from crmwindow.models import LeftOut, Leg, Note, NoteRevision
from crmwindow.notes import drafts
from crmwindow.notes import text as texts
from crmwindow.notes.text import Content
from crmwindow.notes.windows import Aside, asides
from tenants import connections
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget


@dataclass(frozen=True, slots=True)
class NoteState:
    """`status`: empty, draft, queued, writing, written or refused; `at`: saved, queued or written then.

    `problem` is a short word ("sign_in", "conflict", …) and `sentence` says it; `surplus` counts UTF-16 code units over the
    limit. `theirs` is the CRM's text when somebody else changed it. `activity_id` is there once the activity exists.
    `asides` is what other windows of its author hold of it. `editable` is False when the text is in the CRM only: `load`
    brings it back.
    """

    text: str = ""
    outcome: str = ""
    revision: int = 0
    asides: tuple[Aside, ...] = ()
    status: str = "empty"
    at: datetime | None = None
    problem: str = ""
    sentence: str = ""
    surplus: int = 0
    theirs: str = ""
    activity_id: str = ""
    editable: bool = True


def state_of(note: Note | None) -> NoteState:
    """For the dock; an absent note is an empty one."""
    if note is None:
        return NoteState()
    status = _status(note)
    content = drafts.content_of(note)
    surplus = 0
    if note.problem == "too_long":
        surplus = max(0, texts.units(content.text) - drafts.limit_for(note.author, content.outcome))
    return NoteState(
        text=content.text,
        outcome=content.outcome,
        revision=note.revision,
        asides=asides(note),
        status=status,
        at={"queued": note.queued_at, "writing": note.queued_at, "written": note.written_at}.get(
            status, note.edited_at
        ),
        problem=note.problem,
        sentence=reason(note),
        surplus=surplus,
        theirs=_theirs(note).get("text", ""),
        activity_id=str(note.code) if note.step > Note.Step.NOTHING else "",
        editable=note.erased_at is None,
    )


def _status(note: Note) -> str:
    if note.state == Note.State.QUEUED and note.lease_until and note.lease_until > timezone.now():
        return "writing"
    if note.state == Note.State.DRAFT and not note.revision:
        return "empty"
    return str(note.state)


def _theirs(note: Note) -> dict[str, str]:
    if note.problem != "conflict" or not note.detail:
        return {}
    found: dict[str, str] = json.loads(note.detail)
    return found


def reason(note: Note) -> str:
    """What happened and who acts, in the active language; "" without a problem."""
    if not note.problem:
        return _left_out(note)
    if note.problem in drafts.TEXT_PROBLEMS:
        content = drafts.content_of(note)
        limit = drafts.limit_for(note.author, content.outcome)
        problem = texts.problem_of(content.text, limit)
        return problem.sentence if problem else _("The note is longer than the CRM allows. It stays saved here.")
    if note.problem == "missing_privilege":
        right = note.detail or "?"
        return _("Your role in the CRM lacks a right for this (%(right)s). A CRM admin can add it.") % {"right": right}
    sentences = {
        "sign_in": _("The note is waiting for you to sign in to Microsoft."),
        "throttled": _("The CRM is busy. The note is saved and goes out by itself."),
        "unavailable": _("Microsoft is not responding. The note is saved and goes out by itself."),
        "drift": _("The CRM's tables were changed. The note is saved and goes out once that is settled."),
        "error": _("Something went wrong on our side. The note is saved and goes out by itself."),
        "not_a_member": _("Your account has no access to this CRM. Your admin can add it."),
        "gone": _("The phone call was deleted in the CRM. Write the note again to create it anew."),
        "refused": _("The CRM refused the note. Your admin can find out why."),
        "conflict": _("Somebody else changed this note in the CRM. Both versions are shown."),
    }
    return sentences.get(note.problem, "")


def _left_out(note: Note) -> str:
    """Why it was written without the record it is about."""
    if note.written_about is None or note.state == Note.State.DRAFT:
        return ""
    sentences = {
        LeftOut.HIDDEN: _(
            "The note is written to the call without a record, because you may not see or link the one that was chosen. "
            "Ask your CRM admin."
        ),
        LeftOut.GONE: _(
            "The note is written to the call without a record, because the one that was chosen is no longer in the CRM."
        ),
    }
    return sentences.get(LeftOut(note.left_out), "") if note.left_out else ""


def handover(leg: Leg) -> Note | None:
    """What a colleague wrote to this call before handing it over, with its author; None when there is nothing to read."""
    if not leg.transferred:
        return None
    others = Note.objects.filter(call_id=leg.call_id, revision__gt=0, erased_at=None).exclude(author_id=leg.agent_id)
    return others.select_related("author").order_by("-edited_at").first()


def load(note: Note, *, budget: Budget) -> Note:
    """Bring an erased text back from Dataverse so that its author can go on editing it. Raises DataverseError.

    A text that is here, perhaps typed in another window a moment ago, is never replaced.
    """
    if note.erased_at is None:
        return note
    client = connections.client_for(note.author)
    instance = note.author.tenant.instance
    table = connections.metadata(instance, client, budget).table("phonecall")
    columns = [name for name in ("description", "subcategory") if name in table.properties]
    answer = client.get(odata.query(odata.record(table.entity_set, note.code), select=columns), budget=budget)
    row = answer.data or {}
    content = Content(texts.normalised(str(row.get("description") or "")), str(row.get("subcategory") or "")[:200])
    _take_over(note, content, answer.etag)
    return note


def _take_over(note: Note, content: Content, etag: str) -> None:
    """What is in Dataverse is our newest revision now, unless the author has typed since `note` was read."""
    with transaction.atomic():
        current = Note.objects.select_for_update().get(pk=note.pk)
        if current.revision != note.revision:
            note.refresh_from_db()
            return
        current.text, current.outcome, current.etag = content.text, content.outcome, etag
        current.revision += 1
        current.text_revision = current.revision
        current.written_revision = current.frozen_revision = current.revision
        current.state, current.problem, current.detail = Note.State.WRITTEN, "", ""
        current.erased_at, current.edited_at = None, timezone.now()
        current.save()
        kept = NoteRevision(note=current, number=current.revision, text=content.text, outcome=content.outcome)
        NoteRevision.objects.bulk_create([kept], ignore_conflicts=True)
        outbox.tell([note.author_id])
    note.refresh_from_db()


def keep_mine(note: Note) -> bool:
    """After a conflict: the agent's text replaces the text they were shown (and no later one)."""
    theirs = _theirs(note)
    if not theirs:
        return False
    with transaction.atomic():
        current = Note.objects.select_for_update().get(pk=note.pk)
        seen = NoteRevision(note=current, number=current.revision + 1, text=theirs["text"], outcome=theirs["outcome"])
        NoteRevision.objects.bulk_create([seen], ignore_conflicts=True)
        current.revision, current.etag, current.detail = current.revision + 2, theirs["etag"], ""
        current.save(update_fields=["revision", "etag", "detail"])
    note.refresh_from_db()
    return drafts.queue(note)


def keep_theirs(note: Note) -> None:
    """After a conflict: the CRM's text stays, the agent's is given up. Raises NotFound when there was no conflict."""
    theirs = _theirs(note)
    if not theirs:
        raise errors.NotFound("There is no other version of this note.")
    _take_over(note, Content(texts.normalised(theirs["text"]), theirs["outcome"]), theirs["etag"])
