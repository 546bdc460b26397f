"""EntityDefinitions, functions and everything else by which a client gets to know an organization."""

from typing import Any
from urllib.parse import quote

import pytest

from ipexportal.sandbox import directory
from ipexportal.sandbox.dataverse import Dataverse
from ipexportal.sandbox.demo_data import record_id
from tests.sandbox.webapi.people import BASE, Person

HORAKOVA = record_id("contact", "Jana Horáková")
CONTACT = "EntityDefinitions(LogicalName='contact')"
CALL = "EntityDefinitions(LogicalName='phonecall')"


def by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["LogicalName"]: row for row in rows}


def test_a_table_is_described(jana: Person) -> None:
    query = "$select=LogicalName,SchemaName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,HasActivities"
    data = jana.get("EntityDefinitions(LogicalName='nnn_mylead')", query).data
    del data["@odata.context"], data["MetadataId"]
    assert data == {
        "LogicalName": "nnn_mylead",
        "SchemaName": "nnn_myLead",
        "EntitySetName": "nnn_myleads",
        "PrimaryIdAttribute": "nnn_myleadid",
        "PrimaryNameAttribute": "nnn_name",
        "HasActivities": True,
    }


@pytest.mark.parametrize("name", ["nnn_myLead", "Contact", "incident"])
def test_an_unknown_table_is_404(jana: Person, name: str) -> None:
    status, _, message = jana.get(f"EntityDefinitions(LogicalName='{name}')").error
    assert (status, name in message) == (404, True)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("LogicalName eq 'account' or LogicalName eq 'lead'", ["account", "lead"]),
        ("IsCustomEntity eq true", ["nnn_mylead"]),
        ("IsActivity eq true", ["activitypointer", "appointment", "phonecall", "task"]),
        (
            "OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned' and CanCreateAttributes/Value eq true",
            ["account", "activitypointer", "appointment", "contact", "lead", "nnn_mylead", "phonecall", "task"],
        ),
        ("startswith(LogicalName,'nnn_')", ["nnn_mylead"]),
    ],
)
def test_tables_are_filtered_by_typed_enums_and_managed_properties(
    alice: Person, condition: str, found: list[str]
) -> None:
    rows = alice.get("EntityDefinitions", f"$select=LogicalName&$filter={quote(condition)}").rows
    assert sorted(row["LogicalName"] for row in rows) == found


def test_columns_come_with_what_all_kinds_share(jana: Person) -> None:
    query = (
        "$select=LogicalName&$expand=Attributes($select=LogicalName,SchemaName,AttributeType,RequiredLevel,AttributeOf,"
        "IsValidForRead,IsValidForCreate,IsValidForUpdate)"
    )
    columns = by_name(jana.get("EntityDefinitions(LogicalName='nnn_mylead')", query).data["Attributes"])
    phone = columns["nnn_myphone1"]
    del phone["MetadataId"]
    assert phone == {
        "@odata.type": "#Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "AttributeOf": None,
        "AttributeType": "String",
        "LogicalName": "nnn_myphone1",
        "SchemaName": "nnn_myPhone1",
        "IsValidForRead": True,
        "IsValidForCreate": True,
        "IsValidForUpdate": True,
        "RequiredLevel": {
            "Value": "None",
            "CanBeChanged": True,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
    }
    assert columns["nnn_myleadid"]["RequiredLevel"]["Value"] == "SystemRequired"


def test_lengths_and_formats_need_a_cast(jana: Person) -> None:
    plain = jana.get(f"{CONTACT}/Attributes", "$select=LogicalName,MaxLength")
    assert plain.error[2] == (
        "Could not find a property named 'MaxLength' on type 'Microsoft.Dynamics.CRM.AttributeMetadata'."
    )
    path = f"{CONTACT}/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata"
    columns = by_name(jana.get(path, "$select=LogicalName,MaxLength,FormatName").rows)
    assert (columns["telephone1"]["MaxLength"], columns["telephone1"]["FormatName"]) == (50, {"Value": "Phone"})
    assert "description" not in columns


@pytest.mark.parametrize(
    ("cast", "column", "member", "value"),
    [
        ("MemoAttributeMetadata", "description", "MaxLength", 2000),
        ("LookupAttributeMetadata", "parentcustomerid", "Targets", ["account", "contact"]),
        ("DateTimeAttributeMetadata", "birthdate", "DateTimeBehavior", {"Value": "DateOnly"}),
        ("MoneyAttributeMetadata", "creditlimit", "Precision", 2),
    ],
)
def test_each_kind_has_its_own_members(jana: Person, cast: str, column: str, member: str, value: Any) -> None:
    path = f"{CONTACT}/Attributes(LogicalName='{column}')/Microsoft.Dynamics.CRM.{cast}"
    assert jana.get(path, f"$select=LogicalName,{member}").data[member] == value


def test_a_wrong_cast_is_refused(jana: Person) -> None:
    path = f"{CONTACT}/Attributes(LogicalName='telephone1')/Microsoft.Dynamics.CRM.MemoAttributeMetadata"
    assert jana.get(path).status == 404
    assert jana.get(f"{CONTACT}/Attributes/Microsoft.Dynamics.CRM.PhoneAttributeMetadata").status == 404
    assert jana.get(f"{CONTACT}/Attributes(LogicalName='Telephone1')").status == 404


def test_choices_are_expanded_with_labels(jana: Person) -> None:
    path = f"{CALL}/Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata"
    rows = jana.get(
        path, "$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"
    ).rows
    options = {
        one["Value"]: (one["State"], one["Label"]["UserLocalizedLabel"]["Label"])
        for one in rows[0]["OptionSet"]["Options"]
    }
    assert options == {1: (0, "Otevřeno"), 2: (1, "Uskutečněno"), 3: (2, "Zrušeno"), 4: (1, "Přijato")}
    assert rows[0]["GlobalOptionSet"] is None
    path = f"{CALL}/Attributes(LogicalName='directioncode')/Microsoft.Dynamics.CRM.BooleanAttributeMetadata/OptionSet"
    assert jana.get(path).data["FalseOption"]["Label"]["UserLocalizedLabel"]["Label"] == "Příchozí"


def test_columns_are_filtered_by_typed_enums(jana: Person) -> None:
    condition = "RequiredLevel/Value eq Microsoft.Dynamics.CRM.AttributeRequiredLevel'ApplicationRequired'"
    rows = jana.get(f"{CALL}/Attributes", f"$select=SchemaName&$filter={quote(condition)}").rows
    assert sorted(row["SchemaName"] for row in rows) == ["From", "Subject", "To"]
    condition = "AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'PartyList'"
    rows = jana.get(f"{CALL}/Attributes", f"$select=LogicalName&$filter={quote(condition)}").rows
    assert sorted(row["LogicalName"] for row in rows) == ["from", "to"]


def test_labels_are_localized_and_may_be_missing_in_the_callers_language(acme: Dataverse, jana: Person) -> None:
    path, query = f"{CONTACT}/Attributes(LogicalName='mobilephone')", "$select=DisplayName"
    label = jana.get(path, query).data["DisplayName"]
    assert {one["LanguageCode"]: one["Label"] for one in label["LocalizedLabels"]} == {
        1033: "Mobile Phone",
        1029: "Mobilní telefon",
    }
    assert label["UserLocalizedLabel"]["Label"] == "Mobilní telefon"
    untranslated = jana.get(f"{CONTACT}/Attributes(LogicalName='pager')", query).data["DisplayName"]
    assert (untranslated["LocalizedLabels"][0]["Label"], untranslated["UserLocalizedLabel"]) == ("Pager", None)
    english = Person(acme, directory.SYSTEM).get(path, query).data["DisplayName"]
    assert english["UserLocalizedLabel"]["Label"] == "Mobile Phone"


def test_what_a_call_may_regard_is_in_the_relationships(jana: Person) -> None:
    query = (
        "$select=ReferencedEntity,ReferencingEntityNavigationPropertyName"
        "&$filter=ReferencingAttribute eq 'regardingobjectid'"
    )
    rows = jana.get(f"{CALL}/ManyToOneRelationships", query).rows
    found = {row["ReferencedEntity"]: row["ReferencingEntityNavigationPropertyName"] for row in rows}
    assert found == {
        "account": "regardingobjectid_account_phonecall",
        "contact": "regardingobjectid_contact_phonecall",
        "lead": "regardingobjectid_lead_phonecall",
        "nnn_mylead": "regardingobjectid_nnn_mylead_phonecall",
    }


def test_every_property_of_metadata_is_selectable_and_no_other(jana: Person) -> None:
    for table in jana.dataverse.model:
        names = ",".join(column.property_name for column in table.columns.values() if column.property_name)
        assert jana.get(table.entity_set, f"$top=1&$select={names}").status == 200
        hidden = [name for name in table.columns if name not in table.properties]
        for name in hidden[:3]:
            assert jana.get(table.entity_set, f"$top=1&$select={name}").status == 400


def test_every_navigation_property_can_be_expanded(alice: Person) -> None:
    for table in alice.dataverse.model:
        for name in (*table.navigation, *table.collections):
            if not name.endswith("ownerid"):
                assert alice.get(table.entity_set, f"$top=1&$select={table.id_column}&$expand={name}").status == 200, (
                    name
                )


def test_a_tables_privileges_are_named_in_its_definition(jana: Person) -> None:
    privileges = jana.get("EntityDefinitions(LogicalName='phonecall')", "$select=Privileges").data["Privileges"]
    assert {one["PrivilegeType"]: one["Name"] for one in privileges}["AppendTo"] == "prvAppendToActivity"


def test_who_am_i(jana: Person) -> None:
    assert jana.get("WhoAmI").data == {
        "@odata.context": f"{BASE}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
        "BusinessUnitId": directory.BUSINESS_UNIT_ID,
        "UserId": directory.JANA.systemuser_id,
        "OrganizationId": directory.ORGANIZATION_ID,
    }
    message = f"No HTTP resource was found that matches the request URI '{BASE}/WhoAmI'."
    assert jana.post("WhoAmI", {}).error == (404, "", message)


def test_the_organization_tells_its_version_and_directory(jana: Person) -> None:
    assert jana.get("RetrieveVersion()").data["Version"].startswith("9.2.")
    query = "@p1=Microsoft.Dynamics.CRM.EndpointAccessType'Default'"
    detail = jana.get("RetrieveCurrentOrganization(AccessType=@p1)", query).data["Detail"]
    assert (detail["OrganizationId"], detail["TenantId"]) == (directory.ORGANIZATION_ID, directory.ACME_TENANT)
    row = jana.get("organizations", "$select=name,languagecode,isauditenabled").rows[0]
    assert (row["name"], row["languagecode"], row["isauditenabled"]) == ("acme", 1029, False)


@pytest.mark.parametrize(
    ("user", "privilege", "depths"),
    [
        (directory.JANA, "prvReadContact", ["Global"]),
        (directory.BOB, "prvReadContact", ["Basic"]),
        (directory.LENA, "prvCreateLead", []),
        (directory.SYSTEM, "prvDeleteContact", []),
        (directory.SYSTEM, "prvCreateActivity", ["Global"]),
        (directory.JANA, "prvReadnnn_myLead", ["Global"]),
    ],
)
def test_privileges_are_asked_by_name(alice: Person, user: directory.User, privilege: str, depths: list[str]) -> None:
    name = f"Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName(PrivilegeName='{privilege}')"
    rows = alice.get(f"systemusers({user.systemuser_id})/{name}").data["RolePrivileges"]
    assert [row["Depth"] for row in rows] == depths


def test_a_revoked_privilege_is_gone_from_the_answer_too(fresh: Dataverse, writing_alice: Person) -> None:
    path = f"systemusers({directory.JANA.systemuser_id})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()"
    before = len(writing_alice.get(path).data["RolePrivileges"])
    fresh.revoke("prvReadLead", "jana@acme.example")
    assert len(writing_alice.get(path).data["RolePrivileges"]) == before - 1


def test_access_to_one_record_is_told(alice: Person) -> None:
    target = quote(f"{{'@odata.id':'contacts({HORAKOVA})'}}")
    name = "Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@t)"
    jana = alice.get(f"systemusers({directory.JANA.systemuser_id})/{name}", f"@t={target}").data
    bob = alice.get(f"systemusers({directory.BOB.systemuser_id})/{name}", f"@t={target}").data
    assert "ReadAccess" in jana["AccessRights"].split(", ")
    assert bob["AccessRights"] == "None"


def test_the_app_is_known_by_its_id(jana: Person) -> None:
    assert jana.get(f"appmodules({directory.APP_ID})", "$select=uniquename").data["uniquename"] == "acme_sales"
    assert jana.get(f"appmodules({HORAKOVA})", "$select=name").error[0] == 404


def test_users_are_found_by_their_directory_id(alice: Person) -> None:
    condition = f"azureactivedirectoryobjectid eq {directory.BOB.oid}"
    assert alice.find("systemusers", "domainname", condition) == ["bob@acme.example"]
    condition = f"applicationid eq {directory.SYSTEM_CLIENT_ID}"
    assert alice.find("systemusers", "fullname", condition) == ["# IPEX IVR"]
