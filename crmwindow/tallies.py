"""Counts that must be true over all processes: kept in memory, added to the database's every few seconds.

A process that is killed takes at most those seconds with it. `/metrics` reads the sums.
"""

from __future__ import annotations

from threading import Lock
from time import monotonic

from django.db import DatabaseError
from django.db.models import F

from crmwindow.models import Tally

EVERY_SECONDS = 10.0
CARD_LIMITS = (50, 75, 100, 125, 150, 175, 200, 250, 300, 400, 500, 750, 1000, 2000, 5000)
"""Milliseconds; upper limits of the histogram's parts."""

_lock = Lock()
_counts: dict[tuple[str, str], tuple[int, float]] = {}
_flushed = monotonic()


def add(name: str, label: str = "", value: float = 0.0) -> None:
    with _lock:
        count, total = _counts.get((name, label), (0, 0.0))
        _counts[name, label] = count + 1, total + value


def card(path: str, milliseconds: int) -> None:
    """A card was painted that long after its event."""
    limit = next((limit for limit in CARD_LIMITS if milliseconds <= limit), None)
    add("card", f"{path} {limit or '+Inf'}", milliseconds / 1000)


def asked(_method: str, _path: str, status: int, seconds: float) -> None:
    """One attempt at Dataverse, by outcome: ok, refused, throttled, failed, or no answer."""
    outcomes = {0: "no_answer", 429: "throttled", 401: "sign_in"}
    outcome = outcomes.get(status) or ("ok" if status < 400 else "refused" if status < 500 else "failed")
    add("dataverse", outcome, seconds)


def flush() -> None:
    """Add what this process counted since to the sums of all."""
    global _flushed
    with _lock:
        _flushed = monotonic()
        counts = dict(_counts)
        _counts.clear()
    for (name, label), (count, total) in counts.items():
        try:
            _add_to_sum(name, label, count, total)
        except DatabaseError:
            with _lock:
                before, so_far = _counts.get((name, label), (0, 0.0))
                _counts[name, label] = before + count, so_far + total
            raise


def flush_if_due() -> None:
    if _counts and monotonic() - _flushed > EVERY_SECONDS:
        flush()


def _add_to_sum(name: str, label: str, count: int, total: float) -> None:
    rows = Tally.objects.filter(name=name, label=label)
    if not rows.update(count=F("count") + count, total=F("total") + total):
        Tally.objects.bulk_create([Tally(name=name, label=label)], ignore_conflicts=True)
        rows.update(count=F("count") + count, total=F("total") + total)


def sums(name: str) -> dict[str, tuple[int, float]]:
    """By label: how many, and their values together."""
    return {label: (count, total) for label, count, total in
            Tally.objects.filter(name=name).values_list("label", "count", "total")}  # fmt: skip
