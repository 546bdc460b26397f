"""Change tracking as Microsoft describes it: everything once, then what changed, deleted records too."""

import re

import pytest

from ipexportal.sandbox import directory
from ipexportal.sandbox.dataverse import Dataverse
from tests.sandbox.webapi.people import Answer, Person

SELECT = "$select=contactid,mobilephone"
TRACK = "odata.track-changes"


@pytest.fixture
def system(fresh: Dataverse) -> Person:
    return Person(fresh, directory.SYSTEM)


def begun(system: Person, prefer: str = TRACK) -> Answer:
    return system.get("contacts", SELECT, prefer=prefer)


def follow(system: Person, answer: Answer, link: str = "deltaLink", prefer: str = TRACK) -> Answer:
    query = answer.data[f"@odata.{link}"].partition("?")[2]
    return system.get("contacts", query, prefer=prefer)


def test_the_first_answer_has_everything_and_a_link_to_what_changes_then(system: Person) -> None:
    answer = begun(system)

    assert len(answer.rows) == system.dataverse.store.count("contact")
    assert set(answer.rows[0]) == {"@odata.etag", "contactid", "mobilephone"}
    assert re.search(
        r"/contacts\?\$select=contactid,mobilephone&\$deltatoken=\d+%21\d\d%2f\d\d%2f\d{4}%20\d\d%3a\d\d%3a\d\d$",
        answer.data["@odata.deltaLink"],
    )
    assert answer.headers["Preference-Applied"] == "odata.track-changes"


def test_nothing_changed(system: Person) -> None:
    answer = follow(system, begun(system))

    assert answer.rows == []
    assert answer.data["@odata.context"].endswith("#contacts(contactid,mobilephone)/$delta")
    assert "@odata.deltaLink" in answer.data


def test_the_link_to_changes_comes_with_the_last_page_only(system: Person) -> None:
    prefer = f"{TRACK},odata.maxpagesize=5"
    answer, seen = begun(system, prefer), []
    while "@odata.nextLink" in answer.data:
        assert len(answer.rows) == 5
        assert "@odata.deltaLink" not in answer.data
        seen += answer.rows
        answer = follow(system, answer, "nextLink", prefer)
    seen += answer.rows
    assert "@odata.deltaLink" in answer.data
    assert len({row["contactid"] for row in seen}) == len(seen) == system.dataverse.store.count("contact")


def test_created_changed_and_deleted_records_are_told_each_once(system: Person, fresh: Dataverse) -> None:
    first = begun(system)
    changed, gone = (row["contactid"] for row in first.rows[:2])
    alice = Person(fresh, directory.ALICE)
    alice.patch(f"contacts({changed})", {"mobilephone": "1"})
    alice.patch(f"contacts({changed})", {"mobilephone": "777000111"})
    alice.ask("DELETE", f"contacts({gone})")
    made = alice.post("contacts", {"lastname": "Nový", "mobilephone": "2"}).headers["OData-EntityId"][-37:-1]

    answer = follow(system, first)
    told = {row.get("contactid", row.get("id")): row for row in answer.rows}
    assert told.keys() == {changed, gone, made}
    assert told[changed]["mobilephone"] == "777000111"
    assert told[gone]["reason"] == "deleted"
    assert told[gone]["@odata.context"].endswith("/$metadata#contacts/$deletedEntity")
    assert system.get("contacts/$count", first.data["@odata.deltaLink"].partition("&")[2]).text == "3"
    assert follow(system, answer).rows == []


def test_changes_come_in_pages_too(system: Person, fresh: Dataverse) -> None:
    first = begun(system)
    for row in first.rows[:5]:
        Person(fresh, directory.ALICE).patch(f"contacts({row['contactid']})", {"mobilephone": "777000111"})
    prefer = f"{TRACK},odata.maxpagesize=2"
    answer, told = follow(system, first, prefer=prefer), []
    while "@odata.nextLink" in answer.data:
        told += answer.rows
        answer = follow(system, answer, "nextLink", prefer)
    told += answer.rows
    assert {row["contactid"] for row in told} == {row["contactid"] for row in first.rows[:5]}


@pytest.mark.parametrize("option", ["filter=statecode eq 0", "orderby=lastname", "expand=ownerid", "top=5"])
def test_only_columns_may_be_chosen(system: Person, option: str) -> None:
    name = option.partition("=")[0]
    assert system.get("contacts", f"{SELECT}&${option}", prefer=TRACK).error == (
        400,
        "0x80060888",
        f'The "${name}" query parameter isn\'t supported when Change Tracking is enabled.',
    )


def test_a_table_without_change_tracking_says_so(system: Person) -> None:
    assert system.get("nnn_myleads", prefer=TRACK).error[:2] == (400, "0x80072491")


def test_who_does_not_read_the_whole_organization_may_not_track(fresh: Dataverse) -> None:
    assert Person(fresh, directory.BOB).get("contacts", SELECT, prefer=TRACK).error[:2] == (403, "0x80040220")


def test_a_token_is_good_for_its_own_columns_only(system: Person) -> None:
    token = begun(system).data["@odata.deltaLink"].partition("&")[2]
    assert system.get("contacts", f"$select=contactid&{token}", prefer=TRACK).error[0] == 400
    assert system.get("accounts", f"{SELECT}&{token}", prefer=TRACK).error[0] == 400
    assert system.get("contacts", f"{SELECT}&$deltatoken=nonsense", prefer=TRACK).error[0] == 400


def test_an_old_token_must_begin_anew(system: Person, fresh: Dataverse) -> None:
    first = begun(system)
    fresh.expire_delta_tokens()
    assert follow(system, first).error == (
        400,
        "0x80044352",
        "Version stamp associated with the client has expired. Please perform a full sync.",
    )
    assert follow(system, begun(system)).status == 200
