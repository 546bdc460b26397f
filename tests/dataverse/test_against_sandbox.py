"""The client against the stand-in for Microsoft: real names, real error bodies, real rights."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from ipexportal import sandbox as stand_in
from ipexportal.sandbox.directory import PEOPLE
from tenants.dataverse import errors, odata, transport
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.metadata import PARTIES, Metadata
from tests import signed_in
from tests.sandbox.browser import Browser

TABLES = ["account", "Contact", "lead", "phonecall", "nnn_myLead"]


@pytest.fixture
def microsoft(sandbox: stand_in.Sandbox) -> Iterator[stand_in.Sandbox]:
    sandbox.control.reset()
    yield sandbox
    sandbox.control.reset()


@pytest.fixture
def client_of(microsoft: stand_in.Sandbox) -> Iterator[Callable[[str], Client]]:
    session = transport.new_session()

    def client(first_name: str) -> Client:
        upn = f"{first_name}@acme.example"

        def token(forced: bool) -> str:
            with Browser(microsoft) as browser:
                return str(browser.tokens(upn)["access_token"])

        kept = token(False)
        return Client(origin=microsoft.origin, token=lambda forced: token(True) if forced else kept, session=session)

    yield client
    session.close()


@pytest.fixture
def alice(client_of: Callable[[str], Client]) -> Client:
    return client_of("alice")


@pytest.fixture
def metadata(alice: Client) -> Metadata:
    return Metadata.load(alice, TABLES, Budget(10))


def test_the_guides_names_are_found_in_its_metadata(metadata: Metadata) -> None:
    table = metadata.table("nnn_myLead")

    assert [table.column(name).logical_name for name in ("myLeadId", "myPhone1", "contactName", "organizationName")] == [
        "nnn_myleadid", "nnn_myphone1", "nnn_contactname", "nnn_organizationname",
    ]  # fmt: skip
    assert (metadata.table("contact").entity_set, metadata.table("contact").id_column) == ("contacts", "contactid")
    assert metadata.table("account").column("nnn_myorderscount").label("cs") == "Počet objednávek"
    assert Metadata.from_dict(metadata.to_dict()) == metadata


def test_phone_columns_of_microsofts_own_tables(metadata: Metadata) -> None:
    names = {table: [column.logical_name for column in metadata.table(table).phone_columns] for table in TABLES[:3]}

    assert names["account"][:3] == ["telephone1", "telephone2", "telephone3"]
    assert (names["Contact"][:2], names["Contact"][-1]) == (["mobilephone", "telephone1"], "company")
    assert names["lead"][:2] == ["mobilephone", "telephone1"]
    assert {"fax", "pager", "assistantphone", "managerphone"}.isdisjoint(
        name for found in names.values() for name in found
    )


def test_what_a_new_card_needs(metadata: Metadata) -> None:
    needed = {
        table: [column.logical_name for column in metadata.table(table).required_for_create] for table in TABLES[:3]
    }

    assert needed["account"] == ["name"]
    assert needed["Contact"] == ["lastname"]
    assert "subject" in needed["lead"]


def test_every_property_we_could_select_is_accepted(alice: Client, metadata: Metadata) -> None:
    for table in metadata.tables.values():
        path = odata.query(table.entity_set, select=sorted(table.properties), top=1)
        assert alice.get(path, budget=Budget(10)).status == 200


def test_links_of_phone_calls(metadata: Metadata) -> None:
    assert {table: metadata.regarding_navigation(table) for table in ("account", "contact", "lead", "nnn_mylead")} == {
        table: f"regardingobjectid_{table}_phonecall" for table in ("account", "contact", "lead", "nnn_mylead")
    }
    assert {table: metadata.party_navigation(table) for table in ("contact", "systemuser", "nnn_mylead")} == {
        "contact": "partyid_contact",
        "systemuser": "partyid_systemuser",
        "nnn_mylead": None,
    }


def test_a_table_the_organization_lacks(alice: Client) -> None:
    with pytest.raises(errors.NotFound) as caught:
        Metadata.load(alice, ["contact", "nnn_gone"], Budget(10))
    assert caught.value.table == "nnn_gone"
    assert Metadata.load(alice, ["contact", "nnn_gone"], Budget(10), optional={"nnn_gone"}).missing == ("nnn_gone",)


def test_whoami_is_the_user_who_signed_in(client_of: Callable[[str], Client]) -> None:
    ids = {person.upn: person.systemuser_id for person in PEOPLE}

    assert client_of("jana").whoami(budget=Budget(5)).user_id == ids["jana@acme.example"]
    with pytest.raises(errors.NotAMember):
        client_of("dan").whoami(budget=Budget(5))


def test_a_contact_is_made_once_changed_and_read(alice: Client) -> None:
    key = str(uuid4())
    made = alice.create(
        "contacts", {"lastname": "Nováček", "mobilephone": "+420 777 000 111"}, budget=Budget(5), record_id=key
    )
    assert made.record_id in {"", key}
    with pytest.raises(errors.AlreadyExists):
        alice.create("contacts", {"lastname": "Nováček"}, budget=Budget(5), record_id=key)

    path = odata.query(odata.record("contacts", key), select=["lastname", "_ownerid_value"])
    first = alice.get(path, budget=Budget(5), prefer=[odata.ANNOTATIONS])
    alice.update("contacts", key, {"lastname": "Nováčková"}, budget=Budget(5), if_match=first.etag)
    with pytest.raises(errors.VersionMismatch):
        alice.update("contacts", key, {"lastname": "X"}, budget=Budget(5), if_match=first.etag)

    second = alice.get(path, budget=Budget(5)).data or {}
    assert (second["lastname"], odata.shown(first.data or {}, "_ownerid_value")) == ("Nováčková", "Alice Veselá")


def test_an_update_of_nothing_makes_nothing(alice: Client) -> None:
    with pytest.raises(errors.NotFound):
        alice.update("contacts", str(uuid4()), {"lastname": "X"}, budget=Budget(5))


def test_a_phone_call_with_parties_by_the_names_of_metadata(alice: Client, metadata: Metadata) -> None:
    contact = alice.create("contacts", {"lastname": "Volající"}, budget=Budget(5)).record_id
    user = alice.whoami(budget=Budget(5)).user_id
    sender, receiver, about = (
        f"{navigation}@odata.bind"
        for navigation in (
            metadata.party_navigation("contact"),
            metadata.party_navigation("systemuser"),
            metadata.regarding_navigation("contact"),
        )
    )
    parties = [
        {"participationtypemask": 1, sender: odata.bind("contacts", contact)},
        {"participationtypemask": 2, receiver: odata.bind("systemusers", user)},
    ]
    call = {"subject": "Hovor", "directioncode": False, about: odata.bind("contacts", contact), PARTIES: parties}
    key = str(uuid4())
    alice.create("phonecalls", call, budget=Budget(5), record_id=key)

    expand = f"{PARTIES}($select=participationtypemask,_partyid_value)"
    path = odata.query(odata.record("phonecalls", key), select=["_regardingobjectid_value"], expand=expand)
    read = alice.get(path, budget=Budget(5)).data or {}
    found = {party["participationtypemask"]: party["_partyid_value"] for party in read[PARTIES]}
    assert (read["_regardingobjectid_value"], found[1], found[2]) == (contact, contact, user)

    alice.update("phonecalls", key, {"statecode": 1, "statuscode": 4}, budget=Budget(5))
    with pytest.raises(errors.Closed):
        alice.update("phonecalls", key, {"description": "later"}, budget=Budget(5))


@pytest.mark.usefixtures("wrong_names")
def test_names_that_drifted_are_named(alice: Client) -> None:
    with pytest.raises(errors.UnknownName) as column:
        alice.get(odata.query("contacts", select=["nnn_gone"]), budget=Budget(5))
    with pytest.raises(errors.UnknownName) as table:
        alice.get("Contacts", budget=Budget(5))
    bind = {"lastname": "X", "parentcustomerid@odata.bind": odata.bind("accounts", str(uuid4()))}
    with pytest.raises(errors.UnknownName):
        alice.create("contacts", bind, budget=Budget(5))

    assert (column.value.name, table.value.name) == ("nnn_gone", "Contacts")


def test_a_text_over_the_limit(alice: Client) -> None:
    with pytest.raises(errors.TooLong) as caught:
        alice.create("phonecalls", {"subject": "x" * 201}, budget=Budget(5))
    assert (caught.value.column, caught.value.limit) == ("subject", 200)


def test_lena_may_not_make_leads(client_of: Callable[[str], Client]) -> None:
    with pytest.raises(errors.MissingPrivilege) as caught:
        client_of("lena").create("leads", {"subject": "x", "lastname": "y"}, budget=Budget(5))
    assert (caught.value.privilege.lower(), caught.value.table) == ("prvcreatelead", "lead")


def test_bob_sees_fewer_cards_than_jana(client_of: Callable[[str], Client]) -> None:
    path = odata.query("accounts", select=["name"], filter=odata.eq("telephone1", "+420 602 111 222"))
    bob, jana = (client_of(name).get(path, budget=Budget(5)).rows for name in ("bob", "jana"))

    assert [row["name"] for row in jana] == ["Alfa s.r.o."]
    assert bob == []
    with pytest.raises(errors.MissingPrivilege) as caught:
        client_of("bob").get(odata.record("accounts", jana[0]["accountid"]), budget=Budget(5))
    assert (caught.value.code, caught.value.table) == ("0x80048306", "account")


def test_an_expired_token_is_replaced_unseen(microsoft: stand_in.Sandbox, alice: Client) -> None:
    microsoft.control.expire_tokens()
    signed_in.forget()  # what other tests hold is worth nothing now

    assert alice.get("contacts?$top=1", budget=Budget(10)).status == 200


@pytest.mark.parametrize("mode", ["throttling", "down"])
def test_microsoft_in_trouble(microsoft: stand_in.Sandbox, alice: Client, mode: str) -> None:
    microsoft.control.microsoft(mode)

    with pytest.raises(errors.Unavailable) as caught:
        alice.get("contacts?$top=1", budget=Budget(1))
    assert isinstance(caught.value, errors.Throttled) is (mode == "throttling")


def test_a_write_whose_answer_was_lost_was_applied(microsoft: stand_in.Sandbox, alice: Client) -> None:
    key = str(uuid4())
    microsoft.control.fault("reset_after_write", count=1)

    with pytest.raises(errors.AlreadyExists) as caught:
        alice.create("contacts", {"lastname": "Jednou"}, budget=Budget(5), record_id=key)

    assert caught.value.may_have_applied
    path = odata.query("contacts", filter=odata.eq("lastname", "Jednou"), select=["contactid"])
    assert [row["contactid"] for row in alice.get(path, budget=Budget(5)).rows] == [key]


def test_pages_of_a_large_table(alice: Client) -> None:
    every = alice.get("contacts?$select=contactid", budget=Budget(10)).rows
    pages = list(alice.pages("contacts?$select=contactid", budget=Budget(10), prefer=["odata.maxpagesize=10"]))

    assert len(pages) == -(-len(every) // 10)
    assert {row["contactid"] for page in pages for row in page.rows} == {row["contactid"] for row in every}


def test_over_tls_with_the_stand_ins_certificate() -> None:
    with stand_in.start(tls_port=0, records=0) as secure:
        trusting = transport.new_session(ca_file=secure.ca_file)
        wary = transport.new_session()
        try:
            with pytest.raises(errors.SignInRequired):
                Client(origin=secure.tls_origin, token=lambda forced: "x", session=trusting).get(
                    "WhoAmI", budget=Budget(5)
                )
            with pytest.raises(errors.Unavailable) as caught:
                Client(origin=secure.tls_origin, token=lambda forced: "x", session=wary).create(
                    "contacts", {}, budget=Budget(5)
                )
        finally:
            trusting.close()
            wary.close()
    assert (str(caught.value), caught.value.may_have_applied) == ("The connection is not secure.", False)
