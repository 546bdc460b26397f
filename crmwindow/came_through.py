"""What the voice menu learned, on the card of the call that is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from crmwindow import card
from crmwindow.ivr import path
from crmwindow.models import IvrStep, Leg


def with_path(shown: card.Call, leg: Leg, known: Iterable[IvrStep] | None = None) -> card.Call:
    """The call with its caller's way through the menu, and the badge if this very record was verified. `known`: its steps."""
    steps = path.steps_of(leg.call) if known is None else list(known)
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
