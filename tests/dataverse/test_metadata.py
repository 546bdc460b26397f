import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from tenants.dataverse import errors
from tenants.dataverse.budget import Budget
from tenants.dataverse.metadata import Column, Metadata, Table
from tests.dataverse.conftest import Reply, Seen, StandIn, error


def label(**texts: str) -> dict[str, Any]:
    codes = {"cs": 1029, "sk": 1051, "en": 1033, "de": 1031}
    labels = [{"Label": text, "LanguageCode": codes[code]} for code, text in texts.items()]
    return {"LocalizedLabels": labels, "UserLocalizedLabel": labels[0] if labels else None}


def column(name: str, kind: str = "String", **more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "LogicalName": name.lower(),
        "SchemaName": name,
        "AttributeType": kind,
        "AttributeTypeName": {"Value": f"{kind}Type"},
        "DisplayName": label(),
        "RequiredLevel": {"Value": more.pop("required", "None"), "CanBeChanged": True},
        "IsValidForRead": True,
        "IsValidForCreate": True,
        "IsValidForUpdate": True,
        "AttributeOf": None,
    }
    return known | more


def link(column: str, table: str, navigation: str) -> dict[str, str]:
    return {
        "ReferencingAttribute": column,
        "ReferencedEntity": table,
        "ReferencingEntityNavigationPropertyName": navigation,
    }


CONTACT = {
    "definition": {
        "LogicalName": "contact",
        "SchemaName": "Contact",
        "EntitySetName": "contacts",
        "PrimaryIdAttribute": "contactid",
        "PrimaryNameAttribute": "fullname",
        "HasActivities": True,
        "ChangeTrackingEnabled": True,
        "IsCustomEntity": False,
        "DisplayName": label(en="Contact", cs="Kontakt"),
        "DisplayCollectionName": label(en="Contacts", cs="Kontakty"),
        "Attributes": [
            column("ContactId", "Uniqueidentifier", required="SystemRequired"),
            column("FullName", IsValidForCreate=False, IsValidForUpdate=False, DisplayName=label(en="Full Name")),
            column("FirstName", required="Recommended"),
            column("LastName", required="ApplicationRequired", DisplayName=label(en="Last Name", cs="Příjmení")),
            column("Company"),
            column("Telephone1", DisplayName=None),
            column("Address1_Telephone1"),
            column("MobilePhone"),
            column("AssistantPhone"),
            column("ManagerPhone"),
            column("Fax"),
            column("Pager"),
            column("nnn_Hotline"),
            column("Description", "Memo"),
            column("ParentCustomerId", "Customer"),
            column("parentcustomeridname", required="ApplicationRequired", AttributeOf="parentcustomerid"),
            column("OwnerId", "Owner", required="SystemRequired"),
            column("owneridtype", "EntityName", required="SystemRequired", AttributeOf="ownerid"),
            column("statecode", "State", required="SystemRequired"),
            column("statuscode", "Status", required="ApplicationRequired"),
            column("CreatedOn", "DateTime", required="SystemRequired"),
            column("TransactionCurrencyId", "Lookup", required="ApplicationRequired"),
            column("nnn_Vip", "Boolean", required="ApplicationRequired"),
            column("nnn_Tags", "Virtual", AttributeTypeName={"Value": "MultiSelectPicklistType"}),
            column("EntityImage", "Virtual"),
            column("nnn_Secret", IsValidForRead=False),
            column("nnn_Region", "Lookup", required="ApplicationRequired", DisplayName=label(de="Gebiet")),
        ],
        "ManyToOneRelationships": [
            link("parentcustomerid", "account", "parentcustomerid_account"),
            link("parentcustomerid", "contact", "parentcustomerid_contact"),
            link("ownerid", "owner", "ownerid"),
            link("nnn_region", "nnn_region", "nnn_Region"),
        ],
    },
    "StringAttributeMetadata": [
        {"LogicalName": name, "MaxLength": length, "FormatName": {"Value": format_name}}
        for name, length, format_name in [
            ("lastname", 50, "Text"), ("company", 50, "Phone"), ("telephone1", 50, "Text"), ("fax", 50, "Phone"),
            ("assistantphone", 50, "Phone"), ("managerphone", 50, "Phone"), ("mobilephone", 50, "Phone"),
            ("address1_telephone1", 50, "Phone"), ("nnn_hotline", 100, "Phone"), ("pager", 50, "Phone"),
        ]
    ],
    "MemoAttributeMetadata": [{"LogicalName": "description", "MaxLength": 2000}],
}  # fmt: skip
MY_LEAD = {
    "definition": {
        "LogicalName": "nnn_mylead",
        "SchemaName": "nnn_myLead",
        "EntitySetName": "nnn_myleads",
        "PrimaryIdAttribute": "nnn_myleadid",
        "PrimaryNameAttribute": None,
        "HasActivities": False,
        "IsCustomEntity": True,
        "DisplayName": label(),
        "DisplayCollectionName": None,
        "Attributes": [
            column("nnn_myLeadId", "Uniqueidentifier", required="SystemRequired"),
            column("nnn_myPhone1"),
            column("nnn_Serial"),
            column("abc_Serial"),
        ],
        "ManyToOneRelationships": None,
    },
    "StringAttributeMetadata": [],
    "MemoAttributeMetadata": [],
}
REGARDING = [
    link("regardingobjectid", "contact", "regardingobjectid_contact_phonecall"),
    link("regardingobjectid", "account", "regardingobjectid_account_phonecall"),
]
PARTIES = [link("partyid", "contact", "partyid_contact"), link("partyid", "systemuser", "partyid_systemuser")]


def organization(**tables: dict[str, Any]) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        found = re.fullmatch(
            r"/api/data/v9\.2/EntityDefinitions\(LogicalName='(\w+)'\)(/\S+)?\?(.*)", unquote(seen.path)
        )
        assert found
        name, rest = found[1], found[2]
        if rest == "/ManyToOneRelationships":
            return Reply(body={"value": {"phonecall": REGARDING, "activityparty": PARTIES}[name]})
        if name not in tables:
            return error(404, "0x80041102", f"The entity with a name = '{name}' was not found in the MetadataCache.")
        cast = rest.rpartition(".")[2] if rest else ""
        return Reply(body={"value": tables[name][cast]} if cast else tables[name]["definition"])

    return answer


@pytest.fixture
def acme(dataverse: StandIn) -> StandIn:
    dataverse.answers = organization(contact=CONTACT, nnn_mylead=MY_LEAD)
    return dataverse


@pytest.fixture
def metadata(acme: StandIn) -> Metadata:
    return Metadata.load(acme.client, ["Contact", "nnn_myLead"], Budget(5))


@pytest.fixture
def contact(metadata: Metadata) -> Table:
    return metadata.table("contact")


def test_few_requests_tell_everything(acme: StandIn, metadata: Metadata) -> None:
    paths = sorted(unquote(seen.path).partition("?")[0].rpartition("v9.2/")[2] for seen in acme.seen)

    assert paths == [
        "EntityDefinitions(LogicalName='activityparty')/ManyToOneRelationships",
        "EntityDefinitions(LogicalName='contact')",
        "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.MemoAttributeMetadata",
        "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "EntityDefinitions(LogicalName='nnn_mylead')",
        "EntityDefinitions(LogicalName='nnn_mylead')/Attributes/Microsoft.Dynamics.CRM.MemoAttributeMetadata",
        "EntityDefinitions(LogicalName='nnn_mylead')/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "EntityDefinitions(LogicalName='phonecall')/ManyToOneRelationships",
    ]


def test_a_table_is_found_in_any_case(metadata: Metadata) -> None:
    table = metadata.table(" NNN_myLEAD")

    assert (table.logical_name, table.schema_name, table.entity_set) == ("nnn_mylead", "nnn_myLead", "nnn_myleads")
    assert (table.id_column, table.name_column) == ("nnn_myleadid", "")
    assert (table.is_custom, table.has_activities, table.change_tracking) == (True, False, False)
    assert metadata.find("account") is None
    with pytest.raises(errors.NotFound) as caught:
        metadata.table("account")
    assert caught.value.table == "account"


@pytest.mark.parametrize("name", ["nnn_myphone1", "nnn_myPhone1", "NNN_MYPHONE1", " myPhone1 ", "myphone1"])
def test_a_column_is_found_as_people_write_it(metadata: Metadata, name: str) -> None:
    assert metadata.table("nnn_mylead").column(name).logical_name == "nnn_myphone1"


@pytest.mark.parametrize("name", ["", "serial", "phone1", "nnn_", "nnn_myphone2"])
def test_a_column_that_is_not_there_or_ambiguous_is_unknown(metadata: Metadata, name: str) -> None:
    table = metadata.table("nnn_mylead")

    assert table.find(name) is None
    with pytest.raises(errors.UnknownName):
        table.column(name)


def test_lookups_are_read_and_written_under_different_names(contact: Table) -> None:
    company, owner, region = (contact.column(name) for name in ("parentcustomerid", "_ownerid_value", "nnn_region"))

    assert [each.property for each in (company, owner, region)] == [
        "_parentcustomerid_value", "_ownerid_value", "_nnn_region_value",
    ]  # fmt: skip
    assert company.navigation == {"account": "parentcustomerid_account", "contact": "parentcustomerid_contact"}
    assert (company.targets, owner.targets, region.targets) == (
        ("account", "contact"), ("systemuser", "team"), ("nnn_region",),
    )  # fmt: skip
    assert region.navigation == {"nnn_region": "nnn_Region"}


def test_only_what_can_be_selected_is_offered(contact: Table) -> None:
    assert {"nnn_secret", "owneridtype", "parentcustomeridname", "entityimage"} & contact.properties == set()
    assert {"fullname", "nnn_tags", "_parentcustomerid_value", "contactid"} <= contact.properties
    assert contact.column("nnn_tags").type == "MultiSelectPicklist"
    assert contact.find("entityimage") is None


def test_a_party_list_has_no_property() -> None:
    sender = Column("from", "From", "PartyList", required="ApplicationRequired")
    calls = Table("phonecall", "PhoneCall", "phonecalls", "activityid", columns={"from": sender})

    assert (sender.property, sender.selectable, calls.required_for_create, calls.find("")) == ("", False, (), None)
    assert calls.column("From").required == "ApplicationRequired"


def test_phone_columns_come_most_personal_first_and_nobody_elses(contact: Table) -> None:
    names = [each.logical_name for each in contact.phone_columns]

    assert names == ["mobilephone", "telephone1", "nnn_hotline", "address1_telephone1", "company"]


def test_lengths_and_formats_come_from_the_casts(contact: Table) -> None:
    found = {
        name: (contact.column(name).max_length, contact.column(name).format)
        for name in ("lastname", "description", "ownerid")
    }

    assert found == {"lastname": (50, "Text"), "description": (2000, ""), "ownerid": (None, "")}


def test_a_new_card_needs_what_dataverse_does_not_fill_in(contact: Table) -> None:
    assert [each.logical_name for each in contact.required_for_create] == ["lastname", "nnn_region"]


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        ("lastname", "cs", "Příjmení"),
        ("lastname", "sk", "Příjmení"),
        ("lastname", "en-gb", "Last Name"),
        ("fullname", "cs", "Full Name"),
        ("nnn_region", "cs", "Gebiet"),
        ("telephone1", "cs", "telephone1"),
        ("mobilephone", "en", "mobilephone"),
    ],
)
def test_labels_are_in_the_readers_language_or_the_nearest(contact: Table, name: str, language: str, text: str) -> None:
    assert contact.column(name).label(language) == text


def test_a_table_without_labels_is_called_by_its_name(metadata: Metadata) -> None:
    assert (metadata.table("contact").label("cs"), metadata.table("contact").plural_label("cs")) == (
        "Kontakt",
        "Kontakty",
    )
    assert metadata.table("nnn_mylead").plural_label("cs") == "nnn_mylead"


def test_a_call_is_about_what_allows_activities(metadata: Metadata) -> None:
    assert metadata.regarding_navigation("Contact") == "regardingobjectid_contact_phonecall"
    assert metadata.regarding_navigation("nnn_mylead") is None
    assert metadata.party_navigation("systemuser") == "partyid_systemuser"
    assert metadata.party_navigation("nnn_mylead") is None


def test_what_was_read_survives_storing(metadata: Metadata) -> None:
    stored = json.loads(json.dumps(metadata.to_dict()))
    again = Metadata.from_dict(stored)

    assert again == metadata
    assert again.table("contact").phone_columns == metadata.table("contact").phone_columns
    assert again.to_dict() == metadata.to_dict()


@pytest.mark.parametrize(
    "stored",
    [{}, {"format": 1, "tables": []}, {"format": 2}, {"format": 2, "packed": "žž"}, {"format": 2, "packed": "AAAA"}],
)
def test_what_another_version_stored_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Metadata.from_dict(stored)


def test_an_optional_table_may_be_missing(acme: StandIn) -> None:
    metadata = Metadata.load(acme.client, ["contact", "Lead"], Budget(5), optional={"lead"})

    assert (list(metadata.tables), metadata.missing) == (["contact"], ("lead",))
    assert Metadata.from_dict(metadata.to_dict()).missing == ("lead",)


@pytest.mark.parametrize("name", ["nnn_gone", "my table", "x')/attributes", "ž", ""])
def test_a_missing_table_is_named(acme: StandIn, name: str) -> None:
    with pytest.raises(errors.NotFound) as caught:
        Metadata.load(acme.client, ["contact", name], Budget(5))
    assert caught.value.table == name


def test_a_name_that_cannot_be_a_table_may_be_optional_too(acme: StandIn) -> None:
    metadata = Metadata.load(acme.client, ["contact", "my table"], Budget(5), optional={"my table"})

    assert metadata.missing == ("my table",)


def test_an_outage_is_not_a_missing_table(dataverse: StandIn) -> None:
    dataverse.answers = lambda seen: error(503, "", Retry_After="60")

    with pytest.raises(errors.Unavailable):
        Metadata.load(dataverse.client, ["contact"], Budget(5), optional={"contact"})


@pytest.mark.parametrize("definition", [{}, {"LogicalName": "contact", "EntitySetName": None, "Attributes": []}])
def test_a_description_without_the_needed_is_unreadable(acme: StandIn, definition: dict[str, Any]) -> None:
    acme.answers = organization(contact={**CONTACT, "definition": definition})

    with pytest.raises(errors.Unavailable):
        Metadata.load(acme.client, ["contact"], Budget(5))


def test_an_organization_without_phone_calls_still_has_tables(acme: StandIn) -> None:
    known = organization(contact=CONTACT)
    acme.answers = lambda seen: error(404, "0x80041102") if "ManyToOneRelationships?" in seen.path else known(seen)

    metadata = Metadata.load(acme.client, ["contact"], Budget(5))

    assert (list(metadata.tables), metadata.regarding, metadata.parties) == (["contact"], {}, {})


def test_right_after_a_change_the_servers_cache_is_bypassed(acme: StandIn) -> None:
    Metadata.load(acme.client, ["contact"], Budget(5), fresh=True)

    assert {seen.headers.get("consistency") for seen in acme.seen} == {"Strong"}


def test_columns_and_tables_can_be_keys(metadata: Metadata) -> None:
    table = metadata.table("contact")
    again = Metadata.from_dict(metadata.to_dict()).table("contact")

    assert {table: 1, table.column("lastname"): 2} == {again: 1, again.column("lastname"): 2}
