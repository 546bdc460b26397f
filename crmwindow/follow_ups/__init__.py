"""Follow-up tasks: what agents plan after a call, and how it gets into Dataverse once and under their names.

`when` proposes times, `task` builds (both pure), `begun` keeps what is half typed, `planning` queues, `delivery` writes,
`state` tells.
"""

from crmwindow.follow_ups import begun
from crmwindow.follow_ups.delivery import deliver
from crmwindow.follow_ups.planning import (
    Mistakes,
    Wanted,
    after_sign_in,
    change,
    discard,
    of_call,
    plan,
    regard,
    sweep,
    unwritten,
)
from crmwindow.follow_ups.state import sentence_of
from crmwindow.follow_ups.task import TASK, tables
from crmwindow.follow_ups.when import Time, proposed

__all__ = [
    "TASK", "Mistakes", "Time", "Wanted", "after_sign_in", "begun", "change", "deliver", "discard", "of_call", "plan",
    "proposed", "regard", "sentence_of", "sweep", "tables", "unwritten",
]  # fmt: skip
