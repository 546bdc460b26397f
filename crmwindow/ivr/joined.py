"""One question, one answer: whoever asks the same meanwhile waits for it, and for some seconds nobody asks again.

State of this process only: another process asks for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from time import monotonic

SWEEP_SECONDS = 5.0


class Joined[T]:
    """Answers are kept for `seconds`, in memory, and then let go; failures are not kept."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = Lock()
        self._running: dict[Hashable, Future[T]] = {}
        self._kept: dict[Hashable, tuple[float, Future[T]]] = {}
        self._swept_at = 0.0

    @property
    def running(self) -> int:
        return len(self._running)

    def claim(self, key: Hashable, *, keep: bool = True) -> tuple[Future[T], bool]:
        """The answer to come, and whether the caller is the one who must `settle` it."""
        with self._lock:
            self._sweep()
            found = self._running.get(key)
            if found is None and keep:
                found = self._still_kept(key)
            if found is not None:
                return found, False
            self._running[key] = Future()
            return self._running[key], True

    def settle(self, key: Hashable, work: Callable[[], T], *, keep: bool = True) -> None:
        """Work out the answer for all who wait; what `work` raises is theirs as well."""
        with self._lock:
            future = self._running[key]
        try:
            answer = work()
        except BaseException as error:
            self._forget(key)
            future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        with self._lock:
            self._running.pop(key, None)
            if keep:
                self._kept[key] = monotonic() + self.seconds, future
        future.set_result(answer)

    def give_up(self, key: Hashable, error: Exception) -> None:
        """Nobody will work it out."""
        with self._lock:
            future = self._running.pop(key)
        future.set_exception(error)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()

    def _forget(self, key: Hashable) -> None:
        with self._lock:
            self._running.pop(key, None)

    def _still_kept(self, key: Hashable) -> Future[T] | None:
        ends, future = self._kept.get(key, (0.0, None))
        return future if ends > monotonic() else None

    def _sweep(self) -> None:
        now = monotonic()
        if now - self._swept_at > SWEEP_SECONDS:
            self._swept_at = now
            for key in [key for key, (ends, _future) in self._kept.items() if ends < now]:
                del self._kept[key]
