"""Checks of single values, and tables and lists made of them. A check answers the value as it will be stored, or raises Wrong.

Tables and lists note every mistake inside and go on; what is wrong is left out of what they answer.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.configuration.mistakes import Place, Wrong, shorten
from tenants.models import LANGUAGES

Check = Callable[[Any, Place], Any]
MAX_ITEMS = 5000
LANGUAGE_CODES = tuple(code for code, _name in LANGUAGES)
_ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|(?:[a-z0-9-]+\.)?localhost):\d{1,5}")


# Tables and lists


def table(keys: Mapping[str, Check], required: Collection[str] = (), hints: Mapping[str, Any] | None = None) -> Check:
    """A table that knows these keys only. Answers those that are present and right."""

    def check(value: Any, place: Place) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Wrong(_("Here belongs a table."))
        for name in value.keys() - keys.keys():
            place.key(name).wrong(str((hints or {}).get(name) or _unknown(name, keys)))
        for name in required:
            if name not in value:
                place.key(name).missing(_("This key is missing."))
        return dict(_right((name, keys[name], value[name], place.key(name)) for name in keys if name in value))

    return check


def mapping(key_check: Check, value_check: Check) -> Check:
    """A table with keys of the customer's own choosing."""

    def check(value: Any, place: Place) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Wrong(_("Here belongs a table."))
        named = dict(_right((name, key_check, name, place.key(name)) for name in value))
        return dict(_right((name, value_check, value[name], place.key(name)) for name in named))

    return check


def listing(item_check: Check, *, most: int = MAX_ITEMS) -> Check:
    """A list. Each item that is wrong as a whole leaves None, so that the others keep their places."""

    def check(value: Any, place: Place) -> list[Any]:
        if not isinstance(value, list):
            raise Wrong(_("Here belongs a list."))
        if len(value) > most:
            raise Wrong(ngettext("At most %(n)d item fits here.", "At most %(n)d items fit here.", most) % {"n": most})
        right = dict(_right((at, item_check, item, place.item(at)) for at, item in enumerate(value)))
        return [right.get(at) for at in range(len(value))]

    return check


def tables(item_check: Check, *, most: int = MAX_ITEMS) -> Check:
    """A list of tables; a wrong one leaves an empty table."""
    items = listing(item_check, most=most)

    def check(value: Any, place: Place) -> list[dict[str, Any]]:
        return [item or {} for item in items(value, place)]

    return check


def _right(items: Iterable[tuple[Any, Check, Any, Place]]) -> Iterable[tuple[Any, Any]]:
    for name, check, value, place in items:
        try:
            yield name, check(value, place)
        except Wrong as wrong:
            place.wrong(str(wrong))


def _unknown(name: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(name.lower(), known, n=1)
    if nearest:
        return _("This key is not known. Did you mean “%(key)s”?") % {"key": nearest[0]}
    return _("This key is not known. Known are: %(keys)s.") % {"keys": ", ".join(known)}


def unique(items: Iterable[tuple[Place, str]], sentence: str) -> None:
    """Note every item whose text (compared without case) stood before; `sentence` may use %(value)s."""
    seen: set[str] = set()
    for place, text in items:
        if text and text.casefold() in seen:
            place.wrong(sentence % {"value": shorten(text)})
        seen.add(text.casefold())


# Texts


def text(limit: int, *, empty: bool = True) -> Check:
    """One line of text without outer spaces, at most `limit` characters."""

    def check(value: Any, place: Place) -> str:
        if not isinstance(value, str):
            raise Wrong(_("Here belongs a text in quotation marks."))
        line = value.strip()
        if not empty and not line:
            raise Wrong(_("This must not be empty."))
        if len(line) > limit:
            raise Wrong(
                ngettext("At most %(most)d character, not %(n)d.", "At most %(most)d characters, not %(n)d.", limit)
                % {"most": limit, "n": len(line)}
            )
        if not line.isprintable():
            raise Wrong(_("This text holds a line break or another control character."))
        return line

    return check


def choice(*names: str) -> Check:
    def check(value: Any, place: Place) -> str:
        if value in names and isinstance(value, str):
            return value
        raise Wrong(_("Possible are: %(values)s.") % {"values": ", ".join(name or '""' for name in names)})

    return check


def slug(value: Any, place: Place) -> str:
    name: str = text(60, empty=False)(value, place)
    try:
        validate_slug(name)
    except ValidationError:
        raise Wrong(_("Only letters without accents, digits, hyphens and underscores fit here.")) from None
    return name


def email(value: Any, place: Place) -> str:
    address: str = text(254)(value, place)
    try:
        if address:
            validate_email(address)
    except ValidationError:
        raise Wrong(_("“%(value)s” is not an e-mail address.") % {"value": shorten(address)}) from None
    return address


def required_email(value: Any, place: Place) -> str:
    text(254, empty=False)(value, place)
    return email(value, place)


def identifier(value: Any, place: Place) -> str:
    """The name of a table or column in Dataverse, in any case."""
    name: str = text(128, empty=False)(value, place)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise Wrong(_("“%(value)s” is not the name of a table or column.") % {"value": shorten(name)})
    return name


def optional_identifier(value: Any, place: Place) -> str:
    return value if value == "" and isinstance(value, str) else identifier(value, place)


def country(value: Any, place: Place) -> str:
    if isinstance(value, str) and value in phonenumbers.SUPPORTED_REGIONS:
        return value
    raise Wrong(_("“%(value)s” is not a country (two capital letters such as CZ or SK).") % {"value": shorten(value)})


def label(limit: int) -> Check:
    """A text such as "Vyřešeno", or one per language: {"cs": "Vyřešeno", "en": "Solved"}."""
    one = text(limit, empty=False)
    per_language = table(dict.fromkeys(LANGUAGE_CODES, one))

    def check(value: Any, place: Place) -> str | dict[str, str]:
        if not isinstance(value, dict):
            return str(one(value, place))
        labels: dict[str, str] = per_language(value, place)
        if not value:
            raise Wrong(_("This must not be empty."))
        return labels

    return check


def origin(value: Any, place: Place) -> str:
    """`https://host[:port]`; on loopback also http where ALLOW_LOOPBACK_MICROSOFT is on. Goes into a header: strict."""
    address = str(text(200, empty=False)(value, place)).lower().removesuffix("/")
    loopback = settings.ALLOW_LOOPBACK_MICROSOFT and _LOOPBACK.fullmatch(address)
    if not loopback and not (address.startswith("https://") and _ORIGIN.fullmatch(address) and _has_port(address)):
        raise Wrong(_("“%(value)s” is not an origin such as https://komunikator.example.") % {"value": shorten(value)})
    return address.removesuffix(":443") if address.startswith("https") else address


def _has_port(address: str) -> bool:
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


# The rest


def flag(value: Any, place: Place) -> bool:
    if isinstance(value, bool):
        return value
    raise Wrong(_("Here belongs true or false, without quotation marks."))


def number(least: int, most: int) -> Check:
    def check(value: Any, place: Place) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        raise Wrong(_("Here belongs a whole number from %(least)d to %(most)d.") % {"least": least, "most": most})

    return check


def guid(value: Any, place: Place) -> UUID:
    try:
        return UUID(value.strip()) if isinstance(value, str) and re.fullmatch(_GUID, value.strip()) else UUID(None)
    except (TypeError, ValueError):
        raise Wrong(_("Here belongs an identifier such as 5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11.")) from None


_GUID = r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?"


def optional_guid(value: Any, place: Place) -> UUID | None:
    return None if value == "" else guid(value, place)


def optional_date(value: Any, place: Place) -> date | None:
    """ "2027-11-03", with or without quotation marks; "" is none."""
    if value == "":
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Wrong(_("Here belongs a date such as 2027-11-03."))
