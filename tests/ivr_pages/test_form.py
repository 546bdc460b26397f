"""Alice makes each kind of function by form; what cannot work in her CRM is refused under its field."""

from __future__ import annotations

from typing import Any

import pytest

from crmwindow import ivr_functions
from crmwindow.models import IvrFunction
from ipexportal.sandbox import Sandbox
from tenants import configuration
from tenants.models import AuditEntry, SystemAccount, Tenant
from tests.ivr_pages.conftest import COMPLAINT, PIN, Browser, words

pytestmark = pytest.mark.django_db


def test_function_that_verifies_is_stored_as_typed(pin: IvrFunction) -> None:
    assert (pin.kind, pin.title, pin.entity, pin.column) == ("verify", "Verified by PIN", "contact", "nnn_Pin")
    assert (pin.budget_ms, pin.attempts, pin.attempts_per_record, pin.badge, pin.enabled) == (1500, 3, 10, True, True)


def test_name_is_suggested_from_the_title(browser: Browser, acme: Tenant) -> None:
    browser.save(PIN, name="", title="Ověření PINem (zákazník)")
    assert acme.ivr_functions.get().name == "overeni_pinem_zakaznik"


def test_function_that_writes(browser: Browser, acme: Tenant) -> None:
    assert browser.save(COMPLAINT).status_code == 302
    row = acme.ivr_functions.get()
    assert row.columns == {"serial": "nnn_Serial", "text": "nnn_Description"}
    assert row.constants == {"nnn_Source": "IVR"}
    assert (row.caller_column, row.owner, row.daily_cap) == ("nnn_CustomerId", "record_owner", 200)


def test_function_that_finds_with_fields_of_its_own(browser: Browser, acme: Tenant) -> None:
    browser.save(
        {"kind": "lookup", "name": "kdo", "entity": "account", "seconds": "0,8"}, variable="", target="nnn_Turnover"
    )
    row = acme.ivr_functions.get()
    assert (row.kind, row.entity, row.columns, row.budget_ms) == (
        "lookup",
        "account",
        {"turnover": "nnn_Turnover"},
        800,
    )


def test_function_that_identifies_by_a_unique_column(browser: Browser, acme: Tenant) -> None:
    answer = browser.save(PIN, kind="identify", name="zakaznik", entity="nnn_mylead", column="nnn_Serial")
    assert answer.status_code == 302, words(answer)
    assert acme.ivr_functions.get().kind == "identify"


def test_export_of_all_kinds_imports_without_a_difference(browser: Browser, acme: Tenant) -> None:
    for values in (PIN, COMPLAINT, {"kind": "lookup", "name": "kdo"}):
        assert browser.save(values).status_code == 302
    text = configuration.export(acme)
    assert not configuration.apply(configuration.load(text), by="test", dry_run=True).differences


def test_saving_is_audited(pin: IvrFunction, acme: Tenant) -> None:
    entry = AuditEntry.objects.filter(tenant=acme, act="configuration.changed").latest("at")
    assert (entry.actor, entry.after["ivr_functions[0].name"]) == ("alice", "overeni_pin")


def test_renaming_keeps_the_identity(browser: Browser, pin: IvrFunction, acme: Tenant) -> None:
    browser.save(PIN, function=str(pin.code), name="pin2", seen=ivr_functions.stamp(pin))
    row = acme.ivr_functions.get()
    assert (row.code, row.name) == (pin.code, "pin2")


def test_double_click_makes_one_function(browser: Browser, acme: Tenant) -> None:
    answers = [browser.save(PIN).status_code, browser.save(PIN).status_code]
    assert (answers, acme.ivr_functions.count()) == ([302, 302], 1)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "Ověření PIN"}, "Only small letters without accents, digits and underscores, at most 60 of them."),
    ({"name": "", "title": ""}, "Enter a name; the voice menu calls the function by it."),
    ({"entity": ""}, "Choose a table."),
    ({"column": ""}, "Choose a column."),
    ({"column": "nnn_pinn"}, "The table has no column nnn_pinn. The closest is nnn_Pin."),
    ({"column": "birthdate"}, "This column holds no text or whole number that a caller could key in."),
    ({"second_column": "nnn_Pin"}, "Choose another column than the first one."),
    ({"entity": "systemuser"}, "Callers are not looked for in this table."),
    ({"entity": "nnn_nowhere"}, "Callers are not looked for in this table."),
    ({"kind": "identify", "entity": "nnn_nowhere"}, "There is no such table in your CRM."),
    ({"attempts": "many"}, "Here belongs a whole number from 1 to 100."),
    ({"attempts_per_record": "0"}, "Here belongs a whole number from 1 to 1000."),
    ({"seconds": "1 hour"}, "Enter from 0.1 to 10 seconds."),
    ({"comparison": "like"}, "Possible are: exact, spaces, case."),
    ({"title": "x" * 101}, "At most 100 characters, not 101."),
    ({"name": "x" * 61}, "Only small letters without accents, digits and underscores, at most 60 of them."),
]


@pytest.mark.parametrize(("wrong", "sentence"), REFUSED)
def test_what_cannot_work_is_refused_and_stays_typed(
    browser: Browser, acme: Tenant, wrong: dict[str, str], sentence: str
) -> None:
    answer = browser.save(PIN, **wrong)
    assert (answer.status_code, acme.ivr_functions.count()) == (422, 0)
    assert words(answer).count(sentence) == 2  # under its field, and at the head


REFUSED_WRITES: list[tuple[dict[str, Any], str]] = [
    (
        {"variable": ["", ""], "target": ["", ""]},
        "Say what the voice menu sends: at least one variable with its column.",
    ),
    ({"variable": ["a", "A"]}, "Another variable has this name."),
    ({"variable": ["dvě slova", "b"]}, "A variable is named by letters without accents, digits and underscores."),
    ({"target": ["nnn_Serial", "nnn_serial"]}, "This column is filled from another place already."),
    ({"target": ["nnn_Serial", ""]}, "Choose a column."),
    ({"target": ["nnn_Serial", "createdby"]}, "The CRM does not let this column be filled in a new row."),
    ({"target": ["nnn_Serial", "nnn_CustomerId"], "caller_column": ""}, "The IVR cannot fill a column of this type."),
    ({"constant_column": ["nnn_myOrdersCount"], "constant": ["mnoho"]}, "this is not a whole number that fits."),
    ({"constant": ["x" * 41]}, "the text is longer than the 40 characters the CRM allows."),
    ({"caller_column": "nnn_Serial"}, "This column is filled from another place already."),
    ({"caller_column": "nnn_Name"}, "This column cannot hold a record in which callers are looked for."),
    ({"owner": "the boss"}, "Possible are:"),
    ({"daily_cap": "-1"}, "Here belongs a whole number from 1 to 100000."),
]


@pytest.mark.parametrize(("wrong", "sentence"), REFUSED_WRITES)
def test_row_that_the_crm_would_not_take_is_refused_before_it_is_saved(
    browser: Browser, acme: Tenant, wrong: dict[str, Any], sentence: str
) -> None:
    answer = browser.save(COMPLAINT, **wrong)
    assert (answer.status_code, acme.ivr_functions.count()) == (422, 0)
    assert words(answer).count(sentence) >= 2


def test_columns_that_the_crm_requires_are_named(browser: Browser, microsoft: Sandbox) -> None:
    microsoft.dataverse.require("nnn_mylead", "nnn_name", "ApplicationRequired")
    answer = browser.save(COMPLAINT)
    microsoft.dataverse.require("nnn_mylead", "nnn_name", "None")
    assert answer.status_code == 422
    assert "The CRM requires Name on this table." in words(answer)


def test_lacking_privilege_is_said(browser: Browser, microsoft: Sandbox, acme: Tenant) -> None:
    microsoft.dataverse.revoke("prvCreatennn_myLead")
    answer = browser.client.get(browser.save(COMPLAINT).url)
    assert "The system account lacks prvCreatennn_myLead." in words(answer)


def test_values_that_repeat_identify_nobody(browser: Browser, microsoft: Sandbox, acme: Tenant) -> None:
    answer = browser.save(PIN, kind="identify", entity="contact", column="jobtitle")
    assert (answer.status_code, acme.ivr_functions.count()) == (422, 0)
    assert "Values of this column repeat, so it identifies nobody." in words(answer)


def test_two_admins_at_once(browser: Browser, pin: IvrFunction, acme: Tenant) -> None:
    opened = ivr_functions.stamp(pin)
    browser.save(PIN, function=str(pin.code), attempts="5", seen=opened)
    answer = browser.save(PIN, function=str(pin.code), attempts="4", seen=opened)
    assert (answer.status_code, acme.ivr_functions.get().attempts) == (409, 5)
    assert "alice saved a change here" in words(answer)


def test_another_function_may_be_saved_meanwhile(browser: Browser, pin: IvrFunction, acme: Tenant) -> None:
    browser.save(COMPLAINT)
    answer = browser.save(PIN, function=str(pin.code), attempts="5", seen=ivr_functions.stamp(pin))
    assert (answer.status_code, acme.ivr_functions.get(pk=pin.pk).attempts) == (302, 5)


def test_name_of_another_function_is_refused(browser: Browser, pin: IvrFunction, acme: Tenant) -> None:
    answer = browser.save(PIN, attempts="9")
    assert (answer.status_code, acme.ivr_functions.count()) == (422, 1)
    assert "Another function has this name." in words(answer)


def test_without_microsoft_names_are_typed_and_saved_unverified(
    browser: Browser, acme: Tenant, account: SystemAccount
) -> None:
    account.delete()
    assert "Microsoft is not connected" in words(browser.get("new"))
    answer = browser.client.get(browser.save(PIN).url)
    assert "Saved, not verified in the CRM: nobody could look just now." in words(answer)


INJECTED = [
    "nnn_Pin' or 1 eq 1",
    "nnn_Pin&$expand=ownerid",
    "nnn_Pin)/$value",
    "contacts(1)/nnn_Pin",
    "<fetch><entity name='systemuser'/></fetch>",
    "nnn_Pin%27",
    "nnn_Pin,lastname",
]


def test_hostile_texts_stay_texts(browser: Browser, acme: Tenant) -> None:
    evil = "<script>alert(1)</script>"
    answer = browser.save(PIN, title=evil, name="", column="nnn_Pin' or 1 eq 1", entity=evil, seconds=evil)
    assert answer.status_code == 422
    assert evil not in answer.content.decode()


@pytest.mark.parametrize("name", INJECTED)
@pytest.mark.parametrize("field", ["name", "entity", "column", "second_column"])
def test_name_that_is_a_piece_of_a_query_is_refused(browser: Browser, acme: Tenant, field: str, name: str) -> None:
    assert browser.save(PIN, **{field: name}).status_code == 422
    assert acme.ivr_functions.count() == 0


@pytest.mark.parametrize("name", INJECTED)
@pytest.mark.parametrize("field", ["variable", "target", "constant_column", "caller_column", "entity", "owner"])
def test_row_with_such_a_name_is_refused(browser: Browser, acme: Tenant, field: str, name: str) -> None:
    several = [name, COMPLAINT[field][1]] if len(COMPLAINT[field]) == 2 and field in {"variable", "target"} else [name]
    wrong = several if isinstance(COMPLAINT[field], list) else name
    assert browser.save(COMPLAINT, **{field: wrong}).status_code == 422
    assert acme.ivr_functions.count() == 0


def test_oversized_form_is_refused_calmly(browser: Browser, acme: Tenant) -> None:
    many = {"variable": ["v"] * 200, "target": ["nnn_Serial"] * 200, "title": "x" * 10_000}
    assert browser.save(COMPLAINT, **many).status_code == 422
