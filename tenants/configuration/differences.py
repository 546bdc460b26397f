"""What an import changes, value by value, as the command prints it and the audit keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tenants.configuration import toml
from tenants.configuration.sections import Section

ABSENT: Any = object()
HIDDEN = "•••"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value. `before` or `after` is ABSENT where it appears or disappears. Secrets are HIDDEN on both sides."""

    section: str
    item: str
    key: str
    before: Any
    after: Any
    private: bool = False

    @property
    def path(self) -> str:
        item = f"[{self.item}]" if self.item else ""
        return ".".join(filter(None, (self.section + item, self.key)))

    def __str__(self) -> str:
        if self.before is ABSENT:
            return f"+ {self.path} = {_shown(self.after)}"
        if self.after is ABSENT:
            return f"- {self.path} = {_shown(self.before)}"
        return f"~ {self.path}: {_shown(self.before)} → {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Diff:
    """True when something is or would be written. `notes` are sentences about what comes with it."""

    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.differences)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.differences), *self.notes])


def between(section: Section, before: Any, after: Any) -> Iterator[Difference]:
    old, new = _flat(section, before), _flat(section, after)
    for item, key in dict.fromkeys([*old, *new]):
        was, now = old.get((item, key), ABSENT), new.get((item, key), ABSENT)
        if was is ABSENT or now is ABSENT or was != now or type(was) is not type(now):
            yield Difference(section.name, item, key, was, now, key in section.private)


def _flat(section: Section, data: Any) -> dict[tuple[str, str], Any]:
    if isinstance(data, dict):
        return {("", key): value for key, value in data.items()}
    return {
        (str(item[section.item_key]).lower() if section.item_key else str(at), key): value
        for at, item in enumerate(data or [])
        for key, value in item.items()
    }


def _shown(value: Any) -> str:
    return HIDDEN if value is HIDDEN else toml.value(value)
