"""One value of a voice menu as the column it goes to takes it: judged by metadata, never cut, never guessed. Pure.

A menu says everything as text or number; Dataverse wants types. What does not fit is an `Unfit` with the reason.

Source: Microsoft, "Column data types", "Create a table row using the Web API".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmwindow.notes import text as texts
from tenants.dataverse.metadata import Column

type Value = str | bool | int | float | None

CHOICES = frozenset({"Picklist"})
MOMENTS = frozenset({"DateTime"})
LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})
_TEXTS = frozenset({"String", "Memo"})
_WHOLE = {"Integer": 2**31 - 1, "BigInt": 2**63 - 1}
_FRACTIONS = frozenset({"Decimal", "Double", "Money"})
_TRUE = frozenset({"true", "1", "yes", "ano", "áno", "y", "a"})
_FALSE = frozenset({"false", "0", "no", "ne", "nie", "n"})
_NUMBER = re.compile(r"[+-]?\d{1,25}(\.\d{1,20})?")
_DAY = re.compile(r"(?P<d>\d{1,2})[./]\s?(?P<m>\d{1,2})[./]\s?(?P<y>\d{4})(?:[ T]+(?P<clock>\d{1,2}:\d\d(?::\d\d)?))?")


@dataclass(frozen=True, slots=True)
class Unfit(Exception):
    """`name` is the voice menu's (or "" of a constant), `column` as the CRM calls it; `kind` chooses the sentence."""

    kind: str
    name: str = ""
    column: str = ""
    longest: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "column": self.column, "longest": self.longest}


@dataclass(frozen=True, slots=True)
class Rules:
    """What metadata says beyond the column: labels of choices (in all languages), and whether times are days only."""

    choices: Mapping[str, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)
    days: frozenset[str] = frozenset()


def typed(column: Column, value: Value, rules: Rules) -> Any:
    """What stands in the request body; None for nothing. Raises Unfit, without names."""
    if column.type in LOOKUPS or column.type == "PartyList":
        raise Unfit("lookup")
    if not column.creatable or not column.property:
        raise Unfit("not_writable")
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if column.type in _TEXTS:
        return _text(column, _spoken(value))
    if column.type in _WHOLE:
        return _whole(value, _WHOLE[column.type])
    if column.type in _FRACTIONS:
        number = _decimal(value, "not_a_number")
        return int(number) if number == number.to_integral_value() else float(number)
    if column.type == "Boolean":
        return _flag(value)
    if column.type in CHOICES:
        return _choice(value, rules.choices.get(column.logical_name, {}))
    if column.type in MOMENTS:
        return _moment(_spoken(value), day_only=column.logical_name in rules.days)
    raise Unfit("unsupported")


def _spoken(value: str | bool | int | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _text(column: Column, text: str) -> str:
    text = texts.normalised(text)
    longest = column.max_length
    problem = texts.problem_of(text, longest if longest is not None else texts.units(text))
    if problem:
        raise Unfit(problem.kind, longest=longest or 0)
    return text


def _whole(value: str | bool | int | float, most: int) -> int:
    number = _decimal(value, "not_whole")
    if number != number.to_integral_value() or abs(number) > most:
        raise Unfit("not_whole")
    return int(number)


def _decimal(value: str | bool | int | float, kind: str) -> Decimal:
    """`1 234,50`, `1.234,50`, `1,234.50`: the last of the two signs divides, a comma alone divides, too."""
    if isinstance(value, bool):
        raise Unfit(kind)
    text = re.sub(r"[\s\u00a0\u202f']", "", _spoken(value))
    if "," in text and text.rfind(",") > text.rfind("."):
        text = text.replace(".", "").replace(",", ".") if text.count(",") == 1 else text.replace(",", "")
    elif "," in text:
        text = text.replace(",", "")
    if not text.isascii() or not _NUMBER.fullmatch(text):
        raise Unfit(kind)
    return Decimal(text)


def _flag(value: str | bool | int | float) -> bool:
    text = _spoken(value).strip().casefold()
    if text not in _TRUE | _FALSE:
        raise Unfit("not_yes_or_no")
    return text in _TRUE


def _choice(value: str | bool | int | float, choices: Mapping[int, tuple[str, ...]]) -> int:
    """By its number, or by its label in any language the organization has."""
    text = _spoken(value).strip().casefold()
    for number, labels in choices.items():
        if text == str(number) or text in (label.casefold() for label in labels):
            return number
    raise Unfit("not_a_choice")


def _moment(text: str, *, day_only: bool) -> str:
    """ISO 8601 or as people here write it. Times without a zone are those of our clock on the wall."""
    found = _read_moment(text.strip())
    local = timezone.localtime(found) if isinstance(found, datetime) else None
    if day_only:
        return str(local.date() if local else found)
    moment = found if isinstance(found, datetime) else timezone.make_aware(datetime.combine(found, time()))
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_moment(text: str) -> date | datetime:
    try:
        if found := _DAY.fullmatch(text):
            text = f"{int(found['y']):04}-{int(found['m']):02}-{int(found['d']):02}"
            text += (
                f"T{found['clock'].zfill(len(found['clock']) + (found['clock'][1] == ':'))}" if found["clock"] else ""
            )
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        if not 1900 <= moment.year < 9999:
            raise ValueError("no date Dataverse keeps")
        return moment if moment.tzinfo else timezone.make_aware(moment)
    except (ValueError, OverflowError):
        raise Unfit("not_a_date") from None


def sentence(unfit: Mapping[str, Any]) -> str:
    """For people, in the active language; `unfit` as `Unfit.to_dict`. Never the value itself."""
    name, column, longest = unfit.get("name", ""), unfit.get("column", ""), int(unfit.get("longest") or 0)
    told = {"what": _what(name, column), "column": column, "longest": longest}
    if unfit.get("kind") == "too_long" and longest:
        text = ngettext(
            "%(what)s: the text is longer than the %(longest)d character the CRM allows.",
            "%(what)s: the text is longer than the %(longest)d characters the CRM allows.",
            longest,
        )
        return text % told
    found = {
        "characters": _("%(what)s: the text has characters that the CRM cannot store."),
        "not_whole": _("%(what)s: this is not a whole number that fits."),
        "not_a_number": _("%(what)s: this is not a number."),
        "not_yes_or_no": _("%(what)s: this is neither yes nor no."),
        "not_a_choice": _("%(what)s: the CRM does not offer this choice."),
        "not_a_date": _("%(what)s: this is not a date."),
        "no_look_up": _("The column “%(column)s” for the caller's record is no look-up column that can be filled in."),
        "lookup": _("%(what)s: a look-up column cannot be filled with a text."),
        "not_writable": _("%(what)s: the CRM does not let this column be filled in."),
        "no_column": _("%(what)s: the table has no such column."),
        "unsupported": _("%(what)s: the IVR cannot fill a column of this type."),
    }
    return found.get(str(unfit.get("kind")), _("%(what)s: the CRM does not take this value.")) % told


def _what(name: str, column: str) -> str:
    if name:
        return _("“%(name)s” for the column “%(column)s”") % {"name": name, "column": column}
    return _("The constant for the column “%(column)s”") % {"column": column}
