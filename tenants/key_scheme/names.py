"""The names of a key scheme against the tables and columns that the organization really has."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from tenants.key_scheme.lines import shortened
from tenants.key_scheme.scheme import Mistake, Path, Reading, Scheme

if TYPE_CHECKING:
    from tenants.dataverse.metadata import Metadata, Table


def unknown_names(reading: Reading, metadata: Metadata, tables: Collection[str] = ()) -> tuple[Mistake, ...]:
    """Names that the organization does not have. `tables` are further names to suggest where a table is not found."""
    found: list[Mistake] = []
    known = [*(table.schema_name for table in metadata.tables.values()), *tables]
    for path, name, in_table in _names(reading.scheme):
        table = metadata.find(in_table)
        line = reading.lines.get(path, 1)
        if table is None and path[2] in {"table", "entity"}:
            nearest = closest(name, known)
            found.append(_unknown(line, name, nearest, of_table=True))
        elif table is not None and path[2] not in {"table", "entity"} and table.find(name) is None:
            found.append(_unknown(line, name, nearest_column(table, name), of_table=False))
    return tuple(sorted(found, key=lambda mistake: mistake.line))


def _names(scheme: Scheme) -> Iterator[tuple[Path, str, str]]:
    """Where it stands, the name, and the table in which it is looked for."""
    for position, entity in enumerate(scheme.entities):
        for part in ("table", "id_column", "first_name", "last_name"):
            if name := getattr(entity, part):
                yield ("entities", position, part), name, entity.table
        for name in entity.phone_columns:
            yield ("entities", position, f"phone_columns {name}"), name, entity.table
    for position, each in enumerate(scheme.fields):
        yield ("fields", position, "entity"), each.entity, each.entity
        yield ("fields", position, "identifier"), each.identifier, each.entity


def _unknown(line: int, name: str, nearest: str, *, of_table: bool) -> Mistake:
    words = {"line": line, "name": shortened(name), "nearest": nearest}
    if of_table and nearest:
        sentence = _("Line %(line)d: there is no table %(name)s. The closest is %(nearest)s.")
    elif of_table:
        sentence = _("Line %(line)d: there is no table %(name)s.")
    elif nearest:
        sentence = _("Line %(line)d: the table has no column %(name)s. The closest is %(nearest)s.")
    else:
        sentence = _("Line %(line)d: the table has no column %(name)s.")
    return Mistake(line, sentence % words, name, nearest)


def closest(typed: str, known: Iterable[str]) -> str:
    """The most similar of the known names, "" when none is similar."""
    by_letters = {name.lower(): name for name in known}
    found = difflib.get_close_matches(typed.strip().lower(), by_letters, n=1, cutoff=0.6)
    return by_letters[found[0]] if found else ""


def nearest_column(table: Table, typed: str) -> str:
    """The column whose name is most like it, spelled as customers do: without the publisher's prefix where they left it out."""
    known: dict[str, str] = {}
    for column in table.columns.values():
        known[column.schema_name] = column.schema_name
        if "_" in column.schema_name:
            short = column.schema_name.partition("_")[2]
            known.setdefault(short, short if table.find(short) is column else column.schema_name)
    found = closest(typed, known)
    return known[found] if found else ""
