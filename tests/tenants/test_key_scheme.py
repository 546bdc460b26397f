"""The guide's plain text in and out, as customers write it in e-mails."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from tenants import key_scheme
from tenants.dataverse.metadata import Column, Metadata, Table
from tenants.key_scheme import Entity, Field, Scheme, read, write

DISPLAY_EXAMPLE = """
  • položka1 popisek = Počet objednávek

  • položka1 entita = Account

  • položka1 identifikátor = myOrdersCount

  • položka2 popisek = Poslední objednávka

  • položka2 entita = Account

  • položka2 identifikátor = myLastOrderDate …
"""
TABLE_EXAMPLE = """
  • tabulka s daty entity = nnn_myLead

  • id = myLeadId

  • phoneNumber = myPhone1

  • firstname = contactName

  • lastname = organizationName
"""
OWN_FIELD_EXAMPLE = """
  • položka1 popisek = Počet objednávek

  • položka1 entita = nnn_myLead

  • položka1 identifikátor = myOrdersCount
"""
ENTITY = Entity("nnn_myLead", "myLeadId", ("myPhone1",), "organizationName", "contactName")
ORDERS = Field("Počet objednávek", "Account", "myOrdersCount")
LAST_ORDER = Field("Poslední objednávka", "Account", "myLastOrderDate")
OWN_ORDERS = Field("Počet objednávek", "nnn_myLead", "myOrdersCount")


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


def understood(text: str) -> Scheme:
    reading = read(text)
    assert [str(mistake) for mistake in reading.mistakes] == []
    return reading.scheme


def said(text: str) -> list[str]:
    return [str(mistake) for mistake in read(text).mistakes]


# The guide


def test_the_guides_example_of_further_fields() -> None:
    assert understood(DISPLAY_EXAMPLE) == Scheme((), (ORDERS, LAST_ORDER))


def test_the_guides_example_of_an_own_table() -> None:
    assert understood(TABLE_EXAMPLE) == Scheme((ENTITY,))


def test_the_guides_example_of_fields_of_an_own_table() -> None:
    assert understood(OWN_FIELD_EXAMPLE) == Scheme((), (OWN_ORDERS,))


def test_all_of_the_guides_examples_in_one_mail() -> None:
    """Its numbering begins anew with the third."""
    text = DISPLAY_EXAMPLE + TABLE_EXAMPLE + OWN_FIELD_EXAMPLE
    assert understood(text) == Scheme((ENTITY,), (ORDERS, OWN_ORDERS, LAST_ORDER))


# Ways of writing the same


@pytest.mark.parametrize(
    "text",
    [
        "TABULKA S DATY ENTITY=nnn_myLead\nID=myLeadId\nPHONENUMBER=myPhone1\nFirstName=contactName\nLASTNAME=organizationName",
        "tabulka: nnn_myLead\nid: myLeadId\ntelefon: myPhone1\njmeno: contactName\nprijmeni: organizationName",
        "Tabuľka s dátami entity = nnn_myLead\nkľúč = myLeadId\ntelefónne číslo = myPhone1\nmeno = contactName\n"
        "názov organizácie = organizationName",
        "Table with entity data: nnn_myLead\nprimary key: myLeadId\nphone: myPhone1\nfirst name: contactName\n"
        "last name: organizationName",
        "lastname = organizationName\nfirstname = contactName\nphoneNumber = myPhone1\nid = myLeadId\n"
        "tabulka s daty entity = nnn_myLead",
        "1) „tabulka s daty entity“ = „nnn_myLead“\n2) „id“ = „myLeadId“\n3) phone number → 'myPhone1'\n"
        '4) "firstname" -> "contactName"\n5) lastname := `organizationName`,',
        "Klíčovací schéma:\r\n\r\n\u00a0\u00a0- tabulka\u00a0s\u00a0daty entity\u00a0=\u00a0nnn_myLead;\r\n"
        "* id == myLeadId\r\n> phone_number\t=\tmyPhone1\r\nfirst-name =contactName…\r\n— lastname= organizationName.....",
        "tabulka s daty entity\tnnn_myLead\nid\tmyLeadId\nphoneNumber\tmyPhone1\nfirstname\tcontactName\n"
        "lastname\torganizationName\n# poznámka\n",
    ],
)  # fmt: skip
def test_spelling_order_and_signs_do_not_matter(text: str) -> None:
    assert understood(text) == Scheme((ENTITY,))


@pytest.mark.parametrize(
    "text",
    [
        "polozka1 popisek=Počet objednávek\npolozka1 entita=Account\npolozka1 identifikator=myOrdersCount",
        "Položka č. 1 – popisek: Počet objednávek\nPoložka č. 1 – entita: Account\nPoložka č. 1 – identifikátor: myOrdersCount",
        "item 1 label = Počet objednávek\nitem 1 entity = Account\nitem 1 identifier = myOrdersCount",
        "field1.caption: Počet objednávek\nfield1.table: Account\nfield1.column: myOrdersCount",
        "popisek položky 1 = Počet objednávek\nentita položky 1 = Account\nidentifikátor položky 1 = myOrdersCount",
        "položka1: identifikátor = myOrdersCount\npoložka1: entita = Account\npoložka1: popisek = Počet objednávek",
    ],
)
def test_items_may_be_named_in_many_ways(text: str) -> None:
    assert understood(text) == Scheme((), (ORDERS,))


@pytest.mark.parametrize(
    "phones",
    [
        "phoneNumber = myPhone1, myPhone2",
        "phoneNumber = myPhone1; myPhone2",
        "telefon = myPhone1 a myPhone2",
        "telefon = myPhone1 / myPhone2",
        "phoneNumber1 = myPhone1\nphoneNumber2 = myPhone2",
        "mobil = myPhone1\ntelefonní číslo = 'myPhone2'",
    ],
)
def test_several_phone_columns_add_up(phones: str) -> None:
    text = f"tabulka = nnn_myLead\nid = myLeadId\n{phones}\nlastname = organizationName"
    assert understood(text).entities[0].phone_columns == ("myPhone1", "myPhone2")


def test_a_first_name_is_not_needed_where_an_organizations_name_stands_for_it() -> None:
    text = "tabulka = nnn_myLead\nid = myLeadId\ntelefon = myPhone1\nnázev organizace = organizationName"
    assert understood(text).entities[0].first_name == ""


def test_labels_per_language_and_links() -> None:
    text = (
        "položka1 popisek = Obrat\npoložka1 popisek (en) = Turnover\npoložka1 entita = Account\n"
        "položka1 identifikátor = nnn_Turnover\npoložka1 odkaz = https://crm.example/?a={value}&id={id}"
    )
    link = "https://crm.example/?a={value}&id={id}"
    assert understood(text).fields == (Field({"cs": "Obrat", "en": "Turnover"}, "Account", "nnn_Turnover", link),)


def test_a_second_table_line_begins_a_second_table() -> None:
    text = TABLE_EXAMPLE + "tabulka = nnn_order\nid = orderId\nphone = tel1\nlastname = firm\n"
    assert [entity.table for entity in understood(text).entities] == ["nnn_myLead", "nnn_order"]


def test_items_without_numbers_begin_with_each_repeated_word() -> None:
    text = "položka popisek = A\npoložka entita = Account\npoložka identifikátor = a\n" * 1
    text += "položka popisek = B\npoložka entita = Contact\npoložka identifikátor = a\n"
    assert understood(text).fields == (Field("A", "Account", "a"), Field("B", "Contact", "a"))


# Mistakes


def test_every_mistake_is_named_by_its_line() -> None:
    text = (
        "tabulka s daty entity = nnn_myLead\n"
        "id = my Lead Id\n"
        "phoneNunber = myPhone1\n"
        "firstname contactName\n"
        "lastname =\n"
        "\n"
        "položka1 popisk = Počet objednávek\n"
        "barva = modrá\n"
    )
    assert said(text) == [
        "Line 2: “my Lead Id” is not the name of a table or column. The closest is myLeadId.",
        "Line 3: phoneNunber is not a word we know. The closest is phoneNumber.",
        "Line 4: there is no = between a word and its value.",
        "Line 5: a value is missing after lastname.",
        "Line 7: položka1 popisk is not a word we know. The closest is položka1 popisek.",
        "Line 8: barva is not a word we know. Known are: tabulka s daty entity, id, phoneNumber, firstname, lastname, "
        "popisek, položka1 popisek, položka1 entita, položka1 identifikátor.",
    ]


def test_what_is_missing_is_named() -> None:
    assert said("tabulka = nnn_myLead\nid = myLeadId") == [
        "Line 1: the table nnn_myLead lacks phoneNumber. Add a line “phoneNumber = …”.",
        "Line 1: the table nnn_myLead lacks lastname. Add a line “lastname = …”.",
    ]


def test_a_mistake_carries_what_was_typed_and_what_was_probably_meant() -> None:
    mistake = read("phoneNunber = myPhone1").mistakes[0]
    assert (mistake.line, mistake.typed, mistake.nearest, mistake.severity) == (
        1,
        "phoneNunber",
        "phoneNumber",
        "error",
    )


def test_an_item_without_entity_takes_the_only_table_and_says_so() -> None:
    reading = read(TABLE_EXAMPLE.strip() + "\npolozka1 popisek = Oprava\npolozka1 identifikator = myRepairDate")
    assert reading.ok
    assert reading.scheme.fields == (Field("Oprava", "nnn_myLead", "myRepairDate"),)
    assert [(str(each), each.severity) for each in reading.mistakes] == [
        ("Line 11: the entity is missing, we take nnn_myLead.", "warning")
    ]


def test_an_item_without_label_or_identifier() -> None:
    assert said("položka1 entita = Account\npoložka1 identifikátor = myOrdersCount") == [
        "Line 2: the label is missing, we take myOrdersCount."
    ]
    assert said("položka3 popisek = Obrat") == [
        "Line 1: položka3 identifikátor is missing.",
        "Line 1: položka3 entita is missing.",
    ]


def test_what_stands_twice_is_named_with_its_first_line() -> None:
    text = "tabulka = nnn_a\nid = aId\nid = bId\nphone = tel, TEL\nlastname = firm\nid = aId\n"
    assert said(text) == ["Line 3: id already stands in line 2.", "Line 4: the column TEL stands here twice."]
    again = "tabulka = nnn_a\nid = aId\nphone = tel\nlastname = firm\n" * 2
    assert said(again) == ["Line 5: the table nnn_a already stands in line 1."]


def test_a_scheme_without_its_table_and_a_standard_table() -> None:
    assert said("id = myLeadId") == ["Line 1: the table is missing. Add a line “tabulka s daty entity = …”."]
    assert said("tabulka = contact\nid = contactid\nphone = telephone1\nlastname = lastname") == [
        "Line 1: contact is searched anyway; here belongs your own table."
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Line 1: there is nothing to read yet."),
        (" \n# only a note\n", "Line 1: there is nothing to read yet."),
        ("položka1 popisek = " + "x" * 201, "Line 1: at most 200 characters fit here."),
        ("položka1 popisek = a\x00b", "Line 1: there is a control character in the text."),
        ("id = 100%", "Line 1: “100%” is not the name of a table or column."),
        ("100 % = %(line)d", "Line 1: 100 % is not a word we know. Known are: "),
        ("x" * 50_001, "The text is too long for a key scheme: at most 50000 characters fit."),
    ],
)
def test_bad_input_gets_one_clear_sentence(text: str, sentence: str) -> None:
    reading = read(text)
    assert not reading.ok
    assert str(reading.mistakes[0]).startswith(sentence)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    reading = read(text)
    assert reading.scheme != Scheme() or reading.mistakes


# Against the organization


@pytest.fixture
def metadata() -> Metadata:
    columns = ["nnn_myLeadId", "nnn_myPhone1", "nnn_contactName", "nnn_organizationName", "nnn_myOrdersCount"]
    own = {name.lower(): Column(name.lower(), name, "String") for name in columns}
    table = Table("nnn_mylead", "nnn_myLead", "nnn_myleads", "nnn_myleadid", columns=own)
    return Metadata({"nnn_mylead": table, "account": Table("account", "Account", "accounts", "accountid")})


def test_a_misspelt_column_is_named_with_the_nearest_one(metadata: Metadata) -> None:
    text = TABLE_EXAMPLE.strip().replace("organizationName", "organisationName").replace("\n\n", "\n")
    found = key_scheme.unknown_names(read(text), metadata)
    assert [(str(each), each.nearest) for each in found] == [
        ("Line 5: the table has no column organisationName. The closest is organizationName.", "organizationName")
    ]


def test_a_misspelt_table_and_columns_far_from_any(metadata: Metadata) -> None:
    text = OWN_FIELD_EXAMPLE.replace("nnn_myLead", "nnn_myLeat") + "položka2 popisek = X\npoložka2 entita = Account\n"
    found = key_scheme.unknown_names(read(text + "položka2 identifikátor = zzz"), metadata, tables=["nnn_order"])
    assert [str(each) for each in found] == [
        "Line 4: there is no table nnn_myLeat. The closest is nnn_myLead.",
        "Line 9: the table has no column zzz.",
    ]


def test_phone_columns_are_looked_for_one_by_one(metadata: Metadata) -> None:
    text = "tabulka = nnn_mylead\nid = nnn_myLeadId\ntelefon = myPhone1\ntelefon = myFon1\nlastname = organizationName"
    found = key_scheme.unknown_names(read(text), metadata)
    assert [str(each) for each in found] == ["Line 4: the table has no column myFon1. The closest is myPhone1."]


# Out again


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
TEXTS = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Zs"), include_characters=" "),
    min_size=1,
).filter(lambda text: text.strip() == text and text.isprintable() and len(text) < 100)
LABELS = TEXTS | st.dictionaries(st.sampled_from(["cs", "sk", "en"]), TEXTS, min_size=1)
STANDARD = {"account", "contact", "lead"}


def _distinct(of: Callable[[Any], Any]) -> Callable[[list[Any]], bool]:
    return lambda items: len({of(item).lower() for item in items}) == len(items)


ENTITIES = st.builds(
    Entity,
    NAMES.filter(lambda name: name.lower() not in STANDARD),
    NAMES,
    st.lists(NAMES, min_size=1, max_size=3).filter(_distinct(str)).map(tuple),
    NAMES,
    st.just("") | NAMES,
    st.just("") | LABELS,
)
FIELDS = st.builds(Field, LABELS, NAMES, NAMES, st.just("") | TEXTS)
SCHEMES = st.builds(
    Scheme,
    st.lists(ENTITIES, max_size=3).filter(_distinct(lambda entity: entity.table)).map(tuple),
    st.lists(FIELDS, max_size=4).map(tuple),
).filter(lambda scheme: scheme != Scheme())


@given(SCHEMES, st.sampled_from(["cs", "sk", "en"]))
def test_what_is_written_reads_as_the_same(scheme: Scheme, language: str) -> None:
    assert understood(write(scheme, language)) == scheme


def test_it_is_written_as_the_guide_shows_it() -> None:
    assert write(Scheme((ENTITY,), (OWN_ORDERS,))) == (
        "tabulka s daty entity = nnn_myLead\nid = myLeadId\nphoneNumber = myPhone1\nfirstname = contactName\n"
        "lastname = organizationName\n\n"
        "položka1 popisek = Počet objednávek\npoložka1 entita = nnn_myLead\npoložka1 identifikátor = myOrdersCount\n"
    )


def test_it_goes_into_the_configuration_file_and_comes_back() -> None:
    scheme = Scheme((ENTITY,), (ORDERS, OWN_ORDERS))
    data = scheme.to_configuration()
    assert data["custom_entities"][0] == {
        "label": "nnn_myLead", "table": "nnn_myLead", "id": "myLeadId", "phone_number": ["myPhone1"],
        "first_name": "contactName", "last_name": "organizationName",
    }  # fmt: skip
    assert Scheme.from_configuration(data) == scheme
