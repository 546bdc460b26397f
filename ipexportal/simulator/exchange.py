"""A telephone exchange of four lines. It does what IPEX's does as far as the portal can tell: it posts webhooks.

Source of the sequences: IPEX documentation, "Webhooks" and "Události (server side)".
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import requests
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ipexportal.simulator.journal import journal
from ipexportal.simulator.people import DESKS, OWN_NUMBER, QUEUE, Desk, desk_named

ANSWERED_ELSEWHERE_AFTER = 6.0
HANDED_OVER_AFTER = 4.0
SECOND_CALL_AFTER = 2.0
THEY_ANSWER_AFTER = 2.0
TIMEOUT = 15
WORDS = {
    "NewCall": _("A call is set up"),
    "Ringing": _("Rings at line %(line)s"),
    "Answered": _("Answered at line %(line)s"),
    "Hangup": _("Hung up"),
    "AttendedTransfer": _("Handed over to line %(line)s"),
    "CDR": _("The call's record is stored"),
}


class Impossible(Exception):
    """The phone cannot do that now; `str()` is a sentence for whoever pressed the button."""


@dataclass(slots=True, eq=False)
class PhoneCall:
    unique_id: str
    number: str
    direction: str
    ringing: list[Desk] = field(default_factory=list)
    talking: Desk | None = None
    answered: bool = False
    over: bool = False
    rang_at: dict[str, datetime] = field(default_factory=dict)  # by login

    @property
    def outgoing(self) -> bool:
        return self.direction.startswith("outgoing")

    def concerns(self, desk: Desk) -> bool:
        return not self.over and (self.talking == desk or desk in self.ringing)


class Exchange:
    """Holds the calls of all lines. Every act sends its webhooks before it returns."""

    def __init__(self) -> None:
        self.calls: list[PhoneCall] = []
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._session = requests.Session()
        self._session.trust_env = False

    # what people do

    def ring(self, desk: Desk, number: str, *, direction: str = "incoming", everyone: bool = False) -> PhoneCall:
        with self._lock:
            call = self._new(number, direction)
            self._send(call, "NewCall")
            for one in DESKS if everyone else (desk,):
                call.ringing.append(one)
                self._ring_at(call, one)
            return call

    def dial(self, desk: Desk, number: str) -> PhoneCall:
        with self._lock:
            self._must_be_free(desk)
            call = self._new(number, "outgoing")
            call.ringing.append(desk)
            self._send(call, "NewCall", desk)
            self._ring_at(call, desk)
        self._later(THEY_ANSWER_AFTER, lambda: self._answered(call, desk))
        return call

    def answer(self, desk: Desk) -> None:
        with self._lock:
            call = self._of(desk, lambda call: desk in call.ringing)
            if call is None:
                raise Impossible(_("Nothing rings at this line."))
            self._must_be_free(desk)
            self._answered(call, desk)

    def hang_up(self, desk: Desk) -> None:
        with self._lock:
            call = self._of(desk, lambda call: call.talking == desk) or self._of(
                desk, lambda call: desk in call.ringing
            )
            if call is None:
                raise Impossible(_("There is no call at this line."))
            call.over = True
            if call.answered or call.outgoing:
                self._send(call, "Hangup", desk, Reason="Normal Clearing")
            else:
                self._send(call, "Hangup", Reason="No user response")
            self._send(call, "CDR", call.talking)

    def transfer(self, desk: Desk, to: Desk) -> None:
        with self._lock:
            call = self._of(desk, lambda call: call.talking == desk)
            if call is None:
                raise Impossible(_("Only a call you are in can be handed over."))
            if to == desk or self._of(to, lambda call: call.talking == to):
                raise Impossible(_("The other line is busy."))
            call.talking = to
            call.rang_at[to.login] = timezone.now()
            self._send(call, "AttendedTransfer", to)

    # prepared stories

    def queue(self, number: str) -> None:
        call = self.ring(DESKS[0], number, everyone=True)
        klara = desk_named("klara")
        if klara:
            self._later(ANSWERED_ELSEWHERE_AFTER, lambda: self._answered(call, klara))

    def handover(self, desk: Desk, number: str) -> None:
        first = next(one for one in DESKS if one.code == ("jana" if desk.code == "klara" else "klara"))
        call = self.ring(first, number)
        self._answered(call, first)
        self._later(HANDED_OVER_AFTER, lambda: self.transfer(first, desk))

    def two(self, desk: Desk, number: str, second: str) -> None:
        self.ring(desk, number)
        self._later(SECOND_CALL_AFTER, lambda: self.ring(desk, second))

    def through_menu(self, desk: Desk, number: str, keyed: str) -> None:
        """The voice menu finds the caller and asks for the PIN before anybody's phone rings."""
        with self._lock:
            call = self._new(number, "incoming")
            self._send(call, "NewCall")
            self._ask(call, "lookup", function="kdo_vola")
            self._ask(call, "verify", function="overeni_pin", value=keyed)
            call.ringing.append(desk)
            self._ring_at(call, desk)

    # what the phone shows

    def state(self, desk: Desk) -> dict[str, object]:
        with self._lock:
            talking = self._of(desk, lambda call: call.talking == desk)
            ringing = self._of(desk, lambda call: desk in call.ringing)
        shown = talking or ringing
        return {
            "state": "talking" if talking else "dialling" if ringing and ringing.outgoing else "ringing" if ringing else "idle",
            "number": shown.number if shown else "",
            "answer": bool(ringing and not ringing.outgoing and not talking),
            "hang_up": bool(shown),
            "transfer": bool(talking),
        }  # fmt: skip

    def known(self) -> list[PhoneCall]:
        """Calls of the last hour or so, for whoever writes the journal."""
        with self._lock:
            return self.calls[-50:]

    # inside

    def _new(self, number: str, direction: str) -> PhoneCall:
        call = PhoneCall(f"{int(time.time())}.{next(self._numbers)}", number, direction)
        self.calls.append(call)
        return call

    def _of(self, desk: Desk, suits: Callable[[PhoneCall], bool]) -> PhoneCall | None:
        return next((call for call in self.calls if call.concerns(desk) and suits(call)), None)

    def _must_be_free(self, desk: Desk) -> None:
        if self._of(desk, lambda call: call.talking == desk):
            raise Impossible(_("This line is in a call. Hang up first."))

    def _ring_at(self, call: PhoneCall, desk: Desk) -> None:
        call.rang_at[desk.login] = timezone.now()
        self._send(call, "Ringing", desk)

    def _answered(self, call: PhoneCall, desk: Desk) -> None:
        with self._lock:
            if call.over or call.answered:
                return
            others = [one for one in call.ringing if one != desk]
            call.ringing, call.talking, call.answered = [], desk, True
            self._send(call, "Answered", desk)
            for one in others:
                self._send(call, "Hangup", one, Reason="Answered elsewhere")

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        def quietly() -> None:
            with contextlib.suppress(Impossible):  # the call went another way meanwhile
                act()

        timer = threading.Timer(seconds, quietly)
        timer.daemon = True
        timer.start()

    def _send(self, call: PhoneCall, event: str, desk: Desk | None = None, **more: str) -> None:
        line = desk.line if desk else ""
        body = {
            "EventName": event,
            "From": (line or DESKS[0].line) if call.outgoing else call.number,
            "To": call.number if call.outgoing else OWN_NUMBER,
            "Line": line,
            "Email": desk.email if desk else "",
            "Login": desk.login if desk else "",
            "UniqueId": call.unique_id,
            "Queue": "" if call.direction != "incoming" else QUEUE,
            "Direction": call.direction,
            **more,
        }
        at, started = timezone.now(), time.perf_counter()
        problem = self._post(body)
        detail = " · ".join(f"{key} {body[key]}" for key in ("From", "To", "Login", "Reason") if body.get(key))
        journal.add(
            event,
            problem or WORDS[event],
            at=at,
            tone="bad" if problem else "accent",
            detail=f"{detail} · UniqueId {call.unique_id}" if event == "NewCall" else detail,
            seconds=time.perf_counter() - started,
            unique_id=call.unique_id,
            line=line or "?",
        )

    def _ask(self, call: PhoneCall, what: str, **more: str) -> None:
        """As the REST block of a voice menu does; whatever comes back, the call goes on."""
        started, result = time.perf_counter(), ""
        try:
            answer = self._session.post(
                f"{settings.PORTAL_URL}/api/v1/ivr/{what}",
                json={"number": call.number, "unique_id": call.unique_id, **more},
                headers={"Authorization": f"Bearer {os.environ.get('SIMULATOR_IVR_KEY', '')}"},
                timeout=TIMEOUT,
            )
            result = str(answer.json().get("result") or answer.status_code)
        except (requests.RequestException, ValueError) as error:
            result = type(error).__name__
        journal.add(
            "IVR",
            _("The voice menu asked and got %(result)s"),
            tone="accent",
            detail=f"{what} · {more['function']}",
            seconds=time.perf_counter() - started,
            unique_id=call.unique_id,
            result=result,
        )

    def _post(self, body: dict[str, str]) -> str:
        """The webhook. Answers "" or what went wrong, with its percent signs doubled."""
        try:
            answer = self._session.post(
                f"{settings.PORTAL_URL}/api/v1/events",
                json=body,
                auth=("ipex", os.environ.get("SIMULATOR_EVENTS_KEY", "")),
                timeout=TIMEOUT,
            )
        except requests.RequestException as error:
            return type(error).__name__
        return "" if answer.status_code == 202 else f"{answer.status_code} {answer.text[:200]}".replace("%", "%%")


exchange = Exchange()
