"""A key scheme as text again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tenants.key_scheme.lines import SIGN, clean
from tenants.key_scheme.scheme import Entity, Field, Label, Scheme

_WRITTEN: Final = {
    "cs": {"table": "tabulka s daty entity", "item": "položka", "label": "popisek", "entity": "entita",
           "identifier": "identifikátor", "link": "odkaz"},
    "sk": {"table": "tabuľka s dátami entity", "item": "položka", "label": "popis", "entity": "entita",
           "identifier": "identifikátor", "link": "odkaz"},
    "en": {"table": "table with entity data", "item": "item", "label": "label", "entity": "entity",
           "identifier": "identifier", "link": "link"},
}  # fmt: skip


def write(scheme: Scheme, language: str = "cs") -> str:
    """The text of a scheme; `read` gives the same scheme back."""
    words = _WRITTEN.get(language, _WRITTEN["cs"])
    blocks = ["\n".join(_written_entity(entity, words)) for entity in scheme.entities]
    for number, each in enumerate(scheme.fields, start=1):
        blocks.append("\n".join(_written_field(each, f"{words['item']}{number}", words)))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _written_entity(entity: Entity, words: Mapping[str, str]) -> Iterator[str]:
    yield f"{words['table']} = {entity.table}"
    yield from _written_label(words["label"], entity.label)
    yield f"id = {entity.id_column}"
    yield f"phoneNumber = {', '.join(entity.phone_columns)}"
    if entity.first_name:
        yield f"firstname = {entity.first_name}"
    yield f"lastname = {entity.last_name}"


def _written_field(each: Field, item: str, words: Mapping[str, str]) -> Iterator[str]:
    yield from _written_label(f"{item} {words['label']}", each.label)
    yield f"{item} {words['entity']} = {each.entity}"
    yield f"{item} {words['identifier']} = {each.identifier}"
    if each.link:
        yield f"{item} {words['link']} = {_quoted(each.link)}"


def _written_label(word: str, label: Label) -> Iterator[str]:
    if isinstance(label, dict):
        yield from (f"{word} {language} = {_quoted(text)}" for language, text in label.items())
    elif label:
        yield f"{word} = {_quoted(label)}"


def _quoted(text: str) -> str:
    """In quotation marks where the text would be read differently without."""
    return text if clean(text) == text and not SIGN.match(text) else f'"{text}"'
