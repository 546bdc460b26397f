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
