"""What happened, newest last, with real times: the table below the phone."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

KEPT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`what` is a message with named places for `values`, put into words only when somebody reads it."""

    number: int
    at: datetime
    event: str | _StrPromise
    tone: str
    what: str | _StrPromise
    values: dict[str, Any]
    detail: str
    milliseconds: int | None
    unique_id: str

    def row(self) -> dict[str, Any]:
        local = timezone.localtime(self.at)
        return {
            "number": self.number,
            "time": f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}",
            "event": str(self.event),
            "tone": self.tone,
            "what": str(self.what) % self.values,
            "detail": self.detail,
            "milliseconds": self.milliseconds,
        }


@dataclass
class Journal:
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    last: int = 0
    summary: tuple[int, int] | None = None  # ring to card, of which the search; milliseconds
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self,
        event: str | _StrPromise,
        what: str | _StrPromise,
        *,
        at: datetime | None = None,
        tone: str = "",
        detail: str = "",
        seconds: float | None = None,
        unique_id: str = "",
        **values: Any,
    ) -> None:
        with self._lock:
            self.last += 1
            entry = Entry(
                number=self.last,
                at=at or timezone.now(),
                event=event,
                tone=tone,
                what=what,
                values=values,
                detail=detail,
                milliseconds=None if seconds is None else round(seconds * 1000),
                unique_id=unique_id,
            )
            self.entries.append(entry)

    def since(self, number: int) -> list[dict[str, Any]]:
        with self._lock:
            return [entry.row() for entry in self.entries if entry.number > number]


journal = Journal()
