"""Lists, single records, expansion, paging, annotations, and who sees what."""

import re
from urllib.parse import quote

import pytest

from ipexportal.sandbox import directory
from ipexportal.sandbox.dataverse import Dataverse
from ipexportal.sandbox.demo_data import record_id
from tests.sandbox.webapi.people import ALL_ANNOTATIONS, BASE, FORMATTED, Person

HORAKOVA = record_id("contact", "Jana Horáková")
ALFA = record_id("account", "Alfa s.r.o.")
MORAVA = record_id("account", "Stavby Morava s.r.o.")
UNKNOWN = "25a1c2d3-1111-4222-8333-444455556666"


def test_a_keyed_read_answers_the_selected_columns_the_key_and_the_etag(jana: Person) -> None:
    answer = jana.get(f"contacts({HORAKOVA})", "$select=fullname,birthdate,_parentcustomerid_value")
    etag = answer.data["@odata.etag"]
    assert answer.status == 200
    assert answer.headers == {"Content-Type": "application/json; odata.metadata=minimal", "OData-Version": "4.0"}
    assert re.fullmatch(r'W/"\d+"', etag)
    assert answer.data == {
        "@odata.context": f"{BASE}/$metadata#contacts(fullname,birthdate,_parentcustomerid_value)/$entity",
        "@odata.etag": etag,
        "fullname": "Jana Horáková",
        "birthdate": None,
        "_parentcustomerid_value": MORAVA,
        "contactid": HORAKOVA,
    }


def test_annotations_come_only_when_preferred(jana: Person) -> None:
    query = "$select=_parentcustomerid_value,statecode"
    preferred = jana.get(f"contacts({HORAKOVA})", query, prefer=ALL_ANNOTATIONS)
    assert not [name for name in jana.get(f"contacts({HORAKOVA})", query).data if "@OData" in name or "@Micro" in name]
    assert preferred.headers["Preference-Applied"] == ALL_ANNOTATIONS
    assert {name: value for name, value in preferred.data.items() if name.startswith("_parent")} == {
        f"_parentcustomerid_value@{FORMATTED}": "Stavby Morava s.r.o.",
        "_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty": "parentcustomerid_account",
        "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "account",
        "_parentcustomerid_value": MORAVA,
    }


def test_annotations_may_be_chosen_by_name(jana: Person) -> None:
    prefer = f'odata.include-annotations="{FORMATTED}"'
    data = jana.get(f"contacts({HORAKOVA})", "$select=_ownerid_value", prefer=prefer).data
    assert [name for name in data if name.startswith("_ownerid_value@")] == [f"_ownerid_value@{FORMATTED}"]


@pytest.mark.parametrize(
    ("language", "turnover", "orders", "last_order", "created"),
    [
        (1029, "486\u00a0200,00\u00a0Kč", "14", "3. 11. 2026", "16. 10. 2025 11:00"),
        (1033, "Kč486,200.00", "14", "11/3/2026", "10/16/2025 11:00 AM"),
    ],
)
def test_formatted_values_speak_the_callers_language(
    acme: Dataverse, language: int, turnover: str, orders: str, last_order: str, created: str
) -> None:
    user = next(one for one in directory.members() if one.language == language and one.depth == "Global")
    query = "$select=nnn_turnover,nnn_myorderscount,nnn_mylastorderdate,createdon"
    data = Person(acme, user).get(f"accounts({ALFA})", query, prefer=ALL_ANNOTATIONS).data
    assert data[f"nnn_turnover@{FORMATTED}"] == turnover
    assert data[f"nnn_myorderscount@{FORMATTED}"] == orders
    assert data[f"nnn_mylastorderdate@{FORMATTED}"] == last_order
    assert data[f"createdon@{FORMATTED}"] == created
    assert (data["nnn_turnover"], data["nnn_myorderscount"], data["nnn_mylastorderdate"]) == (
        486200.0,
        14,
        "2026-11-03",
    )


@pytest.mark.parametrize(
    ("path", "query", "error"),
    [
        ("Contacts", "", (404, "0x8006088a", "Resource not found for the segment 'Contacts'.")),
        ("contact", "", (404, "0x8006088a", "Resource not found for the segment 'contact'.")),
        (
            "accounts",
            "$select=Name",
            (400, "0x0", "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'."),
        ),
        (
            "contacts",
            "$select=parentcustomerid",
            (
                400,
                "0x0",
                "Could not find a property named 'parentcustomerid' on type 'Microsoft.Dynamics.CRM.contact'.",
            ),
        ),
        (
            "phonecalls",
            "$select=from",
            (400, "0x0", "Could not find a property named 'from' on type 'Microsoft.Dynamics.CRM.phonecall'."),
        ),
        (
            "contacts",
            "$orderby=Fullname",
            (400, "0x0", "Could not find a property named 'Fullname' on type 'Microsoft.Dynamics.CRM.contact'."),
        ),
        (
            "contacts",
            "$expand=ParentCustomerId_account",
            (
                400,
                "0x0",
                "Could not find a property named 'ParentCustomerId_account' on type 'Microsoft.Dynamics.CRM.contact'.",
            ),
        ),
        ("contacts", "$skip=10", (400, "0x80060888", "Skip Clause is not supported in CRM")),
        (
            "contacts",
            "$top=1&%24top=2",
            (400, "0x0", "Query option '$top' was specified more than once, but it must be specified at most once."),
        ),
        ("contacts", "$search=x", (400, "0x80060888", "The query parameter $search is not supported")),
        ("contacts", "select=fullname", (400, "0x80060888", "The query parameter select is not supported")),
        (f"contacts({UNKNOWN})", "", (404, "0x80040217", f"contact With Id = {UNKNOWN} Does Not Exist")),
        (f"contacts('{UNKNOWN}')", "", (400, "0x80060888", "Bad Request - Error in query syntax.")),
        (
            "contacts(emailaddress1='x')",
            "",
            (400, "0x80060890", "The specified key attributes are not a defined key for the contact entity"),
        ),
        (f"contacts({HORAKOVA})/Fullname", "", (404, "0x8006088a", "Resource not found for the segment 'Fullname'.")),
        ("WhoIsThis", "", (404, "0x8006088a", "Resource not found for the segment 'WhoIsThis'.")),
    ],
)
def test_names_are_exact_or_refused(jana: Person, path: str, query: str, error: tuple[int, str, str]) -> None:
    assert jana.get(path, query).error == error


def test_more_than_fifteen_expansions_are_refused(jana: Person) -> None:
    expands = ",".join(["parentcustomerid_account($select=name)"] * 16)
    assert jana.get("contacts", f"$expand={expands}").status == 400


def test_expansion_follows_look_ups_and_collections(jana: Person) -> None:
    query = (
        "$select=fullname&$expand=parentcustomerid_account($select=name,telephone1),"
        "Contact_Phonecalls($select=description;$orderby=createdon desc;$top=1)"
    )
    data = jana.get(f"contacts({HORAKOVA})", query).data
    assert data["parentcustomerid_account"]["name"] == "Stavby Morava s.r.o."
    assert [call["description"] for call in data["Contact_Phonecalls"]] == ["Termín výměny čerpadla potvrzen na 2. 12."]


def test_an_expanded_record_that_the_caller_may_not_see_is_null(fresh: Dataverse, writing_alice: Person) -> None:
    bob = Person(fresh, directory.BOB)
    contact = writing_alice.post(
        "contacts",
        {
            "lastname": "Skrytý",
            "parentcustomerid_account@odata.bind": f"/accounts({ALFA})",
            "ownerid@odata.bind": f"/systemusers({directory.BOB.systemuser_id})",
        },
        prefer="return=representation",
    ).data["contactid"]
    data = bob.get(f"contacts({contact})", "$select=lastname&$expand=parentcustomerid_account($select=name)").data
    assert (data["lastname"], data["parentcustomerid_account"]) == ("Skrytý", None)


def test_paging_follows_opaque_links_and_repeats_nothing(jana: Person) -> None:
    prefer = "odata.maxpagesize=40"
    answer = jana.get("contacts", "$select=fullname&$orderby=lastname", prefer=prefer)
    seen = [row["contactid"] for row in answer.rows]
    assert answer.headers["Preference-Applied"] == prefer
    while link := answer.data.get("@odata.nextLink"):
        assert "%253ccookie%2520page" in link
        answer = jana.get("contacts", link.partition("?")[2], prefer=prefer)
        seen += [row["contactid"] for row in answer.rows]
    assert len(seen) == len(set(seen)) == jana.dataverse.store.count("contact")


def test_a_link_that_somebody_decoded_is_refused(jana: Person) -> None:
    link = jana.get("contacts", "$select=fullname", prefer="odata.maxpagesize=2").data["@odata.nextLink"]
    query = link.partition("?")[2].replace("%253c", "%3c").replace("%2520", "%20").replace("%2522", "%22")
    assert jana.get("contacts", query, prefer="odata.maxpagesize=2").error[2] == "Malformed XML in the Paging Cookie"


def test_without_a_preference_a_list_has_no_pages(jana: Person) -> None:
    assert "@odata.nextLink" not in jana.get("contacts", "$select=fullname").data
    top = jana.get("contacts", "$select=fullname&$top=3&$count=true").data
    assert (len(top["value"]), top["@odata.count"], "@odata.nextLink" in top) == (3, 175, False)


def test_a_page_has_at_most_five_thousand_rows() -> None:
    jana = Person(Dataverse(records=10_000), directory.JANA)
    first = jana.get("contacts", "$select=contactid&$count=true", prefer="odata.maxpagesize=9000").data
    second = jana.get("contacts", first["@odata.nextLink"].partition("?")[2], prefer="odata.maxpagesize=9000").data
    assert (len(first["value"]), first["@odata.count"], len(second["value"])) == (5_000, 5_000, 510)
    assert jana.get("contacts/$count").text == "5000"


def test_one_property_and_navigation_can_be_read_alone(jana: Person) -> None:
    name = jana.get(f"contacts({HORAKOVA})/fullname").data
    assert name == {"@odata.context": f"{BASE}/$metadata#contacts({HORAKOVA})/fullname", "value": "Jana Horáková"}
    assert jana.get(f"contacts({HORAKOVA})/birthdate").status == 204
    assert jana.get(f"contacts({HORAKOVA})/parentcustomerid_account", "$select=name").data["accountid"] == MORAVA
    assert jana.get(f"contacts({HORAKOVA})/Contact_Phonecalls/$count").text == "3"
    roles = jana.get(f"systemusers({directory.ALICE.systemuser_id})/systemuserroles_association", "$select=name")
    assert [role["name"] for role in roles.rows] == ["System Administrator"]


def test_a_known_version_is_not_sent_again(jana: Person) -> None:
    etag = jana.get(f"contacts({HORAKOVA})", "$select=fullname").data["@odata.etag"]
    assert jana.get(f"contacts({HORAKOVA})", "$select=fullname", if_none_match=etag).status == 304
    assert jana.get(f"contacts({HORAKOVA})", "$select=fullname", if_none_match='W/"1"').status == 200
    assert jana.get(f"contacts({HORAKOVA})", "$select=fullname", if_none_match="null").status == 200


def test_bob_sees_only_his_own_in_lists_and_is_told_so_by_key(jana: Person, bob: Person) -> None:
    own = f"_ownerid_value eq {directory.BOB.systemuser_id}"
    assert bob.find("accounts", "accountid", "name ne null") == jana.find("accounts", "accountid", own)
    status, code, message = bob.get(f"accounts({ALFA})", "$select=name").error
    assert (status, code) == (403, "0x80048306")
    assert message.endswith(f"does not have ReadAccess right(s) for record with id {ALFA} of entity account")


def test_a_missing_privilege_is_named(fresh: Dataverse, writing_jana: Person, writing_bob: Person) -> None:
    fresh.revoke("prvReadContact", "jana@acme.example")
    for path in ("contacts", f"contacts({HORAKOVA})"):
        status, code, message = writing_jana.get(path).error
        assert (status, code) == (403, "0x80040220")
        assert "is missing prvReadContact privilege (Id=" in message
        assert "on OTC=2 for entity 'contact' (LocalizedName='Contact')" in message
    assert writing_bob.get("contacts").status == 200
    fresh.grant("prvReadContact", "jana@acme.example")
    assert writing_jana.get("contacts").status == 200


def test_parties_are_only_reached_through_own_calls_by_somebody_with_own_depth(bob: Person, jana: Person) -> None:
    assert bob.get("activityparties", "$select=participationtypemask").rows == []
    assert len(jana.get("activityparties", "$select=participationtypemask").rows) == 24


def test_what_comes_later_says_so(jana: Person) -> None:
    assert jana.get("contacts", "$apply=aggregate($count as n)").error[0] == 501
    assert jana.get("contacts", callerobjectid=directory.BOB.oid).error[0] == 501
    assert jana.post("contacts(1)", {}).status == 400


def test_metadata_document_names_every_set(jana: Person) -> None:
    text = jana.get("$metadata").text
    for table in jana.dataverse.model:
        assert f'<EntitySet Name="{table.entity_set}"' in text


def test_the_service_document_lists_the_sets(jana: Person) -> None:
    assert {"name": "contacts", "kind": "EntitySet", "url": "contacts"} in jana.get("").rows


@pytest.mark.parametrize(
    ("number", "condition", "found"),
    [
        ("777123456", "mobilephone eq '777 123 456'", ["Jana Horáková"]),
        ("224551111", "contains(telephone1,'224%551%111')", ["Alena Kučerová", "Martin Kříž", "Petr Dvořák"]),
        ("604218330", "contains(mobilephone,'604%218%330')", []),
    ],
)
def test_the_prepared_callers_are_there(jana: Person, number: str, condition: str, found: list[str]) -> None:
    assert jana.find("contacts", "fullname", condition) == found


def test_the_same_seed_gives_the_same_records() -> None:
    one, same, other = Dataverse(records=50, seed=7), Dataverse(records=50, seed=7), Dataverse(records=50, seed=8)
    names = [sorted(row["name"] for row in each.store.select("account", ["name"])) for each in (one, same, other)]
    assert names[0] == names[1] != names[2]


def test_stored_rows_are_open_to_the_crm_page(acme: Dataverse) -> None:
    assert (acme.record("account", ALFA.upper()) or {})["name"] == "Alfa s.r.o."
    assert acme.record("account", UNKNOWN) is None
    assert [call["description"] for call in acme.phone_calls_about(ALFA)] == [
        "Chtějí rozšířit smlouvu o druhou pobočku."
    ]
    assert acme.table("nnn_mylead") is not None
    assert acme.table("nonsense") is None


def test_quoting_survives_the_link(jana: Person) -> None:
    query = f"$select=fullname&$filter={quote("startswith(fullname,'J')")}"
    link = jana.get("contacts", query, prefer="odata.maxpagesize=1").data["@odata.nextLink"]
    assert link.startswith(f"{BASE}/contacts?{query}&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253c")
