"""Who calls, as far as the exchange says."""

import pytest

from crmwindow.phone import Caller, caller, parse

OWN = ("+420 224 551 111", "224551112", "00420 800 123 456", "nonsense", "")


WITHHELD = [
    "anonymous",
    "Anonymous",
    "ANONYMOUS",
    "<anonymous>",
    '"Anonymous"',
    "anonymous@anonymous.invalid",
    "sip:anonymous@anonymous.invalid",
    "private",
    "unknown",
    "<unknown>",
    "restricted",
    "-1",
    "-2",
    "withheld",
    "unavailable",
    "blocked",
    "hidden",
    "Neznámé",
    "utajeno",
    "n/a",
    "null",
    "-",
    "+",
]


@pytest.mark.parametrize("sent", [*WITHHELD, "", "   ", "Private Number", "skryté číslo"])
def test_a_withheld_number_is_nobodys_number(sent: str) -> None:
    assert caller(sent, region="CZ", own_numbers=OWN) == Caller("withheld", None, sent.strip())


@pytest.mark.parametrize("sent", ["444", "1", "12345", " 444 ", "sip:444@pbx.example", "*21", "112", "0"])
def test_five_digits_at_most_are_a_line_inside(sent: str) -> None:
    assert caller(sent, region="CZ", own_numbers=OWN) == Caller("internal", None, sent.strip())


@pytest.mark.parametrize(
    "sent", ["224551111", "+420224551111", "00420 224 551 111", " 420224551111", "224 551 112", "800123456"]
)
def test_the_customers_own_numbers_are_known_in_any_spelling(sent: str) -> None:
    judged = caller(sent, region="CZ", own_numbers=OWN)
    assert (judged.kind, judged.number) == ("own", parse(sent, "CZ"))


def test_an_own_number_that_is_no_number_outside_is_known_by_its_digits() -> None:
    assert caller("5501234", region="CZ", own_numbers=["550 1234"]).kind == "own"
    assert caller("5501235", region="CZ", own_numbers=["550 1234"]).kind == "unreadable"


@pytest.mark.parametrize("sent", ["777888999", "+420777888999", "00420777888999", " 420777888999", "tel:777888999"])
def test_a_number_is_read(sent: str) -> None:
    judged = caller(sent, region="CZ", own_numbers=OWN)
    assert judged == Caller("number", parse("777888999", "CZ"), sent.strip())


@pytest.mark.parametrize(
    "sent", ["123456", "+420 777 123 45", "777888999777", "Jana", "777888999, 602111222", "\x00\x01?!"]
)
def test_what_is_no_number_stays_readable_for_people(sent: str) -> None:
    judged = caller(sent, region="CZ", own_numbers=OWN)
    assert (judged.kind, judged.number) == ("unreadable", None)
    assert judged.raw == sent.strip().replace("\x00\x01", "")


def test_what_was_sent_is_kept_short_and_printable() -> None:
    assert caller("x\n\u202e" + "7" * 10_000, region="CZ").raw == "x" + "7" * 63
    assert caller("  Jana \t", region="CZ").raw == "Jana"
