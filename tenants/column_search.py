"""Finding a column by whatever somebody calls it: a label in any language, the identifier, a misspelt name."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tenants.dataverse.metadata import Column, Table

LIKE_PHONES = re.compile(r"phone|mobil|(?:^|[\W_])tel")
_TECHNICAL = frozenset({"Uniqueidentifier", "BigInt", "PartyList"})


@dataclass(frozen=True, slots=True)
class Found:
    """A column that fits what was typed. `rank`: the smaller the better."""

    table: Table
    column: Column
    rank: tuple[int, int, str]


def plain(text: str) -> str:
    """Without case and diacritics."""
    return "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))


def search(tables: Iterable[Table], typed: str, language: str) -> list[Found]:
    """Every column whose label or identifier holds all words typed, the best first; none for an empty text."""
    words = plain(typed[:100]).split()
    found = _fitting(tables, words, language) if words else ()
    return sorted(found, key=lambda one: one.rank)


def _fitting(tables: Iterable[Table], words: list[str], language: str) -> Iterator[Found]:
    for table in tables:
        for column in table.columns.values():
            texts = [plain(text) for text in (*column.labels.values(), column.logical_name, column.schema_name)]
            if all(any(word in text for text in texts) for word in words):
                rank = _how_far(texts, words) + 10 * (column.type in _TECHNICAL)
                yield Found(table, column, (rank, len(column.label(language)), plain(column.label(language))))


def _how_far(texts: list[str], words: list[str]) -> int:
    whole = " ".join(words)
    if whole in texts:
        return 0
    if any(text.startswith(whole) for text in texts):
        return 1
    return 2 if any(re.search(rf"(?:^|[\W_]){re.escape(words[0])}", text) for text in texts) else 3


def nearest(table: Table, name: str, *, most: int = 3) -> list[Column]:
    """Columns that may be meant by a name the table does not have."""
    by_name: dict[str, Column] = {}
    for column in table.columns.values():
        for text in (column.logical_name, column.logical_name.partition("_")[2], *column.labels.values()):
            if column.selectable and text:
                by_name.setdefault(plain(text), column)
    wanted = plain(name)
    close = difflib.get_close_matches(wanted, by_name, n=3 * most, cutoff=0.6)
    close += difflib.get_close_matches(wanted.partition("_")[2], by_name, n=most, cutoff=0.6) if "_" in wanted else []
    return list(dict.fromkeys(by_name[each] for each in close))[:most]


def is_like_a_phone(column: Column) -> bool:
    """By its name or label, where metadata does not say so."""
    return bool(LIKE_PHONES.search(plain(" ".join((column.logical_name, *column.labels.values())))))
