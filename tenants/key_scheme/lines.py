"""One line of a key scheme: what stands left of the sign, what right of it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tenants.key_scheme.words import VOCABULARY, Slot, letters

_BULLET: Final = re.compile(r"^(?:[•◦‣⁃∙·●○▪▫■□►▶➢➤✓✔*+>\-–—|]+\s*|\(?\d{1,3}[.)]\s+)+")
_COMMENT: Final = re.compile(r"^(?:#|//)")
SIGN: Final = re.compile(r"\s*(?::=|==?>?|:|->|→|⇒|\t+)\s*")
_TRAILING: Final = re.compile(r"(?:\s*(?:…|\.{2,}|[,;]))+$")
_QUOTES: Final = {
    '"': '"',
    "'": "'",
    "„": '“”"„',
    "“": "”“",
    "”": "”",
    "«": "»",
    "»": "«",
    "‚": "‘’'",
    "‘": "’‘",
    "`": "`",
}
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SEVERAL: Final = re.compile(r"\s*[,;/|+&]\s*|\s+(?:a|i|and|nebo|or|alebo)\s+|\s+")


@dataclass(frozen=True, slots=True)
class Line:
    """A line taken apart. `slot` is None when its word is not known; `number` is 0 where none stands."""

    at: int
    word: str
    value: str
    slot: Slot | None
    number: int = 0
    nearest: str = ""


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and content of the lines that say something, without bullets and invisible characters."""
    for at, raw in enumerate(re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", text), start=1):
        visible = "".join(char for char in raw if unicodedata.category(char) != "Cf").strip()
        content = _BULLET.sub("", visible)
        if content and not _COMMENT.match(content):
            yield at, content


def take_apart(at: int, content: str) -> Line | None:
    """None when no sign stands between a word and a value."""
    signs = [found for found in SIGN.finditer(content) if found.start()]
    for sign in signs:
        word = unquoted(content[: sign.start()])
        if known := VOCABULARY.get(letters(word)):
            return Line(at, word, clean(content[sign.end() :]), known[0], _number(word))
    if not signs:
        return None
    word = unquoted(content[: signs[0].start()])
    return Line(at, word, clean(content[signs[0].end() :]), None, _number(word), _nearest_word(word))


def _number(word: str) -> int:
    found = re.search(r"\d{1,4}", word)
    return int(found[0]) if found else 0


_SUGGESTED: Final = tuple(name for name, (slot, _shown) in VOCABULARY.items() if not slot.language)


def _nearest_word(word: str) -> str:
    close = difflib.get_close_matches(letters(word), _SUGGESTED, n=1, cutoff=0.75)
    if not close:
        return ""
    slot, shown = VOCABULARY[close[0]]
    if not slot.item:
        return shown
    number = _number(word)
    return shown.replace("#", str(number) if number else "")


def clean(text: str) -> str:
    """A value without quotes and without what merely ends a list (`,`, `…`)."""
    stripped = _TRAILING.sub("", text.strip())
    return unquoted(stripped)


def unquoted(text: str) -> str:
    text = text.strip()
    while len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES[text[0]]:
        return text[1:-1].strip() if text[0] != '"' else text[1:-1]
    return text


def shortened(word: object) -> str:
    """What somebody typed, fit for a sentence: printable and at most 60 characters."""
    line = "".join(char if char.isprintable() else "·" for char in str(word))
    return line if len(line) <= 60 else f"{line[:59]}…"
