"""From the lines of a text to a scheme, with every mistake noted on the way."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from tenants.key_scheme.lines import NAME, SEVERAL, Line, lines, shortened, take_apart, unquoted
from tenants.key_scheme.scheme import (
    LIMITS,
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_ENTITIES,
    MOST_FIELDS,
    MOST_MISTAKES,
    STANDARD_TABLES,
    Entity,
    Field,
    Label,
    Mistake,
    Path,
    Reading,
    Scheme,
    Severity,
)
from tenants.key_scheme.words import KNOWN_WORDS, SHOWN_WORDS, VOCABULARY, Slot, letters


@dataclass(slots=True)
class _Draft:
    """A table or an item while it is being read: attribute → (line, value), and phone column → line."""

    number: int = 0
    values: dict[str, tuple[int, str]] = field(default_factory=dict)
    phones: dict[str, int] = field(default_factory=dict)

    @property
    def first_line(self) -> int:
        return min([line for line, _value in self.values.values()] + list(self.phones.values()))

    def has(self, part: str) -> bool:
        return any(name.partition(".")[0] == part for name in self.values)

    def get(self, part: str) -> str:
        return self.values.get(part, (0, ""))[1]

    def label(self) -> Label:
        """A text, or one per language when any line says its language; one that does not is then Czech."""
        said = {name.partition(".")[2]: text for name, (_at, text) in self.values.items() if name.startswith("label")}
        plain = said.pop("", "")
        return {**({"cs": plain} if plain else {}), **said} if said else plain


def read(text: str) -> Reading:
    """What the text means. Never raises; what is wrong is in `mistakes`."""
    if len(text) > LONGEST_TEXT:
        sentence = _("The text is too long for a key scheme: at most %(most)d characters fit.") % {"most": LONGEST_TEXT}
        return Reading(Scheme(), (Mistake(1, sentence),))
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self.entities: list[_Draft] = []
        self.items: list[_Draft] = []
        self.mistakes: list[Mistake] = []
        self.places: dict[Path, int] = {}
        self.incomplete: list[Entity] = []
        self.meant: set[str] = set()  # parts whose line is there but cannot be read: not to be called missing as well

    def read(self, text: str) -> Reading:
        for at, content in lines(text):
            if len(self.mistakes) >= MOST_MISTAKES:
                self._wrong(at, _("Line %(line)d: reading stops here, too much above is not a key scheme."))
                break
            self._line(at, content)
        entities = self._entities()
        fields = self._fields()
        if not (entities or fields or self.mistakes):
            self._wrong(1, _("Line %(line)d: there is nothing to read yet."))
        mistakes = tuple(sorted(self.mistakes, key=lambda mistake: mistake.line))
        return Reading(Scheme(tuple(entities), tuple(fields)), mistakes, self.places, tuple(self.incomplete))

    def _line(self, at: int, content: str) -> None:
        line = take_apart(at, content)
        if line is None:
            self._wrong(at, _("Line %(line)d: there is no = between a word and its value."), content)
        elif line.slot is None:
            self._unknown_word(line)
        elif not line.value:
            self.meant.add(line.slot.part)
            self._wrong(at, _("Line %(line)d: a value is missing after %(word)s."), line.word)
        elif line.slot.part == "phone_columns":
            self._put_phones(line)
        else:
            self._put(line, line.slot)

    def _wrong(
        self, at: int, sentence: str, typed: str = "", nearest: str = "", *, severity: Severity = "error", **more: Any
    ) -> None:
        """`sentence` may name the line, the `word` that was typed, the `nearest` one, and more."""
        words = {"line": at, "word": shortened(typed), "nearest": nearest, **more}
        self.mistakes.append(Mistake(at, sentence % words, typed, nearest, severity))

    def _unknown_word(self, line: Line) -> None:
        if line.nearest:
            self.meant.add(VOCABULARY[letters(line.nearest)][0].part)
            sentence = _("Line %(line)d: %(word)s is not a word we know. The closest is %(nearest)s.")
            self._wrong(line.at, sentence, line.word, line.nearest)
        elif line.value:  # without a value it is a heading
            sentence = _("Line %(line)d: %(word)s is not a word we know. Known are: %(known)s.")
            self._wrong(line.at, sentence, line.word, known=", ".join(KNOWN_WORDS))

    # where a value goes

    def _put(self, line: Line, slot: Slot) -> None:
        part = f"{slot.part}.{slot.language}" if slot.language else slot.part
        value = self._text(line, LIMITS[slot.part]) if slot.part in LIMITS else self._name(line, line.value)
        draft = self._item(line, part) if slot.item else self._entity(part)
        if part not in draft.values:
            draft.values[part] = line.at, value or ""
        elif value and draft.values[part][1] != value:
            sentence = _("Line %(line)d: %(word)s already stands in line %(first)d.")
            self._wrong(line.at, sentence, line.word, first=draft.values[part][0])

    def _put_phones(self, line: Line) -> None:
        """Several in one line or several lines: they add up."""
        draft = self._entity("phone_columns")
        names = [self._name(line, unquoted(name)) for name in SEVERAL.split(line.value) if name]
        for name in filter(None, names):
            if name.lower() in {known.lower() for known in draft.phones}:
                sentence = _("Line %(line)d: the column %(word)s stands here twice.")
                self._wrong(line.at, sentence, name, severity="warning")
            else:
                draft.phones[name] = line.at
        if not all(names):
            draft.phones.setdefault("", line.at)

    def _entity(self, part: str) -> _Draft:
        """A further table line begins a further table."""
        if not self.entities or (part == "table" and self.entities[-1].has("table")):
            self.entities.append(_Draft())
        return self.entities[-1]

    def _item(self, line: Line, part: str) -> _Draft:
        """The item of that number. A complete one whose number is used again is another: the guide itself does so."""
        same = next((item for item in reversed(self.items) if item.number == line.number), None)
        if same is None or (part in same.values and self._begins_another(same, part)):
            same = _Draft(line.number)
            self.items.append(same)
        return same

    @staticmethod
    def _begins_another(item: _Draft, part: str) -> bool:
        if not item.number:
            return True
        return part != "identifier" and all(item.has(each) for each in ("label", "entity", "identifier"))

    # values: None, and noted, when they cannot be used

    def _name(self, line: Line, name: str) -> str | None:
        if NAME.fullmatch(name) and len(name) <= LONGEST_NAME:
            return name
        nearest = _as_name(name)
        if nearest:
            sentence = _("Line %(line)d: “%(word)s” is not the name of a table or column. The closest is %(nearest)s.")
        else:
            sentence = _("Line %(line)d: “%(word)s” is not the name of a table or column.")
        self._wrong(line.at, sentence, name, nearest)
        return None

    def _text(self, line: Line, most: int) -> str | None:
        if len(line.value) > most:
            self._wrong(line.at, _("Line %(line)d: at most %(most)d characters fit here."), line.value, most=most)
        elif not line.value.replace("\u00a0", " ").isprintable():
            self._wrong(line.at, _("Line %(line)d: there is a control character in the text."), line.value)
        else:
            return line.value
        return None

    # what comes of it

    def _entities(self) -> list[Entity]:
        """The complete ones."""
        found: list[Entity] = []
        tables: dict[str, int] = {}
        for draft in self.entities[:MOST_ENTITIES]:
            table = draft.get("table")
            first = tables.setdefault(table.lower(), draft.first_line)
            if table and first != draft.first_line:
                sentence = _("Line %(line)d: the table %(word)s already stands in line %(first)d.")
                self._wrong(draft.values["table"][0], sentence, table, first=first)
            elif self._is_complete(draft):
                self._note(draft, "entities", len(found))
                found.append(_entity(draft))
            else:
                self.incomplete.append(_entity(draft))
        for draft in self.entities[MOST_ENTITIES:]:
            self._wrong(draft.first_line, _("Line %(line)d: at most %(most)d tables fit."), most=MOST_ENTITIES)
        return found

    def _is_complete(self, draft: _Draft) -> bool:
        """Whether nothing is missing; a value that was there but wrong has been noted already."""
        if not draft.has("table"):
            if "table" in self.meant:
                return False
            sentence = _("Line %(line)d: the table is missing. Add a line “%(add)s = …”.")
            self._wrong(draft.first_line, sentence, add=SHOWN_WORDS["table"])
            return False
        at, table = draft.values["table"]
        if table.casefold() in {name.casefold() for name in STANDARD_TABLES}:
            self._wrong(at, _("Line %(line)d: %(word)s is searched anyway; here belongs your own table."), table)
            return False
        present = {part: draft.has(part) for part in ("id_column", "last_name")} | {"phone_columns": bool(draft.phones)}
        for part in (
            part for part in ("id_column", "phone_columns", "last_name") if not present[part] and part not in self.meant
        ):
            sentence = _("Line %(line)d: the table %(word)s lacks %(add)s. Add a line “%(add)s = …”.")
            self._wrong(at, sentence, table, add=SHOWN_WORDS[part])
        needed = [table, draft.get("id_column"), draft.get("last_name")]
        return all(needed) and any(draft.phones)

    def _fields(self) -> list[Field]:
        table = self.entities[0].get("table") if len(self.entities) == 1 else ""
        found: list[Field] = []
        for draft in sorted(self.items, key=lambda item: item.number):
            if len(found) == MOST_FIELDS:
                self._wrong(draft.first_line, _("Line %(line)d: at most %(most)d items fit."), most=MOST_FIELDS)
            elif made := self._field(draft, table):
                self._note(draft, "fields", len(found))
                found.append(made)
        return found

    def _field(self, draft: _Draft, table: str) -> Field | None:
        """`table` is where an item belongs that does not say so."""
        for part in ("identifier", *(() if table else ("entity",))):
            if not draft.has(part) and part not in self.meant:
                word = f"položka{draft.number or ''} {'identifikátor' if part == 'identifier' else 'entita'}"
                self._wrong(draft.first_line, _("Line %(line)d: %(add)s is missing."), add=word)
        identifier = draft.get("identifier")
        entity = draft.get("entity") if draft.has("entity") else table
        if not (identifier and entity):
            return None
        at = draft.values["identifier"][0]
        if not draft.has("entity"):
            sentence = _("Line %(line)d: the entity is missing, we take %(table)s.")
            self._wrong(at, sentence, identifier, severity="warning", table=table)
        if not draft.has("label"):
            sentence = _("Line %(line)d: the label is missing, we take %(word)s.")
            self._wrong(at, sentence, identifier, severity="warning")
        return Field(draft.label() or identifier, entity, identifier, draft.get("link"))

    def _note(self, draft: _Draft, group: str, position: int) -> None:
        self.places |= {(group, position, part): at for part, (at, _value) in draft.values.items()}
        self.places |= {(group, position, f"phone_columns {name}"): at for name, at in draft.phones.items()}


def _entity(draft: _Draft) -> Entity:
    return Entity(
        table=draft.get("table"),
        id_column=draft.get("id_column"),
        phone_columns=tuple(filter(None, draft.phones)),
        last_name=draft.get("last_name"),
        first_name=draft.get("first_name"),
        label=draft.label(),
    )


def _as_name(text: str) -> str:
    """`my Phone 1` → `myPhone1`, if that gives a name at all."""
    plain = unicodedata.normalize("NFKD", text)
    found = re.sub(r"[^A-Za-z0-9_]", "", plain)[:LONGEST_NAME]
    return found if NAME.fullmatch(found) else ""
