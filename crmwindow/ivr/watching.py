"""What happens on the way to an answer, told to whoever tries a function out. Nobody watches a real call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any


@dataclass(frozen=True, slots=True)
class TrialStep:
    """One thing that was done: how long it took, and a sentence about it."""

    milliseconds: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to Dataverse. `path` carries neither ids nor a query, so no number and no value; status 0: no answer."""

    method: str
    path: str
    status: int
    milliseconds: int


@dataclass(slots=True)
class Watch:
    """Collects steps and requests, from several threads."""

    steps: list[TrialStep] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    _last: float = field(default_factory=perf_counter)

    def note(self, sentence: str, **values: Any) -> None:
        """`sentence` is translated already and its values are put in."""
        now = perf_counter()
        self.steps.append(TrialStep(round(1000 * (now - self._last)), sentence % values if values else sentence))
        self._last = now

    def asked(self, method: str, path: str, status: int, seconds: float) -> None:
        self.requests.append(Asked(method, path, status, round(1000 * seconds)))


@dataclass(slots=True)
class Nobody(Watch):
    """Watches nothing."""

    def note(self, sentence: str, **values: Any) -> None:
        pass

    def asked(self, method: str, path: str, status: int, seconds: float) -> None:
        pass


type Note = Callable[..., None]
