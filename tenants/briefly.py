"""What is asked for many times a second and changes rarely: rows as they were at most two seconds ago."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from time import monotonic

from django.conf import settings

MOST = 4096


class Briefly[T]:
    """Kept in this process for `settings.KNOWN_FOR_SECONDS` from the moment they are asked for, so a key that is revoked
    or a function that is switched off stops working by then. That there is none (None) is asked anew each time.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, T]] = {}

    def of(self, key: Hashable, read: Callable[[], T | None]) -> T | None:
        now = monotonic()
        until, found = self._kept.get(key, (0.0, None))
        if found is not None and now < until:
            return found
        fresh = read()
        if fresh is not None and settings.KNOWN_FOR_SECONDS:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = now + settings.KNOWN_FOR_SECONDS, fresh
        return fresh

    def forget(self) -> None:
        self._kept.clear()
