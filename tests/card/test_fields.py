"""The list of further fields: adding, ordering, replacing, saving; two admins, bad input, strangers."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from tenants import configuration
from tenants.models import AuditEntry, Instance, MicrosoftConnection, Tenant
from tests.card.conftest import Browser, browser_of, shown, words

pytestmark = pytest.mark.django_db
type Fields = list[dict[str, Any]]


def rows_of(answer: Any) -> list[str]:
    return [row.identifier for row in answer.context["rows"]]


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_asks_as_often_for_one_field_as_for_three(
    alices: Browser, fields: Fields, acme: Tenant, alice: User, number: int, django_assert_num_queries: Any
) -> None:
    configuration.change(acme, {"display_fields": fields[:number]}, by=alice)
    alices.get()
    with django_assert_num_queries(10):
        answer = alices.get()
    assert len(answer.context["rows"]) == number


def test_done_saves_the_list_as_it_stands(alices: Browser, fields: Fields) -> None:
    wanted = [shown("Contact", "jobtitle", {"cs": "Pozice", "sk": "Pozícia", "en": "Position"}), fields[0]]
    answer = alices.post("card_save", wanted)
    assert answer.headers["Location"] == alices.address("card")
    assert alices.fields == wanted
    assert "Saved. Agents see it at the next call." in words(alices.get())


def test_done_twice_saves_once(alices: Browser, fields: Fields, acme: Tenant) -> None:
    seen = configuration.stamp(acme, "display_fields")
    for _click in range(2):
        assert alices.post("card_save", fields[:1], seen=seen).status_code == 302
    assert AuditEntry.objects.filter(tenant=acme, act="configuration.changed").count() == 2  # the fixture's, and this


@pytest.mark.parametrize(
    ("act", "order"),
    [
        ("up:3", ["nnn_myorderscount", "jobtitle", "nnn_turnover"]),
        ("down:1", ["nnn_turnover", "nnn_myorderscount", "jobtitle"]),
        ("up:1", ["nnn_myorderscount", "nnn_turnover", "jobtitle"]),
        ("remove:2", ["nnn_myorderscount", "jobtitle"]),
        ("replace:2:nnn_servicecontract", ["nnn_myorderscount", "nnn_servicecontract", "jobtitle"]),
        ("add:Contact:department", ["nnn_myorderscount", "nnn_turnover", "jobtitle", "department"]),
        ("add:Contact:JobTitle", ["nnn_myorderscount", "nnn_turnover", "jobtitle"]),
        ("up:99", ["nnn_myorderscount", "nnn_turnover", "jobtitle"]),
        ("nonsense", ["nnn_myorderscount", "nnn_turnover", "jobtitle"]),
        ("", ["nnn_myorderscount", "nnn_turnover", "jobtitle"]),
    ],
)
def test_a_button_changes_the_list_and_saves_it_where_there_is_a_script(
    alices: Browser, fields: Fields, act: str, order: list[str]
) -> None:
    answer = alices.post("card_edit", fields, act=act)
    assert (answer.status_code, rows_of(answer)) == (200, order)
    assert alices.fields == fields
    assert "There are changes that are not saved yet." in words(answer)
    assert rows_of(alices.post("card_edit", fields, act=act, script=True)) == order
    assert alices.names == order


def test_a_change_by_script_says_when_it_was_saved_and_gives_the_new_stamp(
    alices: Browser, fields: Fields, acme: Tenant
) -> None:
    answer = alices.post("card_save", fields[:2], script=True)
    assert answer.status_code == 200
    assert "Saved " in words(answer)
    assert f'value="{configuration.stamp(acme, "display_fields")}"' in answer.content.decode()
    assert b"<html" not in answer.content


def test_enter_saves_and_in_the_search_box_it_searches(
    alices: Browser, fields: Fields, connection: MicrosoftConnection
) -> None:
    answer = alices.post("card_edit", fields[:2], act="enter", q="funkce")
    assert ("Job Title" in words(answer), len(alices.names)) == (True, 3)
    assert alices.post("card_edit", fields[:2], act="enter", q=" ").status_code == 302
    assert len(alices.names) == 2


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(alices: Browser, fields: Fields) -> None:
    wrong = [shown("Account", "nnn_turnover", "", link="http://eshop.example"), shown("Account", "no column", "Kredit")]
    answer = alices.post("card_save", wrong)
    assert answer.status_code == 422
    assert [sorted(row.mistakes) for row in answer.context["rows"]] == [["label", "link"], ["identifier"]]
    assert [mistake["field"] for mistake in answer.context["mistakes"]] == ["label-1", "link-1", "identifier-2"]
    page = answer.content.decode()
    assert "http://eshop.example" in page
    assert 'value="no column"' in page
    assert alices.fields == fields


def test_the_later_of_two_admins_is_told_and_may_insist(alices: Browser, ivanas: Browser, fields: Fields) -> None:
    seen = alices.get().context["seen"]
    ivanas.post("card_save", fields[:1])
    answer = alices.post("card_save", fields[1:], seen=seen)
    assert answer.status_code == 409
    assert "ivana saved a change here" in words(answer)
    assert (rows_of(answer), alices.names) == (["nnn_turnover", "jobtitle"], ["nnn_myorderscount"])
    assert alices.post("card_save", fields[1:], seen=answer.context["seen"]).status_code == 302
    assert alices.names == ["nnn_turnover", "jobtitle"]


def test_the_later_of_two_admins_is_told_by_the_script_too(alices: Browser, ivanas: Browser, fields: Fields) -> None:
    seen = alices.get().context["seen"]
    ivanas.post("card_save", fields[:1])
    for name in ("card_save", "card_edit"):
        answer = alices.post(name, fields, script=True, act="remove:1", seen=seen)
        assert "ivana saved a change here" in words(answer)
    assert alices.names == ["nnn_myorderscount"]


def test_the_list_takes_a_hundred_fields(alices: Browser, acme: Tenant) -> None:
    many = [shown("Account", f"column{at}", "x") for at in range(101)]
    answer = alices.post("card_save", many)
    assert answer.status_code == 422
    assert "At most 100 items fit here." in words(answer)
    assert alices.post("card_save", many[:100]).status_code == 302
    assert alices.get().status_code == 200


@pytest.mark.parametrize("text", ["x" * 100_000, "<script>alert(1)</script>", "\x00", "{{ 7 }}", "řádek\n2"])
def test_hostile_texts_are_refused_or_shown_as_text(alices: Browser, acme: Tenant, text: str) -> None:
    answer = alices.post("card_save", [shown("Account", "nnn_turnover", text, link=text)], q=text)
    assert answer.status_code == 422
    edited = alices.post(
        "card_edit", [shown(text, text, text, link=text)], act=f"add:{text}:{text}", sample=text, at=text
    )
    assert edited.status_code == 200
    assert b"<script>alert" not in answer.content + edited.content
    assert alices.fields == []


def test_lists_of_unequal_length_lose_their_surplus(alices: Browser) -> None:
    answer = alices.client.post(
        alices.address("card_edit"), {"key": ["1", "1", "x"], "entity": ["Account"], "act": "up:1"}
    )
    assert (answer.status_code, rows_of(answer)) == (200, [])


def test_somebody_elses_card_is_not_there(otto: User, acme: Tenant, fields: Fields) -> None:
    ottos = browser_of(otto, acme)
    for name in ("card_edit", "card_save", "card_find", "searched_save"):
        assert ottos.post(name).status_code == 404
    assert [ottos.get(name).status_code for name in ("card", "searched")] == [404, 404]
    acme.code = uuid4()
    assert ottos.get().status_code == 404


def test_before_the_crms_address_is_known_the_page_says_what_comes_first(alices: Browser, instance: Instance) -> None:
    instance.delete()
    for name in ("card", "searched"):
        assert "Give the address of your CRM in the check-list." in words(alices.get(name))
    for name in ("card_edit", "card_save", "searched_save"):
        assert alices.client.post(alices.address(name), {"act": "hand"}).status_code == 302
    assert alices.client.post(alices.address("card_find"), {"q": "x"}).status_code == 200


def test_without_a_connection_an_identifier_is_typed_saved_and_not_verified(alices: Browser, acme: Tenant) -> None:
    assert "Nobody has looked into the CRM yet" in words(alices.get())
    answer = alices.post("card_edit", script=True, act="hand", hand_entity="Account", hand_identifier=" myCredit ")
    assert alices.fields == [shown("Account", "myCredit", "myCredit")]
    assert "not verified" in words(answer)
    assert "Name of the caller" in words(answer)
