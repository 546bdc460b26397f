"""What the window remembers. Numbers and texts are encrypted; numbers also have a blind column (crmwindow.blind) so that they
can be found without being readable."""

from crmwindow.models.calls import Call, CallState, EventCount, LearnedMatch, Leg, Lookup
from crmwindow.models.ivr import IvrFunction
from crmwindow.models.notes import Note, NoteRevision
from crmwindow.models.windows import Opening, Outbox, WindowSession, WindowTicket
from crmwindow.models.writes import CrmWrite

__all__ = [
    "Call",
    "CallState",
    "CrmWrite",
    "EventCount",
    "IvrFunction",
    "LearnedMatch",
    "Leg",
    "Lookup",
    "Note",
    "NoteRevision",
    "Opening",
    "Outbox",
    "WindowSession",
    "WindowTicket",
]
