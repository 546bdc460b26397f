"""A scheme laid over what is stored: a table or field of the same name is replaced, others stay, new ones come last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants import configuration
from tenants.key_scheme import Scheme
from tenants.models import label_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tenants.models import Tenant

SECTIONS = ("custom_entities", "display_fields")
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """Both sections as plain data, as the configuration file holds them."""

    custom_entities: list[Item]
    display_fields: list[Item]

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        return {name: [dict(item) for item in getattr(self, name)] for name in SECTIONS}

    def entity(self, table: str) -> Item | None:
        return next((one for one in self.custom_entities if _same(one["table"], table)), None)

    def fields_of(self, table: str) -> list[Item]:
        return [one for one in self.display_fields if _same(one["entity"], table)]

    def only(self, table: str) -> Scheme:
        """One table and its fields, as a scheme."""
        entity = self.entity(table)
        return Scheme.from_configuration(
            {"custom_entities": [entity] if entity else [], "display_fields": self.fields_of(table)}
        )


def stored(tenant: Tenant) -> Stored:
    return Stored(*(configuration.stored(tenant, name) for name in SECTIONS))


def stamp(tenant: Tenant) -> str:
    return configuration.stamp(tenant, *SECTIONS)


def merged(before: Stored, scheme: Scheme, *, whole: str = "") -> Stored:
    """`whole` names a stored table that the scheme holds completely: its fields that are not in it go, and when the
    scheme has another table in its place, that one replaces it.
    """
    new = scheme.to_configuration()
    entities, fields = list(before.custom_entities), list(before.display_fields)
    tables = [entity["table"] for entity in new["custom_entities"]]
    if whole:
        fields = [field for field in fields if not _same(field["entity"], whole) or _has_field(new, field)]
    if whole and tables and not any(_same(table, whole) for table in tables):
        entities = [new["custom_entities"][0] if _same(one["table"], whole) else one for one in entities]
    return Stored(
        _laid_over(entities, new["custom_entities"], "table"),
        _laid_over(fields, new["display_fields"], "entity", "identifier"),
    )


def _has_field(new: Mapping[str, list[dict[str, Any]]], field: Item) -> bool:
    return any(
        _key(one, "entity", "identifier") == _key(field, "entity", "identifier") for one in new["display_fields"]
    )


def _laid_over(old: Iterable[Item], new: Iterable[Item], *key: str) -> list[Item]:
    found = {_key(item, *key): item for item in old}
    return list((found | {_key(item, *key): item for item in new}).values())


def _key(item: Item, *names: str) -> tuple[str, ...]:
    return tuple(str(item[name]).casefold() for name in names)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def without(before: Stored, table: str) -> Stored:
    """Without that table and the fields of it that the card shows."""
    return Stored(
        [one for one in before.custom_entities if not _same(one["table"], table)],
        [one for one in before.display_fields if not _same(one["entity"], table)],
    )


def moved(before: Stored, table: str, to: int) -> Stored:
    """That table at that place, counted from 0; an impossible place is the nearest one."""
    entity = before.entity(table)
    others = [one for one in before.custom_entities if one is not entity]
    if entity is None:
        return before
    at = max(0, min(to, len(others)))
    return Stored([*others[:at], entity, *others[at:]], before.display_fields)


def save(tenant: Tenant, wanted: Stored, *, by: User, seen: str) -> configuration.Diff:
    """Both sections in one change. Raises ConfigurationError, configuration.Changed."""
    return configuration.change(tenant, wanted.to_dict(), by=by, seen=seen)


def effect(before: Stored, after: Stored, language: str) -> list[str]:
    """What saving would add, replace and remove, in sentences; [] when nothing."""
    return [*_tables_effect(before, after), *_fields_effect(before, after, language)]


def _tables_effect(before: Stored, after: Stored) -> list[str]:
    old, new = ({_key(one, "table"): one for one in each.custom_entities} for each in (before, after))
    added = [one["table"] for key, one in new.items() if key not in old]
    gone = [one["table"] for key, one in old.items() if key not in new]
    changed = [one["table"] for key, one in new.items() if key in old and _plain(old[key]) != _plain(one)]
    return [
        sentence % {"names": ", ".join(names)}
        for names, sentence in (
            (added, _("Added as own table: %(names)s.")),
            (changed, _("Replaced, because it is stored already: %(names)s.")),
            (gone, _("Removed: %(names)s.")),
        )
        if names
    ]


def _plain(item: Item) -> dict[str, Any]:
    return {"first_name": "", "link": "", **item}


def _fields_effect(before: Stored, after: Stored, language: str) -> list[str]:
    old, new = ({_key(one, "entity", "identifier"): one for one in each.display_fields} for each in (before, after))
    added = [label_in(one["label"], language) for key, one in new.items() if key not in old]
    changed = [
        label_in(one["label"], language) for key, one in new.items() if key in old and _plain(old[key]) != _plain(one)
    ]
    gone = [label_in(one["label"], language) for key, one in old.items() if key not in new]
    found = [
        sentence % {"names": ", ".join(names)}
        for names, sentence in (
            (added, _("New on the card: %(names)s.")),
            (changed, _("Changed on the card: %(names)s.")),
            (gone, _("No longer on the card: %(names)s.")),
        )
        if names
    ]
    kept = len(new.keys() & old.keys()) - len(changed)
    if kept and (found or len(new) != len(old)):
        found.append(
            ngettext(
                "%(number)d other field on the card stays as it is.",
                "%(number)d other fields on the card stay as they are.",
                kept,
            )
            % {"number": kept}
        )
    return found
