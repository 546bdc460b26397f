"""A pasted list or a CSV file as people: whatever separates its columns, with or without a header. Knows no database."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from tenants.roster import columns
from tenants.roster.decoding import MAX_BYTES, TOO_LARGE, Unreadable

MAX_ROWS = 5000
DELIMITERS = "\t;,"
_COMPOSED = re.compile(r"(?P<name>[^<>]*)<\s*(?:mailto:)?(?P<email>[^<>]*)>[;,\s]*")
_QUOTED = re.compile(r'"[^"]*"')
_BY_HAND = re.compile(r"'+[=+\-@\t\r]")
_INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060\u00ad"


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of the list, as it stands there. `values` holds what is given: an empty cell gives nothing."""

    line: int
    values: dict[str, str]
    mistakes: tuple[str, ...] = ()
    of_file: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """`columns` are the fields in the list's order, `unread` the headings that mean nothing here."""

    entries: list[Entry]
    columns: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str]
    mistakes: tuple[str, ...] = field(default=())


def read(text: str, *, encoding: str = "", of_file: bool = False) -> Listing:
    """Raises Unreadable."""
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise Unreadable(str(TOO_LARGE))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    records = [record for record in _records(text) if any(record.cells)]
    header = columns.of_header(records[0].cells) if records else None
    if header is not None and "email" not in header:
        raise Unreadable(_("The header names no column with e-mails. Name one “E-mail”, or leave the header out."))
    people = records[1:] if header is not None else [one for record in records for one in _apart(record)]
    if len(people) > MAX_ROWS:
        raise Unreadable(_("The list has more than 5,000 rows. Split it into several."))
    fields = header if header is not None else columns.of_contents([record.cells for record in people])
    entries = [_entry(record, fields, of_file=of_file) for record in people]
    unread = [cell for cell, meaning in zip(records[0].cells, fields, strict=False) if not meaning] if header else []
    return Listing(entries, tuple(filter(None, fields)), tuple(filter(None, unread)), encoding)


# Rows and cells


def _records(text: str) -> Iterator[_Record]:
    if text.count('"') % 2:  # one that is never closed would swallow all that follows
        yield from _line_by_line(text)
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    line = 1
    try:
        for cells in reader:
            yield _Record(line, [_clean(cell) for cell in cells])
            line = reader.line_num + 1
    except csv.Error:
        raise Unreadable(_("A cell of this list is longer than any name or address can be.")) from None


def _line_by_line(text: str) -> Iterator[_Record]:
    delimiter = _delimiter(text)
    for number, line in enumerate(text.split("\n"), start=1):
        closed = line.count('"') % 2 == 0
        mistakes = () if closed else (_("A quotation mark in this row is not closed."),)
        for cells in csv.reader([line if closed else line.replace('"', "")], delimiter=delimiter):
            yield _Record(number, [_clean(cell) for cell in cells], mistakes)


def _delimiter(text: str) -> str:
    """The first of tab, semicolon and comma that stands in most of the first lines."""
    lines = [_QUOTED.sub("", line) for line in text[:20_000].split("\n")[:50] if line.strip()]
    for delimiter in DELIMITERS:
        if sum(delimiter in line for line in lines) * 2 >= max(len(lines), 1):
            return delimiter
    return next((delimiter for delimiter in DELIMITERS if any(delimiter in line for line in lines)), ";")


def _clean(cell: str) -> str:
    """Without outer spaces and invisible marks, and without the apostrophe that spreadsheets take for "this is text"."""
    cell = cell.strip().strip(_INVISIBLE).strip()
    return cell[1:] if _BY_HAND.match(cell) else cell


def _apart(record: _Record) -> Iterator[_Record]:
    """Several people on one line, as mail programs copy them; and "Nováková, Jana <…>", which a comma cut in two."""
    cells = [cell for cell in record.cells if cell]
    if len(cells) > 1 and all("@" in cell for cell in cells):
        for cell in cells:
            yield _Record(record.line, [cell], record.mistakes)
    elif len(cells) == 2 and "@" not in cells[0] and "<" in cells[1]:
        yield _Record(record.line, [f"{cells[0]}, {cells[1]}"], record.mistakes)
    else:
        yield record


# People


def _entry(record: _Record, fields: Sequence[str], *, of_file: bool) -> Entry:
    cells = record.cells
    if len([cell for cell in cells if cell]) == 1 and "@" in "".join(cells):
        values = {"email": "".join(cells)}
    else:
        values = {name: cell for name, cell in zip(fields, cells, strict=False) if name and cell}
    full = " ".join(filter(None, (values.pop("first", ""), values.pop("last", ""))))
    if full:
        values.setdefault("name", full)
    values = {name: value for name, value in values.items() if name in columns.FIELDS}
    return Entry(record.line, _tidied(values), (*record.mistakes, *_unreadable(values)), of_file)


def _tidied(values: dict[str, str]) -> dict[str, str]:
    if composed := _COMPOSED.fullmatch(values.get("email", "")):
        name = _in_order(composed["name"].strip().strip('"').strip())
        values = {**values, "email": composed["email"].strip()}
        values = {**values, "name": values.get("name") or name} if name else values
    if "email" in values:
        values["email"] = values["email"].removeprefix("mailto:").rstrip(";,")
    if "name" in values:
        values["name"] = re.sub(r"[ \u00a0]+", " ", values["name"])
    if "language" in values:
        values["language"] = columns.LANGUAGE_OF.get(columns.plain(values["language"]), values["language"])
    if values.get("upn", "").casefold() == values.get("email", "").casefold():
        values.pop("upn", None)
    return values


def _in_order(name: str) -> str:
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and first.strip() and "," not in first else name


def _unreadable(values: dict[str, str]) -> Iterator[str]:
    for name, value in values.items():
        if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for letter in value):
            sentence = _("The column “%(column)s” holds a line break or an invisible character.")
            yield sentence % {"column": columns.LABELS[name]}
