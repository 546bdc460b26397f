"""How long the steps of one piece of work take: a request, or a look-up with its threads.

A `Watch` is current for the thread that works; whoever does a step asks for it. Without one nothing is measured. While
support traces a customer it also keeps what Dataverse was asked, as shapes without values.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Question:
    """One request to Dataverse. `after` and `took` are seconds; status 0: no answer."""

    method: str
    shape: str
    status: int
    after: float
    took: float


@dataclass(slots=True)
class Watch:
    """May be used by several threads. `began` is a reading of perf_counter. `about`: the traced leg, else None."""

    began: float = field(default_factory=perf_counter)
    marks: dict[str, float] = field(default_factory=dict)
    spent: dict[str, tuple[float, int]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    about: int | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def mark(self, name: str) -> None:
        """It is done now; of several times the last one counts."""
        self.marks[name] = perf_counter() - self.began

    def spend(self, name: str, seconds: float) -> None:
        with self._lock:
            total, times = self.spent.get(name, (0.0, 0))
            self.spent[name] = total + seconds, times + 1

    def asked(self, method: str, shape: str, status: int, seconds: float) -> None:
        after = perf_counter() - self.began - seconds
        self.questions.append(Question(method, shape, status, max(0.0, after), seconds))


_current: ContextVar[Watch | None] = ContextVar("watch", default=None)


def current() -> Watch | None:
    return _current.get()


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    token = _current.set(watch)
    try:
        yield watch
    finally:
        _current.reset(token)


@contextmanager
def spending(name: str) -> Iterator[None]:
    """Around a step of the current piece of work."""
    watch, started = _current.get(), perf_counter()
    try:
        yield
    finally:
        if watch:
            watch.spend(name, perf_counter() - started)


def mark(name: str) -> None:
    if watch := _current.get():
        watch.mark(name)


def label(name: str, value: str) -> None:
    if watch := _current.get():
        watch.labels[name] = value


def about(leg: int) -> None:
    """What is asked of Dataverse from now on is kept as asked about this leg."""
    if watch := _current.get():
        watch.about = leg
