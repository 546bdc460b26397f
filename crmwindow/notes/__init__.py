"""Notes: what agents type to their calls, and how it gets into Dataverse once and under their names.

`text` judges, `activity` builds (both pure), `drafts` keeps and queues, `windows` lets several of them be open,
`delivery` writes, `state` tells.
"""

from crmwindow.notes.delivery import deliver
from crmwindow.notes.drafts import (
    after_closing,
    after_finding,
    after_hang_up,
    after_sign_in,
    disregard,
    hand_over,
    is_writable,
    limit_for,
    queue,
    queue_earlier,
    queue_if_due,
    regard,
    save_draft,
    sweep,
    unwritten,
)
from crmwindow.notes.state import NoteState, handover, keep_mine, keep_theirs, load, reason, state_of
from crmwindow.notes.text import Content, TextProblem
from crmwindow.notes.windows import Aside, Window, discard, is_text_of

__all__ = [
    "Aside", "Content", "NoteState", "TextProblem", "Window", "after_closing", "after_finding", "after_hang_up",
    "after_sign_in", "deliver", "discard", "disregard", "hand_over", "handover", "is_text_of", "is_writable", "keep_mine",
    "keep_theirs", "limit_for", "load", "queue", "queue_earlier", "queue_if_due", "reason", "regard", "save_draft", "state_of",
    "sweep", "unwritten",
]  # fmt: skip
