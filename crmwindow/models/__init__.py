"""What the window remembers. Numbers and texts are encrypted; numbers also have a blind column (crmwindow.blind) so that they
can be found without being readable."""

from crmwindow.models.calls import Call, CallState, EventCount, LearnedMatch, Leg, Lookup, hers
from crmwindow.models.follow_ups import FollowUp, FollowUpDraft
from crmwindow.models.index import CallCandidates, IndexedNumber, IndexState, NumberIndex
from crmwindow.models.ivr import IvrAttempts, IvrFunction, IvrStep
from crmwindow.models.notes import LeftOut, Note, NoteRevision
from crmwindow.models.timings import Asked, CardTiming, Tally
from crmwindow.models.windows import Opening, Outbox, WindowSession, WindowTicket
from crmwindow.models.writes import CrmWrite

__all__ = [
    "Asked",
    "Call",
    "CallCandidates",
    "CallState",
    "CardTiming",
    "CrmWrite",
    "EventCount",
    "FollowUp",
    "FollowUpDraft",
    "IndexState",
    "IndexedNumber",
    "IvrAttempts",
    "IvrFunction",
    "IvrStep",
    "LearnedMatch",
    "LeftOut",
    "Leg",
    "Lookup",
    "Note",
    "NoteRevision",
    "NumberIndex",
    "Opening",
    "Outbox",
    "Tally",
    "WindowSession",
    "WindowTicket",
    "hers",
]
