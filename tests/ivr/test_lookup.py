"""Who calls: the voice menu asks, and gets flat words."""

from collections.abc import Callable
from typing import Any

import pytest

from crmwindow.models import IvrFunction
from ipexportal import sandbox as stand_in
from ipexportal.sandbox import directory
from tenants import connections
from tenants.dataverse.budget import Budget
from tenants.models import Agent, DisplayField, SystemAccount, Tenant
from tests.ivr.conftest import Menu

pytestmark = pytest.mark.django_db
Person = Callable[..., str]
WORDS = [
    "result",
    "entity",
    "id",
    "name",
    "company",
    "owner_name",
    "owner_email",
    "owner_login",
    "owner_line",
    "matches",
]


def test_the_one_record_with_the_number_and_who_looks_after_it(menu: Menu, jana: Agent) -> None:
    Agent.objects.filter(pk=jana.pk).update(systemuser_id=directory.JANA.systemuser_id)
    answer = menu.lookup("777123456", unique_id="1.1")
    assert list(answer) == WORDS
    assert answer | {"id": ""} == {
        "result": "found",
        "entity": "contact",
        "id": "",
        "name": "Jana Horáková",
        "company": "Stavby Morava s.r.o.",
        "owner_name": "Jana Nováková",
        "owner_email": "jana@acme.example",
        "owner_login": "jana",
        "owner_line": "444",
        "matches": 1,
    }


def test_an_owner_is_known_by_the_e_mail_dataverse_has(menu: Menu, jana: Agent) -> None:
    assert jana.systemuser_id is None
    answer = menu.lookup("777123456")
    assert (answer["owner_email"], answer["owner_login"], answer["owner_line"]) == ("jana@acme.example", "jana", "444")


def test_an_owner_who_is_no_agent_has_an_e_mail_and_no_line(menu: Menu) -> None:
    answer = menu.lookup("777123456")
    assert (answer["owner_email"], answer["owner_login"], answer["owner_line"]) == ("jana@acme.example", "", "")


def test_of_several_records_only_what_is_true_of_all_is_told(menu: Menu, jana: Agent) -> None:
    answer = menu.lookup("224551111")
    assert answer == dict.fromkeys(WORDS, "") | {"result": "ambiguous", "entity": "contact", "matches": 2}


def test_several_contacts_of_one_owner_lead_to_that_owner(menu: Menu, person: Person, jana: Agent) -> None:
    for _ in range(2):
        person(mobilephone="601000101", **{"ownerid@odata.bind": f"/systemusers({directory.JANA.systemuser_id})"})
    answer = menu.lookup("601000101")
    assert answer == dict.fromkeys(WORDS, "") | {
        "result": "ambiguous",
        "entity": "contact",
        "owner_name": "Jana Nováková",
        "owner_email": "jana@acme.example",
        "owner_login": "jana",
        "owner_line": "444",
        "matches": 2,
    }


def test_nobody_has_the_number(menu: Menu) -> None:
    assert menu.lookup("604218330") == dict.fromkeys(WORDS, "") | {"result": "not_found", "matches": 0}


def test_an_inactive_record_is_nobodys(menu: Menu, person: Person, account: SystemAccount) -> None:
    gone = person(mobilephone="601000102")
    connections.client_for(account).update("contacts", gone, {"statecode": 1, "statuscode": 2}, budget=Budget(10))
    assert menu.lookup("601000102")["result"] == "not_found"


@pytest.mark.parametrize(
    ("number", "reason"),
    [("", "withheld"), ("anonymous", "withheld"), ("444", "internal"), ("222333444", "own"), ("Petr", "unreadable")],
)
def test_what_is_no_callers_number_is_not_looked_for(
    menu: Menu, number: str, reason: str, asked: Callable[[], list[str]]
) -> None:
    asked()
    answer = menu.lookup(number)
    assert (answer["result"], answer["reason"]) == ("not_found", reason)
    assert asked() == []


def test_every_configured_field_is_there_also_when_it_is_empty(menu: Menu, acme: Tenant, person: Person) -> None:
    for place, (entity, identifier) in enumerate(
        [("Contact", "jobtitle"), ("contact", "creditonhold"), ("account", "nnn_myOrdersCount"), ("contact", "nnn_pin")]
    ):
        DisplayField.objects.create(
            instance=acme.instance, position=place, entity=entity, identifier=identifier, label="x"
        )
    person(mobilephone="601000103", jobtitle="Jednatelka", creditonhold=True)
    answer = menu.lookup("601000103")
    fields = {name: value for name, value in answer.items() if name.startswith("field_")}
    assert fields == {
        "field_jobtitle": "Jednatelka",
        "field_creditonhold": "Yes",
        "field_creditonhold_raw": "True",
        "field_nnn_myOrdersCount": "",
        "field_nnn_pin": "",
    }


def test_a_look_up_function_searches_its_own_table_and_has_its_own_fields(menu: Menu, acme: Tenant) -> None:
    IvrFunction.objects.create(
        tenant=acme, name="firma", kind="lookup", entity="Account", columns={"orders": "nnn_myOrdersCount"}
    )
    answer = menu.lookup("224551111", function="firma")
    assert (answer["result"], answer["entity"], answer["name"]) == ("found", "account", "Elektro Vysočina a.s.")
    assert "field_orders" in answer


def test_without_a_system_account_it_says_so(acme: Tenant) -> None:
    answer = Menu(acme).lookup("777123456")
    assert (answer["result"], answer["reason"]) == ("unavailable", "no_system_account")


def test_a_function_nobody_made_or_that_is_off_or_of_another_kind(menu: Menu, acme: Tenant, pin: IvrFunction) -> None:
    IvrFunction.objects.create(tenant=acme, name="vypnuta", kind="lookup", enabled=False)
    answers = [
        menu.ask("lookup", {"number": "777123456", "function": name}) for name in ("neznam", "vypnuta", "pin", "a b")
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 422, 404]
    assert answers[0].json() == answers[1].json() == answers[3].json()


def test_another_customers_key_finds_nothing_of_acme(menu: Menu, beta: Tenant, pin: IvrFunction) -> None:
    theirs = Menu(beta)
    assert theirs.lookup("777123456")["reason"] == "no_system_account"
    body = {"number": "777123456", "value": "1", "function": "pin", "unique_id": "1.1"}
    assert theirs.ask("verify", body).status_code == 404


def test_an_answer_serves_for_some_seconds(menu: Menu, asked: Callable[[], list[str]]) -> None:
    asked()
    first = menu.lookup("777123456")
    once = asked()
    assert menu.lookup("+420 777 123 456") == first
    assert (len(once), asked()) == (4, [])  # account, contact, lead, and the owner


def test_a_table_the_account_may_not_read_makes_the_answer_partial(
    menu: Menu, microsoft: stand_in.Sandbox, person: Person
) -> None:
    person(mobilephone="601000104")
    microsoft.control.fault("missing_privilege", privilege="prvReadLead")
    assert menu.lookup("601000104")["reason"] == "partial"
    assert menu.lookup("604218330")["reason"] == "partial"


def test_with_no_table_to_read_there_is_no_answer(menu: Menu, microsoft: stand_in.Sandbox) -> None:
    for name in ("Account", "Contact", "Lead"):
        microsoft.control.fault("missing_privilege", privilege=f"prvRead{name}")
    answer: dict[str, Any] = menu.lookup("777123456")
    assert (answer["result"], answer["reason"]) == ("unavailable", "rights")
