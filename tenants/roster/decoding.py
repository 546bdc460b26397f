"""A file's bytes as text. The encoding is guessed strictly: what does not fit is refused, nothing is replaced."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MAX_BYTES = 2_000_000
TOO_LARGE = gettext_lazy("The list is larger than 2 MB. Split it into several.")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


class Unreadable(Exception):
    """Not a list at all; `str()` is the sentence for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Decoded:
    text: str
    encoding: str


def decode(data: bytes) -> Decoded:
    """Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable(str(TOO_LARGE))
    for signature, sentence in _others().items():
        if data.startswith(signature):
            raise Unreadable(sentence())
    for bom, codec, name in _BOMS:
        if data.startswith(bom):
            return _strictly(data, codec, name)
    if codec := _utf_16_without_bom(data):
        return _strictly(data, codec, "UTF-16")
    try:
        return Decoded(data.decode("utf-8"), "UTF-8")
    except UnicodeDecodeError:
        return _strictly(data, "cp1250", "Windows-1250")


def _strictly(data: bytes, codec: str, name: str) -> Decoded:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        text = "\0"
    if _CONTROLS.search(text):
        raise Unreadable(
            _("The file is neither UTF-8, UTF-16 nor Windows-1250 text. Save it as CSV in the encoding UTF-8.")
        )
    return Decoded(text, name)


def _utf_16_without_bom(data: bytes) -> str:
    """Every second byte of Western text is zero."""
    start = data[:400]
    for codec, zeros in ("utf-16-le", start[1::2]), ("utf-16-be", start[::2]):
        if len(start) >= 4 and len(data) % 2 == 0 and zeros.count(0) > len(zeros) * 0.7:
            return codec
    return ""


def _others() -> dict[bytes, Callable[[], str]]:
    def workbook() -> str:
        return _("This is an Excel workbook. In Excel, choose Save as and the type CSV UTF-8, and send that file.")

    def document() -> str:
        return _("This is no text file. Save the list as CSV, or copy it and paste it here.")

    return {b"PK\x03\x04": workbook, b"\xd0\xcf\x11\xe0": workbook, b"%PDF": document}
