"""Text to plain data, against files that are too large, too deep, or no TOML."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from django.utils.translation import gettext as _

from tenants.configuration.mistakes import ConfigurationError, Lines, Mistake

MAX_BYTES = 1_000_000
MAX_DOTS = 20
"""Dots outside strings on one line. The parser's work grows with the square of a key's parts."""
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*')
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


def parse(text: str | bytes) -> tuple[dict[str, Any], Lines]:
    """Raises ConfigurationError; the parser stops at its first mistake, so it is one."""
    text = _decoded(text) if isinstance(text, bytes) else text
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise _stop(_("The file is larger than 1 MB."))
    _check_depth(text)
    try:
        return tomllib.loads(text), Lines(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(str(error), text) from None
    except (RecursionError, ValueError):
        raise _stop(_("The file is nested too deeply, or holds a number that is too long.")) from None


def _decoded(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _stop(_("The file is larger than 1 MB."))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _stop(_("This is not UTF-8. Save the file in the encoding UTF-8."), line) from None


def _check_depth(text: str) -> None:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") > MAX_DOTS and _STRING_OR_COMMENT.sub("", line).count(".") > MAX_DOTS:
            raise _stop(_("The file is nested too deeply, or holds a number that is too long."), number)


def _syntax(problem: str, text: str) -> ConfigurationError:
    place = _PLACE.search(problem)
    line = int(place[1]) if place and place[1] else len(text.splitlines()) or 1
    return _stop(_("This is not TOML: %(problem)s.") % {"problem": _PLACE.sub("", problem).rstrip(".")}, line)


def _stop(sentence: str, line: int | None = None) -> ConfigurationError:
    return ConfigurationError([Mistake("", sentence, line)])
