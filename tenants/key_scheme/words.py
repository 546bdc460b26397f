"""The words customers use for the parts of a key scheme, in Czech, Slovak and English."""

from __future__ import annotations

import unicodedata
from typing import Final, NamedTuple


class Slot(NamedTuple):
    """What a word on the left stands for. `item` says that it belongs to a numbered item."""

    part: str
    item: bool = False
    language: str = ""


_TABLE_WORDS: Final = {
    "table": (
        "tabulka s daty entity", "tabulka", "tabulka entity", "název tabulky", "název entity", "entita", "vlastní entita",
        "vlastní tabulka", "tabuľka s dátami entity", "tabuľka s údajmi entity", "tabuľka", "názov tabuľky",
        "vlastná entita", "table", "table with entity data", "table with data of the entity", "entity data table",
        "entity table", "data table", "entity", "custom entity", "custom table", "table name", "entity name",
    ),
    "id_column": (
        "id", "identifikátor", "identifikátor záznamu", "klíč", "primární klíč", "id záznamu", "kľúč", "primárny kľúč",
        "key", "primary key", "record id", "identifier", "guid",
    ),
    "phone_columns": (
        "phoneNumber", "phoneNumbers", "phone", "phones", "phone column", "phone columns", "telephone",
        "telephone number", "mobile", "mobile phone", "telefon", "telefony", "telefonní číslo", "telefonní čísla",
        "číslo telefonu", "číslo", "mobil", "tel", "telefón", "telefónne číslo", "telefónne čísla", "číslo telefónu",
    ),
    "first_name": ("firstname", "jméno", "křestní jméno", "meno", "krstné meno", "given name", "name"),
    "last_name": (
        "lastname", "surname", "family name", "příjmení", "priezvisko", "organization name", "organisation name",
        "organization", "company", "company name", "název organizace", "organizace", "název firmy", "firma",
        "příjmení nebo firma", "příjmení nebo název organizace", "lastname or organization name",
        "názov organizácie", "organizácia", "názov firmy", "priezvisko alebo firma",
    ),
    "label": (
        "popisek", "popisek tabulky", "popisek entity", "popis", "název", "názov", "label", "caption", "title",
        "table label", "entity label", "popis tabuľky",
    ),
}  # fmt: skip
_ITEM_WORDS: Final = (
    "položka", "položky", "položka č", "pole", "údaj", "údaje", "item", "field", "item no", "display field", "extra field",
)  # fmt: skip
_PART_WORDS: Final = {
    "label": ("popisek", "popis", "název", "názov", "label", "caption", "title", "označení", "označenie"),
    "entity": ("entita", "entity", "tabulka", "tabuľka", "table"),
    "identifier": (
        "identifikátor", "identifier", "id", "sloupec", "stĺpec", "column", "pole", "field", "column name",
    ),
    "link": ("odkaz", "link", "url", "hyperlink", "adresa"),
}  # fmt: skip
_LANGUAGE_WORDS: Final = {
    "cs": ("cs", "cz", "česky", "čeština", "czech"),
    "sk": ("sk", "slovensky", "slovenčina", "slovak"),
    "en": ("en", "anglicky", "english", "angličtina"),
}


def letters(text: str) -> str:
    """Only letters, without case and diacritics: `Položka1 POPISEK` → `polozkapopisek`."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if char.isalpha())


def _known_words() -> dict[str, tuple[Slot, str]]:
    """Letters of every known word → its meaning and the word as one would write it."""
    known: dict[str, tuple[Slot, str]] = {}
    for part, words in _TABLE_WORDS.items():
        for word in words:
            _add(known, Slot(part), word)
    for part, words in _PART_WORDS.items():
        for item in _ITEM_WORDS:
            for word in words:
                _add(known, Slot(part, item=True), f"{item}# {word}")
                _add(known, Slot(part, item=True), f"{word} {item}#")
    return known


def _add(known: dict[str, tuple[Slot, str]], slot: Slot, word: str) -> None:
    known.setdefault(letters(word), (slot, word))
    if slot.part == "label":
        for language, spellings in _LANGUAGE_WORDS.items():
            for spelling in spellings:
                known.setdefault(letters(word + spelling), (slot._replace(language=language), f"{word} {language}"))


VOCABULARY: Final = _known_words()
SHOWN_WORDS: Final = {
    "table": "tabulka s daty entity", "id_column": "id", "phone_columns": "phoneNumber", "first_name": "firstname",
    "last_name": "lastname", "label": "popisek",
}  # fmt: skip
KNOWN_WORDS: Final = (*SHOWN_WORDS.values(), "položka1 popisek", "položka1 entita", "položka1 identifikátor")
