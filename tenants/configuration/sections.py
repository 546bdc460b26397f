"""What a section of the file is, and the registry through which the window adds its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from tenants.configuration.checks import Check
from tenants.configuration.mistakes import Place
from tenants.fields import EncryptedTextField
from tenants.models import Tenant

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Whole:
    """The file laid over what is stored: what rules that look further than one section are asked about."""

    tenant: Tenant | None
    file: Mapping[str, Any]
    stored: Mapping[str, Any]
    secrets: Mapping[str, str] | None
    place: Place
    handed: Mapping[str, str] = field(default_factory=dict, repr=False)

    def table(self, name: str) -> dict[str, Any]:
        return {**(self.stored.get(name) or {}), **(self.file.get(name) or {})}

    def items(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.file[name] if name in self.file else self.stored.get(name) or []
        return found

    def at(self, name: str) -> Place:
        return self.place.key(name)


@dataclass(slots=True)
class Change:
    """An import while it is carried out. `secrets` are known by the names of variables, `handed` by what they are."""

    by: User | str
    secrets: Mapping[str, str] | None = field(default=None, repr=False)
    handed: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: UUID | None = None
    place: Place = field(default_factory=Place)
    secrets_set: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def assign(self, row: models.Model, values: Mapping[str, Any], place: Place, *, checked: bool = False) -> bool:
        """Give the row these values and save what differs; what the model refuses is noted. Answers whether it changed.

        `checked`: the section's rules did already what constraints would ask the database row by row.
        """
        changed = [name for name, value in values.items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, values[name])
        if not changed or not self.is_valid(row, changed, place, checked=checked):
            return False
        row.save(update_fields=changed)
        return True

    def is_valid(self, row: models.Model, names: list[str], place: Place, *, checked: bool = False) -> bool:
        """What full_clean() says of these fields, without opening encrypted ones."""
        sealed = {item.name for item in row._meta.concrete_fields if isinstance(item, EncryptedTextField)}
        others = {item.name for item in row._meta.concrete_fields} - set(names)
        checks = [(row.clean_fields, others), *([] if checked else [(row.validate_constraints, sealed)])]
        noted = False
        for check, without in checks:
            try:
                check(exclude=without)
            except ValidationError as error:
                noted |= self._note(error, names, place)
        return not noted

    def _note(self, refused: ValidationError, names: list[str], place: Place) -> bool:
        """Whether there was something to note: what may be empty, the checks decided."""
        noted = False
        for name, errors in refused.error_dict.items():
            at = place.key(name) if name in names else place
            for sentence in (sentence for error in errors if error.code != "blank" for sentence in error.messages):
                at.wrong(sentence)
                noted = True
        return noted


def no_rules(whole: Whole) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table, or list of tables, of the file.

    `check` reads it (missing keys stay missing); `rules` look at the whole; `write` stores it; `read` answers all of it as
    plain TOML data, secrets excepted. Items of a list are known by `item_key` in a diff, else by position; the values of
    `private` keys never reach the audit.
    """

    name: str
    check: Check
    read: Callable[[Tenant], Any]
    write: Callable[[Tenant, Any, Change], None]
    rules: Callable[[Whole], None] = no_rules
    item_key: str = ""
    private: frozenset[str] = frozenset()
    before: str = ""


_sections: list[Section] = []


def register(section: Section) -> None:
    """Add a section; `section.before` names the one it stands before in an export. Registering again replaces it."""
    _sections[:] = [known for known in _sections if known.name != section.name]
    names = [known.name for known in _sections]
    _sections.insert(names.index(section.before) if section.before in names else len(names), section)


def sections() -> tuple[Section, ...]:
    return tuple(_sections)
