"""What a key scheme says, and what is wrong with the text it was read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

LONGEST_TEXT = 50_000
MOST_FIELDS = 100
MOST_ENTITIES = 50
MOST_MISTAKES = 60
LONGEST_NAME = 128
LIMITS = {"label": 200, "link": 500}
STANDARD_TABLES = ("Account", "Contact", "Lead")

Label = str | dict[str, str]
Severity = Literal["error", "warning"]
Path = tuple[str, int, str]
"""Where a value belongs: ("entities" or "fields", position, attribute)."""


@dataclass(frozen=True, slots=True)
class Entity:
    """The customer's own table. Names as typed; `label` may be ""."""

    table: str
    id_column: str
    phone_columns: tuple[str, ...]
    last_name: str
    first_name: str = ""
    label: Label = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A further field of the caller's record. `entity` is Account, Contact, Lead or an own table."""

    label: Label
    entity: str
    identifier: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a text means; incomplete parts are left out of it and named as mistakes."""

    entities: tuple[Entity, ...] = ()
    fields: tuple[Field, ...] = ()

    def to_configuration(self) -> dict[str, list[dict[str, Any]]]:
        """As [[custom_entities]] and [[display_fields]] of the configuration file. A missing label is the table's name."""
        entities = [
            {
                "label": entity.label or entity.table,
                "table": entity.table,
                "id": entity.id_column,
                "phone_number": list(entity.phone_columns),
                "first_name": entity.first_name,
                "last_name": entity.last_name,
            }
            for entity in self.entities
        ]
        fields = [
            {"label": each.label, "entity": each.entity, "identifier": each.identifier, "link": each.link}
            for each in self.fields
        ]
        return {"custom_entities": entities, "display_fields": fields}

    @classmethod
    def from_configuration(cls, data: Mapping[str, Iterable[Mapping[str, Any]]]) -> Scheme:
        """The reverse of `to_configuration`."""
        entities = [
            Entity(
                table=one["table"],
                id_column=one["id"],
                phone_columns=tuple(one["phone_number"]),
                last_name=one["last_name"],
                first_name=one.get("first_name", ""),
                label="" if one["label"] == one["table"] else one["label"],
            )
            for one in data.get("custom_entities", ())
        ]
        fields = [
            Field(one["label"], one["entity"], one["identifier"], one.get("link", ""))
            for one in data.get("display_fields", ())
        ]
        return cls(tuple(entities), tuple(fields))


@dataclass(frozen=True, slots=True)
class Mistake:
    """`sentence` names the line (from 1) as well. `typed` is what stands there, `nearest` what was probably meant, or ""."""

    line: int
    sentence: str
    typed: str = ""
    nearest: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Reading:
    """The meaning of a text, what is wrong in it in the order of its lines, and the line of each value.

    `incomplete` are tables that lack something, with "" for it: to be shown, not to be saved.
    """

    scheme: Scheme
    mistakes: tuple[Mistake, ...] = ()
    lines: Mapping[Path, int] = field(default_factory=dict)
    incomplete: tuple[Entity, ...] = ()

    @property
    def errors(self) -> tuple[Mistake, ...]:
        return tuple(each for each in self.mistakes if each.severity == "error")

    @property
    def ok(self) -> bool:
        """Whether it can be saved: there may be warnings, but no errors."""
        return not self.errors
