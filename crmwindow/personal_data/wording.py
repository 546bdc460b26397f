"""What each part is, why it is kept and for how long, for whoever answers a person's question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_RETENTION = gettext_lazy("the days set in Operation")
_WITH_CALL = gettext_lazy("as long as the call")
_UNTIL_WRITTEN = gettext_lazy("text: until it is in the CRM; that it was written: as long as the call")
PARTS: Mapping[str, tuple[StrOrPromise, StrOrPromise, StrOrPromise]] = {
    "calls": (
        gettext_lazy("Calls"),
        gettext_lazy("To show the card, and to list the day's calls and missed calls."),
        _RETENTION,
    ),
    "legs": (
        gettext_lazy("Parts of calls"),
        gettext_lazy("Which agent's phone rang, who took the call and when."),
        _WITH_CALL,
    ),
    "notes": (gettext_lazy("Notes"), gettext_lazy("To write what was agreed into the CRM, once."), _UNTIL_WRITTEN),
    "revisions": (
        gettext_lazy("Notes on their way"),
        gettext_lazy("To recognise a note whose answer from Microsoft was lost."),
        gettext_lazy("until the note is in the CRM"),
    ),
    "tasks": (
        gettext_lazy("Planned tasks"),
        gettext_lazy("To write a task into the CRM, once."),
        _UNTIL_WRITTEN,
    ),
    "drafts": (
        gettext_lazy("Half-filled tasks"),
        gettext_lazy("So that nothing that was typed is lost."),
        _WITH_CALL,
    ),
    "lookups": (
        gettext_lazy("What the CRM answered"),
        gettext_lazy("So that a card that is opened again need not ask again."),
        gettext_lazy("12 hours"),
    ),
    "candidates": (
        gettext_lazy("Records the index found"),
        gettext_lazy("To read them for every agent whose phone rings."),
        gettext_lazy("12 hours; that something was found: as long as the call"),
    ),
    "choices": (
        gettext_lazy("Remembered choices"),
        gettext_lazy("The record an agent chose is offered first when the number calls again."),
        gettext_lazy("a year, or while the number still calls; forgotten in Operation"),
    ),
    "menu": (
        gettext_lazy("Way through the voice menu"),
        gettext_lazy("So that the agent sees what the caller chose and said. Verified values are not kept."),
        _RETENTION,
    ),
    "attempts": (
        gettext_lazy("Counted attempts in the voice menu"),
        gettext_lazy("So that nobody can guess a PIN."),
        gettext_lazy("2 days"),
    ),
    "writes": (
        gettext_lazy("What is written by the system account"),
        gettext_lazy("Missed calls and what the voice menu writes into the CRM, once."),
        gettext_lazy("content: until it is in the CRM; that it was written: the days set in Operation"),
    ),
    "openings": (
        gettext_lazy("Tabs that wait for a new record"),
        gettext_lazy("A click on “create” opens the record's page when it is made."),
        gettext_lazy("an hour"),
    ),
    "index": (
        gettext_lazy("Entries in the number index"),
        gettext_lazy("They mirror the CRM: while a record there has the number, the next reading brings them back."),
        gettext_lazy("as long as the number is in the CRM"),
    ),
    "agent": (
        gettext_lazy("The user"),
        gettext_lazy(
            "Name, e-mail, login and line tell whose phone rings; tokens let them work with their own rights."
        ),
        gettext_lazy("until the user is erased"),
    ),
    "sessions": (
        gettext_lazy("Open windows"),
        gettext_lazy("To know whose window it is."),
        gettext_lazy("12 hours"),
    ),
    "tickets": (
        gettext_lazy("Tickets of windows"),
        gettext_lazy("The contact centre opens a window by them, once."),
        gettext_lazy("24 hours"),
    ),
    "sign_ins": (
        gettext_lazy("Sign-ins at Microsoft"),
        gettext_lazy("To finish a sign-in, and to help where it was refused."),
        gettext_lazy("a day"),
    ),
    "mail": (
        gettext_lazy("E-mails to the user"),
        gettext_lazy("That they were sent, not what they said."),
        gettext_lazy("until the user is erased"),
    ),
    "changes": (
        gettext_lazy("Record of changes"),
        gettext_lazy("Who changed access and set-up. After an erasure it stays without the name."),
        gettext_lazy("as long as the customer; tickets of windows: the days set in Operation"),
    ),
}
"""Key of a part: what it is, why it is kept, how long."""


def of_unwritten(waiting: Counter[str]) -> str:
    """One sentence about what is here only."""
    kinds = {
        "notes": ngettext("%(n)d note", "%(n)d notes", waiting["notes"]),
        "tasks": ngettext("%(n)d task", "%(n)d tasks", waiting["tasks"]),
        "drafts": ngettext("%(n)d half-filled task", "%(n)d half-filled tasks", waiting["drafts"]),
        "writes": ngettext(
            "%(n)d write of the system account", "%(n)d writes of the system account", waiting["writes"]
        ),
    }
    told = [kinds[key] % {"n": waiting[key]} for key in kinds if waiting[key]]
    return _("This is not in the CRM yet and would be lost: %(what)s.") % {"what": ", ".join(told)}
