"""A caller is found by the index and read with each agent's own rights; where the index cannot help, the CRM is asked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crmwindow import calls, candidates, index, lookup, phone
from crmwindow.index import finding
from crmwindow.lookup import Found
from crmwindow.models import Call, CallCandidates, IndexState, Leg
from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.demo_data import record_id
from tenants import connections, schema
from tenants.dataverse.budget import Budget
from tenants.models import Agent, CustomEntity, Instance, SystemAccount
from tests.index.conftest import Crm
from tests.window.conftest import Window

Ring = Callable[..., Leg]
Asked = Callable[[], list[str]]
ALFA = record_id("account", "Alfa s.r.o.")


def who(leg: Leg) -> Found:
    return lookup.found(leg, budget=Budget(5))


def names(found: Found) -> list[str]:
    return [match.name for match in found.matches]


@pytest.fixture(autouse=True)
def _tables_known(jana: Agent) -> None:
    from tests.signed_in import know_tables

    know_tables(jana)


def test_one_record_is_read_by_its_key_and_nothing_else_is_asked(
    built: Instance, jana: Agent, ring: Ring, asked: Asked
) -> None:
    leg = ring(jana, "777123456")
    asked()
    found = who(leg)

    assert (found.state, names(found)) == ("done", ["Jana Horáková"])
    assert found.matches[0].reason == "Only match: the contact's mobile. You own this contact."
    assert asked() == [f"contacts({found.matches[0].record_id})"]
    assert CallCandidates.objects.get(call=leg.call).outcome == "found"


def test_a_company_and_its_people_are_ranked_as_ever(built: Instance, jana: Agent, ring: Ring, asked: Asked) -> None:
    asked()
    found = who(ring(jana, "224551111"))
    assert names(found) == ["Alena Kučerová", "Petr Dvořák", "Martin Kříž"]
    assert sorted({path.partition("(")[0] for path in asked()}) == ["accounts", "contacts"]


def test_what_only_the_index_finds_is_found(
    indexed: Instance, jana: Agent, ring: Ring, crm: Crm, sync: Callable[[], None]
) -> None:
    crm.put(firstname="Druhý", lastname="Vpořadí", mobilephone="604000987, 777000987")
    assert who(ring(jana, "777000987")).unknown
    sync()
    assert names(who(ring(jana, "777000987"))) == ["Druhý Vpořadí"]


def test_each_agent_reads_with_their_own_rights(built: Instance, jana: Agent, bob: Agent, ring: Ring) -> None:
    hers, his = ring(jana, "602111222"), ring(bob, "602111222")

    assert names(who(hers)) == ["Alfa s.r.o."]
    found = who(his)
    assert found.unknown
    assert found.hidden == ("Firma",)
    assert who(hers).hidden == ()


def test_what_the_index_knows_is_asked_once_per_call_and_shared(
    built: Instance, jana: Agent, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    whole = index.known
    monkeypatch.setattr(index, "known", lambda instance, e164: (asked.append(e164), whole(instance, e164))[1])
    body = {"EventName": "Ringing", "UniqueId": "7.shared", "From": "602111222"}
    for agent in (jana, bob):
        calls.receive(calls.read_event({**body, "Login": agent.login}, agent.tenant), tenant=agent.tenant)
    for leg in Leg.objects.filter(call__unique_id="7.shared"):
        who(leg)
    assert asked == ["+420602111222"]


def test_it_is_known_at_the_first_event_before_any_phone_rings(
    built: Instance, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates._ahead, "submit", lambda act, *values: act(*values))
    monkeypatch.setattr(candidates, "close_old_connections", lambda: None)
    body = {"EventName": "NewCall", "UniqueId": "7.new", "From": "602111222"}
    with django_capture_on_commit_callbacks(execute=True):
        calls.receive(calls.read_event(body, built.tenant), tenant=built.tenant)
    row = CallCandidates.objects.get(call=Call.objects.get(unique_id="7.new"))
    assert row.records == [["account", ALFA]]
    assert row.covered.keys() == {"account", "contact", "lead"}


def test_another_number_of_the_same_call_is_looked_for_anew(built: Instance, jana: Agent, ring: Ring) -> None:
    leg = ring(jana, "602111222")
    who(leg)
    Call.objects.filter(pk=leg.call_id).update(number_blind="i1:other")
    leg.call.refresh_from_db()
    candidates.shared(leg.call, built, "+420777123456")
    assert CallCandidates.objects.get(call=leg.call).records != [["account", ALFA]]


# -- where the index cannot help -----------------------------------------------------------------------------------------


def test_nobody_in_the_index_means_that_the_crm_is_asked(
    built: Instance, jana: Agent, ring: Ring, asked: Asked
) -> None:
    leg = ring(jana, "604218330")
    asked()
    assert who(leg).unknown
    assert sorted(asked()) == ["accounts", "contacts", "leads"]
    assert CallCandidates.objects.get().outcome == "nobody"
    assert index.standing(built).error_rate is None


def test_a_record_that_only_the_crm_knew_is_found_and_counted_as_the_indexs_mistake(
    built: Instance, jana: Agent, ring: Ring, crm: Crm
) -> None:
    crm.put(lastname="Novější", mobilephone="777000987")
    assert names(who(ring(jana, "777000987"))) == ["Novější"]
    who(ring(jana, "602111222"))
    standing = index.standing(built)
    assert (standing.found, standing.missed, standing.error_rate) == (1, 1, 50.0)


def test_a_number_that_was_changed_meanwhile_is_not_shown(
    indexed: Instance, jana: Agent, ring: Ring, crm: Crm, sync: Callable[[], None]
) -> None:
    changed = crm.put(mobilephone="777000987")
    gone = crm.put(mobilephone="777000987")
    sync()
    crm.change(changed, mobilephone="777000988")
    crm.delete(gone)
    assert who(ring(jana, "777000987")).unknown


@pytest.mark.parametrize(
    "spoilt",
    [
        {"synced_at": timezone.now() - timedelta(hours=2)},
        {"country": "SK"},
        {"key_id": "gone"},
        {"stage": "building"},
    ],
)
def test_an_index_that_cannot_be_trusted_is_not_asked(
    built: Instance, jana: Agent, ring: Ring, asked: Asked, spoilt: dict[str, Any]
) -> None:
    IndexState.objects.update(**spoilt)
    leg = ring(jana, "602111222")
    asked()
    assert names(who(leg)) == ["Alfa s.r.o."]
    assert sorted(asked()) == ["accounts", "contacts", "leads"]


def test_a_table_that_is_not_indexed_is_asked_beside_the_records(
    built: Instance, jana: Agent, ring: Ring, key_scheme: CustomEntity, asked: Asked
) -> None:
    from tests.signed_in import know_tables

    connections.forget_metadata(jana.tenant.instance)
    know_tables(jana)
    schema.forget(built)
    leg = ring(jana, "224551111")
    asked()
    assert names(who(leg)) == ["Alena Kučerová", "Petr Dvořák", "Porucha rozvaděče R4", "Martin Kříž"]
    assert sorted({path.partition("(")[0] for path in asked()}) == ["accounts", "contacts", "nnn_myleads"]


def test_a_table_with_a_new_column_is_asked_until_it_is_indexed_again(
    built: Instance, jana: Agent, ring: Ring, crm: Crm, asked: Asked
) -> None:

    crm.put(lastname="Faxová", fax="602111222")
    Instance.objects.update(search_columns={"contact": ["mobilephone", "fax"]})
    schema.forget(built)
    assert names(who(ring(jana, "602111222"))) == ["Faxová", "Alfa s.r.o."]


def test_very_many_records_are_asked_for_at_once(
    built: Instance, jana: Agent, ring: Ring, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST", 2)
    leg = ring(jana, "224551111")
    asked()
    assert len(who(leg).matches) == 3
    assert sorted(asked()) == ["accounts", "contacts", "leads"]


def test_records_that_cannot_be_read_do_not_hide_the_others(
    built: Instance, jana: Agent, ring: Ring, microsoft: Sandbox
) -> None:
    microsoft.control.fault("unavailable", path=r"contacts\(", count=None)
    found = who(ring(jana, "224551111"))
    assert found.state == "partial"
    assert [match.table for match in found.matches] == ["account"]
    assert found.failures == {"Kontakt": "Microsoft is not responding."}
    assert CallCandidates.objects.get().outcome == ""


def test_the_voice_menu_finds_callers_the_same_way_in_its_own_table_only(
    built: Instance, system: SystemAccount, jana: Agent, asked: Asked
) -> None:
    metadata = connections.known_metadata(jana.tenant.instance)
    number, alfa = phone.parse("224551111", "CZ"), phone.parse("602111222", "CZ")
    assert metadata
    assert number
    assert alfa
    client = connections.client_for(system)
    client.whoami(budget=Budget(5))  # one token, before several threads want one
    tables = [each for each in schema.of(built, metadata).tables if each.table.logical_name == "contact"]
    asked()
    result = candidates.find(client, metadata, built, number, Budget(5), tables=tables)
    assert {hit.name for hit in result.hits} == {"Alena Kučerová", "Petr Dvořák", "Martin Kříž"}
    assert {path.partition("(")[0] for path in asked()} == {"contacts"}
    assert candidates.find(client, metadata, built, alfa, Budget(5), tables=tables).hits == ()
    assert asked() == ["contacts"]


def test_without_the_index_no_query_is_made_for_it(
    instance: Instance, jana: Agent, ring: Ring, django_assert_num_queries: Any
) -> None:
    leg = ring(jana, "602111222")
    number = phone.parse("602111222", "CZ")
    assert number is not None
    with django_assert_num_queries(0):
        assert candidates._known(instance, number, leg.call) == (index.Known(), None)
        candidates.note_outcome(leg.call, instance, lookup.SearchResult())


def test_the_index_itself_takes_one_query(built: Instance, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert index.known(built, "+420602111222").records == (("account", ALFA),)
    IndexState.objects.all().delete()
    with django_assert_num_queries(1):
        assert index.known(built, "+420602111222").records == ()


def test_ids_of_old_calls_are_forgotten_and_what_they_say_of_the_index_stays(
    built: Instance, jana: Agent, ring: Ring
) -> None:
    from crmwindow import upkeep

    who(ring(jana, "602111222"))
    CallCandidates.objects.update(found_at=timezone.now() - timedelta(hours=13))
    upkeep.tidy()
    row = CallCandidates.objects.get()
    assert (row.records, row.outcome) == ([], "found")


def test_an_agent_is_told_of_a_record_they_may_not_read_without_its_name(
    built: Instance, bob: Agent, ring: Ring, client: Any
) -> None:
    leg = ring(bob, "602111222")
    who(leg)
    window = Window(bob)
    window.enter()
    page = window.ask("matches", leg.call.code).content.decode()
    assert "The CRM has a record with this number" in page or "CRM má záznam s tímto číslem" in page
    assert "Alfa" not in page
