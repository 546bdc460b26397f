"""What keeps one organization's trouble from spreading: after a row of failures nobody asks it for a while.

A `Gate` stands before all requests of one account. It closes for as long as a 429 says, and after some failures one after the
other for a pause that doubles; then one request goes through to see whether it is over. While it is closed, whoever asks is
refused at once (`Held`) and Microsoft hears nothing of it.

Source: Microsoft, "Service protection API limits": Retry-After grows for who keeps sending.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from tenants.dataverse import errors

FAILURES = 5
PAUSE_SECONDS = 5.0
LONGEST_SECONDS = 60.0
THROTTLED_SECONDS = 5.0  # for a 429 that does not say how long
PROBE_SECONDS = 10.0  # after which another one may look, whatever became of the first


class Held(errors.Unavailable):
    """Nobody was asked, `because` of what happened before. `retry_after` is when the gate opens."""

    sentence = "Dataverse failed a moment ago and is not asked again yet."

    def __init__(self, because: errors.DataverseError, seconds: float) -> None:
        super().__init__(code=because.code, retry_after=seconds, reached=False, final=True)
        self.because = because


class Gate:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures = 0
        self._pause = PAUSE_SECONDS
        self._closed_until = 0.0
        self._probe_until = 0.0
        self._because: errors.DataverseError | None = None

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Around one request. Raises Held instead of letting it through."""
        probe = self._enter()
        try:
            yield
        except errors.DataverseError as error:
            self._failed(error, probe=probe)
            raise
        else:
            self._answered(probe=probe)

    @property
    def held(self) -> Held | None:
        """Why nobody should be asked now; None when requests go through, or one may look."""
        with self._lock:
            left = self._closed_until - monotonic()
            return Held(self._because, left) if self._because and left > 0 else None

    def _enter(self) -> bool:
        """Is it the one that looks whether the trouble is over?"""
        with self._lock:
            if self._because is None:
                return False
            now = monotonic()
            wait = max(self._closed_until, self._probe_until) - now
            if wait > 0:
                raise Held(self._because, wait)
            self._probe_until = now + PROBE_SECONDS
            return True

    def _answered(self, *, probe: bool) -> None:
        with self._lock:
            if probe or self._because is None:  # an answer to an old request says nothing about now
                self._failures, self._pause, self._because = 0, PAUSE_SECONDS, None
                self._closed_until = self._probe_until = 0.0

    def _failed(self, error: errors.DataverseError, *, probe: bool) -> None:
        if isinstance(error, errors.Throttled):
            self._close(error, error.retry_after or THROTTLED_SECONDS)
        elif not is_failure(error):
            self._answered(probe=probe)
        elif not (
            isinstance(error, errors.Unavailable) and error.final and not error.reached
        ):  # somebody's time was up
            self._count(error, probe=probe)
        elif probe:
            with self._lock:
                self._probe_until = 0.0

    def _count(self, error: errors.DataverseError, *, probe: bool) -> None:
        with self._lock:
            self._failures += 1
            closes = probe or (self._because is None and self._failures >= FAILURES)
            pause = self._pause
            if closes:
                self._pause = min(2 * self._pause, LONGEST_SECONDS)
        if closes:
            self._close(error, pause)

    def _close(self, error: errors.DataverseError, seconds: float) -> None:
        with self._lock:
            self._because, self._probe_until = error, 0.0
            self._closed_until = max(self._closed_until, monotonic() + seconds)


def is_failure(error: errors.DataverseError) -> bool:
    """Nobody answered, or nobody will as long as the account is refused; what is wrong with one question is no failure."""
    refused = error.status is None and error.acts != "us"
    return refused or isinstance(error, errors.Unavailable | errors.SignInRequired | errors.NotAMember)
