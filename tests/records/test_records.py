"""One click makes one record, and the tab it opened shows it."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.utils import translation

from crmwindow import lookup, records
from crmwindow.models import Leg, Opening
from crmwindow.records import NotCreated
from tenants.dataverse.budget import Budget
from tenants.models import Agent, CustomEntity
from tests.signed_in import sign_in

Ring = Callable[..., Leg]
CODE = "c" * 22


@pytest.fixture(autouse=True)
def _fresh(microsoft: Any) -> Iterator[None]:
    """English sentences; nobody remembers rights; requirements a test sets are taken back."""
    records._may.clear()
    jana = microsoft.dataverse
    with translation.override("en"):
        yield
    jana.require("lead", "leadsourcecode", "None")


def create(leg: Leg, table: str = "contact", code: str = CODE, **typed: str) -> Opening:
    leg.agent.language = leg.agent.language or "en"
    return records.create(leg=leg, table=table, code=code, **typed)


def written(microsoft: Any, opening: Opening) -> dict[str, Any]:
    row = microsoft.dataverse.record(opening.table, str(opening.record_id))
    assert row is not None
    return dict(row)


def test_a_new_contact_has_its_names_and_number_and_is_the_caller(jana: Agent, ring: Ring, microsoft: Any) -> None:
    leg = ring(jana, "604218331")
    opening = create(leg, first_name="Ivo", last_name="Nový")

    row = written(microsoft, opening)
    assert (row["firstname"], row["lastname"], row["mobilephone"]) == ("Ivo", "Nový", "+420604218331")
    assert row["ownerid"] == str(jana.systemuser_id)
    assert Opening.objects.get().created
    leg = Leg.objects.of(jana).get(pk=leg.pk)
    assert (leg.shown_table, leg.shown_id) == ("contact", opening.record_id)
    assert leg.call.regarding_id == opening.record_id
    found = lookup.found(leg, budget=Budget(2))
    assert [(match.name, match == found.chosen) for match in found.matches] == [("Ivo Nový", True)]


def test_a_landline_goes_to_the_first_phone_column(jana: Agent, ring: Ring, microsoft: Any) -> None:
    row = written(microsoft, create(ring(jana, "541000999")))

    assert (row["telephone1"], row.get("mobilephone")) == ("+420541000999", None)


def test_without_a_name_the_number_stands_for_it(jana: Agent, ring: Ring, microsoft: Any) -> None:
    row = written(microsoft, create(ring(jana, "604218332")))

    assert (row.get("firstname"), row["lastname"]) == (None, "+420 604 218 332")


def test_a_lead_has_a_topic_and_its_company(jana: Agent, ring: Ring, microsoft: Any) -> None:
    row = written(microsoft, create(ring(jana, "604218333"), "lead", company="Nové s.r.o."))

    assert (row["subject"], row["companyname"], row["mobilephone"]) == (
        "Incoming call +420 604 218 333", "Nové s.r.o.", "+420604218333",
    )  # fmt: skip


def test_the_customers_own_table_gets_its_mapped_columns(
    jana: Agent, ring: Ring, microsoft: Any, key_scheme: CustomEntity
) -> None:
    row = written(
        microsoft, create(ring(jana, "604218334"), "nnn_mylead", first_name="Ivo Nový", last_name="Nové s.r.o.")
    )

    assert (row["nnn_contactname"], row["nnn_organizationname"], row["nnn_myphone1"]) == (
        "Ivo Nový", "Nové s.r.o.", "+420604218334",
    )  # fmt: skip


def test_a_double_click_a_retry_and_another_window_make_one_record(jana: Agent, ring: Ring, microsoft: Any) -> None:
    leg = ring(jana, "604218335")
    first, again, elsewhere = create(leg), create(leg), create(leg, code="d" * 22)

    assert first.record_id == again.record_id == elsewhere.record_id
    creates = [path for method, path, _ in microsoft.dataverse.writes if str(first.record_id) in path]
    assert len(creates) == 1


def test_a_create_whose_answer_was_lost_is_not_repeated(jana: Agent, ring: Ring, microsoft: Any, metadata: Any) -> None:
    microsoft.control.fault("reset_after_write", path="/contacts")
    leg = ring(jana, "604218336")
    opening = create(leg, last_name="Nový")

    assert written(microsoft, opening)["lastname"] == "Nový"
    assert opening.created


def test_microsoft_down_creates_nothing_and_a_later_click_does(
    jana: Agent, ring: Ring, microsoft: Any, metadata: Any
) -> None:
    microsoft.control.microsoft("down")
    leg = ring(jana, "604218337")
    with pytest.raises(NotCreated, match="Click again"):
        create(leg)
    assert Opening.objects.get().problem == "unavailable"

    microsoft.control.microsoft("running")
    assert written(microsoft, create(leg))["lastname"] == "+420 604 218 337"


def test_another_required_column_refuses_beforehand(jana: Agent, ring: Ring, microsoft: Any) -> None:
    microsoft.dataverse.require("lead", "leadsourcecode", "ApplicationRequired")
    leg = ring(jana, "604218338")
    jana.language = "en"
    leg.agent.language = "en"
    before = len(microsoft.dataverse.writes)

    refused = {option.table: option.refused for option in records.options(leg, budget=Budget(5))}
    assert refused["contact"] == ""
    assert refused["lead"].startswith("Your CRM requires Lead Source on leads")
    with pytest.raises(NotCreated, match="requires Lead Source"):
        create(leg, "lead")
    assert len(microsoft.dataverse.writes) == before


def test_a_role_without_the_right_refuses_beforehand(
    jana: Agent, lena: Agent, ring: Ring, microsoft: Any, key_scheme: CustomEntity
) -> None:
    sign_in(lena)
    hers, janas = ring(lena, "604218339"), ring(jana, "604218340")

    options = {option.table: option for option in records.options(hers, budget=Budget(5))}
    assert options["lead"].refused == "Your role in the CRM may not create this: Zájemci. A CRM admin can add that."
    assert options["contact"].refused == ""
    assert all(not option.refused for option in records.options(janas, budget=Budget(5)))
    assert [option.label for option in records.options(janas, budget=Budget(5))] == [
        "New contact",
        "New lead",
        "New: Servis",
    ]


def test_a_refusal_by_dataverse_is_said_and_remembered(
    jana: Agent, lena: Agent, ring: Ring, microsoft: Any, metadata: Any
) -> None:
    sign_in(lena)
    leg = ring(lena, "604218341")
    with pytest.raises(NotCreated, match="prvCreateLead"):
        create(leg, "lead")

    before = len(microsoft.requests)
    options = {option.table: option for option in records.options(leg, budget=Budget(5))}
    assert options["lead"].refused != ""
    assert not any("prvCreateLead" in seen.path for seen in microsoft.requests[before:])


def test_a_name_longer_than_its_column_is_said_and_nothing_cut(jana: Agent, ring: Ring) -> None:
    with pytest.raises(NotCreated, match="at most 50 characters"):
        create(ring(jana, "604218342"), last_name="x" * 51)


@pytest.mark.parametrize("code", ["", "short", "c" * 22 + "/", "../../x" * 4])
def test_a_code_that_we_did_not_make_is_refused(jana: Agent, ring: Ring, code: str) -> None:
    with pytest.raises(NotCreated):
        create(ring(jana, "604218343"), code=code)
    assert Opening.objects.count() == 0


def test_another_calls_tab_is_not_taken_over(jana: Agent, ring: Ring) -> None:
    create(ring(jana, "604218344"))

    with pytest.raises(NotCreated, match="outdated"):
        create(ring(jana, "604218345"))


def test_only_configured_tables_can_be_created(jana: Agent, ring: Ring) -> None:
    for table in ("account", "systemuser", "phonecall"):
        with pytest.raises(NotCreated):
            create(ring(jana, "604218346"), table, code=f"{table:x<30}")


def test_the_deep_link_leads_to_the_instance_and_nowhere_else(jana: Agent) -> None:
    instance = jana.tenant.instance
    link = records.deep_link(instance, "contact", UUID(int=7))

    assert link == (
        f"{instance.url}/main.aspx?appid={instance.app_id}&pagetype=entityrecord&etn=contact"
        "&id=00000000-0000-0000-0000-000000000007"
    )
    with pytest.raises(ValueError):
        records.deep_link(instance, "contact", "//evil.example")
