"""Rows that go into the customer's CRM through the system account: missed calls and what the IVR writes.

`accepting` takes in, `planning` says what a row will look like (`values`, `callers`, `owners`, `tables`, `missed_call`),
`delivery` writes, `trying` shows without writing, `wording` tells.
"""

from crmwindow.writing.accepting import (
    SETTLED,
    UNWRITTEN,
    OtherBody,
    OverCap,
    UnknownValues,
    accept,
    missed,
    try_again,
    unwritten,
    withdraw,
)
from crmwindow.writing.delivery import deliver, sweep
from crmwindow.writing.giving_up import give_up, given_up
from crmwindow.writing.trying import DryRun, dry_run, unknown_values

__all__ = [
    "SETTLED", "UNWRITTEN", "DryRun", "OtherBody", "OverCap", "UnknownValues", "accept", "deliver", "dry_run", "give_up",
    "given_up", "missed", "sweep", "try_again", "unknown_values", "unwritten", "withdraw",
]  # fmt: skip
