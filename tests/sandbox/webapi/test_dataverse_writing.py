"""Creating, changing and deleting, with the Web API's rules about bodies, keys, versions and phone calls."""

from typing import Any

import pytest

from ipexportal.sandbox import directory
from ipexportal.sandbox.dataverse import Dataverse
from ipexportal.sandbox.demo_data import record_id
from tests.sandbox.webapi.people import ALL_ANNOTATIONS, BASE, Person

HORAKOVA = record_id("contact", "Jana Horáková")
ALFA = record_id("account", "Alfa s.r.o.")
OWN = "25a1c2d3-1111-4222-8333-444455556666"
JANA_ID = directory.JANA.systemuser_id
PAYLOAD = "Error identified in Payload provided by the user for Entity :'contacts', "


def incoming_call(**more: Any) -> dict[str, Any]:
    """A call from Jana Horáková to our Jana, as the caller window writes it."""
    return {
        "subject": "Příchozí hovor +420777123456",
        "description": "Termín potvrzen.",
        "directioncode": False,
        "regardingobjectid_contact_phonecall@odata.bind": f"/contacts({HORAKOVA})",
        "phonecall_activity_parties": [
            {"participationtypemask": 1, "partyid_contact@odata.bind": f"/contacts({HORAKOVA})"},
            {"participationtypemask": 2, "partyid_systemuser@odata.bind": f"/systemusers({JANA_ID})"},
        ],
        **more,
    }


def test_create_answers_204_with_the_address(writing_jana: Person) -> None:
    answer = writing_jana.post("contacts", {"firstname": "Nový", "lastname": "Kontakt", "mobilephone": "731 000 111"})
    address = answer.headers["OData-EntityId"]
    assert (answer.status, answer.text) == (204, "")
    assert address.startswith(f"{BASE}/contacts(")
    data = writing_jana.get(address.removeprefix(f"{BASE}/"), "$select=fullname,statecode,_ownerid_value").data
    assert (data["fullname"], data["statecode"], data["_ownerid_value"]) == ("Nový Kontakt", 0, JANA_ID)
    assert writing_jana.find("contacts", "fullname", "startswith(mobilephone,'731%0%0%0%1%1%1')") == ["Nový Kontakt"]


def test_create_with_representation_answers_201_and_no_address(writing_jana: Person) -> None:
    answer = writing_jana.post("contacts", {"lastname": "K"}, "$select=fullname", prefer="return=representation")
    assert (answer.status, answer.headers["Preference-Applied"]) == (201, "return=representation")
    assert "OData-EntityId" not in answer.headers
    assert sorted(answer.data) == ["@odata.context", "@odata.etag", "contactid", "fullname"]


def test_a_client_may_choose_the_key(writing_jana: Person) -> None:
    assert writing_jana.post("contacts", {"contactid": OWN.upper(), "lastname": "K"}).status == 204
    assert writing_jana.get(f"contacts({OWN})", "$select=lastname").data["lastname"] == "K"
    duplicate = writing_jana.post("contacts", {"contactid": OWN, "lastname": "L"})
    assert duplicate.error == (412, "0x80040237", "A record with matching key values already exists.")


def test_patch_is_an_upsert(writing_jana: Person) -> None:
    created = writing_jana.patch(f"leads({OWN})", {"subject": "Hovor", "lastname": "A"})
    changed = writing_jana.patch(f"leads({OWN})", {"lastname": "B"}, "$select=fullname", prefer="return=representation")
    assert (created.status, created.headers["OData-EntityId"]) == (204, f"{BASE}/leads({OWN})")
    assert (changed.status, changed.data["fullname"]) == (200, "B")


def test_if_none_match_star_only_creates(writing_jana: Person) -> None:
    body = {"lastname": "A"}
    assert writing_jana.patch(f"contacts({OWN})", body, if_none_match="*").status == 204
    again = writing_jana.patch(f"contacts({OWN})", {"lastname": "B"}, if_none_match="*")
    assert again.error == (412, "0x80040237", "A record with matching key values already exists.")
    assert writing_jana.get(f"contacts({OWN})", "$select=lastname").data["lastname"] == "A"


def test_if_match_star_only_updates(writing_jana: Person) -> None:
    missing = writing_jana.patch(f"contacts({OWN})", {"lastname": "A"}, if_match="*")
    assert missing.error == (404, "0x80040217", f"contact With Id = {OWN} Does Not Exist")


def test_a_version_guards_update_and_delete(writing_jana: Person) -> None:
    writing_jana.post("contacts", {"contactid": OWN, "lastname": "A"})
    first = writing_jana.get(f"contacts({OWN})", "$select=lastname").data["@odata.etag"]
    assert writing_jana.patch(f"contacts({OWN})", {"lastname": "B"}, if_match=first).status == 204
    message = "The version of the existing record doesn't match the RowVersion property provided."
    assert writing_jana.patch(f"contacts({OWN})", {"lastname": "C"}, if_match=first).error == (
        412,
        "0x80060882",
        message,
    )
    assert writing_jana.ask("DELETE", f"contacts({OWN})", if_match=first).error == (412, "0x80060882", message)
    assert writing_jana.ask("DELETE", f"contacts({OWN})").status == 204
    assert writing_jana.get(f"contacts({OWN})").status == 404


def test_one_property_can_be_put_and_deleted(writing_jana: Person) -> None:
    assert writing_jana.ask("PUT", f"contacts({HORAKOVA})/jobtitle", body={"value": "ředitelka"}).status == 204
    assert writing_jana.get(f"contacts({HORAKOVA})/jobtitle").data["value"] == "ředitelka"
    assert writing_jana.ask("DELETE", f"contacts({HORAKOVA})/jobtitle").status == 204
    assert writing_jana.get(f"contacts({HORAKOVA})/jobtitle").status == 204


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        (
            {"parentcustomerid@odata.bind": f"/accounts({ALFA})"},
            400,
            "0x80048d19",
            "An undeclared property 'parentcustomerid' which only has property annotations in the payload",
        ),
        (
            {"parentcustomerid_Account@odata.bind": f"/accounts({ALFA})"},
            400,
            "0x80048d19",
            "An undeclared property 'parentcustomerid_Account'",
        ),
        ({"parentcustomerid_account@odata.bind": f"/contacts({HORAKOVA})"}, 400, "0x80048d19", "does not fit"),
        ({"parentcustomerid_account@odata.bind": f"/Accounts({ALFA})"}, 400, "0x80048d19", "segment 'Accounts'"),
        ({"parentcustomerid_account@odata.bind": "nonsense"}, 400, "0x80048d19", "Invalid URI 'nonsense'"),
        (
            {"parentcustomerid_account@odata.bind": f"/accounts({OWN})"},
            404,
            "0x80040217",
            f"account With Id = {OWN} Does Not Exist",
        ),
        ({"_parentcustomerid_value": ALFA}, 400, "0x80060888", "CRM do not support direct update of Entity Reference"),
        (
            {"LastName": "A"},
            400,
            "0x0",
            "Invalid property 'LastName' was found in entity 'Microsoft.Dynamics.CRM.contact'",
        ),
        ({"parentcustomerid": ALFA}, 400, "0x0", "Invalid property 'parentcustomerid'"),
        ({"lastname": 5}, 400, "0x0", "Cannot convert the literal '5' to the expected type 'Edm.String'"),
        ({"donotphone": "ano"}, 400, "0x0", "to the expected type 'Edm.Boolean'"),
        ({"numberofchildren": "tři"}, 400, "0x0", "to the expected type 'Edm.Int32'"),
        ({"birthdate": "3. 11. 2026"}, 400, "0x0", "to the expected type 'Edm.Date'"),
        ({"birthdate": "2026-02-30"}, 400, "0x0", "Cannot convert the literal '2026-02-30'"),
        ({"creditlimit": -1}, 400, "0x80044330", "The value -1.0 of 'creditlimit'"),
        ({"gendercode": 7}, 400, "0x80044330", "Accepted Values: 1,2"),
        ({"lastname": "x" * 51}, 400, "0x80044331", "exceeded the maximum allowed length of '50'"),
        ({"lastname": "😀" * 26}, 400, "0x80044331", "exceeded the maximum allowed length of '50'"),
        ({"lastname": "a\x01b"}, 400, "0x80040203", "'\\x01', hexadecimal value 0x01, is an invalid character."),
        ({"lastname": "\ud83d"}, 400, "0x80040203", "hexadecimal value 0xD83D, is an invalid character."),
        (b"{", 400, "0x80048d19", "The payload is not valid JSON"),
        (b"[]", 400, "0x80048d19", "A JSON object was expected."),
        ([["deep"]], 400, "0x80048d19", "A JSON object was expected."),
    ],
)
def test_bodies_are_exact_or_refused(
    writing_jana: Person, fresh: Dataverse, body: Any, status: int, code: str, message: str
) -> None:
    found = writing_jana.post("contacts", body).error
    assert (found[:2], message in found[2]) == ((status, code), True), found
    assert fresh.writes == []


def test_a_text_of_exactly_the_allowed_length_fits(writing_jana: Person) -> None:
    assert writing_jana.post("contacts", {"lastname": "😀" * 25}).status == 204


def test_look_ups_are_bound_replaced_and_cleared(writing_jana: Person) -> None:
    body = {"contactid": OWN, "lastname": "A", "parentcustomerid_account@odata.bind": f"{BASE}/accounts({ALFA})"}
    writing_jana.post("contacts", body)
    company = "$select=_parentcustomerid_value"
    assert writing_jana.get(f"contacts({OWN})", company).data["_parentcustomerid_value"] == ALFA
    writing_jana.patch(f"contacts({OWN})", {"parentcustomerid_contact@odata.bind": f"contacts({HORAKOVA})"})
    data = writing_jana.get(f"contacts({OWN})", company, prefer=ALL_ANNOTATIONS).data
    assert data["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"
    writing_jana.patch(f"contacts({OWN})", {"parentcustomerid_contact@odata.bind": None})
    assert writing_jana.get(f"contacts({OWN})", company).data["_parentcustomerid_value"] is None


def test_a_custom_look_up_keeps_the_case_of_its_schema_name(writing_jana: Person) -> None:
    lower = writing_jana.post(
        "nnn_myleads", {"nnn_name": "A", "nnn_customerid_account@odata.bind": f"/accounts({ALFA})"}
    )
    exact = writing_jana.post(
        "nnn_myleads", {"nnn_name": "A", "nnn_CustomerId_account@odata.bind": f"/accounts({ALFA})"}
    )
    assert (lower.error[1], exact.status) == ("0x80048d19", 204)


def test_children_are_created_together_or_not_at_all(writing_jana: Person, fresh: Dataverse) -> None:
    people = [{"lastname": "První"}, {"lastname": "Druhý"}]
    body = {"accountid": OWN, "name": "Nová firma", "contact_customer_accounts": people}
    assert writing_jana.post("accounts", body).status == 204
    condition = "parentcustomerid_account/name eq 'Nová firma'"
    assert writing_jana.find("contacts", "lastname", condition) == ["Druhý", "První"]
    bad = {"name": "Jiná firma", "contact_customer_accounts": [{"lastname": "x" * 51}]}
    assert writing_jana.post("accounts", bad).status == 400
    assert writing_jana.find("accounts", "name", "name eq 'Jiná firma'") == []


def test_an_empty_text_is_kept_as_null(writing_jana: Person) -> None:
    writing_jana.post("contacts", {"contactid": OWN, "lastname": "A", "jobtitle": ""})
    assert writing_jana.get(f"contacts({OWN})", "$select=jobtitle").data["jobtitle"] is None


def test_a_phone_call_is_outgoing_unless_told_otherwise(writing_jana: Person) -> None:
    writing_jana.post("phonecalls", {"activityid": OWN, "subject": "A"})
    data = writing_jana.get(f"phonecalls({OWN})", "$select=directioncode,prioritycode,statecode,statuscode").data
    assert (data["directioncode"], data["prioritycode"], data["statecode"], data["statuscode"]) == (True, 1, 0, 1)


def test_the_state_is_ignored_on_create_but_a_closed_status_is_refused(writing_jana: Person) -> None:
    assert writing_jana.post("phonecalls", {"activityid": OWN, "subject": "A", "statecode": 1}).status == 204
    assert writing_jana.get(f"phonecalls({OWN})", "$select=statecode").data["statecode"] == 0
    status, code, message = writing_jana.post("phonecalls", {"subject": "A", "statuscode": 4}).error
    assert (status, code) == (400, "0x80048408")
    assert message.startswith("4 is not a valid status code for state code PhoneCallState.Open on phonecall with Id ")


def test_parties_are_kept_with_regarding_and_owner_added(writing_jana: Person) -> None:
    assert writing_jana.patch(f"phonecalls({OWN})", incoming_call(), if_none_match="*").status == 204
    query = "$select=subject&$expand=phonecall_activity_parties($select=participationtypemask,_partyid_value)"
    parties = writing_jana.get(f"phonecalls({OWN})", query).data["phonecall_activity_parties"]
    found = sorted((party["participationtypemask"], party["_partyid_value"]) for party in parties)
    assert found == [(1, HORAKOVA), (2, JANA_ID), (8, HORAKOVA), (9, JANA_ID)]


def test_a_patch_with_parties_replaces_them(writing_jana: Person) -> None:
    writing_jana.post("phonecalls", incoming_call(activityid=OWN))
    somebody = {"participationtypemask": 1, "unresolvedpartyname": "+420777123456"}
    writing_jana.patch(f"phonecalls({OWN})", {"phonecall_activity_parties": [somebody]})
    expand = "$expand=phonecall_activity_parties($select=participationtypemask,_partyid_value,unresolvedpartyname)"
    parties = writing_jana.get(f"phonecalls({OWN})", f"$select=subject&{expand}").data["phonecall_activity_parties"]
    assert sorted(party["participationtypemask"] for party in parties) == [1, 8, 9]
    writing_jana.patch(f"phonecalls({OWN})", {"description": "jiný text"})
    after = writing_jana.get(f"phonecalls({OWN})", f"$select=subject&{expand}").data["phonecall_activity_parties"]
    assert [party["activitypartyid"] for party in after] == [party["activitypartyid"] for party in parties]


def test_a_call_is_handed_to_another_record(writing_jana: Person) -> None:
    writing_jana.post("phonecalls", incoming_call(activityid=OWN))
    body = {"regardingobjectid_account_phonecall@odata.bind": f"/accounts({ALFA})"}
    assert writing_jana.patch(f"phonecalls({OWN})", body).status == 204
    data = writing_jana.get(f"phonecalls({OWN})", "$select=_regardingobjectid_value", prefer=ALL_ANNOTATIONS).data
    assert data["_regardingobjectid_value"] == ALFA
    assert data["_regardingobjectid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"] == (
        "regardingobjectid_account_phonecall"
    )


@pytest.mark.parametrize(
    ("party", "status", "code"),
    [
        ({"participationtypemask": 1, "partyid_nnn_mylead@odata.bind": f"/nnn_myleads({OWN})"}, 400, "0x80048d19"),
        ({"partyid_contact@odata.bind": f"/contacts({HORAKOVA})"}, 400, "0x80040b06"),
        ({"participationtypemask": 1}, 400, "0x80043506"),
        ({"participationtypemask": 12, "addressused": "x"}, 400, "0x80044330"),
        ({"participationtypemask": 1, "partyid_contact@odata.bind": f"/contacts({OWN})"}, 404, "0x80040217"),
        ({"participationtypemask": 2, "partyid_systemuser@odata.bind": f"/systemusers({OWN})"}, 404, "0x80040217"),
    ],
)
def test_wrong_parties_are_refused(writing_jana: Person, party: dict[str, Any], status: int, code: str) -> None:
    assert writing_jana.post("phonecalls", incoming_call(phonecall_activity_parties=[party])).error[:2] == (
        status,
        code,
    )


def test_some_organizations_refuse_parties_in_an_upsert(fresh: Dataverse, writing_jana: Person) -> None:
    fresh.refuse_nested_parties = True
    assert writing_jana.patch(f"phonecalls({OWN})", incoming_call(), if_none_match="*").error[:2] == (400, "0x80040203")
    assert writing_jana.post("phonecalls", incoming_call(activityid=OWN)).status == 204


def test_a_completed_call_is_read_only_until_reopened(writing_jana: Person) -> None:
    writing_jana.post("phonecalls", incoming_call(activityid=OWN))
    assert writing_jana.patch(f"phonecalls({OWN})", {"statecode": 1, "statuscode": 4}).status == 204
    closed = writing_jana.patch(f"phonecalls({OWN})", {"description": "pozdě"})
    assert closed.error == (400, "0x80043500", "Cannot update Closed or Cancelled Activity")
    assert writing_jana.patch(f"phonecalls({OWN})", {"statecode": 0, "statuscode": 1}).status == 204
    assert writing_jana.patch(f"phonecalls({OWN})", {"description": "včas"}).status == 204
    assert writing_jana.get(f"phonecalls({OWN})/description").data["value"] == "včas"


@pytest.mark.parametrize(("state", "status"), [(0, 4), (1, 1), (2, 2), (1, 3)])
def test_state_and_status_must_fit(writing_jana: Person, state: int, status: int) -> None:
    writing_jana.post("phonecalls", {"activityid": OWN, "subject": "A"})
    answer = writing_jana.patch(f"phonecalls({OWN})", {"statecode": state, "statuscode": status})
    assert answer.error[:2] == (400, "0x80048408")


def test_a_state_alone_takes_its_default_status(writing_jana: Person) -> None:
    writing_jana.post("phonecalls", {"activityid": OWN, "subject": "A"})
    writing_jana.patch(f"phonecalls({OWN})", {"statecode": 1})
    assert writing_jana.get(f"phonecalls({OWN})/statuscode").data["value"] == 2


def test_the_author_is_whoever_asks(fresh: Dataverse, writing_jana: Person) -> None:
    klara = Person(fresh, directory.KLARA)
    klara.post("phonecalls", incoming_call(activityid=OWN))
    query = "$select=_createdby_value,_modifiedby_value,_ownerid_value"
    data = writing_jana.get(f"phonecalls({OWN})", query).data
    assert {data[name] for name in ("_createdby_value", "_modifiedby_value", "_ownerid_value")} == {
        directory.KLARA.systemuser_id
    }
    writing_jana.patch(f"phonecalls({OWN})", {"description": "jiný text"})
    data = writing_jana.get(f"phonecalls({OWN})", query).data
    assert (data["_createdby_value"], data["_modifiedby_value"]) == (directory.KLARA.systemuser_id, JANA_ID)


def test_bob_may_not_link_a_note_to_a_record_of_others(writing_bob: Person) -> None:
    status, code, message = writing_bob.post("phonecalls", incoming_call()).error
    assert (status, code) == (403, "0x80048306")
    assert "does not have AppendToAccess right(s)" in message


def test_lena_may_not_create_leads(fresh: Dataverse) -> None:
    status, code, message = Person(fresh, directory.LENA).post("leads", {"subject": "A", "lastname": "B"}).error
    assert (status, code) == (403, "0x80040220")
    assert "is missing prvCreateLead privilege" in message


def test_ownership_is_handed_over_by_somebody_who_may_assign(fresh: Dataverse, writing_jana: Person) -> None:
    system = Person(fresh, directory.SYSTEM)
    owner = {"ownerid@odata.bind": f"/systemusers({directory.BOB.systemuser_id})"}
    assert system.post("phonecalls", {"activityid": OWN, "subject": "Zmeškaný hovor", **owner}).status == 204
    assert system.get(f"phonecalls({OWN})/_ownerid_value").data["value"] == directory.BOB.systemuser_id
    assert writing_jana.patch(f"phonecalls({OWN})", {"ownerid@odata.bind": f"/systemusers({JANA_ID})"}).error[:2] == (
        403,
        "0x80048306",
    )


def test_required_levels_are_the_forms_business(fresh: Dataverse, writing_jana: Person) -> None:
    fresh.require("lead", "leadsourcecode", "ApplicationRequired")
    path = "EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='leadsourcecode')"
    level = writing_jana.get(path, "$select=RequiredLevel").data["RequiredLevel"]
    assert level["Value"] == "ApplicationRequired"
    assert writing_jana.post("leads", {"subject": "A"}).status == 204


def test_what_was_applied_is_listed(fresh: Dataverse, writing_jana: Person) -> None:
    writing_jana.patch(f"contacts({OWN})", {"lastname": "A"}, if_none_match="*")
    writing_jana.patch(f"contacts({OWN})", {"lastname": "A"}, if_none_match="*")
    assert fresh.writes == [("PATCH", f"/api/data/v9.2/contacts({OWN})", "jana@acme.example")]
