"""A key scheme pasted as it stands in an e-mail: understood, verified, put right, saved, told again."""

import pytest
from django.contrib.auth.models import User

from ipexportal.sandbox import Sandbox
from tenants import configuration, key_scheme
from tenants.key_scheme import Entity, Field, Scheme
from tenants.models import AuditEntry, MicrosoftConnection, Tenant
from tests.own_table.conftest import TABLE_TEXT, Browser, browser_of, typed, words
from tests.tenants.test_key_scheme import DISPLAY_EXAMPLE, OWN_FIELD_EXAMPLE, TABLE_EXAMPLE

pytestmark = pytest.mark.django_db
ENTITY = Entity("nnn_myLead", "myLeadId", ("myPhone1",), "organizationName", "contactName")
ORDERS = Field("Počet objednávek", "Account", "myOrdersCount")
LAST_ORDER = Field("Poslední objednávka", "Account", "myLastOrderDate")
OWN_ORDERS = Field("Počet objednávek", "nnn_myLead", "myOrdersCount")
EXAMPLES = {
    "further fields": (DISPLAY_EXAMPLE, Scheme((), (ORDERS, LAST_ORDER))),
    "an own table": (TABLE_EXAMPLE, Scheme((ENTITY,))),
    "an own table and its fields": (TABLE_EXAMPLE + OWN_FIELD_EXAMPLE, Scheme((ENTITY,), (OWN_ORDERS,))),
    "the whole guide": (
        DISPLAY_EXAMPLE + TABLE_EXAMPLE + OWN_FIELD_EXAMPLE,
        Scheme((ENTITY,), (ORDERS, OWN_ORDERS, LAST_ORDER)),
    ),
}
MISSPELT = TABLE_TEXT.replace("organizationName", "organisationName")
CREDIT = {"label": "Kredit", "entity": "Account", "identifier": "nnn_turnover", "link": ""}


# The guide


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("connected", [True, False], ids=["connected", "not connected"])
def test_every_example_of_the_guide_is_understood_saved_exported_and_read_again(
    alices: Browser, acme: Tenant, request: pytest.FixtureRequest, example: str, connected: bool
) -> None:
    if connected:
        request.getfixturevalue("connection")
    text, scheme = EXAMPLES[example]
    answer = alices.read(text)
    assert answer.context["found"].scheme == scheme
    assert [str(fix.mistake) for fix in answer.context["found"].fixes] == []
    assert typed(answer).strip() == text.strip()
    assert alices.save(text).headers["Location"] == f"/portal/{acme.code}/own-tables/"
    exported = alices.get("own_table_export", "txt")
    assert key_scheme.read(exported.content.decode()).scheme == scheme
    again = alices.save(exported.content.decode())
    assert (again.status_code, AuditEntry.objects.filter(tenant=acme, act="configuration.changed").count()) == (302, 1)


def test_fields_of_a_table_that_nobody_named_ask_for_its_key_scheme(alices: Browser) -> None:
    answer = alices.save(OWN_FIELD_EXAMPLE)
    assert answer.status_code == 422
    assert [str(fix.mistake) for fix in answer.context["found"].errors] == [
        "Line 4: nnn_myLead is neither Account, Contact, Lead nor an own table. Name its key scheme too."
    ]
    alices.save(TABLE_EXAMPLE)
    assert alices.save(OWN_FIELD_EXAMPLE).status_code == 302


def test_the_pages_own_example_is_added_to_what_stands_there(alices: Browser) -> None:
    assert key_scheme.read(typed(alices.read("", example="1"))).scheme == Scheme((ENTITY,), (OWN_ORDERS,))
    assert typed(alices.read("# mine", example="1")).startswith("# mine\n\ntabulka s daty entity = nnn_myLead")


# Verified


def test_each_part_is_verified_in_the_crm(alices: Browser, connection: MicrosoftConnection) -> None:
    text = TABLE_TEXT.replace("myPhone1", "myPhone1, myPhone2") + "\n\n" + OWN_FIELD_EXAMPLE
    (table,) = alices.read(text).context["found"].tables
    rows = {row.meaning: (row.condition, row.names, row.facts) for row in table.rows}
    count = rows["Table"][2][1]
    share = rows["Phone"][2][0]
    assert rows == {
        "Table": ("ok", ("nnn_mylead",), ("My Lead", count)),
        "Identifier": ("ok", ("nnn_myleadid",), ("key of the table",)),
        "Phone": ("ok", ("nnn_myphone1", "nnn_myphone2"), (share, rows["Phone"][2][1])),
        "First name": ("ok", ("nnn_contactname",), ("text, at most 100 characters",)),
        "Last name or company": ("ok", ("nnn_organizationname",), ("text, at most 160 characters",)),
        "Počet objednávek": ("ok", ("nnn_myorderscount",), ("whole number", rows["Počet objednávek"][2][1])),
    }
    assert count.endswith(" records")
    assert share.endswith(" % readable numbers")
    assert rows["Počet objednávek"][2][1].startswith("sample: ")
    assert table.problems == ()


def test_a_misspelt_column_is_named_by_its_line_with_the_nearest_one(
    alices: Browser, connection: MicrosoftConnection
) -> None:
    answer = alices.read(MISSPELT)
    (fix,) = answer.context["found"].fixes
    assert fix.title == "Line 5: the table has no column organisationName"
    assert fix.detail == "The closest is organizationName."
    assert ("nnn_organizationName", "Organization name") in fix.choices
    assert [line.wrong for line in answer.context["lines"]] == ["", "", "", "", "organisationName"]
    assert alices.save(MISSPELT).status_code == 422
    assert "It can be saved once line 5 is put right." in words(answer)


def test_a_button_puts_the_nearest_name_in_its_place(alices: Browser, connection: MicrosoftConnection) -> None:
    answer = alices.read(MISSPELT, replace="5:organisationName:organizationName")
    assert typed(answer) == TABLE_TEXT
    assert answer.context["found"].fixes == ()
    chosen = alices.read(MISSPELT, replace="5:organisationName:", **{"instead:5:organisationName": "nnn_Name"})
    assert typed(chosen) == TABLE_TEXT.replace("organizationName", "nnn_Name")


@pytest.mark.parametrize("button", ["", "5", "x:a:b", "99999999999:a:b", "0:a:b", "5::x", "5:a:", "-1:id:x"])
def test_a_button_that_fits_nothing_changes_nothing(alices: Browser, button: str) -> None:
    assert typed(alices.read(MISSPELT, replace=button)) == MISSPELT


def test_an_unknown_table_is_named_with_the_nearest_one(alices: Browser, connection: MicrosoftConnection) -> None:
    (fix,) = alices.read(TABLE_TEXT.replace("nnn_myLead", "nnn_myLaed")).context["found"].fixes
    assert str(fix.mistake) == "Line 1: there is no table nnn_myLaed. The closest is nnn_myLead."


def test_while_typing_only_what_changes_is_sent_and_only_records_are_asked_for(
    alices: Browser, connection: MicrosoftConnection, microsoft: Sandbox
) -> None:
    alices.type(TABLE_TEXT)
    asked = len(microsoft.requests)
    answer = alices.type(MISSPELT)
    assert [seen.path for seen in list(microsoft.requests)[asked:]] == ["/api/data/v9.2/nnn_myleads"]
    page = answer.content.decode()
    assert page.lstrip().startswith('<section class="card scheme-meaning" id="understood"')
    assert page.count('hx-swap-oob="true"') == 2
    assert "<textarea" not in page


def test_half_a_name_is_never_asked_for(alices: Browser, connection: MicrosoftConnection, microsoft: Sandbox) -> None:
    alices.type("tabulka = nnn_myLe")
    assert not any("nnn_myle'" in str(seen.path) for seen in microsoft.requests)


def test_what_is_missing_is_shown_before_the_text_is_complete(alices: Browser) -> None:
    found = alices.type("tabulka = nnn_myLead\nid = myLeadId").context["found"]
    assert [(row.meaning, row.condition) for row in found.tables[0].rows] == [
        ("Table", "unknown"),
        ("Identifier", "unknown"),
        ("Phone", "bad"),
        ("Last name or company", "bad"),
    ]
    assert not found.can_be_saved


# Without Microsoft


def test_without_a_connection_it_is_saved_and_marked_as_not_verified(alices: Browser, acme: Tenant) -> None:
    assert "Understood, not verified in the CRM" in words(alices.read(TABLE_TEXT))
    page = alices.client.post(
        f"/portal/{acme.code}/own-tables/text/save/", {"text": TABLE_TEXT, "seen": ""}, follow=True
    )
    assert "Saved, not verified yet." in words(page)
    assert [one.table for one in acme.instance.custom_entities.all()] == ["nnn_myLead"]


def test_somebody_elses_connection_is_not_used(ivanas: Browser, connection: MicrosoftConnection) -> None:
    assert not ivanas.read(TABLE_TEXT).context["found"].verified


def test_when_microsoft_is_away_the_page_says_so_and_saves(
    alices: Browser, connection: MicrosoftConnection, microsoft: Sandbox
) -> None:
    microsoft.control.fault("unavailable", path="EntityDefinitions", count=99)
    found = alices.read(TABLE_TEXT).context["found"]
    assert (found.verified, found.why_not) == (False, "Microsoft did not answer.")
    assert alices.save(TABLE_TEXT).status_code == 302


def test_a_table_that_alice_may_not_read_is_still_verified_by_its_names(
    alices: Browser, connection: MicrosoftConnection, microsoft: Sandbox
) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvReadnnn_myLead", upn="alice@acme.example")
    found = alices.read(TABLE_TEXT).context["found"]
    assert found.verified
    row = found.tables[0].rows[0]
    assert (row.condition, row.facts[0]) == ("warn", "My Lead")
    assert row.facts[1].startswith("The account that looks lacks the right prvReadnnn_myLead")


# What stays and what goes


def test_fields_of_other_tables_stay_and_the_page_says_what_changes(alices: Browser, acme: Tenant, alice: User) -> None:
    configuration.change(acme, {"display_fields": [CREDIT]}, by=alice)
    text = TABLE_TEXT + OWN_FIELD_EXAMPLE
    assert alices.read(text).context["found"].effect == (
        "Added as own table: nnn_myLead.",
        "New on the card: Počet objednávek.",
        "1 other field on the card stays as it is.",
    )
    alices.save(text)
    assert [one["identifier"] for one in configuration.stored(acme, "display_fields")] == [
        "nnn_turnover",
        "myOrdersCount",
    ]
    assert alices.read(text).context["found"].effect == ()


def test_a_table_opened_as_text_is_replaced_as_a_whole(alices: Browser, acme: Tenant, alice: User) -> None:
    alices.save(TABLE_TEXT + OWN_FIELD_EXAMPLE)
    configuration.change(acme, {"display_fields": [*configuration.stored(acme, "display_fields"), CREDIT]}, by=alice)
    opened = alices.get("own_table_text", table="nnn_mylead")
    assert "item1 identifier = myOrdersCount" in typed(opened)
    without = typed(opened).partition("\n\n")[0].replace("nnn_myLead", "nnn_other")
    assert alices.read(without, whole="nnn_myLead").context["found"].effect == (
        "Added as own table: nnn_other.",
        "Removed: nnn_myLead.",
        "No longer on the card: Počet objednávek.",
        "1 other field on the card stays as it is.",
    )
    alices.save(without, whole="nnn_myLead")
    assert [one["table"] for one in configuration.stored(acme, "custom_entities")] == ["nnn_other"]
    assert configuration.stored(acme, "display_fields") == [CREDIT]


def test_a_table_that_is_not_stored_cannot_be_opened_as_text(alices: Browser) -> None:
    assert alices.get("own_table_text", table="nnn_myLead").status_code == 404


# Two admins, double clicks, strangers


def test_the_later_of_two_admins_is_told_and_loses_nothing(alices: Browser, ivanas: Browser, acme: Tenant) -> None:
    seen = alices.get("own_table_text").context["seen"]
    ivanas.save(TABLE_TEXT.replace("myPhone1", "myPhone2"))
    answer = alices.save(TABLE_TEXT, seen=seen)
    assert answer.status_code == 409
    assert words(answer).count("ivana saved a change here") == 1
    assert typed(answer) == TABLE_TEXT
    assert alices.save(TABLE_TEXT, seen=answer.context["seen"]).status_code == 302
    assert configuration.stored(acme, "custom_entities")[0]["phone_number"] == ["myPhone1"]


def test_a_double_click_saves_once(alices: Browser, acme: Tenant) -> None:
    seen = alices.get("own_table_text").context["seen"]
    answers = [alices.save(TABLE_TEXT, seen=seen) for _click in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert AuditEntry.objects.filter(tenant=acme, act="configuration.changed").count() == 1


def test_the_admin_of_another_customer_finds_nothing_and_changes_nothing(acme: Tenant, otto: User) -> None:
    ottos = browser_of(otto, acme)
    statuses = [
        ottos.save(TABLE_TEXT).status_code,
        ottos.read(TABLE_TEXT).status_code,
        ottos.get("own_tables").status_code,
    ]
    assert statuses == [404, 404, 404]
    assert not acme.instance.custom_entities.exists()


def test_a_customer_without_an_instance_is_understood_but_not_saved(alice: User, acme: Tenant) -> None:
    acme.instance.delete()
    browser = browser_of(alice, Tenant.objects.get(pk=acme.pk))
    answer = browser.save(TABLE_TEXT)
    assert (answer.status_code, typed(answer)) == (422, TABLE_TEXT)
    assert answer.context["found"].scheme == Scheme((ENTITY,))


# Bad input


REFUSED = {
    "x" * 50_001: ["The text is too long for a key scheme: at most 50000 characters fit."],
    "<script>alert(1)</script>": ["Line 1: there is no = between a word and its value."],
    "tabulka = <b>x</b>": ["Line 1: “<b>x</b>” is not the name of a table or column. The closest is bxb."],
    TABLE_TEXT + "\npopisek = a\x00b\x1b": ["Line 6: there is a control character in the text."],
    "\u202etabulka = nnn_myLead": [],
    "טבלה = x": [],
    "": [],
    " \n\n": [],
    "položka1 popisek = " + "ž" * 300: [],
    TABLE_TEXT + "\npoložka1 identifikátor = x\npoložka1 odkaz = javascript:alert(1)": [],
}


@pytest.mark.parametrize("text", REFUSED)
def test_nothing_that_is_no_key_scheme_is_saved_or_lost(alices: Browser, acme: Tenant, text: str) -> None:
    answer = alices.save(text)
    said = [str(fix.mistake) for fix in answer.context["found"].fixes]
    page = answer.content.decode()
    assert (answer.status_code, answer.context["found"].can_be_saved) == (422, False)
    assert said[: len(REFUSED[text])] == REFUSED[text]
    assert ("<script>alert" in page, "<b>x</b>" in page) == (False, False)
    assert typed(answer).strip() == text.strip()
    assert configuration.stored(acme, "custom_entities") == []


def test_ten_thousand_lines_are_read_as_far_as_they_make_sense(
    alices: Browser, connection: MicrosoftConnection
) -> None:
    answer = alices.save("a=b\n" * 10_000)
    assert answer.status_code == 422
    assert answer.context["lines"] == []
    assert "Line 61: reading stops here, too much above is not a key scheme." in str(
        answer.context["found"].fixes[-1].mistake
    )


def test_a_table_that_is_opened_as_text_may_be_gone_meanwhile(alices: Browser, acme: Tenant) -> None:
    assert alices.save(TABLE_TEXT, whole="x" * 5000).status_code == 302
    assert [one["table"] for one in configuration.stored(acme, "custom_entities")] == ["nnn_myLead"]
