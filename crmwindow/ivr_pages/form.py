"""One IVR function as a form: read from what is stored or typed, given back as configuration, every mistake under its field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.utils.translation import gettext as _

from crmwindow.configuration import DEFAULTS
from crmwindow.models import IvrFunction
from tenants.column_search import plain

if TYPE_CHECKING:
    from django.http import QueryDict

    from tenants.configuration import Mistake

Kind = IvrFunction.Kind
LONGEST = 2000
MOST_PAIRS = 60
NUMBERS = ("attempts", "attempts_per_record", "daily_cap")
TEXTS = ("title", "entity", "column", "second_column", "comparison", "caller_column", "owner")
COMPARING = frozenset({Kind.VERIFY, Kind.IDENTIFY})
OF_A_KIND: dict[str, tuple[str, ...]] = {
    Kind.LOOKUP: ("entity", "columns"),
    Kind.VERIFY: ("entity", "column", "second_column", "comparison", "attempts", "attempts_per_record", "badge"),
    Kind.IDENTIFY: ("entity", "column", "second_column", "comparison", "attempts"),
    Kind.WRITE: ("entity", "columns", "constants", "caller_column", "owner", "daily_cap"),
}
_NAME = re.compile(r"[a-z0-9_]{1,60}")
_VARIABLE = re.compile(r"[A-Za-z0-9_]{1,60}")
_SECONDS = re.compile(r"(\d{1,3}(?:[.,]\d{1,3})?)\s*s?")


@dataclass(slots=True)
class Pair:
    """A row of the part "what is written": a variable or a constant, and the column it goes to."""

    column: str = ""
    text: str = ""
    mistake: str = ""

    def __bool__(self) -> bool:
        return bool(self.column or self.text)


@dataclass(slots=True)
class Form:
    """`values` are texts as typed. `mistakes`: field → sentence; rows carry their own."""

    kind: str
    values: dict[str, str] = field(default_factory=dict)
    name: str = ""
    stored_name: str = ""
    code: UUID | None = None
    enabled: bool = True
    badge: bool = True
    variables: list[Pair] = field(default_factory=list)
    constants: list[Pair] = field(default_factory=list)
    mistakes: dict[str, str] = field(default_factory=dict)
    seen: str = ""

    @classmethod
    def blank(cls, kind: str) -> Self:
        usual = {name: str(DEFAULTS[name]) for name in (*TEXTS, *NUMBERS)}
        return cls(kind if kind in Kind.values else Kind.VERIFY.value, usual | {"seconds": _seconds(1500)})

    @classmethod
    def of(cls, row: IvrFunction) -> Self:
        values = {name: str(getattr(row, name)) for name in (*TEXTS, *NUMBERS)} | {"seconds": _seconds(row.budget_ms)}
        return cls(
            row.kind,
            values,
            row.name,
            row.name,
            row.code,
            row.enabled,
            row.badge,
            [Pair(column, name) for name, column in row.columns.items()],
            [Pair(column, _shown(value)) for column, value in row.constants.items()],
        )

    @classmethod
    def typed(cls, data: QueryDict, row: IvrFunction | None) -> Self:
        form = cls.of(row) if row else cls.blank("")
        form.kind = data.get("kind", "") if data.get("kind", "") in Kind.values else form.kind
        form.values |= {name: data.get(name, "").strip()[:LONGEST] for name in form.values if name in data}
        form.name = data.get("name", "").strip()[:LONGEST]
        form.badge = "badge" in data if data.get("badge_shown") else form.badge
        form.seen = data.get("seen", "")
        if "target" in data:
            form.variables = _pairs(data.getlist("target"), data.getlist("variable"))
            form.constants = _pairs(data.getlist("constant_column"), data.getlist("constant"))
        form._act(data.get("act", ""))
        form.name = form.name or suggested(form.values["title"])
        return form

    def _act(self, act: str) -> None:
        """A row less, where there is no script to empty it."""
        what, _sep, at = act.partition(":")
        pairs = {"drop_variable": self.variables, "drop_constant": self.constants}.get(what)
        if pairs is not None and at.isdecimal() and len(at) < 4 and int(at) < len(pairs):
            del pairs[int(at)]

    def said(self, name: str) -> str:
        """One of the texts."""
        return self.values.get(name, "")

    @property
    def compares(self) -> bool:
        return self.kind in COMPARING

    @property
    def budget_ms(self) -> int | None:
        found = _SECONDS.fullmatch(self.said("seconds"))
        return int(Decimal(found[1].replace(",", ".")) * 1000) if found else None

    def item(self) -> dict[str, Any]:
        """As the configuration file would hold it; what is no number stays text, for the configuration to refuse."""
        values: dict[str, Any] = {name: self.said(name) for name in TEXTS}
        values |= {name: _number(self.said(name)) for name in NUMBERS} | {"badge": self.badge}
        values["columns"] = {pair.text or variable_of(pair.column): pair.column for pair in self.variables if pair}
        values["constants"] = {pair.column: pair.text for pair in self.constants if pair}
        chosen = {name: values[name] for name in OF_A_KIND[self.kind]}
        head = {"name": self.name, "kind": self.kind, "title": self.said("title"), "enabled": self.enabled}
        return DEFAULTS | head | chosen | {"budget_ms": self.budget_ms or 0}

    def check(self, others: Iterable[str]) -> None:
        """What can be said without the CRM. `others` are names of the customer's other functions."""
        self._check_name({name.casefold() for name in others})
        if not 100 <= (self.budget_ms or 0) <= 10_000:
            self.mistakes["seconds"] = _("Enter from 0.1 to 10 seconds.")
        if self.kind in {*COMPARING, Kind.WRITE} and not self.said("entity"):
            self.mistakes["entity"] = _("Choose a table.")
        if self.compares and not self.said("column"):
            self.mistakes["column"] = _("Choose a column.")
        if self.compares and self.said("second_column") and self.said("second_column") == self.said("column"):
            self.mistakes["second_column"] = _("Choose another column than the first one.")
        if self.kind in {Kind.LOOKUP, Kind.WRITE}:
            self._check_pairs()

    def _check_name(self, others: set[str]) -> None:
        if not self.name:
            self.mistakes["name"] = _("Enter a name; the voice menu calls the function by it.")
        elif self.name != self.stored_name and not _NAME.fullmatch(self.name):
            self.mistakes["name"] = _("Only small letters without accents, digits and underscores, at most 60 of them.")
        elif self.name.casefold() in others:
            self.mistakes["name"] = _("Another function has this name.")

    def _check_pairs(self) -> None:
        writes = self.kind == Kind.WRITE
        variables = [pair for pair in self.variables if pair]
        constants = [pair for pair in self.constants if pair and writes]
        names: set[str] = set()
        columns = {self.said("caller_column").lower()} - {""} if writes else set()
        for pair in variables:
            pair.text = pair.text or variable_of(pair.column)
            if not _VARIABLE.fullmatch(pair.text):
                pair.mistake = _("A variable is named by letters without accents, digits and underscores.")
            elif pair.text.casefold() in names:
                pair.mistake = _("Another variable has this name.")
            names.add(pair.text.casefold())
        for pair in (*variables, *constants):
            if not pair.column:
                pair.mistake = pair.mistake or _("Choose a column.")
            elif pair.column.lower() in columns:
                pair.mistake = pair.mistake or _("This column is filled from another place already.")
            columns.add(pair.column.lower())
        if writes and not variables:
            self.mistakes["columns"] = _("Say what the voice menu sends: at least one variable with its column.")

    @property
    def is_right(self) -> bool:
        return not self.mistakes and not any(pair.mistake for pair in (*self.variables, *self.constants))

    def summary(self) -> list[dict[str, str]]:
        """For the head of the page, each with the id of its field."""
        found = [{"field": f"field-{name}", "sentence": sentence} for name, sentence in self.mistakes.items()]
        rows = [("variable", self.variables), ("constant", self.constants)]
        return found + [
            {"field": f"{name}-{at}", "sentence": pair.mistake}
            for name, pairs in rows
            for at, pair in enumerate(pairs)
            if pair.mistake
        ]

    def take(self, mistakes: Iterable[Mistake], place: str) -> None:
        """What the configuration refuses, under its field where there is one."""
        names = {"budget_ms": "seconds"}
        for each in mistakes:
            part = re.split(r"[.\[]", each.place.removeprefix(place).lstrip("."), maxsplit=1)[0]
            name = names.get(part, part) if each.place.startswith(place) else ""
            self.mistakes.setdefault(name or "form", each.sentence)


def suggested(title: str) -> str:
    """A name for the voice menu: "Ověření PINem" → "overeni_pinem"."""
    return re.sub(r"[^a-z0-9]+", "_", plain(title)).strip("_")[:60].strip("_")


def variable_of(column: str) -> str:
    """ "nnn_Serial" → "serial"."""
    return (column.partition("_")[2] or column).lower()[:60]


def _pairs(columns: list[str], texts: list[str]) -> list[Pair]:
    both = zip(columns[:MOST_PAIRS], texts[:MOST_PAIRS], strict=False)
    return [pair for column, text in both if (pair := Pair(column.strip()[:LONGEST], text.strip()[:LONGEST]))]


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else text


def _seconds(milliseconds: int) -> str:
    return f"{Decimal(milliseconds) / 1000:f}".replace(".", ",")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def number_of(text: str) -> Decimal | None:
    """As people type it, with a comma or a point and spaces between thousands."""
    try:
        number = Decimal(re.sub(r"\s", "", text).replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
