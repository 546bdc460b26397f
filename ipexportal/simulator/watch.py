"""What the windows were given and when: measured where the answer leaves the process, and where the rows were written."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from crmwindow import lookup
from crmwindow.models import Leg, Note, WindowSession
from ipexportal.simulator import received
from ipexportal.simulator.exchange import PhoneCall, exchange
from ipexportal.simulator.journal import journal
from tenants.dataverse.budget import Budget
from tenants.models import digest

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Any, Send], Awaitable[None]]
FRAGMENTS = ("state", "who", "matches")
KEPT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Given:
    """A fragment that a window received whole. `window` is its cookie's digest."""

    window: str
    what: str
    at: datetime


given: deque[Given] = deque(maxlen=2000)
_told: set[tuple[str, str, str]] = set()


class Watch:
    """ASGI around the product: notes when a window's fragment has left, and what the exchange sent."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == received.PATH:
            await received.noted(self._app, scope, receive, send)
            return
        what = _fragment(scope)
        if not what:
            await self._app(scope, receive, send)
            return
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body") and status == 200:
                given.append(Given(digest(_cookie(scope)), what, timezone.now()))

        await self._app(scope, receive, noting)


def _fragment(scope: Message) -> str:
    """ "state", "who" or "matches" when the window asks for it, else ""."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/window/"):
        return ""
    parts = scope["path"].strip("/").split("/")
    return parts[-1] if len(parts) > 2 and parts[-1] in FRAGMENTS else ""


def _cookie(scope: Message) -> str:
    header = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
    try:
        morsel = SimpleCookie(header).get(settings.WINDOW_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def look() -> None:
    """Write down what happened since the last look to the calls the exchange knows."""
    calls = {call.unique_id: call for call in exchange.known() if call.rang_at}
    legs = Leg.objects.filter(call__unique_id__in=calls).select_related(
        "call__tenant", "agent__tenant__instance", "lookup"
    )
    for leg in legs.filter(call__started_at__gt=timezone.now() - KEPT):
        call = calls[leg.call.unique_id]
        if leg.agent.login in call.rang_at:
            _look_at(leg, call, call.rang_at[leg.agent.login])
    for note in Note.objects.filter(call__unique_id__in=calls, state=Note.State.WRITTEN).select_related(
        "call", "author"
    ):
        _note(note)


def _look_at(leg: Leg, call: PhoneCall, rang: datetime) -> None:
    login = leg.agent.login
    if (number := _first(leg, after=rang)) and _is_new("number", call.unique_id, login):
        seconds = (number.at - rang).total_seconds()
        journal.add(
            _("number"), _("Number and state in the window"), at=number.at, tone="ok", detail=_window(login),
            seconds=seconds, unique_id=call.unique_id,
        )  # fmt: skip
    finished = leg.lookup.finished_at if hasattr(leg, "lookup") else None
    if finished is None:
        return
    searched = max(0.0, (finished - rang).total_seconds())
    if _is_new("found", call.unique_id, login):
        _found(leg, call, finished, searched)
    if (card := _first(leg, after=finished)) and _is_new("card", call.unique_id, login):
        seconds = (card.at - rang).total_seconds()
        journal.summary = (round(seconds * 1000), round(searched * 1000))
        journal.add(
            _("card"), _("Card in the window"), at=card.at, tone="ok", detail=_window(login), seconds=seconds,
            unique_id=call.unique_id,
        )  # fmt: skip


def _found(leg: Leg, call: PhoneCall, at: datetime, seconds: float) -> None:
    found = lookup.found(leg, budget=Budget(0))
    if not found.matches and not found.unknown:
        why = next(iter(found.failures.values()), "") or lookup.sentence_of(found.problem)
        journal.add(
            _("not found out"), "%(why)s", at=at, tone="bad", detail=leg.agent.login, seconds=seconds,
            unique_id=call.unique_id, why=why,
        )  # fmt: skip
        return
    count = len(found.matches)
    words = ngettext_lazy("%(count)d match", "%(count)d matches", count) if count else _("No record has this number")
    names = ", ".join(f"{match.table_label} {match.name}" for match in found.matches[:4])
    journal.add(
        _("found"), words, at=at, tone="ok", detail=names or leg.agent.login, seconds=seconds,
        unique_id=call.unique_id, count=count,
    )  # fmt: skip


def _note(note: Note) -> None:
    revision = f"{note.author.login} {note.written_revision}"
    if note.written_at and _is_new("note", note.call.unique_id, revision):
        waited = (note.written_at - note.queued_at).total_seconds() if note.queued_at else None
        journal.add(
            _("note"), _("Note written to the CRM and read back"), at=note.written_at, tone="ok",
            detail=note.author.login, seconds=waited, unique_id=note.call.unique_id,
        )  # fmt: skip


def _is_new(kind: str, unique_id: str, whose: str) -> bool:
    """Once only; `_told` stays small because the exchange knows few calls."""
    before = len(_told)
    _told.add((kind, unique_id, whose))
    return len(_told) > before


def _window(login: str) -> str:
    return f"stream {login}"


def _first(leg: Leg, *, after: datetime) -> Given | None:
    """The first fragment that a window of this agent received after that moment."""
    so_far = tuple(given)  # in one go: the event loop appends meanwhile
    late = [one for one in so_far if one.at >= after]
    mine = set(
        WindowSession.objects.filter(agent=leg.agent, digest__in={one.window for one in late}).values_list(
            "digest", flat=True
        )
    )
    return next((one for one in late if one.window in mine), None)
