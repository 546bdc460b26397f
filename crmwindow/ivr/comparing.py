"""Is what the caller said what the CRM holds? Pure, and as quick for a wrong value as for a right one."""

from __future__ import annotations

import hmac
import os
import re
import unicodedata

from crmwindow.models import IvrFunction

Comparison = IvrFunction.Comparison
SHORTEST_UNIQUE = 8
_KEY = os.urandom(32)
_SPACES = re.compile(r"[\s\u00ad\u200b\u2060‐‑‒–—―−-]+")


def plain(text: str, comparison: str) -> str:
    """The part of a value that counts."""
    text = unicodedata.normalize("NFC", text).strip()
    if comparison in {Comparison.SPACES, Comparison.CASE}:
        text = _SPACES.sub("", text)
    return text.casefold() if comparison == Comparison.CASE else text


def agrees(said: str, stored: object, comparison: str) -> bool:
    """Over UTF-8, in the same time whatever differs. What is empty never agrees."""
    right = plain("" if stored is None else str(stored), comparison)
    same = hmac.compare_digest(_digest(plain(said, comparison)), _digest(right))
    return same and bool(right)


def _digest(text: str) -> bytes:
    return hmac.digest(_KEY, text.encode("utf-8", "surrogatepass"), "sha256")


def is_long_enough(value: str, comparison: str) -> bool:
    """To name one record of all without knowing the caller."""
    return len(plain(value, comparison)) >= SHORTEST_UNIQUE
