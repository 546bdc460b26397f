"""T-SQL's LIKE, which contains, startswith and endswith become (Microsoft: "Use wildcard characters in conditions")."""

import re
from collections.abc import Callable
from functools import lru_cache, partial

NOT_DIGITS = re.compile(r"[^0-9]+")
SET = re.compile(r"\[[^\]]*\]")
WILDCARD = re.compile(r"[%_\[]")


def pattern_of(function: str, text: str) -> str:
    """The whole LIKE pattern that a text function stands for."""
    return {"contains": f"%{text}%", "startswith": f"{text}%", "endswith": f"%{text}"}[function]


def literal_prefix(pattern: str) -> str:
    """What a value must begin with, up to the first wildcard."""
    return WILDCARD.split(pattern, maxsplit=1)[0]


def digits(text: str) -> str:
    """The ASCII digits of a value or, outside sets, of a pattern."""
    return "".join(NOT_DIGITS.split(text))


def pattern_digits(pattern: str) -> str:
    return digits(SET.sub("", pattern) if "[" in pattern else pattern)


def longest_run(pattern: str) -> str:
    """The longest literal stretch after the first wildcard, in lower case: every match holds it."""
    return max(WILDCARD.split(SET.sub("%", pattern))[1:], key=len, default="").lower()


def caseless(text: str) -> bool:
    """Whether the text has no letter whose case SQLite does not know, so that its own NOCASE and LIKE compare rightly."""
    return text.isascii() or all(sign.isascii() or sign.upper() == sign == sign.casefold() for sign in text)


def has_sets(pattern: str) -> bool:
    return "[" in pattern


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression: `%` any run, `_` one character, `[abc]`, `[a-f]` and `[^a]` sets."""
    parts, rest = [], pattern
    while rest:
        found = re.match(r"\[(\^?)([^\]]+)\]", rest)
        if found:
            parts.append(f"[{found[1]}{_members(found[2])}]")
            rest = rest[found.end() :]
            continue
        parts.append({"%": ".*", "_": "."}.get(rest[0]) or re.escape(rest[0]))
        rest = rest[1:]
    try:
        return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
    except re.error:  # a set like [z-a] holds nothing
        return re.compile(r"(?!)")


def _members(text: str) -> str:
    return re.sub(r"([\\\[\]^])", r"\\\1", text)


def matches(pattern: str, value: str | None) -> bool:
    """Whether a value is like the pattern; SQL's null never is."""
    return value is not None and compiled(pattern).fullmatch(value) is not None


def tester(pattern: str) -> Callable[[str], bool]:
    """The comparison for many values in lower case; compiling a regular expression pays only for sets and `_`."""
    if "[" in pattern or "_" in pattern:
        expression = compiled(pattern)
        return lambda value: expression.fullmatch(value) is not None
    first, *middle = pattern.lower().split("%")
    if not middle:
        return first.__eq__
    return partial(_in_order, first, middle[:-1], middle[-1])


def _in_order(first: str, middle: list[str], last: str, value: str) -> bool:
    if not value.startswith(first):
        return False
    position = len(first)
    for part in middle:
        position = value.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return len(value) - len(last) >= position and value.endswith(last)
