"""Who calls: found in Dataverse with the agent's own rights, ranked, and said in words."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.utils import translation

from crmwindow import lookup, one_record
from crmwindow.lookup import Found
from crmwindow.models import Call, LearnedMatch, Leg, Lookup
from ipexportal.sandbox.demo_data import record_id
from tenants.dataverse.budget import Budget
from tenants.models import Agent, CustomEntity, DisplayField

Ring = Callable[..., Leg]
ALFA = record_id("account", "Alfa s.r.o.")


@pytest.fixture(autouse=True)
def _english() -> Any:
    with translation.override("en"):
        yield


def who(leg: Leg) -> Found:
    return lookup.found(leg, budget=Budget(5))


def names(found: Found) -> list[str]:
    return [match.name for match in found.matches]


def test_one_record_has_the_number_and_is_the_caller(jana: Agent, ring: Ring) -> None:
    leg = ring(jana, "777123456")
    found = who(leg)

    assert (found.state, names(found), found.failures) == ("done", ["Jana Horáková"], {})
    match = found.matches[0]
    assert found.chosen == match
    assert (match.table, match.company, match.kind, match.owner_is_me) == (
        "contact", "Stavby Morava s.r.o.", "person", True,
    )  # fmt: skip
    assert match.reason == "Only match: the contact's mobile. You own this contact."
    leg.refresh_from_db()
    assert str(leg.shown_id) == match.record_id
    assert (leg.call.regarding_table, str(leg.call.regarding_id)) == ("contact", match.record_id)


def test_a_switchboard_lists_its_people_best_first_without_the_company(
    jana: Agent, ring: Ring, key_scheme: CustomEntity
) -> None:
    found = who(ring(jana, "224551111"))

    assert names(found) == ["Alena Kučerová", "Petr Dvořák", "Porucha rozvaděče R4", "Martin Kříž"]
    assert found.chosen is None
    assert found.matches[0].reason.endswith("You own this contact.")
    assert found.matches[2].table_label == "Servis"
    assert found.matches[2].kind == "record"
    assert found.matches[3].inactive
    assert found.matches[3].reason == "Inactive since 1 Mar 2026, so listed last."


def test_two_agents_with_different_rights_see_different_cards(jana: Agent, bob: Agent, ring: Ring) -> None:
    hers, his = ring(jana, "602111222"), ring(bob, "602111222")

    assert names(who(hers)) == ["Alfa s.r.o."]
    assert who(his).unknown


def test_nobody_has_the_number(jana: Agent, ring: Ring) -> None:
    found = who(ring(jana, "604218330"))

    assert (found.state, found.matches, found.unknown) == ("done", (), True)


@pytest.mark.parametrize("number", ["605333444", "+420608777111", "00420 605 333 444"])
def test_leads_are_searched(jana: Agent, ring: Ring, number: str) -> None:
    assert [match.table for match in who(ring(jana, number)).matches] == ["lead"]


def test_leads_are_not_searched_where_the_customer_has_none(jana: Agent, ring: Ring, microsoft: Any) -> None:
    instance = jana.tenant.instance
    instance.leads = False
    instance.save()

    assert who(ring(jana, "605333444")).unknown
    assert not any("leads" in seen.path for seen in microsoft.requests if seen.side == "dataverse")


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("224551112", "Karel Hovorka"),  # "224 551 112 linka 12"
        ("603444555", "Eva Malinová"),  # "(+420) 603-444-555"
        ("604555666", "Radek Kovář"),  # "00420 604 555 666"
    ],
)
def test_dirty_spellings_are_found(jana: Agent, ring: Ring, number: str, name: str) -> None:
    assert name in names(who(ring(jana, number)))


def test_extra_fields_come_formatted_in_the_same_request(
    jana: Agent, ring: Ring, fields: list[DisplayField], microsoft: Any
) -> None:
    who(ring(jana, "604218330"))  # metadata is warm now
    before = len(microsoft.requests)
    found = who(ring(jana, "602111222"))

    asked = [seen.path.partition("?")[0].rpartition("/")[2] for seen in microsoft.requests[before:]]
    assert sorted(asked) == ["accounts", "contacts", "leads"]
    assert [(label, value.replace("\xa0", " ")) for label, value, _ in found.matches[0].fields] == [
        ("Počet objednávek", "14"),
        ("Obrat", "486 200,00 Kč"),
    ]


def test_what_metadata_does_not_know_is_reported_and_never_sent(
    jana: Agent, ring: Ring, fields: list[DisplayField], metadata: Any
) -> None:
    from tenants import schema

    unknown = schema.of(jana.tenant.instance, metadata).unknown
    assert [(each.table, each.column) for each in unknown] == [("account", "noSuchColumn"), ("Opportunity", "")]
    assert who(ring(jana, "602111222")).state == "done"


def test_the_companys_fields_of_a_person_are_a_second_request(
    jana: Agent, ring: Ring, fields: list[DisplayField]
) -> None:
    leg = ring(jana, "777123456")
    match = who(leg).matches[0]

    shown = one_record.details(leg, table=match.table, record_id=UUID(match.record_id), budget=Budget(2))
    assert [label for label, _, _ in shown] == ["Funkce", "Počet objednávek", "Obrat"]


def test_a_record_that_no_look_up_found_can_be_shown(jana: Agent, ring: Ring, fields: list[DisplayField]) -> None:
    leg = ring(jana, "604218330")

    shown = one_record.details(leg, table="account", record_id=UUID(ALFA), budget=Budget(2))
    assert next(value for _, value, _ in shown) == "14"


def test_the_last_calls_of_a_record(jana: Agent, ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_record, "HISTORY_ROWS", 50)  # other tests may have written to her as well
    leg = ring(jana, "777123456")
    match = who(leg).matches[0]

    past = one_record.history(leg, table="contact", record_id=UUID(match.record_id), budget=Budget(2))
    assert [(call.text, call.direction) for call in past.calls[-3:]] == [
        ("Termín výměny čerpadla potvrzen na 2. 12.", "incoming"),
        ("Poslána nabídka na prodloužení servisní smlouvy.", "outgoing"),
        ("Reklamace faktury 2026/0418, předáno účtárně.", "incoming"),
    ]
    assert past.more is False


def test_only_the_newest_calls_are_shown_and_that_there_are_more(
    jana: Agent, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_record, "HISTORY_ROWS", 2)
    leg = ring(jana, "777123456")
    match = who(leg).matches[0]

    past = one_record.history(leg, table="contact", record_id=UUID(match.record_id), budget=Budget(2))
    assert (len(past.calls), past.more) == (2, True)


# ── choosing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_remembered_choice_comes_first_next_time(jana: Agent, ring: Ring) -> None:
    leg = ring(jana, "224551111")
    petr = next(match for match in who(leg).matches if match.name == "Petr Dvořák")
    lookup.choose(leg, table=petr.table, record_id=UUID(petr.record_id), remember=True)

    assert who(leg).chosen == next(match for match in who(leg).matches if match.name == "Petr Dvořák")
    leg.call.refresh_from_db()
    assert str(leg.call.regarding_id) == petr.record_id
    again = who(ring(jana, "+420 224 551 111"))
    assert names(again)[0] == "Petr Dvořák"
    assert again.matches[0].reason == "You chose this record for the number last time."
    assert LearnedMatch.objects.get().number == "+420224551111"


def test_only_what_was_found_can_be_chosen(jana: Agent, ring: Ring) -> None:
    leg = ring(jana, "224551111")
    who(leg)

    with pytest.raises(lookup.NotAMatch):
        lookup.choose(leg, table="account", record_id=UUID(ALFA), remember=True)
    assert LearnedMatch.objects.count() == 0


def test_none_of_them_takes_back_the_only_match(jana: Agent, ring: Ring) -> None:
    leg = ring(jana, "777123456")
    who(leg)
    leg.refresh_from_db()
    lookup.none_of_them(leg)

    assert who(leg).chosen is None
    assert Call.objects.get(pk=leg.call_id).regarding_id is None


# ── on a bad day ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failing_table_does_not_hide_the_others(jana: Agent, ring: Ring, microsoft: Any, metadata: Any) -> None:
    microsoft.control.fault("unavailable", path="/leads", count=None)
    found = who(ring(jana, "777123456"))

    assert (found.state, names(found)) == ("partial", ["Jana Horáková"])
    assert list(found.failures.values()) == ["Microsoft is not responding."]
    assert found.chosen is None or found.chosen == found.matches[0]


def test_a_table_the_agent_may_not_read_is_no_failure(jana: Agent, ring: Ring, microsoft: Any, metadata: Any) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvReadLead", upn="jana@acme.example")

    assert who(ring(jana, "604218330")).unknown


def test_microsoft_is_down_and_the_look_up_can_be_made_again(
    jana: Agent, ring: Ring, microsoft: Any, metadata: Any
) -> None:
    microsoft.control.microsoft("down")
    leg = ring(jana, "777123456")
    assert (who(leg).state, who(leg).problem) == ("failed", "unavailable")

    microsoft.control.microsoft("running")
    lookup.retry(leg)
    assert names(who(leg)) == ["Jana Horáková"]


def test_without_a_sign_in_it_says_so_and_goes_on_after_it(jana: Agent, ring: Ring) -> None:
    from tenants import entra

    entra.sign_out(jana)
    jana.refresh_from_db()
    leg = ring(jana, "777123456")
    assert (who(leg).state, who(leg).problem) == ("failed", "sign_in")

    from tests.signed_in import sign_in

    sign_in(jana)
    leg = Leg.objects.of(jana).get(pk=leg.pk)
    assert names(who(leg)) == ["Jana Horáková"]


@pytest.mark.usefixtures("wrong_names")
def test_no_column_that_was_deleted_stops_the_look_up(jana: Agent, ring: Ring, metadata: Any) -> None:
    """Metadata still knows a column that is gone: it is read again, and the look-up made again."""
    from dataclasses import replace

    from tenants import connections

    instance = jana.tenant.instance
    account = metadata.tables["account"]
    gone = replace(account.columns["telephone1"], logical_name="telephone9", schema_name="Telephone9")
    drifted = replace(account, columns={**account.columns, "telephone9": gone})
    connections.keep(instance, replace(metadata, tables={**metadata.tables, "account": drifted}))

    assert names(who(ring(jana, "602111222"))) == ["Alfa s.r.o."]


@pytest.mark.parametrize("number", ["anonymous", "446", "+420222333444", "gate"])
def test_who_has_no_number_is_not_looked_for(jana: Agent, ring: Ring, microsoft: Any, number: str) -> None:
    before = len(microsoft.requests)

    assert who(ring(jana, number)).unknown
    assert len(microsoft.requests) == before
    assert Lookup.objects.count() == 0


def test_what_was_found_is_encrypted(jana: Agent, ring: Ring) -> None:
    from django.db import connection

    who(ring(jana, "777123456"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT result FROM crmwindow_lookup")
        assert "Horáková".encode() not in bytes(cursor.fetchone()[0])
