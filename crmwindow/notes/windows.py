"""One note in several windows of its author: whose text it is, and what is put aside. Pure, but for `discard`.

A window says with each save which revision its field came from. If another window has changed the text since, both were
typed: the later one is the note, the other is kept aside under its window's name and offered, until its author takes it over
or gives it up. What is contained in a text need not be kept beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from crmwindow import outbox
from crmwindow.models import Note
from crmwindow.notes.text import Content, normalised
from tenants.fields import seal

TEXT, OUTCOME = "text", "outcome"
MOST = 9


@dataclass(frozen=True, slots=True)
class Window:
    """Who saves. `turn` counts the saves of one `page`; `seen` is the revision its text came from, None when it does not say;
    `touched` names what was changed there since."""

    page: str = ""
    turn: int = 0
    seen: int | None = None
    touched: frozenset[str] = frozenset({TEXT, OUTCOME})


@dataclass(frozen=True, slots=True)
class Aside:
    """What another window holds of the note."""

    page: str
    text: str
    at: datetime


def is_overtaken(note: Note, window: Window) -> bool:
    """A save that was passed on its way by a later one of the same page."""
    return bool(window.page) and note.typed_page == window.page and window.turn < note.typed_turn


def is_behind(note: Note, window: Window) -> bool:
    """Another window has saved since this one saw the note."""
    return window.seen is not None and note.typed_page != window.page and window.seen < note.revision


def merged(note: Note, typed: Content, window: Window) -> Content:
    """What the note says after this save; what would be lost by it is put aside in `note`."""
    there = Content(note.text, note.outcome)
    _drop(note, window.page, typed.text)
    if not is_behind(note, window):
        return typed
    outcome = typed.outcome if OUTCOME in window.touched else there.outcome
    behind = window.seen is not None and window.seen < note.text_revision
    if TEXT not in window.touched or (behind and _holds(there.text, typed.text)):
        return Content(there.text, outcome)
    if behind and not _holds(typed.text, there.text):
        _put_aside(note, there.text)
    return Content(typed.text, outcome)


def _holds(text: str, other: str) -> bool:
    return other.strip() in text


def is_text_of(note: Note, typed: str) -> bool:
    """What a window sent is what the note says."""
    return note.text == normalised(typed)


def asides(note: Note) -> tuple[Aside, ...]:
    """Newest first."""
    found = json.loads(note.aside) if note.aside else []
    return tuple(Aside(each["page"], each["text"], datetime.fromisoformat(each["at"])) for each in found)


def _put_aside(note: Note, text: str) -> None:
    others = [each for each in asides(note) if each.page != note.typed_page and not _holds(text, each.text)]
    _keep(note, [Aside(note.typed_page, text, note.edited_at), *others][:MOST])


def _drop(note: Note, page: str, text: str) -> None:
    """This window's own, and what its text now says as well."""
    if note.aside:
        _keep(note, [each for each in asides(note) if each.page != page and not _holds(text, each.text)])


def _keep(note: Note, kept: list[Aside]) -> None:
    rows = [{"page": each.page, "text": each.text, "at": each.at.isoformat()} for each in kept]
    note.aside = json.dumps(rows, ensure_ascii=False) if rows else ""


def discard(note: Note, *, page: str) -> None:
    """The author gives up what that window held."""
    with transaction.atomic():
        current = Note.objects.select_for_update(no_key=True).get(pk=note.pk)
        _keep(current, [each for each in asides(current) if each.page != page])
        Note.objects.filter(pk=note.pk).update(aside=seal(current, "aside", current.aside))
        outbox.tell([note.author_id])
