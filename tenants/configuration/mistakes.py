"""What is wrong in a configuration file, and where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r'\s*((?:[\w-]+|"[^"]*"|\'[^\']*\')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|\'[^\']*\'))*)\s*=')
_PART = re.compile(r'[\w-]+|"[^"]*"|\'[^\']*\'')
_LAST = re.compile(r"(?:\.[^.\[\]]+|\[\d+\]|^[^.\[\]]+)$")
MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Mistake:
    """`place` is the dotted path (`agents[2].email`, counted from 0) or "" when the file as such is wrong."""

    place: str
    sentence: str
    line: int | None = None

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        return f"{', '.join(filter(None, (line, self.place))) or 'file'}: {self.sentence}"


class ConfigurationError(Exception):
    """The file is not imported, nothing of it. `mistakes` is never empty; none of them quotes a secret."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: mistake.line or 0))
        super().__init__("\n".join(map(str, self.mistakes)))


class Wrong(Exception):
    """This value cannot be used; `str()` is the sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in the file; notes what is wrong there."""

    path: str = ""
    noted: list[tuple[str, str]] = field(default_factory=list)

    def key(self, name: str) -> Place:
        shown = name if re.fullmatch(r"[\w-]{1,60}", name) else shorten(json.dumps(name, ensure_ascii=False))
        return Place(f"{self.path}.{shown}" if self.path else shown, self.noted)

    def item(self, index: int) -> Place:
        return Place(f"{self.path}[{index}]", self.noted)

    def wrong(self, sentence: str) -> None:
        if (self.path, sentence) not in self.noted:
            self.noted.append((self.path, sentence))

    def missing(self, sentence: str) -> None:
        """Note it, unless what stands here was wrong and therefore left out."""
        if all(path != self.path for path, _sentence in self.noted):
            self.wrong(sentence)


def shorten(text: object) -> str:
    """One printable line of what somebody typed."""
    line = "".join(letter if letter.isprintable() else "·" for letter in str(text))
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"


class Lines:
    """Where each path stands, as far as a look at the beginnings of lines tells (tomllib keeps no positions)."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = self._table(_path(header[2]), several=header[1] == "[[")
                self._lines.setdefault(table, number)
            elif key := _KEY.match(line):
                self._lines.setdefault(f"{table}.{_path(key[1])}".lstrip("."), number)

    def _table(self, name: str, *, several: bool) -> str:
        if not several:
            return name
        self._counts[name] = self._counts.get(name, -1) + 1
        self._lines.setdefault(name, 0)
        return f"{name}[{self._counts[name]}]"

    def of(self, path: str) -> int | None:
        """The line of that path, else of the nearest one around it."""
        while path and not self._lines.get(path):
            path = _LAST.sub("", path, count=1)
        return self._lines.get(path) or None


def _path(text: str) -> str:
    return ".".join(part.strip("\"'") for part in _PART.findall(text))
