"""A row of Dataverse → what the index keeps of it: blind numbers, and what is wrong with a field. Touches no database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from crmwindow import phone
from crmwindow.models import IndexedNumber

NEIGHBOURS = {"CZ": "SK", "SK": "CZ"}
"""Countries whose numbers look alike: written without a country, one may be meant or the other."""
Flaw = IndexedNumber.Flaw
_ABROAD = re.compile(r"\+|(?<!\d)00")


class Entry(NamedTuple):
    """`column` is a place in the list of columns; `blind` is b"" where no number can be read."""

    record_id: UUID
    column: int
    blind: bytes
    flaw: int


def entries(
    rows: Iterable[Mapping[str, Any]], *, key: str, columns: Sequence[str], country: str, blind: Callable[[str], bytes]
) -> list[Entry]:
    """Of all these rows; `key` is the property with the record's id, `columns` are properties with telephone numbers."""
    found: dict[tuple[UUID, int, bytes], Entry] = {}
    for row in rows:
        record_id = UUID(row[key])
        for place, column in enumerate(columns):
            if text := row.get(column):
                for value, flaw in _read(str(text), country, blind):
                    found[record_id, place, value] = Entry(record_id, place, value, flaw)
    return list(found.values())


def _read(text: str, country: str, blind: Callable[[str], bytes]) -> Iterator[tuple[bytes, int]]:
    found = phone.e164_in(text, country)
    if not found:
        yield b"", Flaw.UNREADABLE
        return
    flaw = Flaw.AMBIGUOUS if is_ambiguous(text, country, found) else Flaw.NONE
    for number in found:
        yield blind(number), flaw


def is_ambiguous(text: str, country: str, found: Sequence[str]) -> bool:
    """Written without a country, and a valid but different number in the neighbouring one."""
    neighbour = NEIGHBOURS.get(country)
    if neighbour is None or _ABROAD.search(text):
        return False
    digits = "".join(sign for sign in text if sign.isdecimal())
    national = [each for each in found if each[1:] not in digits]
    return any(phone.is_number_in(each, neighbour, of=country) for each in national)
