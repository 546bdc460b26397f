"""What the columns of a list mean: by the words of its header in three languages, else by what stands in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from django.utils.translation import gettext_lazy, pgettext_lazy

FIELDS = ("name", "email", "login", "line", "upn", "language")
LABELS = {
    "name": pgettext_lazy("person", "Name"),
    "email": gettext_lazy("E-mail"),
    "login": gettext_lazy("Login name"),
    "line": pgettext_lazy("person", "Line"),
    "upn": gettext_lazy("Microsoft sign-in name"),
    "language": pgettext_lazy("person", "Language"),
    "first": gettext_lazy("First name"),
    "last": gettext_lazy("Last name"),
    "window": pgettext_lazy("person", "Window"),
    "state": pgettext_lazy("person", "State"),
}
_WORDS = {
    "name": "name jmeno meno fullname displayname celejmeno celemeno jmenoaprijmeni menoapriezvisko zobrazovanejmeno"
    " zobrazovanemeno zobrazovanynazev agent osoba person pracovnik nameandsurname",
    "email": "email mail emaily emailaddress emailadresa emailovaadresa primarysmtpaddress primaryemail"
    " pracovniemail workemail",
    "login": "login uzivatel pouzivatel uzivatelskejmeno pouzivatelskemeno prihlasovacijmeno prihlasovaciemeno"
    " username user loginname loginvkomunikatoru loginincommunicator loginvcommunicatore loginvcommunicatoru",
    "line": "line linka klapka extension ext cislolinky linenumber telefonnilinka telefonnalinka internilinka"
    " internalinka pobocka phoneline",
    "upn": "upn userprincipalname hlavninazevuzivatele hlavnynazovpouzivatela ucetmicrosoft microsoftaccount"
    " ucetmicrosoft365 konto microsoft kontomicrosoft microsoftsigninname prihlasenikmicrosoftu prihlaseniekmicrosoftu",
    "language": "language lang jazyk rec",
    "first": "firstname givenname krestnijmeno krstnemeno",
    "last": "lastname surname familyname prijmeni priezvisko",
    "window": "window crmwindow okno crmokno",
    "state": "state status stav aktivace aktivacia activation",
}
_MEANING = {word: field for field, words in _WORDS.items() for word in words.split()}
_LANGUAGES = {
    "cs": "cs cz cestina cesky czech cze ces",
    "sk": "sk slovencina slovensky slovak slk",
    "en": "en gb anglictina anglicky english eng",
}
LANGUAGE_OF = {word: code for code, words in _LANGUAGES.items() for word in words.split()}
_LINE = re.compile(r"'?[+*#]?[\d][\d /-]*")


def plain(text: str) -> str:
    """Letters and digits without case and accents: "E-mailová adresa" is emailovaadresa."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def of_header(cells: Sequence[str]) -> list[str] | None:
    """The field of each column, "" where unknown; None when this is no header."""
    found = [_MEANING.get(plain(cell), "") for cell in cells]
    if not any(found) or any("@" in cell for cell in cells):
        return None
    if "last" in found and "first" not in found:
        found = ["first" if field == "name" else field for field in found]
    if "email" not in found and "upn" in found:
        found[found.index("upn")] = "email"
    return [field if field not in found[:at] else "" for at, field in enumerate(found)]


def of_contents(rows: Sequence[Sequence[str]]) -> list[str]:
    """Without a header: addresses, numbers and languages tell themselves; of other texts, names have spaces."""
    width = max((len(row) for row in rows), default=0)
    columns = [[row[at] for row in rows if at < len(row) and row[at]] for at in range(width)]
    found = [""] * width
    for field, fits in _LOOKS:
        for at, cells in enumerate(columns):
            if cells and not found[at] and field not in found and _mostly(fits, cells):
                found[at] = field
    left = [at for at, cells in enumerate(columns) if cells and not found[at]]
    composed = "email" in found and _mostly(lambda cell: "<" in cell, columns[found.index("email")])
    for at, field in zip(left, _names(left, columns, composed=composed), strict=False):
        found[at] = field
    return found


_LOOKS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("email", lambda cell: "@" in cell),
    ("upn", lambda cell: "@" in cell),
    ("line", lambda cell: bool(_LINE.fullmatch(cell))),
    ("language", lambda cell: plain(cell) in LANGUAGE_OF),
)


def _mostly(fits: Callable[[str], bool], cells: Sequence[str]) -> bool:
    return sum(map(fits, cells)) * 2 > len(cells)


def _names(left: Sequence[int], columns: Sequence[Sequence[str]], *, composed: bool) -> list[str]:
    """Of the text columns one is the name, another the login."""
    spaced = [_mostly(lambda cell: " " in cell, columns[at]) for at in left]
    if composed:
        return ["login"]
    if len(left) == 1:
        capital = _mostly(lambda cell: not cell[0].islower(), columns[left[0]])
        return ["name" if spaced[0] or capital else "login"]
    return ["login", "name"] if spaced[:2] == [False, True] else ["name", "login"]
