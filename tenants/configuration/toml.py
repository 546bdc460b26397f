"""Plain data to TOML: what tomllib reads back as the same data."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump(sections: dict[str, Any]) -> str:
    """Tables as `[name]`, lists of tables as `[[name]]`, an empty list as `name = []` at the top, where it must stand."""
    top = [f"{key(name)} = {value(data)}" for name, data in sections.items() if not _is_tables(data)]
    blocks = [block for name, data in sections.items() if _is_tables(data) for block in _blocks(name, data)]
    return "\n\n".join([*(["\n".join(top)] if top else []), *blocks]) + "\n"


def _is_tables(data: Any) -> bool:
    return isinstance(data, dict) or (isinstance(data, list) and bool(data))


def _blocks(name: str, data: Any) -> list[str]:
    if isinstance(data, dict):
        return [_block(f"[{key(name)}]", data)]
    return [_block(f"[[{key(name)}]]", item) for item in data]


def _block(header: str, data: dict[str, Any]) -> str:
    return "\n".join([header, *(f"{key(name)} = {value(item)}" for name, item in data.items())])


def key(name: str) -> str:
    return name if _BARE.fullmatch(name) else value(name)


def value(data: Any) -> str:
    """One value on one line."""
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, int | float):
        return repr(data)
    if isinstance(data, list):
        return f"[{', '.join(map(value, data))}]"
    if isinstance(data, dict):
        inside = ", ".join(f"{key(name)} = {value(item)}" for name, item in data.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(data, date):
        return data.isoformat()
    return '"' + "".join(map(_letter, str(data))) + '"'


def _letter(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    return letter if letter >= " " and letter != "\x7f" else f"\\u{ord(letter):04x}"
