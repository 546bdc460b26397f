"""Columns found and sample values, read from the CRM with alice's own connection; and when Microsoft does not let her."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from ipexportal.sandbox import Sandbox
from tenants import configuration, connections, microsoft_connections, samples
from tenants.dataverse.client import Client
from tenants.models import Agent, Instance, MicrosoftConnection, Tenant
from tests.card.conftest import Browser, shown, words

pytestmark = pytest.mark.django_db
type Fields = list[dict[str, Any]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of Dataverse, as far as it is not about definitions of tables."""
    paths: list[str] = []
    real = Client.get

    def get(self: Client, path: str, **options: Any) -> Any:
        if not path.startswith("EntityDefinitions"):
            paths.append(path.partition("?")[0].partition("(")[0])
        return real(self, path, **options)

    monkeypatch.setattr(Client, "get", get)
    return paths


def values(answer: Any) -> dict[str, str]:
    return {row.identifier: row.value for row in answer.context["rows"]}


def test_the_sample_is_a_contact_with_a_company_and_most_values(
    alices: Browser, fields: Fields, connection: MicrosoftConnection, asked: list[str]
) -> None:
    answer = alices.get()
    assert asked == ["contacts", "accounts"]
    assert all(values(answer).values())
    assert {row.state for row in answer.context["rows"]} == {"ok"}
    assert f"Sample from your CRM: {answer.context['previews'][0].name}, " in words(answer)


def test_another_record_is_another_one_and_a_change_keeps_it(
    alices: Browser, fields: Fields, connection: MicrosoftConnection, asked: list[str]
) -> None:
    first = alices.get()
    second = alices.post("card_edit", fields, script=True, act="other", at="0")
    assert second.context["samples"].ids != first.context["samples"].ids
    asked.clear()
    sample = [f"{table}:{record}" for table, record in second.context["samples"].ids.items()]
    third = alices.post("card_edit", fields, script=True, act="up:2", sample=sample, at="1")
    assert third.context["samples"].ids == second.context["samples"].ids
    assert sorted(asked) == ["accounts", "contacts"]


def test_the_preview_is_the_card_of_the_window(
    alices: Browser, jana: Agent, fields: Fields, connection: MicrosoftConnection
) -> None:
    link = "https://eshop.example/?v={value}&r={id}"
    sample = [f"{table}:{record}" for table, record in alices.get().context["samples"].ids.items()]
    answer = alices.post("card_save", [fields[0] | {"link": link}, fields[2]], script=True, sample=sample)
    preview = answer.context["previews"][0]
    (label, job, _no_link), (_label, orders, address) = preview.fields
    assert (label, bool(job)) == ("Funkce", True)
    assert address == f"https://eshop.example/?v={orders}&r={answer.context['samples'].ids['account']}"
    fewer = alices.post("card_save", fields[2:], script=True, sample=sample)
    assert fewer.context["previews"][0].fields == (("Funkce", job, ""),)


def test_columns_are_found_by_label_in_any_language_and_by_identifier(
    alices: Browser, connection: MicrosoftConnection
) -> None:
    for typed in ("objednavek", "ORDERS", "nnn_myorders", "počet obj"):
        answer = alices.post("card_find", script=True, q=typed)
        first = answer.context["suggestions"][0]["one"]
        assert (first.entity, first.column.logical_name) == ("Account", "nnn_myorderscount")
    assert "No column is called so." in words(alices.post("card_find", script=True, q="x" * 9000))
    assert words(alices.post("card_find", script=True, q=" ")) == ""


def test_a_suggestion_shows_type_and_the_value_of_the_sample_record(
    alices: Browser, fields: Fields, connection: MicrosoftConnection, asked: list[str]
) -> None:
    ids = alices.get().context["samples"].ids
    asked.clear()
    sample = [f"{table}:{record}" for table, record in ids.items()]
    answer = alices.post("card_find", fields[1:], script=True, q="Number of orders", sample=sample)
    first = answer.context["suggestions"][0]
    assert (first["one"].kind, first["one"].is_there, first["value"].isdecimal()) == ("whole number", False, True)
    assert asked == ["accounts"]
    there = alices.post("card_find", fields, script=True, q="Number of orders", sample=sample)
    assert "on the card already" in words(there)


@pytest.mark.parametrize(
    "sample", ["contact:nonsense", "systemuser:25a17064-1ae7-e611-80f4-e0071b661f01", ":", "x" * 999]
)
def test_only_records_of_searched_tables_are_looked_at(
    alices: Browser, fields: Fields, connection: MicrosoftConnection, asked: list[str], sample: str
) -> None:
    assert alices.post("card_find", script=True, q="telefon", sample=[sample]).status_code == 200
    assert asked == []


def test_leads_and_own_tables_are_offered_under_their_own_names(
    alices: Browser, acme: Tenant, alice: User, connection: MicrosoftConnection
) -> None:
    own = {"label": "Servis", "table": "nnn_myLead", "id": "nnn_myLeadId", "phone_number": ["nnn_myPhone1"],
           "first_name": "", "last_name": "nnn_contactName"}  # fmt: skip
    configuration.change(acme, {"custom_entities": [own]}, by=alice)
    found = alices.post("card_find", script=True, q="vyrobni").context["suggestions"]
    assert [(each["one"].entity, each["one"].column.logical_name) for each in found] == [("nnn_myLead", "nnn_serial")]
    alices.post("card_edit", script=True, act="add:nnn_myLead:nnn_serial")
    assert alices.fields == [shown("nnn_myLead", "nnn_serial", {"cs": "Výrobní číslo", "en": "Serial number"})]
    assert "Servis" in {preview.table_label for preview in alices.get().context["previews"]}
    offered = [
        {each["one"].entity for each in alices.post("card_find", script=True, q="subject").context["suggestions"]}
        for leads in (True, False)
        if configuration.change(acme, {"instance": {"leads": leads}}, by=alice) or leads
    ]
    assert offered == [{"Lead"}, set()]


def test_a_column_that_is_gone_is_told_with_the_nearest_ones(
    alices: Browser, acme: Tenant, alice: User, connection: MicrosoftConnection
) -> None:
    configuration.change(acme, {"display_fields": [shown("Account", "nnn_turnovr", "Obrat")]}, by=alice)
    answer = alices.get()
    row = answer.context["rows"][0]
    assert (row.state, row.nearest[0]["name"]) == ("gone", "nnn_turnover")
    assert "The column is no longer in the CRM. The card will not show it." in words(answer)
    alices.post("card_edit", alices.fields, script=True, act="replace:1:nnn_turnover")
    assert alices.fields == [shown("Account", "nnn_turnover", "Obrat")]
    alices.post("card_edit", alices.fields, script=True, act="instead:1", instead_1="myOrdersCount")
    assert alices.names == ["myOrdersCount"]


def test_a_column_nobody_can_read_is_not_offered_and_says_why(
    alices: Browser, instance: Instance, connection: MicrosoftConnection, microsoft: Sandbox
) -> None:
    column = samples.look(instance, connection).metadata.table("account").column("nnn_turnover")  # type: ignore[union-attr]
    object.__setattr__(column, "readable", False)
    column.__dict__.pop("selectable", None)
    found = alices.post("card_find", script=True, q="nnn_turnover").context["suggestions"]
    assert [each["one"].why_not for each in found] == ["The CRM does not let anybody read this column."]


@pytest.mark.parametrize(
    ("fault", "said"),
    [("throttle", "Microsoft is busy and asks to wait"), ("unavailable", "Microsoft is not responding")],
)
def test_when_microsoft_fails_the_form_still_works(
    alices: Browser, fields: Fields, connection: MicrosoftConnection, microsoft: Sandbox, fault: str, said: str
) -> None:
    alices.get()
    microsoft.control.fault(fault, count=9)
    assert said in words(alices.get())
    assert alices.post("card_save", fields[:1], script=True).status_code == 200
    assert len(alices.names) == 1


def test_nobody_elses_connection_is_used(
    ivanas: Browser, fields: Fields, connection: MicrosoftConnection, asked: list[str], instance: Instance
) -> None:
    connections.metadata(instance, connections.client_for(connection), samples.Budget(9))
    assert ivanas.get().context["samples"].records == {}
    assert ivanas.post("card_find", script=True, q="telefon").status_code == 200
    assert asked == []
    assert "Samples appear once you connect Microsoft." in words(ivanas.get())


def test_sample_values_are_kept_nowhere(
    alices: Browser,
    fields: Fields,
    connection: MicrosoftConnection,
    instance: Instance,
    caplog: pytest.LogCaptureFixture,
) -> None:
    value = values(alices.get())["jobtitle"]
    instance.refresh_from_db()
    assert value not in str(instance.metadata) + caplog.text + str(samples.__dict__)
    microsoft_connections.disconnect(connection, by=connection.user)
    assert value not in words(alices.get())
