"""One counter per subject and window of time: whoever does a thing too often hears when they may again.

`spend` counts where all processes see it, in the shared cache, which keeps a keyed digest of the subject and no address.
`spend_here` counts in this process alone, for what machines ask many times a second. A stranger's subject is never a
customer's: what is counted by network address locks out that address only.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from threading import Lock
from time import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.http import HttpRequest

REMEMBERED = 10_000
_full: dict[str, float] = {}  # subjects refused in their window, and when it ends: they cost no more query
_here: dict[tuple[str, str], tuple[int, int]] = {}  # → window, times
_lock = Lock()


class TooOften(Exception):
    """`seconds` until the next is welcome; `str()` may be shown."""

    def __init__(self, seconds: int) -> None:
        super().__init__(_("Too many requests. Try again in %(seconds)s s.") % {"seconds": seconds})
        self.seconds = seconds


def spend(name: str, subject: object) -> None:
    """One more of `name` (rates.RATES) by this subject; "" is nobody in particular and goes free. Raises TooOften."""
    if subject == "":
        return
    rate = settings.LIMITS[name]
    window, left = _window(rate.seconds)
    key = f"limit:{name}:{window}:{_digest(f'{name}:{subject}')}"
    if _full.get(key, 0) > time() or _counted(key, rate.seconds) > rate.times:
        _remember_full(key, time() + left)
        raise TooOften(left)


def spend_here(name: str, subject: object) -> None:
    """The same, as far as this process sees. Raises TooOften."""
    rate = settings.LIMITS[name]
    window, left = _window(rate.seconds)
    with _lock:
        last, times = _here.get((name, str(subject)), (window, 0))
        times = times + 1 if last == window else 1
        if len(_here) >= REMEMBERED:
            _here.clear()
        _here[name, str(subject)] = window, times
    if times > rate.times:
        raise TooOften(left)


def address_of(request: HttpRequest) -> str:
    return network_of(str(request.META.get("REMOTE_ADDR", "")))


def network_of(text: str) -> str:
    """Whose network address that is; of IPv6 the /64 that one household has. "" when the server does not say."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)


def forget() -> None:
    """What this process knows by itself."""
    _full.clear()
    _here.clear()


def _window(seconds: int) -> tuple[int, int]:
    """(The window of now, seconds until the next)."""
    now = time()
    window = int(now // seconds)
    return window, max(1, ceil((window + 1) * seconds - now))


def _counted(key: str, seconds: int) -> int:
    cache.add(key, 0, seconds + 1)
    try:
        return int(cache.incr(key))
    except ValueError:  # the cache was emptied between the two
        return 1


def _digest(subject: str) -> str:
    return salted_hmac("tenants.limits", subject, algorithm="sha256").hexdigest()[:32]


def _remember_full(key: str, until: float) -> None:
    if len(_full) >= REMEMBERED:
        _full.clear()
    _full[key] = until
