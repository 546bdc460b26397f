"""`$filter` is really parsed: what it means is answered, what it does not mean is refused."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipexportal.sandbox import like
from ipexportal.sandbox.dataverse import Dataverse
from ipexportal.sandbox.demo_data import record_id
from tests.sandbox.webapi.people import Person

HORAKOVA = record_id("contact", "Jana Horáková")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("fullname eq 'Jana Horáková'", ["Jana Horáková"]),
        ("fullname eq 'JANA HORÁKOVÁ'", ["Jana Horáková"]),
        ("mobilephone eq '777 123 456'", ["Jana Horáková"]),
        ("'777 123 456' eq mobilephone", ["Jana Horáková"]),
        ("mobilephone eq '777123456'", []),
        ("fullname eq 'Martin Kříž' and statecode eq 1", ["Martin Kříž"]),
        ("fullname eq 'Martin Kříž' and not (statecode eq 1)", []),
        ("jobtitle eq 'energetik' or jobtitle eq 'recepční' and statecode eq 1", ["Petr Dvořák"]),
        ("(jobtitle eq 'energetik' or jobtitle eq 'recepční') and statecode eq 0", ["Karel Hovorka", "Petr Dvořák"]),
        (f"contactid eq {HORAKOVA}", ["Jana Horáková"]),
        (f"contactid eq {HORAKOVA.upper()}", ["Jana Horáková"]),
        ("nnn_pin ne null and createdon ge 2026-01-01T00:00:00Z", ["Alena Kučerová", "Jana Horáková"]),
        ("nnn_pin ne null and createdon lt 2026-01-01T00:00:00+01:00", []),
        ("parentcustomerid_account/name eq 'Alfa s.r.o.'", ["Eva Malinová"]),
        ("startswith(parentcustomerid_account/name,'Stavby Morava s')", ["Jana Horáková"]),
    ],
)
def test_conditions_mean_what_they_say(writing_jana: Person, condition: str, found: list[str]) -> None:
    assert writing_jana.find("contacts", "fullname", condition) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("startswith(mobilephone,'777%1%2%3%4%5%6')", ["Jana Horáková"]),
        ("startswith(mobilephone,'777')", ["Jana Horáková"]),
        ("startswith(mobilephone,'77_ 123')", ["Jana Horáková"]),
        ("startswith(mobilephone,'[67]77')", ["Jana Horáková"]),
        ("startswith(mobilephone,'[^67]77')", []),
        ("startswith(mobilephone,'[z-a]77')", []),
        ("startswith(mobilephone,'777[%]')", []),
        ("startswith(mobilephone,'00420%604%5%5%5%6%6%6')", ["Radek Kovář"]),
        ("startswith(mobilephone,'(+420%603%4%4%4%5%5%5')", ["Eva Malinová"]),
        ("startswith(telephone1,'224%5%5%1%1%1%2')", ["Karel Hovorka"]),
        ("startswith(telephone2,'606%7%7%7%8%8%8')", []),
        ("contains(telephone2,'606%777%888')", ["Josef Tichý"]),
        ("endswith(telephone2,'777 888')", ["Josef Tichý"]),
        ("contains(fullname,'horák')", ["Jana Horáková"]),
        ("contains(fullname,'HORÁK')", ["Jana Horáková"]),
        ("startswith(lastname,'Tichý')", ["Josef Tichý", "Josef Tichý ml."]),
    ],
)
def test_text_functions_are_like_patterns(writing_jana: Person, condition: str, found: list[str]) -> None:
    assert writing_jana.find("contacts", "fullname", condition) == found


@pytest.mark.parametrize(
    "values",
    ['["777 123 456","nobody"]', "['777 123 456','nobody']"],
)
def test_in_takes_values_as_json_and_as_the_documentation_writes_them(jana: Person, values: str) -> None:
    condition = f"Microsoft.Dynamics.CRM.In(PropertyName='mobilephone',PropertyValues={values})"
    assert jana.find("contacts", "fullname", condition) == ["Jana Horáková"]


def test_parameter_aliases_carry_values(jana: Person) -> None:
    aliases = f"@p1='mobilephone'&@p2={quote('["777 123 456"]')}"
    query = f"$select=fullname&$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)&{aliases}"
    assert [row["fullname"] for row in jana.get("contacts", query).rows] == ["Jana Horáková"]
    query = "$select=fullname&$filter=mobilephone%20eq%20@p1&@p1='777 123 456'"
    assert [row["fullname"] for row in jana.get("contacts", query).rows] == ["Jana Horáková"]


def test_an_apostrophe_is_doubled(writing_jana: Person) -> None:
    assert writing_jana.post("contacts", {"lastname": "O'Brien"}).status == 204
    assert writing_jana.find("contacts", "fullname", "lastname eq 'O''Brien'") == ["O'Brien"]
    assert writing_jana.find("contacts", "fullname", "startswith(lastname,'O''B')") == ["O'Brien"]


def test_a_bare_plus_is_a_space_and_finds_nothing(jana: Person) -> None:
    bare = jana.get("accounts", "$select=name&$filter=telephone1 eq '+420 602 111 222'")
    encoded = jana.get("accounts", "$select=name&$filter=telephone1 eq '%2B420 602 111 222'")
    assert bare.rows == []
    assert [row["name"] for row in encoded.rows] == ["Alfa s.r.o."]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("name eq", "Syntax error at position"),
        ("name like 'x'", "Syntax error at position 5"),
        ("name eq 'x' und name eq 'y'", "Syntax error at position 12"),
        ("(name eq 'x'", "Syntax error at position"),
        ("name", "Syntax error at position"),
        ("name eq 'x", "There is an unterminated string literal at position 8 in 'name eq 'x'."),
        ("Name eq 'x'", "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'."),
        ("primarycontactid eq 'x'", "Could not find a property named 'primarycontactid'"),
        ("contains(Name,'x')", "Could not find a property named 'Name'"),
        ("soundslike(name,'x')", "An unknown function with name 'soundslike' was found."),
        ("name eq 5", "Found operand types 'Edm.String' and 'Edm.Int32' for operator kind 'Equal'."),
        ("accountid eq 'x'", "Found operand types 'Edm.Guid' and 'Edm.String' for operator kind 'Equal'."),
        (
            "numberofemployees gt 'x'",
            "Found operand types 'Edm.Int32' and 'Edm.String' for operator kind 'GreaterThan'.",
        ),
        ("contains(numberofemployees,'x')", "No function signature for the function with name 'contains'"),
        ("startswith(name,'%x')", "Wildcards at this place of startswith are not supported."),
        ("endswith(name,'x%')", "Wildcards at this place of endswith are not supported."),
        ("name eq @p1", "The parameter alias '@p1' has no value"),
        ("createdon ge 2026-13-01T00:00:00Z", "Cannot convert the literal '2026-13-01T00:00:00Z'"),
        ("numberofemployees eq 99999999999999999999", "Cannot convert the literal"),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='Name',PropertyValues=['x'])",
            "Could not find a property named 'Name'",
        ),
        ("Microsoft.Dynamics.CRM.In(PropertyName='name')", "needs PropertyValues as a collection"),
        ("not " * 3000 + "name eq 'x'", "The request is nested too deeply."),
    ],
)
def test_what_is_wrong_is_refused_with_the_real_words(jana: Person, condition: str, message: str) -> None:
    status, _, said = jana.get("accounts", f"$filter={quote(condition)}").error
    assert (status, message in said) == (400, True), said


def test_conditions_are_capped_at_five_hundred(jana: Person) -> None:
    fitting = " or ".join(["name eq 'x'"] * 500)
    too_many = " or ".join(["name eq 'x'"] * 501)
    assert jana.get("accounts", f"$select=name&$filter={quote(fitting)}").rows == []
    status, code, _ = jana.get("accounts", f"$select=name&$filter={quote(too_many)}").error
    assert (status, code) == (400, "0x8004430c")


def test_an_address_is_capped_at_32768_characters(jana: Person) -> None:
    assert jana.get("accounts", "$filter=name eq '" + "x" * 32_768 + "'").status == 414


def test_leading_wildcards_can_be_refused(fresh: Dataverse, writing_jana: Person) -> None:
    fresh.refuse_leading_wildcards = True
    status, code, _ = writing_jana.get("contacts", "$filter=contains(mobilephone,'777')").error
    assert (status, code) == (400, "0x80048573")
    assert writing_jana.find("contacts", "fullname", "startswith(mobilephone,'777')") == ["Jana Horáková"]


@given(pattern=st.text("71 %_[]^-+(aA", max_size=12), value=st.text("71 %_[]-+(aA", max_size=12))
def test_the_quick_comparison_agrees_with_the_thorough_one(pattern: str, value: str) -> None:
    assert like.tester(pattern)(value.lower()) == like.matches(pattern, value)


def test_the_phone_index_follows_changes_and_deletions(writing_jana: Person) -> None:
    condition = "startswith(mobilephone,'777%1%2%3%4%5%6')"
    writing_jana.patch(f"contacts({HORAKOVA})", {"mobilephone": "+420 777 123 456"})
    assert writing_jana.find("contacts", "fullname", condition) == []
    plus = "startswith(mobilephone,'+420%777%1%2%3%4%5%6')"
    assert writing_jana.find("contacts", "fullname", plus) == ["Jana Horáková"]
    assert writing_jana.ask("DELETE", f"contacts({HORAKOVA})").status == 204
    assert writing_jana.find("contacts", "fullname", plus) == []


SPELLINGS = ["777", "+420", "420", "00420", "(+420", "'", "0", "224", "(", "6"]


@pytest.mark.parametrize("column", ["mobilephone", "telephone1", "telephone2"])
@pytest.mark.parametrize("start", SPELLINGS)
def test_the_phone_index_finds_what_comparing_every_row_finds(alice: Person, column: str, start: str) -> None:
    """Every value of the column is looked for by the first digits of its own and of other starts."""
    stored = {row["contactid"]: row[column] for row in alice.dataverse.store.select("contact", ["contactid", column])}
    for value in list(stored.values())[::12]:
        digits = like.digits(value or "")[-9:]
        pattern = start + "%" + "%".join(digits[3:]) + "%"
        slow = {one for one, text in stored.items() if like.matches(pattern, text)}
        assert alice.dataverse.store.phones["contact"][column].search([pattern]) == slow
