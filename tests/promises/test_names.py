"""The watch over names: it sees every request, and takes no name for real that is not in the metadata."""

from collections.abc import Callable

import pytest

from crmwindow import lookup, notes, records
from crmwindow.models import Leg
from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.server import Seen
from tenants import connections
from tenants.dataverse.budget import Budget
from tenants.models import Agent
from tests.lookup.conftest import fields, jana, key_scheme, metadata, ring
from tests.promises import names

__all__ = ["fields", "jana", "key_scheme", "metadata", "ring"]

pytestmark = pytest.mark.django_db
ROOT = names.ROOT
PERSON = "0f0e0d0c-0b0a-4908-8706-050403020100"


def asked(path: str, query: str = "", body: str = "", method: str = "GET", status: int = 200) -> list[str]:
    return names.mistakes(Seen("dataverse", method, ROOT + path, query, body, status, "jana@acme.example"))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("WhoAmI", ""),
        ("accounts", "$select=name,telephone1,_primarycontactid_value,nnn_myorderscount&$top=5"),
        ("contacts", "$filter=startswith(mobilephone,'+420%257') and statecode eq 0&$orderby=modifiedon desc"),
        ("contacts", "$filter=Microsoft.Dynamics.CRM.In(PropertyName='telephone1',PropertyValues=[\"no ) such] name\"])"),
        ("contacts", "$filter=lastname eq 'column of O''Brien' or parentcustomerid_account/name eq 'x'"),
        (f"phonecalls({PERSON})", "$select=subject&$expand=phonecall_activity_parties($select=_partyid_value;$top=3)"),
        (f"systemusers({PERSON})/systemuserroles_association", "$select=name"),
        (f"systemusers({PERSON})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()", ""),
        ("EntityDefinitions(LogicalName='account')/Attributes", "$select=LogicalName,SchemaName"),
    ],
)  # fmt: skip
def test_real_names_are_no_mistake(path: str, query: str) -> None:
    assert asked(path, query) == []


@pytest.mark.parametrize(
    ("path", "query", "mistake"),
    [
        ("account", "", "entity set account"),
        ("nnn_mylead", "", "entity set nnn_mylead"),
        ("accounts", "$select=name,Telephone1", "column Telephone1 of account"),
        ("accounts", "$select=primarycontactid", "column primarycontactid of account"),
        ("phonecalls", "$select=from", "column from of phonecall"),
        ("accounts", "$orderby=modified desc", "column modified of account"),
        ("accounts", "$filter=startswith(phone,'1')", "column phone of account in a filter"),
        ("accounts", "$filter=primarycontactid/nickname2 eq 'x'", "column primarycontactid/nickname2 of account in a filter"),
        ("accounts", "$filter=Microsoft.Dynamics.CRM.In(PropertyName='phone',PropertyValues=[\"1\"])",
         "column phone of account"),
        ("accounts", "$filter=lower(name) eq 'x'", "column lower of account in a filter"),
        ("accounts", "$expand=primarycontact($select=fullname)", "navigation property primarycontact of account"),
        ("accounts", "$expand=primarycontactid($select=full_name)", "column full_name of contact"),
        ("accounts", "$search=x", "option $search"),
        ("accounts(jana)", "", "key (jana) of accounts"),
        (f"systemusers({PERSON})/roles", "", "roles after systemusers"),
        ("EntityDefinitions(LogicalName='Account')", "", "table LogicalName='Account'"),
        ("EntityDefinitions(LogicalName='account')/Columns", "", "Columns of a table's definition"),
        ("EntityDefinitions(LogicalName='account')/Attributes(LogicalName='phone')", "", "column phone of account"),
        ("EntityDefinitions(LogicalName='account')", "$select=Name", "Name of a definition"),
    ],
)  # fmt: skip
def test_any_other_name_is_one(path: str, query: str, mistake: str) -> None:
    assert asked(path, query) == [mistake]


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ('{"subject": "x", "statecode": 1}', None),
        (f'{{"regardingobjectid_contact_phonecall@odata.bind": "/contacts({PERSON})"}}', None),
        (f'{{"phonecall_activity_parties": [{{"partyid_contact@odata.bind": "/contacts({PERSON})"}}]}}', None),
        ('{"Subject": "x"}', "column Subject of phonecall in a body"),
        ('{"_ownerid_value": "x"}', "column _ownerid_value of phonecall in a body"),
        ('{"createdon": "2026-01-01"}', "column createdon of phonecall in a body"),
        (f'{{"regardingobjectid_contact@odata.bind": "/contacts({PERSON})"}}',
         "navigation property regardingobjectid_contact of phonecall"),
        (f'{{"regardingobjectid_contact_phonecall@odata.bind": "/accounts({PERSON})"}}',
         f"regardingobjectid_contact_phonecall of phonecall bound to /accounts({PERSON})"),
        (f'{{"phonecall_activity_parties": [{{"partyid@odata.bind": "/contacts({PERSON})"}}]}}',
         "navigation property partyid of activityparty"),
        ('{"activityparties": []}', "navigation property activityparties of phonecall"),
        ('{"subject@odata.type": "x"}', "annotation subject@odata.type"),
    ],
)  # fmt: skip
def test_what_is_written_is_read_as_closely(body: str, mistake: str | None) -> None:
    found = asked(f"phonecalls({PERSON})", body=body, method="PATCH", status=204)
    assert found == ([mistake] if mistake else [])


def test_a_table_that_a_customer_misspelt_may_be_asked_for_and_is_missing() -> None:
    assert asked("EntityDefinitions(LogicalName='nnn_order')", status=404) == []
    assert asked("EntityDefinitions(LogicalName='nnn_order')", status=200) == ["table LogicalName='nnn_order'"]


@pytest.mark.usefixtures("fields", "key_scheme", "metadata")
def test_the_whole_job_is_watched_and_every_name_in_it_is_real(
    jana: Agent, ring: Callable[..., Leg], sandbox: Sandbox, request: pytest.FixtureRequest
) -> None:
    connections.metadata(jana.tenant.instance, connections.client_for(jana), Budget(15), refresh=True)
    leg = ring(jana, "777123456")
    lookup.found(leg, budget=Budget(15))
    note = notes.save_draft(leg=leg, text="Ověřeno jménem")
    notes.queue(note)
    notes.deliver(note.pk)
    records.options(ring(jana, "604218331"), budget=Budget(15))

    mine = [seen for test, seen in names.watch(sandbox).seen if test == request.node.nodeid]
    used = {seen.path.removeprefix(ROOT).partition("(")[0] for seen in mine if seen.side == "dataverse"}
    assert {"accounts", "contacts", "leads", "nnn_myleads", "phonecalls", "EntityDefinitions"} <= used
    assert {mistake for seen in mine for mistake in names.mistakes(seen)} == set()


def test_a_wrong_name_is_reported_with_the_test_that_sent_it(sandbox: Sandbox, wrong_names: None, jana: Agent) -> None:
    from tenants import connections
    from tenants.dataverse.errors import UnknownName

    watch = names.Watch(test=lambda: "tests/somewhere.py::test_something")
    sent = names.Watched(watch, 100)
    before = len(sandbox.requests)
    with pytest.raises(UnknownName):
        connections.client_for(jana).get("contacts?$select=nickname9", budget=Budget(5))
    for seen in sandbox.requests[before:]:
        sent.append(seen)
    assert watch.mistakes() == [f"tests/somewhere.py::test_something: GET {ROOT}contacts: column nickname9 of contact"]


def test_what_the_sandbox_forgets_the_watch_remembers(sandbox: Sandbox, jana: Agent) -> None:
    from tenants import connections

    connections.client_for(jana).whoami(budget=Budget(5))
    sandbox.control.reset()
    assert sandbox.requests == []
    assert names.watch(sandbox).seen[-1][1].path == f"{ROOT}WhoAmI"
