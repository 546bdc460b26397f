"""Lists as people really have them: pasted from a mail program, a spreadsheet, an export, in any encoding."""

import time
from collections.abc import Iterator

import pytest
from django.utils import translation

from tenants import roster
from tenants.roster import Unreadable
from tenants.roster.columns import LABELS, of_header

JANA = {"name": "Jana Nováková", "email": "jana@acme.example"}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def people(text: str) -> list[dict[str, str]]:
    return [entry.values for entry in roster.read(text).entries]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jana Nováková <jana@acme.example>", [JANA]),
        ('"Nováková, Jana" <jana@acme.example>', [JANA]),
        ("Nováková, Jana <jana@acme.example>", [JANA]),
        ("jana@acme.example", [{"email": "jana@acme.example"}]),
        ("mailto:jana@acme.example;", [{"email": "jana@acme.example"}]),
        ("Jana Nováková\tjana@acme.example", [JANA]),
        ("Jana Nováková;jana@acme.example", [JANA]),
        ("jana@acme.example , Jana Nováková", [JANA]),
        ('"jana@acme.example","Jana Nováková"', [JANA]),
        ("\ufeffE-mail;Jméno\r\njana@acme.example;Jana Nováková\r\n\r\n", [JANA]),
        ("Jana\u00a0Nováková ; \u200bjana@acme.example\u200b", [JANA]),
        ("MENO,E-MAIL\nJana Nováková,jana@acme.example", [JANA]),
        ("Last name;First name;User principal name\nNováková;Jana;jana@acme.example", [JANA]),
        ("Příjmení;Jméno;E-mail\nNováková;Jana;jana@acme.example", [JANA]),
        ("jana@acme.example; bob@acme.example", [{"email": "jana@acme.example"}, {"email": "bob@acme.example"}]),
        (
            "Jana Nováková <jana@acme.example>; Bob Král <bob@acme.example>;",
            [JANA, {"name": "Bob Král", "email": "bob@acme.example"}],
        ),
        (
            "Klapka;UPN;Jazyk;Uživatel;Jméno;E-mail\n"
            "444;jana@acme.onmicrosoft.example;Slovenčina;jana.n;Jana Nováková;jana@acme.example",
            [{**JANA, "line": "444", "upn": "jana@acme.onmicrosoft.example", "language": "sk", "login": "jana.n"}],
        ),
        ("jana@acme.example\tjana.n\tJana Nováková\t444", [{**JANA, "login": "jana.n", "line": "444"}]),
        ("name;e-mail;linka;barva\nJana Nováková;jana@acme.example;;modrá", [JANA]),
    ],
)
def test_every_shape_of_a_list_is_understood(text: str, expected: list[dict[str, str]]) -> None:
    assert people(text) == expected


@pytest.mark.parametrize("language", ["cs", "sk", "en"])
def test_the_headings_we_write_are_read(language: str) -> None:
    with translation.override(language):
        assert of_header([str(label) for label in LABELS.values()]) is not None
        assert [of_header([str(LABELS[name]), "E-mail"])[0] for name in ("name", "login", "line", "language")] == [
            "name", "login", "line", "language"
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("codec", "named"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1250", "Windows-1250"),
    ],
)
def test_excels_encodings_are_told_apart_and_named(codec: str, named: str) -> None:
    decoded = roster.decode("Jméno;E-mail\r\nŠárka Žďárská;sarka@acme.example\r\n".encode(codec))
    assert decoded.encoding == named
    assert people(decoded.text) == [{"name": "Šárka Žďárská", "email": "sarka@acme.example"}]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PK\x03\x04rest of a workbook", "This is an Excel workbook."),
        (b"\xd0\xcf\x11\xe0an old one", "This is an Excel workbook."),
        (b"%PDF-1.7", "This is no text file."),
        (b"Jm\x83no;\x81\x90", "The file is neither UTF-8, UTF-16 nor Windows-1250 text."),
        (b"\xef\xbb\xbfjana\xff@acme.example", "The file is neither UTF-8, UTF-16 nor Windows-1250 text."),
        (b"x" * 2_000_001, "The list is larger than 2 MB."),
    ],
)
def test_what_is_no_list_is_said_and_nothing_is_replaced(data: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence.replace(".", r"\.")):
        roster.decode(data)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Jméno;Linka\nJana;444", "The header names no column with e-mails."),
        ("a@b.example\n" * 5001, "The list has more than 5,000 rows."),
        ("x" * 200_000, "A cell of this list is longer"),
        ("ž" * 1_000_001, "The list is larger than 2 MB."),
    ],
)
def test_lists_that_cannot_be_read_say_why(text: str, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence.replace(".", r"\.")):
        roster.read(text)


def test_a_quotation_mark_that_is_never_closed_spoils_its_own_row_only() -> None:
    listing = roster.read('Jana;jana@acme.example\n"Bob;bob@acme.example\nKlára;klara@acme.example')
    assert [entry.mistakes for entry in listing.entries] == [(), ("A quotation mark in this row is not closed.",), ()]
    assert [entry.values["email"].partition("@")[0] for entry in listing.entries] == ["jana", "bob", "klara"]


def test_a_line_break_or_an_invisible_character_inside_is_a_mistake() -> None:
    text = 'E-mail;Jméno\njana@acme.example;"Jana\nNováková"\nbob@acme.example;Bob\u202eKrál\nc@acme.example;Nu\0l'
    listing = roster.read(text)
    assert [entry.line for entry in listing.entries] == [2, 4, 5]
    assert [entry.mistakes for entry in listing.entries] == [
        ("The column “Name” holds a line break or an invisible character.",)
    ] * 3


def test_cells_that_look_like_formulas_are_just_text() -> None:
    assert people("E-mail;Jméno;Linka\na@b.example;=1+1;'+420222") == [
        {"email": "a@b.example", "name": "=1+1", "line": "+420222"}
    ]


def test_what_is_not_read_is_named() -> None:
    listing = roster.read("Barva;E-mail;Jméno\nmodrá;jana@acme.example;Jana")
    assert (listing.columns, listing.unread) == (("email", "name"), ("Barva",))


def test_five_thousand_rows_are_read_within_two_seconds() -> None:
    text = "Jméno;E-mail;Login;Linka\n" + "\n".join(f"Člověk {n};c{n}@acme.example;login{n};{n}" for n in range(5000))
    start = time.process_time()
    assert len(roster.read(text).entries) == 5000
    assert time.process_time() - start < 2
