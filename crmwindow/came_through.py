"""What the voice menu learned, on the card of the call that is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crmwindow import card
from crmwindow.ivr import path
from crmwindow.models import Leg


def with_path(shown: card.Call, leg: Leg) -> card.Call:
    """The call with its caller's way through the menu, and the badge if this very record was verified."""
    steps = path.steps_of(leg.call)
    if not steps:
        return shown
    record = (leg.shown_table, leg.shown_id) if leg.shown_id else None
    badge = None if leg.nobody else path.badge(leg.call, record, steps=steps)
    return replace(
        shown,
        path=tuple(_stop(step) for step in path.of(leg.call, steps=steps)),
        verified=card.Verified(text=badge.text, how=badge.how) if badge else None,
    )


def _stop(step: path.Step) -> card.Stop:
    tone: Any = step.tone
    return card.Stop(title=step.title, text=step.text, tone=tone, answers=step.answers)
