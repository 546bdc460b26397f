"""DynamicsWebApi reads and writes in the sandbox as in an organization of Microsoft's."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.directory import BOB, JANA, ORGANIZATION_ID
from tests.foreign.conftest import Client, Refused

FORMATTED = "@OData.Community.Display.V1.FormattedValue"


def contact(jana: Client, **values: Any) -> str:
    return str(jana("create", collection="contacts", data={"lastname": "Zkušební", **values}))


def call_about(jana: Client, person: str, **values: Any) -> dict[str, Any]:
    return {
        "subject": "Příchozí hovor +420 777 123 456",
        "description": "Chce nabídku.\nVolat zítra.",
        "directioncode": False,
        "regardingobjectid_contact_phonecall@odata.bind": f"/contacts({person})",
        "phonecall_activity_parties": [
            {"partyid_contact@odata.bind": f"/contacts({person})", "participationtypemask": 1},
            {"partyid_systemuser@odata.bind": f"/systemusers({JANA.systemuser_id})", "participationtypemask": 2},
        ],
        **values,
    }


def test_jana_asks_who_she_is(jana: Client) -> None:
    told = jana("callFunction", name="WhoAmI")

    assert (told["UserId"], told["OrganizationId"]) == (JANA.systemuser_id, ORGANIZATION_ID)


def test_people_are_found_by_a_filter(jana: Client) -> None:
    found = jana(
        "retrieveMultiple",
        collection="contacts",
        select=["fullname", "mobilephone"],
        filter="mobilephone eq '777 123 456' and statecode eq 0",
        orderBy=["lastname asc"],
        top=5,
    )

    assert [person["fullname"] for person in found["value"]] == ["Jana Horáková"]


def test_quotes_plus_signs_and_accents_travel_unharmed(jana: Client) -> None:
    made = contact(jana, firstname="O'Brien", lastname="Přespříliš + žluťoučký & spol.")
    found = jana(
        "retrieveMultiple",
        collection="contacts",
        select=["lastname"],
        filter="firstname eq 'O''Brien' and lastname eq 'Přespříliš + žluťoučký & spol.'",
    )

    assert [person["contactid"] for person in found["value"]] == [made]


def test_a_record_comes_with_its_annotations(jana: Client) -> None:
    person = contact(jana)
    read = jana(
        "retrieve", collection="contacts", key=person, select=["lastname", "_ownerid_value", "statecode"],
        includeAnnotations="*",
    )  # fmt: skip

    assert read["contactid"] == person
    assert read[f"_ownerid_value{FORMATTED}"] == "Jana Nováková"
    assert read["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "systemuser"
    assert read["statecode"] == 0
    assert read[f"statecode{FORMATTED}"]
    assert re.fullmatch(r'W/"\d+"', read["@odata.etag"])


def test_a_parent_account_is_expanded(jana: Client) -> None:
    firm = jana("create", collection="accounts", data={"name": "Zkušební s.r.o."})
    person = contact(jana, **{"parentcustomerid_account@odata.bind": f"/accounts({firm})"})
    read = jana(
        "retrieve", collection="contacts", key=person, select=["lastname"],
        expand=[{"property": "parentcustomerid_account", "select": ["name"]}],
    )  # fmt: skip

    assert read["parentcustomerid_account"]["name"] == "Zkušební s.r.o."


def test_pages_follow_each_other_until_the_last(jana: Client) -> None:
    all_at_once = jana("retrieveMultiple", collection="contacts", select=["contactid"])["value"]
    paged = jana("retrieveAll", collection="contacts", select=["contactid"], maxPageSize=37)["value"]

    assert len(all_at_once) > 74
    assert sorted(one["contactid"] for one in paged) == sorted(one["contactid"] for one in all_at_once)


def test_a_phone_call_with_its_people(jana: Client) -> None:
    person = contact(jana)
    made = jana("create", collection="phonecalls", data=call_about(jana, person))
    read = jana(
        "retrieve", collection="phonecalls", key=made, select=["subject", "description", "directioncode"],
        expand=[{"property": "phonecall_activity_parties", "select": ["participationtypemask", "_partyid_value"]}],
    )  # fmt: skip

    assert read["description"] == "Chce nabídku.\nVolat zítra."
    assert read["directioncode"] is False
    parties = {one["participationtypemask"]: one["_partyid_value"] for one in read["phonecall_activity_parties"]}
    assert (parties[1], parties[2]) == (person, JANA.systemuser_id)


def test_a_created_record_can_be_answered_whole(jana: Client) -> None:
    made = jana(
        "create", collection="contacts", data={"lastname": "Celá"}, returnRepresentation=True, select=["lastname"]
    )

    assert made["lastname"] == "Celá"
    assert uuid.UUID(made["contactid"])


def test_a_note_is_changed(jana: Client) -> None:
    made = jana("create", collection="phonecalls", data=call_about(jana, contact(jana)))
    jana("update", collection="phonecalls", key=made, data={"description": "Jinak."})
    read = jana("retrieve", collection="phonecalls", key=made, select=["description"])

    assert read["description"] == "Jinak."


def test_somebody_else_was_faster(jana: Client) -> None:
    person = contact(jana)
    old = jana("retrieve", collection="contacts", key=person, select=["lastname"])["@odata.etag"]
    jana("update", collection="contacts", key=person, data={"lastname": "První"})
    quiet = jana("update", collection="contacts", key=person, data={"lastname": "Druhá"}, ifmatch=old)

    assert quiet is False
    assert jana("retrieve", collection="contacts", key=person, select=["lastname"])["lastname"] == "První"


def test_what_exists_is_not_made_twice(client_of: Callable[..., Client]) -> None:
    jana = client_of("jana@acme.example", propagateErrors=True)
    identifier = str(uuid.uuid4())
    asked: dict[str, Any] = {"collection": "contacts", "key": identifier, "ifnonematch": "*"}
    jana("upsert", data={"lastname": "Jednou"}, **asked)

    with pytest.raises(Refused) as refused:
        jana("upsert", data={"lastname": "Podruhé"}, **asked)
    assert (refused.value.status, refused.value.code) == (412, "0x80040237")


def test_a_record_is_deleted(jana: Client) -> None:
    person = contact(jana)
    jana("deleteRecord", collection="contacts", key=person)

    with pytest.raises(Refused) as refused:
        jana("retrieve", collection="contacts", key=person, select=["lastname"])
    assert (refused.value.status, refused.value.code) == (404, "0x80040217")


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        ({"collection": "contact"}, 404, "Resource not found for the segment 'contact'."),
        (
            {"collection": "contacts", "select": ["Fullname"]},
            400,
            "Could not find a property named 'Fullname' on type 'Microsoft.Dynamics.CRM.contact'.",
        ),
    ],
)
def test_a_wrong_name_is_refused(jana: Client, request_: dict[str, Any], status: int, message: str) -> None:
    with pytest.raises(Refused) as refused:
        jana("retrieveMultiple", **request_)
    assert (refused.value.status, refused.value.message) == (status, message)


def test_the_client_reads_the_tables_itself(client_of: Callable[..., Client]) -> None:
    jana = client_of("jana@acme.example", useEntityNames=True)
    found = jana("retrieveMultiple", collection="nnn_mylead", select=["nnn_myleadid"], top=1)

    assert len(found["value"]) == 1


def test_the_definition_of_a_table(jana: Client) -> None:
    table = jana(
        "retrieveEntity", key="LogicalName='contact'", select=["SchemaName", "EntitySetName", "PrimaryNameAttribute"]
    )

    assert (table["SchemaName"], table["EntitySetName"], table["PrimaryNameAttribute"]) == (
        "Contact", "contacts", "fullname",
    )  # fmt: skip


def test_bob_reads_fewer_people_than_jana(jana: Client, client_of: Callable[..., Client]) -> None:
    bob = client_of(BOB.upn)
    asked: dict[str, Any] = {"collection": "contacts", "select": ["contactid"]}

    assert len(bob("retrieveMultiple", **asked)["value"]) < len(jana("retrieveMultiple", **asked)["value"])


def test_a_throttled_client_is_told_how_long(jana: Client, microsoft: Sandbox) -> None:
    microsoft.control.fault("throttle")

    with pytest.raises(Refused) as refused:
        jana("callFunction", name="WhoAmI")
    assert (refused.value.status, refused.value.code) == (429, "0x80072322")
