"""Where jobs wait: in PostgreSQL, or in Redis. The rows are the truth, and a sweep finds each within a minute.

So a queue that is away never fails whoever wanted to hurry a row that is already committed.
"""

from __future__ import annotations

import logging
from typing import Any

from huey import Huey, PostgresHuey, PriorityRedisHuey

logger = logging.getLogger(__name__)


class _Hurrying(Huey):  # type: ignore[misc]  # Huey carries no types
    def enqueue(self, task: Any) -> Any:
        """Tried twice: the first may be the one that finds its connection cut."""
        for attempt in (1, 2):
            try:
                return super().enqueue(task)
            except Exception:
                logger.warning("The queue of jobs did not take one (attempt %d).", attempt, exc_info=attempt == 2)
        return None


class InPostgreSQL(_Hurrying, PostgresHuey):  # type: ignore[misc]  # Huey carries no types
    pass


class InRedis(_Hurrying, PriorityRedisHuey):  # type: ignore[misc]  # Huey carries no types
    pass
