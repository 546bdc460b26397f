"""What there is to choose from: tables and columns with their labels, the customer's own ones first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from crmwindow.ivr_pages.form import Form, Kind
from crmwindow.writing.values import CHOICES, MOMENTS
from tenants.column_search import plain
from tenants.own_tables.column_words import fact

if TYPE_CHECKING:
    from crmwindow.ivr_pages.sight import Sight
    from tenants.dataverse.metadata import Column, Table

COMPARED = frozenset({"String", "Memo", "Integer", "BigInt"})
WRITTEN = COMPARED | {"Decimal", "Double", "Money", "Boolean"} | CHOICES | MOMENTS
LINKS = frozenset({"Lookup", "Customer"})
_OWN = re.compile(r"(?!ms|adx_)[a-z][a-z0-9]{1,7}_")  # Microsoft's begin with ms, or with a capital letter
_NOBODYS = ("importsequencenumber", "timezoneruleversionnumber", "utcconversiontimezonecode", "overriddencreatedon")


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    options: list[Option]


def tables(form: Form, sight: Sight, language: str) -> list[Group]:
    """A caller is looked for only in some tables; a row is written, and a value looked up, in any."""
    mine = [Option(name, sight.label(name, language)) for name in sight.searched]
    groups = [Group(_("Tables in which callers are looked for"), mine)]
    if form.kind in {Kind.IDENTIFY, Kind.WRITE}:
        others = [one for one in sight.view.names if one.logical_name not in sight.searched]
        named = [Option(one.logical_name, one.label(language)) for one in others]
        groups.append(Group(_("Other tables"), sorted(named, key=lambda one: plain(one.label))))
    return _with_chosen(groups, form.said("entity"))


def compared(form: Form, table: Table, language: str, chosen: str) -> list[Group]:
    """Columns whose value a caller can say or key in."""
    return _columns(table, language, chosen, lambda one: one.type in COMPARED and one.selectable and not one.is_phone)


def written(table: Table, language: str, chosen: str) -> list[Group]:
    return _columns(table, language, chosen, is_writable)


def read(table: Table, language: str, chosen: str) -> list[Group]:
    return _columns(table, language, chosen, lambda one: one.selectable and one.type != "Uniqueidentifier")


def is_writable(column: Column) -> bool:
    return column.creatable and column.type in WRITTEN and column.logical_name not in _NOBODYS


def callers(table: Table, sight: Sight, language: str, chosen: str) -> list[Group]:
    """Links that can hold the caller's record."""
    return _columns(table, language, chosen, lambda one: takes_caller(one, sight))


def takes_caller(column: Column, sight: Sight) -> bool:
    return column.creatable and column.type in LINKS and bool(set(column.targets) & sight.searched.keys())


def about(table: Table | None, name: str) -> str:
    """Type and length of a column, in words."""
    column = table.find(name) if table and name else None
    return fact(column) if column else ""


def _columns(table: Table, language: str, chosen: str, fits: Callable[[Column], bool]) -> list[Group]:
    found = sorted((one for one in table.columns.values() if fits(one)), key=lambda one: plain(one.label(language)))
    own = [one for one in found if is_own(one, table)]
    others = [one for one in found if not is_own(one, table)]
    groups = [Group(_("Your own columns"), _options(own, language)), Group(_("Others"), _options(others, language))]
    typed = table.find(chosen) if chosen else None
    return _with_chosen([group for group in groups if group.options], typed.schema_name if typed in found else chosen)


def is_own(column: Column, table: Table) -> bool:
    """Own columns carry their publisher's prefix."""
    return bool(_OWN.match(column.schema_name)) and column.logical_name != table.id_column


def _options(columns: Iterable[Column], language: str) -> list[Option]:
    return [Option(one.schema_name, one.label(language), fact(one)) for one in columns]


def _with_chosen(groups: list[Group], chosen: str) -> list[Group]:
    """What is stored but no longer there, or typed in another way, stays to be seen."""
    known = {option.value.lower() for group in groups for option in group.options}
    if chosen and chosen.lower() not in known:
        groups = [Group("", [Option(chosen, chosen)]), *groups]
    return groups
