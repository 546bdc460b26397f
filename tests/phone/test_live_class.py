"""Every spelling of the live class is reached by a query and held by the number; nobody else's number is held."""

import re
from functools import cache

import phonenumbers
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crmwindow.phone import Number, holds, numbers_in, parse, patterns, spellings

NEIGHBOURS = ["CZ", "SK", "PL", "DE", "AT", "HU", "GB", "FR", "IT", "US", "UA"]
SEPARATORS = ["", " ", "-", ".", "/", "\u00a0", "\u202f"]
ENDS = ["", " linka 12", ", linka 7", " (manželka)", " Novák", ", fax", "; 0", " ext. 3"]


def number_of(text: str, region: str = "CZ") -> Number:
    number = parse(text, region)
    assert number is not None
    return number


def like(pattern: str, text: str) -> bool:
    """SQL's LIKE under a case-insensitive collation, as Dataverse applies it."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"\[\^?[^\]]+\]|.", pattern, re.DOTALL)
    wild = {"%": ".*?", "_": "."}
    return re.compile(
        "".join(part if len(part) > 1 else wild.get(part, re.escape(part)) for part in parts), re.DOTALL | re.IGNORECASE
    )


def reached(stored: str, number: Number) -> bool:
    """What `startswith(column, pattern)` and `In` of Dataverse find."""
    exact = {spelling.casefold() for spelling in spellings(number)}
    return stored.casefold() in exact or any(like(pattern + "%", stored) for pattern in patterns(number))


@cache
def everybodys_numbers() -> list[Number]:
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    examples = (
        phonenumbers.example_number_for_type(r, k) for r in sorted(phonenumbers.SUPPORTED_REGIONS) for k in kinds
    )
    e164s = (phonenumbers.format_number(e, phonenumbers.PhoneNumberFormat.E164) for e in examples if e is not None)
    return [number_of(e164) for e164 in dict.fromkeys(e164s)]


@st.composite
def numbers(draw: st.DrawFn, regions: tuple[str, ...] = tuple(NEIGHBOURS)) -> Number:
    """A valid number near an example of its country: its last digits are anybody's."""
    region = draw(st.sampled_from(regions))
    kind = draw(st.sampled_from([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]))
    example = phonenumbers.example_number_for_type(region, kind)
    national = phonenumbers.national_significant_number(example)
    tail = draw(st.text(alphabet="0123456789", min_size=4, max_size=4))
    number = parse(f"+{example.country_code}{national[:-4]}{tail}", region)
    assume(number is not None)
    assert number is not None
    return number


def first_group(number: Number) -> int:
    return min(3, len(re.findall(r"\d+", number.display)[1]))


def trunk_of(number: Number) -> str:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(number.region)
    return (metadata.national_prefix if metadata else None) or "0"


@st.composite
def loosely(draw: st.DrawFn, digits: str, unbroken: int) -> str:
    """The digits, the first ones in one piece, with any single separators between the others."""
    rest = (draw(st.sampled_from(SEPARATORS)) + digit for digit in digits[unbroken:])
    return digits[:unbroken] + "".join(rest)


@st.composite
def live(draw: st.DrawFn, number: Number) -> str:
    """A spelling with a country code or without, as the module's text promises."""
    code = str(number.country)
    starts = ["", f"+{code}", f"+{code} ", f"+{code}\u00a0", f"00{code}", f"00{code} ", "'", f"'+{code} ", f"'00{code}"]
    starts += [f"(+{code})", f"(+{code}) ", f"(+{code})-", f"(+{code})\u00a0"]
    body = draw(loosely(number.national, first_group(number)))
    return draw(st.sampled_from(starts)) + body + draw(st.sampled_from(ENDS))


@st.composite
def live_in_brackets(draw: st.DrawFn, number: Number) -> str:
    head = first_group(number)
    opening = draw(st.sampled_from(["(", f"+{number.country} ("]))
    rest = "".join(draw(st.sampled_from(SEPARATORS)) + digit for digit in number.national[head:])
    return f"{opening}{number.national[:head]}){rest}" + draw(st.sampled_from(ENDS))


@st.composite
def live_with_trunk(draw: st.DrawFn, number: Number) -> str:
    trunk, code = trunk_of(number), f"+{number.country}"
    unbroken = min(2, first_group(number))
    body = draw(loosely(number.national, unbroken))
    whole = trunk + number.national[:unbroken] + ")" + body[unbroken:]
    return draw(st.sampled_from([trunk + body, f"({whole}", f"{code} (0) {body}", f"{code} (0){body}"]))


@given(data=st.data(), number=numbers())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_every_live_spelling_is_reached_and_held(data: st.DataObject, number: Number) -> None:
    stored = data.draw(st.one_of(live(number), live_in_brackets(number)))
    assert reached(stored, number)
    assert holds(stored, number, number.region)


@given(data=st.data(), number=numbers(("CZ", "SK", "PL", "DE", "AT", "HU", "GB", "FR")))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_every_live_spelling_with_a_trunk_zero_is_reached_and_held(data: st.DataObject, number: Number) -> None:
    stored = data.draw(live_with_trunk(number))
    assert reached(stored, number)
    assert holds(stored, number, number.region)


@given(data=st.data(), number=numbers(("CZ", "SK")), home=st.sampled_from(["CZ", "SK", "DE", "US"]))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_a_spelling_with_a_country_code_is_held_wherever_the_customer_is(
    data: st.DataObject, number: Number, home: str
) -> None:
    body = data.draw(loosely(number.national, first_group(number)))
    start = data.draw(st.sampled_from([f"+{number.country} ", f"00{number.country}", f"(+{number.country}) "]))
    assert holds(start + body, number, home)


@given(number=numbers(), other=numbers(), data=st.data())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_nobody_elses_number_is_held(number: Number, other: Number, data: st.DataObject) -> None:
    assume(number.e164 != other.e164)
    stored = data.draw(st.one_of(live(other), live_in_brackets(other)))
    assert not holds(stored, number, other.region)


@given(number=numbers(("CZ",)), position=st.integers(3, 8), data=st.data())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_one_wrong_digit_is_another_number(number: Number, position: int, data: st.DataObject) -> None:
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != number.national[position]]))
    wrong = number.national[:position] + digit + number.national[position + 1 :]
    assert not holds(wrong, number, "CZ")
    assert not holds(wrong[:-1], number, "CZ")
    assert not holds(number.national + digit, number, "CZ")


def test_numbers_of_every_country_are_reached_in_their_usual_forms() -> None:
    lost = []
    for number in everybodys_numbers():
        spaced = number.display
        usual = [
            number.e164,
            spaced,
            spaced.replace("+", "00", 1),
            spaced.replace(" ", "\u00a0"),
            f"{number.country}{number.national}",
        ]
        usual += [
            number.national,
            spaced.partition(" ")[2],
            f"'{number.e164}",
            f"+{number.country} (0) {number.national}",
        ]
        lost += [(number.e164, stored) for stored in usual if not reached(stored, number)]
    assert lost == []


@pytest.mark.parametrize(
    "stored",
    [
        "777 123 456",
        "777/123456",
        "+420 777 12 34 56 linka 12",
        "+420\u00a0777\u00a0123\u00a0456",
        "00420 777 123 456",
        "00420-777-123-456",
        "00 420 777 123 456",
        "420777123456",
        "420-777-123-456",
        "(+420) 777-123-456",
        "(+420)777123456",
        "(00420) 777 123 456",
        "(420) 777 123 456",
        "+(420) 777 123 456",
        "+ 420 777 123 456",
        "+420-777-123-456",
        "+420.777.123.456",
        "+420/777123456",
        "+420/777 123 456",
        "+420 (0) 777 123 456",
        "+420(0)777123456",
        "+420 (777) 123 456",
        "(777) 123456",
        "0777 123 456",
        "'777123456",
        "'+420 777 123 456",
        "tel:+420777123456",
        "TEL:+420777123456",
        "\u202a+420 777 123 456\u202c",
        "777123456, 602111222",
    ],
)
def test_live_spellings_of_janas_number(stored: str) -> None:
    jana = number_of("777123456")
    assert reached(stored, jana)
    assert holds(stored, jana, "CZ")


@pytest.mark.parametrize(
    "stored",
    [
        "mobil 777 123 456",
        "602111222, 777123456",
        "77 71 23 45 6",
        "７７７１２３４５６",
        "\u200e777123456",
        "+420 - 777 123 456",
    ],
)
def test_what_only_the_index_finds(stored: str) -> None:
    jana = number_of("777123456")
    assert not reached(stored, jana)
    assert holds(stored, jana, "CZ")


@pytest.mark.parametrize(
    ("number", "region", "stored"),
    [
        ("224551111", "CZ", "02/2455 1111"),
        ("224551111", "CZ", "(02) 2455 1111"),
        ("252491111", "SK", "02/524 911 11"),
        ("252491111", "SK", "+421 2/52491111"),
        ("905123456", "SK", "(0905) 123 456"),
        ("3012345678", "DE", "(030) 12345678"),
        ("15123456789", "DE", "+49 151 23456789"),
        ("84951234567", "RU", "8 (495) 123-45-67"),
        ("2025550123", "US", "(202) 555-0123"),
        ("2025550123", "US", "1-202-555-0123"),
        ("12345678", "HU", "(06 1) 234 5678"),
        ("0612345678", "IT", "06 1234 5678"),
    ],
)
def test_spellings_of_other_countries_and_times(number: str, region: str, stored: str) -> None:
    assert reached(stored, number_of(number, region))
    assert holds(stored, number_of(number, region), region)


def test_no_query_starts_with_a_wildcard_and_none_is_asked_twice() -> None:
    for number in everybodys_numbers():
        asked = [*spellings(number), *patterns(number)]
        assert len(set(asked)) == len(asked)
        assert not [pattern for pattern in patterns(number) if pattern[0] in "%_[-"]
        assert len(patterns(number)) <= 15


def test_a_pattern_reaches_a_strangers_row_that_the_check_then_drops() -> None:
    jana, stranger = number_of("777123456"), "777 112 345 656"
    assert reached(stranger, jana)
    assert numbers_in(stranger, "CZ") == ()
    assert not holds(stranger, jana, "CZ")
