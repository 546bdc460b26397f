"""Who sits at the demo's phones, and who calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

OWN_NUMBER = "222333444"
QUEUE = "Servis"


@dataclass(frozen=True, slots=True)
class Desk:
    """An agent and their Communicator. Each has a site of its own (`host`), so each window has a cookie of its own."""

    code: str
    name: str
    login: str
    line: str
    email: str
    hint: str | _StrPromise
    host: str

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2])


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody prepared. `number` is what the exchange sends, `shown` how people write it, `plan` what happens."""

    code: str
    name: str | _StrPromise
    hint: str | _StrPromise
    number: str
    shown: str
    plan: str = "ring"


def _desk(code: str, name: str, login: str, line: str, hint: str | _StrPromise, *, host: str = "") -> Desk:
    return Desk(code, name, login, line, f"{code}@acme.example", hint, host or f"{code}.localhost")


DESKS = (
    _desk("jana", "Jana Nováková", "jana.novakova", "444", _("sees everything"), host="localhost"),
    _desk("bob", "Bob Beneš", "bob.benes", "163", _("sees only own records")),
    _desk("klara", "Klára Šimková", "klara.simkova", "445", _("sees everything")),
    _desk("lena", "Lena Králová", "lena.kralova", "446", _("may not create leads")),
)
PIN = "4711"  # Jana Horáková's in the stand-in CRM
CALLERS = (
    Caller("jana-horakova", "Jana Horáková", _("one match, owned by Jana"), "777123456", "777 123 456"),
    Caller("elektro", "Elektro Vysočina", _("several records, ranked"), "224551111", "224 551 111"),
    Caller("alfa", "Alfa s.r.o.", _("a company; Bob may not see it"), "602111222", "602 111 222"),
    Caller("unknown", _("Unknown number"), _("create a contact or a lead"), "604218330", "604 218 330"),
    Caller("lucie", "Lucie Marková", _("a lead"), "605333444", "605 333 444"),
    Caller("hidden", _("Hidden number"), _("nothing is searched"), "anonymous", "–"),
    Caller("colleague", _("Colleague, line 163"), _("internal call"), "163", "163", "internal"),
    Caller(
        "queue", _("Rings at everyone"), _("Klára answers after 6 s, the card leaves"), "602111222", "602 111 222", "queue"
    ),
    Caller(
        "handover", _("Transfer with consultation"), _("Klára talks first, then it is yours"), "602111222", "602 111 222",
        "handover",
    ),
    Caller("two", _("Two calls at once"), _("the second waits in a strip"), "224551111", "224 551 111", "two"),
    Caller("expired", _("Expired sign-in"), _("the note waits until you sign in"), "777123456", "777 123 456", "expired"),
    Caller("extension", _("Company with an extension"), _("stored as “224 551 112 linka 12”"), "224551112", "224 551 112"),
    Caller("menu", _("Through the voice menu"), _("verified by PIN before it rings"), "777123456", "777 123 456", "menu"),
)  # fmt: skip
MODES = (
    ("running", _("running")),
    ("slow", _("slow")),
    ("throttling", _("throttling")),
    ("down", _("down")),
)


def desk_at(host: str) -> Desk:
    """Whose Communicator a page of this host is; everything unknown is the first one's."""
    return next((desk for desk in DESKS if desk.host == host.partition(":")[0]), DESKS[0])


def desk_named(code: str) -> Desk | None:
    return next((desk for desk in DESKS if desk.code == code), None)


def caller_named(code: str) -> Caller | None:
    return next((caller for caller in CALLERS if caller.code == code), None)
