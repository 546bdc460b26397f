"""Numbers as people type them → E.164, and the spellings under which a live query finds them. Pure, no Django.

**Which stored spellings a live query reaches** (the *live class*; everything else is found by the number index only).
Dataverse compares text, so a field is found when it equals one of `spellings(number)` or matches one of
`patterns(number)`. A pattern is a SQL LIKE pattern with a fixed beginning, so that an index can be used; nothing ever
starts with a wildcard. For +420777123456 the patterns reach every field that

* begins with one of these starts: nothing, `+420`, `00420`, `420` (each followed by nothing or one space; `+420` also
  by a no-break space, ` (` or ` (0`), `(+420)`, `(`, `0`, `(0`, or an apostrophe and then any start,
* goes on with the head of the number in one piece: its first group as the country writes it, at most three digits
  (`777`; `2` for Bratislava's `+421 2 524 911 11`),
* has any separators, or none, between all the following digits,
* and ends with anything: `linka 12`, a name, a second number.

After the trunk prefix (`0`) at most three digits count together with it, as in `02/2455 1111` or `0905 123 456`.
The exact spellings add usual forms that begin otherwise: `+420-777-123-456`, `+420/777123456`, `(00420) 777 123 456`,
`00 420 777 123 456`, `+(420) 777 123 456`, `tel:+420777123456`, and those pasted with invisible direction marks.

Index only: text before the number, the second number of a field, other separators after the country code, a head
broken by separators, full-width digits.

A pattern may also reach a row of somebody else (it skips digits), so every hit is checked again with `holds`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberMatcher,
    PhoneNumberType,
)

LONGEST_TEXT = 500  # characters of a field that are read; Dataverse's phone columns hold at most 100
LONGEST_RAW = 64
LONGEST_INTERNAL = 5

_KINDS = {PhoneNumberType.MOBILE: "mobile", PhoneNumberType.FIXED_LINE: "fixed"}
_ORDINARY = {*_KINDS, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_NBSP = "\u00a0"


@dataclass(frozen=True, slots=True)
class Number:
    """One telephone number. `kind` is "mobile", "fixed" or "other" (also where a country doesn't tell them apart)."""

    e164: str  # "+420777123456"
    country: int  # 420
    national: str  # "777123456", with the leading zeros that belong to the number (Italy)
    region: str  # "CZ"; "001" for numbers of no country
    kind: str
    extension: str = ""

    @property
    def display(self) -> str:
        """`+420 777 123 456`: grouped as its country groups it, without the extension."""
        return phonenumbers.format_number(_library_number(self), PhoneNumberFormat.INTERNATIONAL)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the exchange says. `kind`: "number", "withheld", "internal", "own" or "unreadable".

    `number` is present for "number" and "own". `raw` is what was sent, trimmed to 64 printable characters.
    """

    kind: str
    number: Number | None
    raw: str


def parse(text: str, region: str) -> Number | None:
    """The one number that somebody dialled or was called from; None if it is none, or more than one.

    Understands `777888999`, `+420…`, `00420…`, and ` 420777888999`, where a `+` was lost in a URL. Never raises.
    """
    lost_plus = bool(re.match(r"\s+\d", text[:LONGEST_TEXT]))
    found = {n.e164: n for n in _numbers(_address(text), region, lost_plus=lost_plus)}
    return next(iter(found.values())) if len(found) == 1 else None


def numbers_in(text: str, region: str) -> tuple[Number, ...]:
    """All the numbers in a stored field, in their order, each once. `region` is the default country ("CZ")."""
    found: dict[str, Number] = {}
    for number in _numbers(text, region):
        found.setdefault(number.e164, number)
    return tuple(found.values())


def e164_in(text: str, region: str) -> tuple[str, ...]:
    """As `numbers_in`, in E.164 only: for reading very many."""
    return tuple(dict.fromkeys(_e164(found) for (found, _kind), _extension in _read(text, region)))


def is_number_in(e164: str, neighbour: str, *, of: str) -> bool:
    """Would the national part of this number of one country be a valid number of another one, too?"""
    code = f"+{phonenumbers.country_code_for_region(of)}"
    return e164.startswith(code) and _valid(e164.removeprefix(code), neighbour) is not None


def holds(text: str, number: Number, region: str) -> bool:
    """Does a stored field hold that number? Extensions play no part."""
    return any(_e164(found) == number.e164 for (found, _kind), _extension in _read(text, region))


def caller(text: str, *, region: str, own_numbers: Iterable[str] = ()) -> Caller:
    """Judge what the exchange sent as the caller. Own numbers may be spelt in any way."""
    raw = _printable(text)
    address = _clean(_address(raw)).strip()
    if _is_withheld(raw) or _is_withheld(address):
        return Caller("withheld", None, raw)
    if re.fullmatch(rf"[*#]?\d{{1,{LONGEST_INTERNAL}}}", address):
        return Caller("internal", None, raw)
    number = parse(text, region)
    own = _own(tuple(own_numbers), region)
    if (number.e164 if number else _digits(address)) in own:
        return Caller("own", number, raw)
    return Caller("number" if number else "unreadable", number, raw)


def spellings(number: Number) -> tuple[str, ...]:
    """Exact spellings to ask for with `In`, the most usual first; see the module's text."""
    code, plain, groups = str(number.country), number.national, _groups(number)
    spaced, dashed, dotted = " ".join(groups), "-".join(groups), ".".join(groups)
    usual = [f"+{code}{plain}", f"+{code} {spaced}", plain, spaced, f"00{code}{plain}", f"00{code} {spaced}"]
    joined = [f"+{code}-{dashed}", f"+{code}-{plain}", f"+{code}.{dotted}", f"00{code}-{dashed}", f"{code}-{dashed}"]
    slashed = [f"{start}/{end}" for start in (f"+{code}", f"00{code}") for end in (plain, spaced)]
    apart = [f"00 {code} {spaced}", f"+ {code} {spaced}", f"+({code}) {spaced}", f"({code}) {spaced}"]
    odd = [f"(00{code}) {spaced}", f"+{code}(0){plain}", f"tel:+{code}{plain}"]
    marked = [f"\u202a+{code}{plain}\u202c", f"\u202a+{code} {spaced}\u202c"]  # pasted from Windows' contacts
    return _once(usual + joined + slashed + apart + odd + marked)


def patterns(number: Number) -> tuple[str, ...]:
    """SQL LIKE patterns with a fixed beginning, to be used with `startswith` (which adds the last `%`)."""
    code, loose = str(number.country), "%".join(number.national)
    bare = _loose(number.national, len(_head(number)))
    national = [bare, f"({bare}", f"'%{loose}"]
    plus = [f"+{code}{bare}", f"+{code} {bare}", f"+{code}{_NBSP}{bare}", f"+{code} ({bare}", f"+{code} (0%{loose}"]
    no_plus = [f"00{code}{bare}", f"00{code} {bare}", f"{code}{bare}", f"{code} {bare}", f"(+{code})%{bare}"]
    trunk = [opening + pattern for pattern in _trunk(number) for opening in ("", "(")]
    return _once(national + plus + no_plus + trunk)


def _loose(digits: str, unbroken: int) -> str:
    return "%".join([digits[:unbroken], *digits[unbroken:]])


def _head(number: Number) -> str:
    return _groups(number)[0][:3]


def _trunk(number: Number) -> list[str]:
    """Patterns for the national form with a trunk prefix: `0905…` in Slovakia, `8 (495)…` in Russia."""
    metadata = PhoneMetadata.metadata_for_region(number.region)
    if metadata is None or number.national.startswith("0"):
        return []
    if metadata.national_prefix is None:
        return ["0" + "%".join(number.national)]  # as before the renumbering: 02/2455 1111
    if metadata.national_prefix == "0":
        return ["0" + _loose(number.national, min(2, len(_head(number))))]
    return [f"{metadata.national_prefix}%" + "%".join(number.national)]


def _groups(number: Number) -> list[str]:
    return re.findall(r"\d+", number.display.removeprefix(f"+{number.country}"))


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


# Reading

_INVISIBLE = dict.fromkeys(
    [0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
)
_SPACES = dict.fromkeys([0x09, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000, *map(ord, "'’‘`´")], " ")
_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF0B: "+", 0xFF08: "(", 0xFF09: ")"}
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−－"), "-")
_CLEANING = _INVISIBLE | _SPACES | _FULL_WIDTH | _DASHES

_RUN = re.compile(r"[+(\[]*\s*\d[\d ()./\-\[\]]*")  # no word, comma, line break or second plus within
# libphonenumber knows only English words for an extension and reads the others as a keypad.
_EXTENSION = re.compile(
    r"[\s,;.:(]*(?:linka|link|klapka|klap|kl|provolba|prov|extension|ext|wewn|wew|durchwahl|mell[eé]k|dw|l|x|#)"
    r"[\s.:=]*(\d{1,7})(?!\d)",
    re.IGNORECASE,
)
_TRUNK_IN_BRACKETS = re.compile(r"\(\s*0\s*\)")
_BETWEEN_NUMBERS = re.compile(r"/| {2,}| - ")
_LINES = re.compile(r"([^-]*\d)\s*-\s*\d{1,3}\s*")  # 224 551 111-15: the first and the last line of a switchboard
# A zero in front is Slovak in a Czech CRM, unless it is an old Czech spelling: Czech numbers have had none since 2002.
_TRUNK_NEIGHBOURS = {"CZ": "SK"}
_TRUNK_ZERO = re.compile(r"[( ]*0[^0]")
_SCHEME = re.compile(r"\s*(?:sips?|tel|callto):\s*", re.IGNORECASE)


type _Found = tuple[PhoneNumber, int]  # with its PhoneNumberType, which costs as much as reading it


def _numbers(text: str, region: str, *, lost_plus: bool = False) -> Iterator[Number]:
    return (_number(*found, extension) for found, extension in _read(text, region, lost_plus=lost_plus))


def _read(text: str, region: str, *, lost_plus: bool = False) -> Iterator[tuple[_Found, str]]:
    text, region, position = _clean(text), region.upper(), 0
    while run := _RUN.search(text, position):
        extension = _EXTENSION.match(text, run.end())
        position = extension.end() if extension else run.end()
        found = _one(run[0], region, lost_plus=lost_plus)
        if found:
            yield found, extension[1] if extension else ""
        else:
            yield from ((each, "") for each in _several(run[0], region))


def _one(run: str, region: str, *, lost_plus: bool = False) -> _Found | None:
    for text in _readings(run, lost_plus):
        if found := _valid(text, region):
            return found
    neighbour = _TRUNK_NEIGHBOURS.get(region)
    return _valid(run, neighbour) if neighbour and _TRUNK_ZERO.match(run) else None


def _readings(run: str, lost_plus: bool) -> Iterator[str]:
    yield run
    without_trunk = _TRUNK_IN_BRACKETS.sub("", run)
    if without_trunk != run:
        yield without_trunk
    digits = _digits(without_trunk)
    if "+" in run:
        return
    if digits.startswith("00"):
        yield "+" + digits[2:]
    elif lost_plus or _begins_with_country(run, digits):
        yield "+" + digits


def _begins_with_country(run: str, digits: str) -> bool:
    """`421905123456` and `421 905 123 456` abroad; but not `777 123 456 12`, which isn't a number in Kazakhstan."""
    groups = re.findall(r"\d+", run)
    if len(digits) < 11:
        return False
    return len(groups) == 1 or (groups[0].isascii() and int(groups[0]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def _several(run: str, region: str) -> list[_Found]:
    matched = [match.number for match in PhoneNumberMatcher(run, region, max_tries=20)]
    if matched:
        return [(number, phonenumbers.number_type(number)) for number in matched]
    lines = _LINES.fullmatch(run)
    parts = [lines[1]] if lines else _BETWEEN_NUMBERS.split(run)
    return [found for part in parts if part != run and (found := _one(part, region))]


def _valid(text: str, region: str) -> _Found | None:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    kind = phonenumbers.number_type(number)
    if kind != PhoneNumberType.UNKNOWN:
        return number, kind
    if not number.italian_leading_zero:
        return None
    number.italian_leading_zero = None  # `0777 123 456` and `+420 0777…`: a zero that isn't part of the number
    kind = phonenumbers.number_type(number)
    return (number, kind) if kind in _ORDINARY else None


def _number(found: PhoneNumber, kind: int, extension: str) -> Number:
    return Number(
        e164=_e164(found),
        country=found.country_code or 0,
        national=phonenumbers.national_significant_number(found),
        region=phonenumbers.region_code_for_number(found) or "001",
        kind=_KINDS.get(kind, "other"),
        extension=extension or found.extension or "",
    )


def _library_number(number: Number) -> PhoneNumber:
    zeros = len(number.national) - len(number.national.lstrip("0"))
    return PhoneNumber(
        country_code=number.country,
        national_number=int(number.national),
        italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def _e164(number: PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _clean(text: str) -> str:
    return text[:LONGEST_TEXT].translate(_CLEANING)


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())


# Callers

_WITHHELD_WORDS = """
    - + ? -1 -2 anonym anonymous anonymní asserted blocked hidden n/a neznámé neznámý neznáme neznámy nezname
    nezverejnené nezveřejněno none null private restricted skryté skryto soukromé súkromné unavailable undefined
    unknown utajeno utajené utajený withheld
"""
_WITHHELD_PHRASES = (
    "|id unavailable|neznámé číslo|no number|not available|out of area|private number|skryté číslo|soukromé číslo"
    "|unknown number|withheld number"
)
_WITHHELD = frozenset(_WITHHELD_WORDS.split() + _WITHHELD_PHRASES.split("|"))


def _is_withheld(text: str) -> bool:
    return " ".join(re.sub(r"[\s<>\"'()_]+", " ", text).split()).casefold() in _WITHHELD


def _address(text: str) -> str:
    """The number inside `sip:444@pbx`, `tel:+420…`, or a plus that was encoded twice."""
    text = text[:LONGEST_TEXT]
    scheme = _SCHEME.match(text)
    address = text[scheme.end() :] if scheme else text
    return re.sub(r"^\s*%2[bB]", "+", address.partition("@")[0])


def _printable(text: str) -> str:
    visible = "".join(character for character in text[:LONGEST_TEXT] if character.isprintable())
    return visible.strip()[:LONGEST_RAW].strip()


@lru_cache(maxsize=256)
def _own(spelt: tuple[str, ...], region: str) -> frozenset[str]:
    known = {number.e164 if (number := parse(text, region)) else _digits(text) for text in spelt}
    return frozenset(known - {""})
