"""The list of own tables, choosing one without typing names, what would fail, and leads."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from ipexportal.sandbox import Sandbox
from tenants import configuration
from tenants.models import AuditEntry, CheckResult, CheckRun, Instance, MicrosoftConnection, Tenant
from tests.own_table.conftest import TABLE_TEXT, Browser, browser_of, words

pytestmark = pytest.mark.django_db
CHOSEN = {
    "table": "nnn_myLead",
    "id_column": "nnn_myLeadId",
    "phone": ["nnn_myPhone1", "nnn_myPhone2"],
    "first_name": "nnn_contactName",
    "last_name": "nnn_organizationName",
    "label_cs": "Servis",
    "label_sk": "Servis",
    "label_en": "Service",
}


def own_table(name: str, label: Any = "Servis") -> dict[str, Any]:
    return {
        "label": label,
        "table": name,
        "id": "xId",
        "phone_number": ["xPhone"],
        "first_name": "",
        "last_name": "xName",
    }


def shown(table: str, identifier: str, label: str) -> dict[str, str]:
    return {"label": label, "entity": table, "identifier": identifier, "link": ""}


@pytest.fixture
def three(acme: Tenant, alice: User) -> Tenant:
    data = {
        "custom_entities": [own_table("nnn_a", "A"), own_table("nnn_b", "B"), own_table("nnn_c", "C")],
        "display_fields": [shown("Account", "turnover", "Obrat"), shown("nnn_B", "serial", "Sériové číslo")],
    }
    configuration.change(acme, data, by=alice)
    return acme


def tables(tenant: Tenant) -> list[str]:
    return [one["table"] for one in configuration.stored(tenant, "custom_entities")]


@pytest.fixture
def changed_tables(microsoft: Sandbox) -> Iterator[Any]:
    """`changed_tables("nnn_mylead", has_activities=False)`; afterwards as before."""
    model = microsoft.dataverse.model
    before = {name: model[name] for name in ("nnn_mylead", "lead")}
    yield model.change_table
    for name, table in before.items():
        model.tables[name] = model.sets[table.entity_set] = table
    model.revision += 1


# The list


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_asks_as_often_for_one_table_as_for_three(
    alices: Browser, three: Tenant, alice: User, number: int, django_assert_num_queries: Any
) -> None:
    kept = configuration.stored(three, "custom_entities")[:number]
    fields = configuration.stored(three, "display_fields")[:1]
    configuration.change(three, {"custom_entities": kept, "display_fields": fields}, by=alice)
    alices.get("own_tables")
    with django_assert_num_queries(9):
        answer = alices.get("own_tables")
    assert [one.table for one in answer.context["tables"]] == ["nnn_a", "nnn_b", "nnn_c"][:number]


def test_the_order_is_changed_and_a_second_click_changes_nothing(alices: Browser, three: Tenant) -> None:
    for _click in range(2):
        alices.post("own_table_move", table="nnn_C", to="0")
    assert tables(three) == ["nnn_c", "nnn_a", "nnn_b"]
    assert AuditEntry.objects.filter(tenant=three).count() == 2


@pytest.mark.parametrize("to", ["", "-1", "x", "9999999", "1.5", "²"])
def test_an_impossible_place_changes_nothing(alices: Browser, three: Tenant, to: str) -> None:
    assert alices.post("own_table_move", table="nnn_a", to=to).status_code == 302
    assert tables(three) == ["nnn_a", "nnn_b", "nnn_c"]


def test_removing_a_table_says_what_stops_and_takes_its_fields_along(alices: Browser, three: Tenant) -> None:
    assert "From the card disappears too: Sériové číslo." in words(alices.get("own_tables"))
    answer = alices.post("own_table_remove", table="nnn_b")
    assert answer.headers["Location"] == f"/portal/{three.code}/own-tables/"
    assert tables(three) == ["nnn_a", "nnn_c"]
    assert configuration.stored(three, "display_fields") == [shown("Account", "turnover", "Obrat")]
    assert "Removed: nnn_b. Callers are no longer looked for in it." in words(alices.get("own_tables"))


def test_removing_twice_or_what_is_not_there_changes_nothing(alices: Browser, three: Tenant) -> None:
    for name in ("nnn_b", "nnn_b", "nothing", "", "x" * 9000):
        assert alices.post("own_table_remove", table=name).status_code == 302
    assert tables(three) == ["nnn_a", "nnn_c"]


def test_removing_after_somebody_else_saved_is_told_and_not_done(
    alices: Browser, ivanas: Browser, three: Tenant
) -> None:
    seen = alices.get("own_tables").context["seen"]
    ivanas.post("own_table_move", table="nnn_c", to="0")
    alices.post("own_table_remove", table="nnn_b", seen=seen)
    assert tables(three) == ["nnn_c", "nnn_a", "nnn_b"]
    assert "ivana saved a change here meanwhile." in words(alices.get("own_tables"))


def test_the_list_tells_what_the_last_check_found(alices: Browser, instance: Instance) -> None:
    alices.save(TABLE_TEXT)
    assert "not verified" in words(alices.get("own_tables"))
    run = CheckRun.objects.create(instance=instance, by="ivana")
    rows = [("table", "passed", "passed", {}), ("activities", "failed", "switched_off", {})]
    for key, state, why, evidence in rows:
        CheckResult.objects.create(
            run=run, key=key, subject="nnn_mylead", required=False, state=state, why=why, evidence=evidence
        )
    text = words(alices.get("own_tables"))
    assert "Switch activities on for the table. That cannot be undone" in text
    assert "HasActivities: false" in text


def test_the_exported_toml_is_a_configuration_file(alices: Browser, three: Tenant, alice: User) -> None:
    answer = alices.get("own_table_export", "toml")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme-own-tables.toml"'
    before = {name: configuration.stored(three, name) for name in ("custom_entities", "display_fields")}
    configuration.change(three, {"custom_entities": [], "display_fields": []}, by=alice)
    configuration.apply(configuration.load(answer.content), by=alice)
    assert {name: configuration.stored(three, name) for name in before} == before


def test_there_are_two_kinds_of_export(alices: Browser, otto: User, acme: Tenant) -> None:
    assert alices.get("own_table_export", "exe").status_code == 404
    assert browser_of(otto, acme).get("own_table_export", "toml").status_code == 404


# Choosing


def test_the_organizations_own_tables_are_offered_first(alices: Browser, connection: MicrosoftConnection) -> None:
    answer = alices.get("own_table_choose")
    assert answer.context["choices"][0] == {
        "name": "nnn_myLead", "label": "My Lead", "custom": True, "stored": False, "activities": True,
    }  # fmt: skip
    names = {one["name"].lower() for one in answer.context["choices"]}
    assert names & {"account", "contact", "lead", "phonecall"} == set()


@pytest.mark.parametrize(
    ("asked", "found"), [("MYLEAD", 1), ("servisni", 1), ("Požadavek", 1), ("%_", 0), ("x" * 9999, 0)]
)
def test_tables_are_searched_by_name_and_label_in_any_language(
    alices: Browser, connection: MicrosoftConnection, asked: str, found: int
) -> None:
    names = [one["name"] for one in alices.get("own_table_choose", q=asked).context["choices"]]
    assert names == ["nnn_myLead"] * found


def test_without_a_connection_names_can_be_typed(alices: Browser, acme: Tenant) -> None:
    assert "Without a connection the names can be typed." in words(alices.get("own_table_choose"))
    values = {key: value for key, value in CHOSEN.items() if key != "phone"}
    answer = alices.post("own_table_columns_save", **values, more_phones="nnn_myPhone1, nnn_myPhone2")
    assert answer.status_code == 302
    assert configuration.stored(acme, "custom_entities") == [
        {
            "label": {"cs": "Servis", "sk": "Servis", "en": "Service"},
            "table": "nnn_myLead",
            "id": "nnn_myLeadId",
            "phone_number": ["nnn_myPhone1", "nnn_myPhone2"],
            "first_name": "nnn_contactName",
            "last_name": "nnn_organizationName",
        }
    ]


def test_key_phones_name_and_labels_are_proposed_from_metadata(
    alices: Browser, connection: MicrosoftConnection
) -> None:
    answer = alices.get("own_table_columns", table="nnn_mylead")
    form = answer.context["form"]
    assert (form.table, form.id_column, form.phones, form.last_name) == (
        "nnn_myLead", "nnn_myLeadId", ["nnn_myPhone1", "nnn_myPhone2"], "nnn_Name",
    )  # fmt: skip
    assert form.labels["en"] == "My Lead"
    assert [one.name for one in answer.context["likely"]] == ["nnn_myPhone1", "nnn_myPhone2"]
    assert "nnn_Source" in [one.name for one in answer.context["others"]]


def test_choosing_saves_what_was_chosen_and_keeps_the_fields(
    alices: Browser, connection: MicrosoftConnection, acme: Tenant
) -> None:
    alices.save(
        TABLE_TEXT + "\npoložka1 identifikátor = mySerial\npoložka1 popisek = Číslo".replace("mySerial", "serial")
    )
    answer = alices.post("own_table_columns_save", **CHOSEN)
    assert answer.status_code == 302
    (stored,) = configuration.stored(acme, "custom_entities")
    assert (stored["phone_number"], stored["label"]["en"]) == (["nnn_myPhone1", "nnn_myPhone2"], "Service")
    assert len(configuration.stored(acme, "display_fields")) == 1
    again = alices.get("own_table_columns", table="NNN_MYLEAD")
    assert again.context["form"].phones == ["nnn_myPhone1", "nnn_myPhone2"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"phone": []}, "phone"),
        ({"phone": ["nnn_gone"]}, "phone"),
        ({"phone": ["nnn_myPhone1"] * 300 + [f"c{at}" for at in range(300)]}, "phone"),
        ({"last_name": ""}, "last_name"),
        ({"last_name": "<b>"}, "last_name"),
        ({"first_name": "nnn_gone"}, "first_name"),
        ({"table": "Account"}, "table"),
        ({"table": "nnn_gone"}, "table"),
        ({"table": "x" * 500}, "table"),
        ({"label_en": "x" * 300}, "label"),
        ({"label_cs": "a\x00b"}, "label"),
    ],
)
def test_each_mistake_of_the_form_stands_under_its_field_and_nothing_is_lost(
    alices: Browser, connection: MicrosoftConnection, acme: Tenant, changed: dict[str, Any], field: str
) -> None:
    answer = alices.post("own_table_columns_save", **{**CHOSEN, **changed})
    assert (answer.status_code, list(answer.context["form"].mistakes)) == (422, [field])
    assert f'id="field-{field}"' in answer.content.decode()
    assert tables(acme) == []


def test_the_later_of_two_admins_keeps_what_they_chose(
    alices: Browser, ivanas: Browser, connection: MicrosoftConnection, acme: Tenant
) -> None:
    seen = alices.get("own_table_columns", table="nnn_myLead").context["seen"]
    ivanas.save(TABLE_TEXT)
    answer = alices.post("own_table_columns_save", **CHOSEN, seen=seen)
    assert answer.status_code == 409
    assert [one.name for one in answer.context["likely"] if one.chosen] == ["nnn_myPhone1", "nnn_myPhone2"]
    assert alices.post("own_table_columns_save", **CHOSEN, seen=answer.context["seen"]).status_code == 302


def test_a_table_that_is_not_there_cannot_be_chosen(alices: Browser, connection: MicrosoftConnection) -> None:
    assert alices.get("own_table_columns", table="nnn_gone").status_code == 404


# What a call or a new record would fail on


def problems(answer: Any) -> list[tuple[str, bool]]:
    (table,) = answer.context["found"].tables
    return [(problem.title, problem.blocks) for problem in table.problems]


def test_another_required_column_is_said_before_the_first_call(
    alices: Browser, connection: MicrosoftConnection, microsoft: Sandbox
) -> None:
    microsoft.dataverse.require("nnn_mylead", "nnn_serial", "ApplicationRequired")
    try:
        answer = alices.read(TABLE_TEXT)
    finally:
        microsoft.dataverse.require("nnn_mylead", "nnn_serial", "None")
    assert problems(answer) == [("New records need these columns too, which nobody on the phone can fill", False)]
    assert "Make them optional. Required: nnn_Serial" in words(answer)
    assert answer.context["found"].can_be_saved


def test_a_table_without_activities_is_said(
    alices: Browser, connection: MicrosoftConnection, changed_tables: Any
) -> None:
    changed_tables("nnn_mylead", has_activities=False)
    assert problems(alices.read(TABLE_TEXT)) == [("Switch activities on for the table", True)]


def test_a_key_that_is_not_the_key_and_a_phone_that_is_no_text(
    alices: Browser, connection: MicrosoftConnection
) -> None:
    text = TABLE_TEXT.replace("myLeadId", "nnn_Serial").replace("= myPhone1", "= myOrdersCount")
    answer = alices.read(text)
    rows = {row.meaning: (row.condition, row.facts) for row in answer.context["found"].tables[0].rows}
    assert rows["Identifier"] == ("warn", ("not the key; we use the key nnn_myleadid",))
    assert rows["Phone"] == ("bad", ("whole number, no text: no number can be looked for in it",))
    assert [title for title, _blocks in problems(answer)] == [
        "No column of the table holds telephone numbers as far as metadata tells",
        "Choose a text column for the number that new records may fill",
    ]


def test_rights_that_agents_lack_are_told_from_the_last_check(
    alices: Browser, connection: MicrosoftConnection, instance: Instance
) -> None:
    run = CheckRun.objects.create(instance=instance, by="ivana")
    evidence = {"rights": ["prvCreateLead", "prvCreatennn_myLead"], "roles": ["Dispečer"], "agents": 2}
    CheckResult.objects.create(
        run=run, key="agents_rights", required=True, state="warning", why="lacks_creating", evidence=evidence
    )
    rights = alices.read(TABLE_TEXT).context["found"].rights
    assert (rights.said.found, rights.blocks) == ("Roles Dispečer: prvCreatennn_myLead", False)
    assert [one.said.found for one in alices.get("leads").context["problems"]] == ["Roles Dispečer: prvCreateLead"]


# Leads


def test_leads_are_switched_off_and_on(alices: Browser, instance: Instance) -> None:
    for value, on in (("off", False), ("off", False), ("on", True), ("maybe", False)):
        alices.post("leads_switch", leads=value)
        instance.refresh_from_db()
        assert instance.leads is on
    assert AuditEntry.objects.filter(tenant=instance.tenant).count() == 3


def test_what_stands_in_the_way_of_new_leads_is_said(
    alices: Browser, connection: MicrosoftConnection, microsoft: Sandbox
) -> None:
    assert alices.get("leads").context["problems"] == []
    microsoft.dataverse.require("lead", "description", "ApplicationRequired")
    try:
        (problem,) = alices.get("leads").context["problems"]
    finally:
        microsoft.dataverse.require("lead", "description", "None")
    assert (problem.said.found, problem.blocks) == ("Required: Description", False)


def test_leads_of_a_customer_without_an_instance_and_of_a_stranger(alice: User, otto: User, acme: Tenant) -> None:
    assert browser_of(otto, acme).post("leads_switch", leads="off").status_code == 404
    acme.instance.delete()
    browser = browser_of(alice, Tenant.objects.get(pk=acme.pk))
    assert browser.get("leads").status_code == 200
    assert browser.post("leads_switch", leads="on").status_code == 302


def test_another_customers_code_is_not_found(alice: User) -> None:
    client = browser_of(alice, Tenant(code=uuid4()))
    assert client.get("own_tables").status_code == 404
