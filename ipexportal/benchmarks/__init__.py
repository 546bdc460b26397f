"""Speed, measured as a ratio to a yardstick taken in the same run, because machines are noisy.

`manage.py benchmark NAME` prints one JSON object as its last line. Each benchmark sets up what it needs: a PostgreSQL of its
own unless DATABASE_URL names one, the sandbox as a process of its own, DEBUG off. A wrong answer voids the run.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence


class Void(Exception):
    """The run means nothing: a wrong answer, or a machine too busy to measure on."""


def summary(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """Median, spread and tail in milliseconds."""
    ordered = sorted(1000 * value for value in seconds)
    cuts = statistics.quantiles(ordered, n=100, method="inclusive")
    return {
        f"{name}_ms": round(statistics.median(ordered), 2),
        f"{name}_p95_ms": round(cuts[94], 2),
        f"{name}_iqr_ms": round(cuts[74] - cuts[24], 2),
    }


def spread(name: str, milliseconds: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99."""
    return {f"{name}p{share}_ms": percentile(milliseconds, share) for share in (50, 95, 99)}


def percentile(values: Sequence[float], share: int) -> float:
    """0 when there are none."""
    if len(values) < 2:
        return round(sum(values), 1)
    return round(statistics.quantiles(values, n=100, method="inclusive")[share - 1], 1)
