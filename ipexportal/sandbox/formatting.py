"""Rows as the Web API shows them: property names, JSON values, and formatted values in the caller's language.

Microsoft: "Select columns", "Formatted values", "Lookup property data". Formats follow the caller's personal settings.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ipexportal.sandbox.metadata import CHOICES, CZECH, ENGLISH, Column, Table
from ipexportal.sandbox.store import Row, Store

FORMATTED: Final = "OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE: Final = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION: Final = "Microsoft.Dynamics.CRM.associatednavigationproperty"
NBSP: Final = "\u00a0"
SLOVAK: Final = 1051
TIME_ZONE: Final = ZoneInfo("Europe/Prague")
NUMBERS: Final = frozenset({"Integer", "BigInt", "Decimal", "Double"})


@dataclass(frozen=True, slots=True)
class Preferences:
    """The `Prefer` header, understood; `applied` is what to confirm in `Preference-Applied`."""

    annotations: tuple[str, ...] = ()
    page_size: int | None = None
    representation: bool = False
    track_changes: bool = False

    def wants(self, annotation: str) -> bool:
        return any(_covers(pattern, annotation) for pattern in self.annotations)

    @property
    def applied(self) -> str:
        listed = ["odata.track-changes"] if self.track_changes else []
        listed += [f"odata.maxpagesize={self.page_size}"] if self.page_size else []
        if self.annotations:
            listed.append(f'odata.include-annotations="{",".join(self.annotations)}"')
        if self.representation:
            listed.append("return=representation")
        return ",".join(listed)


def preferences(header: str) -> Preferences:
    annotations = re.search(r"odata\.include-annotations\s*=\s*(?:\"([^\"]*)\"|([^,\s]+))", header)
    size = re.search(r"odata\.maxpagesize\s*=\s*(\d+)", header)
    listed = (annotations[1] or annotations[2] or "") if annotations else ""
    return Preferences(
        annotations=tuple(name.strip() for name in listed.split(",") if name.strip()),
        page_size=int(size[1]) if size and int(size[1]) > 0 else None,
        representation="return=representation" in header,
        track_changes="odata.track-changes" in header,
    )


def _covers(pattern: str, annotation: str) -> bool:
    return pattern in ("*", annotation) or (pattern.endswith(".*") and annotation.startswith(pattern[:-1]))


@dataclass(slots=True)
class Formatter:
    """Turns stored rows into JSON objects for one caller."""

    store: Store
    language: int
    wants: Callable[[str], bool]

    def rows(self, table: Table, rows: list[Row], columns: Iterable[Column]) -> list[dict[str, Any]]:
        """JSON objects in the rows' order; each row must hold `versionnumber`."""
        columns = list(columns)
        names = self._lookup_names(rows, columns) if self.wants(FORMATTED) else {}
        return [self._row(table, row, columns, names) for row in rows]

    def _lookup_names(self, rows: list[Row], columns: list[Column]) -> dict[str, str | None]:
        wanted: dict[str, set[str]] = {}
        for column in columns:
            if column.is_lookup:
                for row in rows:
                    target = target_of(column, row)
                    if target and row[column.logical_name]:
                        wanted.setdefault(target, set()).add(row[column.logical_name])
        found: dict[str, str | None] = {}
        for target, ids in wanted.items():
            if target in self.store.model.tables and self.store.model[target].name_column:
                found.update(self.store.names(target, ids))
        return found

    def _row(self, table: Table, row: Row, columns: list[Column], names: dict[str, str | None]) -> dict[str, Any]:
        shown: dict[str, Any] = {"@odata.etag": etag(row)}
        for column in columns:
            self._cell(table, row, column, names, shown)
        return shown

    def _cell(
        self, table: Table, row: Row, column: Column, names: dict[str, str | None], shown: dict[str, Any]
    ) -> None:
        value, name = row[column.logical_name], column.property_name
        if value is not None:
            formatted = self._formatted(column, value, names) if self.wants(FORMATTED) else None
            if formatted is not None:
                shown[f"{name}@{FORMATTED}"] = formatted
            if column.is_lookup:
                self._lookup(table, row, column, shown)
        shown[name] = json_value(column, value)

    def _lookup(self, table: Table, row: Row, column: Column, shown: dict[str, Any]) -> None:
        target = target_of(column, row)
        if not target:
            return
        navigation = table.navigation_of(column.logical_name, target)
        if navigation and self.wants(NAVIGATION):
            shown[f"{column.property_name}@{NAVIGATION}"] = navigation.name
        if self.wants(LOOKUP_TABLE):
            shown[f"{column.property_name}@{LOOKUP_TABLE}"] = target

    def _formatted(self, column: Column, value: Any, names: dict[str, str | None]) -> str | None:
        if column.is_lookup:
            return names.get(value)
        if column.type in CHOICES:
            option = column.option(int(value))
            return self.label(option.labels) if option else {0: "No", 1: "Yes"}.get(value)
        if column.type == "DateTime":
            return moment(value, column, self.language)
        if column.type == "Money":
            return money(value, self.language)
        if column.type in NUMBERS:
            places = column.precision or 2 if column.type in ("Decimal", "Double") else 0
            return grouped(value, places, self.language)
        return None

    def label(self, labels: dict[int, str]) -> str | None:
        """In the caller's language, else English, else whatever there is."""
        return labels.get(self.language) or labels.get(ENGLISH) or next(iter(labels.values()), None)


def target_of(column: Column, row: Row) -> str | None:
    """The table that a look-up's value belongs to."""
    if len(column.targets) == 1:
        return column.targets[0]
    found: str | None = row.get(f"{column.logical_name}__type")
    return found


def etag(row: Row) -> str:
    return f'W/"{row["versionnumber"]}"'


def json_value(column: Column, value: Any) -> Any:
    return bool(value) if column.type == "Boolean" and value is not None else value


def moment(value: str, column: Column, language: int) -> str:
    """As the caller's personal format shows dates and times, in Prague's time zone."""
    if column.is_date_only:
        day = datetime.fromisoformat(value)
    else:
        day = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(TIME_ZONE)
    if language in (CZECH, SLOVAK):
        date, time = f"{day.day}. {day.month}. {day.year}", f"{day.hour}:{day.minute:02d}"
    else:
        date, time = f"{day.month}/{day.day}/{day.year}", f"{day.hour % 12 or 12}:{day:%M %p}"
    return date if column.is_date_only or column.format == "DateOnly" else f"{date} {time}"


def grouped(value: float, places: int, language: int) -> str:
    text = f"{value:,.{places}f}"
    if language in (CZECH, SLOVAK):
        return text.replace(",", NBSP).replace(".", ",")
    return text


def money(value: float, language: int) -> str:
    amount = grouped(value, 2, language)
    return f"{amount}{NBSP}Kč" if language in (CZECH, SLOVAK) else f"Kč{amount}"
