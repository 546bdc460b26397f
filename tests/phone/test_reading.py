"""Stored fields as people type them, and what they mean."""

import string

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from crmwindow.phone import Number, holds, numbers_in, parse

JANA = "+420777123456"
OFFICE = "+420224551111"

STORED = [
    # digits grouped in any way
    ("777123456", "CZ", [JANA]),
    ("777 123 456", "CZ", [JANA]),
    ("777.123.456", "CZ", [JANA]),
    ("777-123-456", "CZ", [JANA]),
    ("777/123456", "CZ", [JANA]),
    ("777 / 123 456", "CZ", [JANA]),
    ("77 71 23 45 6", "CZ", [JANA]),
    ("777 12 34 56", "CZ", [JANA]),
    ("7 7 7 1 2 3 4 5 6", "CZ", [JANA]),
    ("  777123456  ", "CZ", [JANA]),
    ("(777) 123 456", "CZ", [JANA]),
    ("777 123 456.", "CZ", [JANA]),
    ("224 551 111", "CZ", [OFFICE]),
    # the default country decides
    ("777 123 456", "SK", []),
    ("777123456", "sk", []),
    ("224 551 111", "SK", ["+421224551111"]),
    ("0905 123 456", "SK", ["+421905123456"]),
    ("905 123 456", "SK", ["+421905123456"]),
    ("02/524 911 11", "SK", ["+421252491111"]),
    ("(02) 524 911 11", "SK", ["+421252491111"]),
    ("777 123 456", "nowhere", []),
    ("+420 777 123 456", "nowhere", [JANA]),
    # the country code in every form
    ("+420777123456", "SK", [JANA]),
    ("+420 777 123 456", "CZ", [JANA]),
    ("+420 777 123 456", "US", [JANA]),
    ("+ 420 777 123 456", "CZ", [JANA]),
    ("+420-777-123-456", "CZ", [JANA]),
    ("+420/777123456", "CZ", [JANA]),
    ("+420.777.123.456", "CZ", [JANA]),
    ("+(420) 777 123 456", "CZ", [JANA]),
    ("(+420) 777-123-456", "SK", [JANA]),
    ("[+420] 777 123 456", "CZ", [JANA]),
    ("00420 777 123 456", "CZ", [JANA]),
    ("00420777123456", "SK", [JANA]),
    ("00420 777 123 456", "US", [JANA]),
    ("00 420 777 123 456", "CZ", [JANA]),
    ("(00420) 777 123 456", "CZ", [JANA]),
    ("420777123456", "CZ", [JANA]),
    ("420 777 123 456", "CZ", [JANA]),
    ("(420) 777 123 456", "CZ", [JANA]),
    ("421905123456", "CZ", ["+421905123456"]),
    ("421 905 123 456", "CZ", ["+421905123456"]),
    ("4915112345678", "CZ", ["+4915112345678"]),
    ("+1 (202) 555-0123", "CZ", ["+12025550123"]),
    ("+44 20 7946 0958", "CZ", ["+442079460958"]),
    ("+39 06 1234 5678", "CZ", ["+390612345678"]),
    # a trunk zero that isn't part of the number
    ("+420 (0) 777 123 456", "CZ", [JANA]),
    ("+420 (0)777 123 456", "SK", [JANA]),
    ("+420(0)777123456", "CZ", [JANA]),
    ("00420 (0) 777 123 456", "CZ", [JANA]),
    ("+420 0777 123 456", "CZ", [JANA]),
    ("0777 123 456", "CZ", [JANA]),
    ("0777/123456", "CZ", [JANA]),
    ("02/2455 1111", "CZ", [OFFICE]),
    ("(02) 2455 1111", "CZ", [OFFICE]),
    ("02/2455 1111", "SK", ["+421224551111"]),
    ("+49 (0) 30 12345678", "CZ", ["+493012345678"]),
    ("+421 (0)905 123 456", "CZ", ["+421905123456"]),
    # with a zero in front a Czech CRM means a Slovak, unless it is an old Czech spelling
    ("0905 123 456", "CZ", ["+421905123456"]),
    ("0903/123 456", "CZ", ["+421903123456"]),
    ("(0948) 123456", "CZ", ["+421948123456"]),
    ("0602 111 222", "CZ", ["+420602111222"]),
    ("0905 123 45", "CZ", []),
    ("905 123 456", "CZ", ["+420905123456"]),
    ("777 123 456", "SK", []),
    # what word processors and spreadsheets do to it
    ("777\u00a0123\u00a0456", "CZ", [JANA]),
    ("777\u202f123\u202f456", "CZ", [JANA]),
    ("777\u2009123\u2009456", "CZ", [JANA]),
    ("777\t123\t456", "CZ", [JANA]),
    ("777\u2011123\u2011456", "CZ", [JANA]),
    ("777–123–456", "CZ", [JANA]),
    ("777−123−456", "CZ", [JANA]),
    ("\u202a+420 777 123 456\u202c", "CZ", [JANA]),
    ("\u202d777123456\u202c", "CZ", [JANA]),
    ("\u200e+420777123456\ufeff", "CZ", [JANA]),
    ("777\u200b123\u00ad456", "CZ", [JANA]),
    ("７７７１２３４５６", "CZ", [JANA]),
    ("＋４２０ ７７７ １２３ ４５６", "SK", [JANA]),
    ("'777123456", "CZ", [JANA]),
    ("'+420 777 123 456", "CZ", [JANA]),
    ("’00420777123456", "CZ", [JANA]),
    ("777'123'456", "CZ", [JANA]),
    ("٧٧٧١٢٣٤٥٦", "CZ", [JANA]),
    # words around the number
    ("777 123 456 (manželka)", "CZ", [JANA]),
    ("manželka 777 123 456", "CZ", [JANA]),
    ("tel.: 777 123 456", "CZ", [JANA]),
    ("tel:+420777123456", "CZ", [JANA]),
    ("mobil 777123456 volat po 16h", "CZ", [JANA]),
    ("777 123 456 Lenka", "CZ", [JANA]),
    ("Jana <777123456>", "CZ", [JANA]),
    ("sip:777123456@pbx.example", "CZ", [JANA]),
    # several numbers in one field
    ("777123456, 602111222", "CZ", [JANA, "+420602111222"]),
    ("777123456; 602111222", "CZ", [JANA, "+420602111222"]),
    ("777 123 456 / 602 111 222", "CZ", [JANA, "+420602111222"]),
    ("777123456/602111222", "CZ", [JANA, "+420602111222"]),
    ("777123456 602111222", "CZ", [JANA, "+420602111222"]),
    ("777 123 456\n602 111 222", "CZ", [JANA, "+420602111222"]),
    ("777 123 456 nebo 602 111 222", "CZ", [JANA, "+420602111222"]),
    ("+420777123456 +420602111222", "CZ", [JANA, "+420602111222"]),
    ("0777 123 456 / 0602 111 222", "CZ", [JANA, "+420602111222"]),
    ("m: 777 123 456, t: 224 551 111, f: 224 551 119", "CZ", [JANA, OFFICE, "+420224551119"]),
    ("777123456, +420 777 123 456", "CZ", [JANA]),
    ("224 551 111-15", "CZ", [OFFICE]),
    ("224551111 - 15", "CZ", [OFFICE]),
    # no number, or not quite one
    ("", "CZ", []),
    ("neuvádět", "CZ", []),
    ("-", "CZ", []),
    ("0", "CZ", []),
    ("+", "CZ", []),
    ("000000000", "CZ", []),
    ("112", "CZ", []),
    ("158", "CZ", []),
    ("1234", "CZ", []),
    ("linka 12", "CZ", []),
    ("+420 777 123 45", "CZ", []),
    ("777 123 45", "CZ", []),
    ("+4207771234567", "CZ", []),
    ("4207771234567", "CZ", []),
    ("777 123 4567", "CZ", []),
    ("777 123 456 12", "CZ", []),
    ("jana@acme.example", "CZ", []),
    ("https://acme.example/?id=12", "CZ", []),
    ("\x00", "CZ", []),
    ("7" * 10_000, "CZ", []),
]


@pytest.mark.parametrize(("stored", "region", "meant"), STORED)
def test_a_stored_field_means_these_numbers(stored: str, region: str, meant: list[str]) -> None:
    assert [number.e164 for number in numbers_in(stored, region)] == meant


@pytest.mark.parametrize(
    ("stored", "extension"),
    [
        ("777 123 456 linka 12", "12"),
        ("777 123 456, linka 12", "12"),
        ("777 123 456 (linka 12)", "12"),
        ("777123456 l. 12", "12"),
        ("777123456 kl. 305", "305"),
        ("777 123 456 klapka: 12", "12"),
        ("777 123 456 ext. 12", "12"),
        ("777 123 456 ext 12", "12"),
        ("777 123 456x12", "12"),
        ("777 123 456 #12", "12"),
        ("tel:+420777123456;ext=12", "12"),
        ("+420 777 123 456 provolba 7", "7"),
        ("777 123 456", ""),
        ("777 123 456 Linda 12", ""),
    ],
)
def test_an_extension_is_no_part_of_the_number(stored: str, extension: str) -> None:
    assert [(number.e164, number.extension) for number in numbers_in(stored, "CZ")] == [(JANA, extension)]


@pytest.mark.parametrize(
    ("sent", "region", "meant"),
    [
        ("777888999", "CZ", "+420777888999"),
        ("+420777888999", "SK", "+420777888999"),
        ("00420777888999", "SK", "+420777888999"),
        (" 420777888999", "CZ", "+420777888999"),
        (" 420777888999", "SK", "+420777888999"),
        (" 421905123456", "CZ", "+421905123456"),
        (" 47 22 12 34 56", "CZ", "+4722123456"),
        (" 777888999", "CZ", "+420777888999"),
        ("%2B420777888999", "SK", "+420777888999"),
        ("sip:+420777888999@pbx.example:5060", "SK", "+420777888999"),
        ("0905123456", "SK", "+421905123456"),
        ("777888999, 602111222", "CZ", None),
        ("444", "CZ", None),
        ("anonymous", "CZ", None),
        ("", "CZ", None),
    ],
)
def test_the_number_that_the_exchange_sends(sent: str, region: str, meant: str | None) -> None:
    number = parse(sent, region)
    assert (number.e164 if number else None) == meant


def test_a_number_says_what_it_is() -> None:
    assert parse("00420 777 123 456 linka 12", "SK") == Number(JANA, 420, "777123456", "CZ", "mobile", "12")
    assert parse("224551111", "CZ") == Number(OFFICE, 420, "224551111", "CZ", "fixed")
    assert parse("+390612345678", "CZ") == Number("+390612345678", 39, "0612345678", "IT", "fixed")
    assert parse("+12025550123", "CZ") == Number("+12025550123", 1, "2025550123", "US", "other")
    assert parse("+80012345678", "CZ") == Number("+80012345678", 800, "12345678", "001", "other")


@pytest.mark.parametrize(
    ("e164", "display"),
    [
        (JANA, "+420 777 123 456"),
        ("+421252491111", "+421 2 524 911 11"),
        ("+390612345678", "+39 06 1234 5678"),
        ("+80012345678", "+800 1234 5678"),
    ],
)
def test_a_number_is_shown_as_its_country_groups_it(e164: str, display: str) -> None:
    number = parse(e164, "CZ")
    assert number is not None
    assert number.display == display


def test_a_second_number_in_a_field_is_held_too() -> None:
    number = parse("602111222", "CZ")
    assert number is not None
    assert holds("777 123 456 (manželka), 602 111 222", number, "CZ")
    assert not holds("777 123 456 (manželka), 602 111 223", number, "CZ")


def test_an_extension_does_not_keep_a_field_from_holding_the_number() -> None:
    number = parse("224551111", "CZ")
    assert number is not None
    assert holds("224 551 111 linka 12", number, "CZ")


EXAMPLES = [
    (region, example)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE)
    if (example := phonenumbers.example_number_for_type(region, kind)) is not None
]


def test_every_country_reads_its_own_numbers_in_every_usual_form() -> None:
    styles = phonenumbers.PhoneNumberFormat
    wrong = []
    for region, example in EXAMPLES:
        e164 = phonenumbers.format_number(example, styles.E164)
        for style in (styles.E164, styles.INTERNATIONAL, styles.NATIONAL, styles.RFC3966):
            text = phonenumbers.format_number(example, style)
            number = parse(text, region)
            if number is None or number.e164 != e164:
                wrong.append((region, text, number))
    assert wrong == []


phoneish = st.text(alphabet=string.digits + " +-/().,;#x\u00a0\u202a٣３²'", max_size=60)


@given(text=st.one_of(st.text(max_size=80), phoneish), region=st.sampled_from(["CZ", "SK", "US", "IT", "", "xx"]))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_no_text_breaks_the_reader(text: str, region: str) -> None:
    found = numbers_in(text, region)
    assert len({number.e164 for number in found}) == len(found)
    assert all(holds(text, number, region) for number in found)
    number = parse(text, region)
    assert number is None or number.e164 == f"+{number.country}{number.national}"
