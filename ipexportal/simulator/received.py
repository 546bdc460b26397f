"""What the portal hears from the exchange and tells its windows, for the page of Communicator's developers.

Taken where the answer leaves the process, so a webhook sent with curl is seen like one of the simulated exchange. Numbers are
masked here already; of a body only the documented keys are kept.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from crmwindow.models import Outbox

if TYPE_CHECKING:
    from ipexportal.simulator.watch import App, Message, Send

PATH = "/api/v1/events"
SHOWN = ("From", "To", "Line", "Login", "Queue", "Direction", "Reason", "UniqueId")
NUMBERS = {"From", "To"}
LONGEST, MOST_BYTES = 60, 64 * 1024
KEPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One webhook and how it was answered."""

    number: int
    at: datetime
    event: str
    detail: str
    status: int
    milliseconds: int

    def row(self) -> dict[str, Any]:
        answered = f"{self.status} · {self.milliseconds} ms"
        return {
            "way": "exchange",
            "at": self.at.timestamp(),
            "event": self.event,
            "detail": f"{self.detail} → {answered}",
        }


_received: deque[Received] = deque(maxlen=KEPT)
_lock = threading.Lock()
_count = 0


async def noted(app: App, scope: Message, receive: Any, send: Send) -> None:
    """Pass a webhook on to the product and keep what it was."""
    body, status = bytearray(), 0
    at, began = timezone.now(), time.perf_counter()

    async def listening() -> Message:
        message: Message = await receive()
        if len(body) < MOST_BYTES:
            body.extend(message.get("body", b""))
        return message

    async def answering(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        await send(message)

    await app(scope, listening, answering)
    _keep(bytes(body), at, status, round((time.perf_counter() - began) * 1000))


def _keep(body: bytes, at: datetime, status: int, milliseconds: int) -> None:
    global _count
    event, detail = _told(body)
    with _lock:
        _count += 1
        _received.append(
            Received(number=_count, at=at, event=event, detail=detail, status=status, milliseconds=milliseconds)
        )


def _told(body: bytes) -> tuple[str, str]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return "?", f"{len(body)} B"
    if not isinstance(told, dict):
        return "?", type(told).__name__
    parts = [f"{key} {_shown(key, told[key])}" for key in SHOWN if told.get(key)]
    return str(told.get("EventName", "?"))[:LONGEST], " · ".join(parts)


def _shown(key: str, value: object) -> str:
    text = str(value)[:LONGEST]
    return masked(text) if key in NUMBERS else text


def masked(number: str) -> str:
    """ "777123456" → "777 ••• 456"; a line stays a line."""
    digits = re.sub(r"\D", "", number)
    if len(digits) < 7:
        return number
    return f"{'+' if number.startswith('+') else ''}{digits[:-6]} ••• {digits[-3:]}"


def since(number: int) -> tuple[list[dict[str, Any]], int]:
    """Rows after `number`, and the newest number there is."""
    with _lock:
        return [each.row() for each in _received if each.number > number], _count


def told_since(number: int) -> tuple[list[dict[str, Any]], int]:
    """What open windows were told to hear of after row `number` of the outbox."""
    rows = list(Outbox.objects.filter(pk__gt=number).select_related("agent").order_by("-pk")[:KEPT])
    newest = rows[0].pk if rows else number
    return [
        {"way": "stream", "at": row.at.timestamp(), "event": row.kind, "detail": row.agent.login}
        for row in reversed(rows)
    ], newest
