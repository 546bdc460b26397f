"""The index follows the CRM: all of it once, then what changes, whatever goes wrong meanwhile."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crmwindow import index
from crmwindow.index import lease, syncing
from crmwindow.models import IndexedNumber, IndexState, NumberIndex
from ipexportal.sandbox import Sandbox, directory
from ipexportal.sandbox.demo_data import record_id
from tenants.dataverse.client import Client
from tenants.models import CustomEntity, Instance, SystemAccount
from tests.index.conftest import Crm, ids

Sync = Callable[[], None]
ALFA = record_id("account", "Alfa s.r.o.")


def states(instance: Instance, table: str = "contact") -> list[tuple[int, str]]:
    rows = IndexState.objects.filter(instance=instance, table=table).order_by("generation")
    return [(state.generation, state.stage) for state in rows]


def due_again(instance: Instance) -> None:
    NumberIndex.objects.filter(instance=instance).update(due_at=timezone.now())


# -- building ----------------------------------------------------------------------------------------------------------


def test_the_build_knows_every_record_that_holds_a_number(built: Instance, microsoft: Sandbox) -> None:
    assert ids(built, "+420602111222") == {ALFA}
    contacts = IndexState.objects.get(table="contact")
    assert contacts.records == microsoft.dataverse.store.count("contact")
    assert contacts.columns[0] in ("telephone1", "mobilephone", "business2", "home2")
    standing = index.standing(built)
    assert (standing.state, standing.problem, standing.error_rate) == ("ready", "", None)


def test_two_numbers_in_one_field_and_one_after_text_are_both_known(indexed: Instance, crm: Crm, sync: Sync) -> None:
    both = crm.put(mobilephone="777123987, 602111987")
    behind = crm.put(telephone1="sekretariát 224 551 987 linka 12")
    sync()
    assert ids(indexed, "+420777123987") == ids(indexed, "+420602111987") == {both}
    assert ids(indexed, "+420224551987") == {behind}


def test_no_number_stands_in_the_index(built: Instance) -> None:
    row = IndexedNumber.objects.exclude(blind=b"").first()
    assert row is not None
    assert len(bytes(row.blind)) == 16
    assert {field.name for field in IndexedNumber._meta.get_fields()} == {
        "pk", "state", "record_id", "column", "flaw", "blind",
    }  # fmt: skip


def test_the_same_number_is_another_value_for_another_customer(built: Instance, beta: Any) -> None:
    from crmwindow.blind import blind, for_index

    ours, theirs = (for_index(tenant, "i1")("+420602111222") for tenant in (built.tenant, beta))
    assert ours != theirs
    assert ours.hex() not in blind(built.tenant, "+420602111222")


def test_a_worker_that_was_killed_goes_on_where_the_last_page_ended(
    indexed: Instance, sync: Sync, monkeypatch: pytest.MonkeyPatch, microsoft: Sandbox
) -> None:
    monkeypatch.setattr(syncing, "PAGE", 5)
    whole = syncing._Turn._apply

    def killed(turn: Any, state: IndexState, answer: Any, *rest: Any) -> None:
        if state.table == "contact" and state.next_link:
            raise KeyboardInterrupt
        whole(turn, state, answer, *rest)

    monkeypatch.setattr(syncing._Turn, "_apply", killed)
    with pytest.raises(KeyboardInterrupt):
        sync()
    left = IndexState.objects.exclude(next_link="").get()
    assert (left.table, left.stage, left.records) == ("contact", "building", 5)
    assert not index.sync(indexed.pk)  # its lease is still held, so nobody else begins
    monkeypatch.setattr(syncing._Turn, "_apply", whole)
    NumberIndex.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sync()
    assert states(indexed, "account") == states(indexed, "contact") == [(1, "serving")]
    assert IndexState.objects.get(table="contact").records == microsoft.dataverse.store.count("contact")
    assert ids(indexed, "+420602111222") == {ALFA}


def test_a_long_build_gives_others_their_turn(indexed: Instance, monkeypatch: pytest.MonkeyPatch, sync: Sync) -> None:
    monkeypatch.setattr(syncing, "PAGE", 5)
    monkeypatch.setattr(syncing, "SLICE", 0)
    assert index.sync(indexed.pk)
    assert index.standing(indexed).state == "building"
    assert index.standing(indexed).records == 5
    sync()
    assert index.standing(indexed).state == "ready"


def test_a_page_link_that_died_makes_the_build_begin_anew(
    indexed: Instance, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "PAGE", 5)
    monkeypatch.setattr(syncing, "SLICE", 0)
    assert index.sync(indexed.pk)
    assert states(indexed, "account") == [(1, "building")]
    IndexState.objects.update(next_link=f"{indexed.url}/api/data/v9.2/accounts?$skiptoken=old")
    sync()
    assert states(indexed, "account") == [(1, "serving")]
    assert ids(indexed, "+420602111222") == {ALFA}


def test_a_page_of_changes_whose_link_died_is_asked_for_again(built: Instance, sync: Sync, crm: Crm) -> None:
    made = crm.put(mobilephone="777000987")
    IndexState.objects.filter(table="contact").update(next_link=f"{built.url}/api/data/v9.2/contacts?$skiptoken=old")
    sync()
    assert states(built) == [(1, "serving")]
    assert ids(built, "+420777000987") == {made}


# -- changes -----------------------------------------------------------------------------------------------------------


def test_only_what_changed_is_read(
    built: Instance, crm: Crm, sync: Sync, asked: Callable[[], list[str]], microsoft: Sandbox
) -> None:
    made = crm.put(mobilephone="777000987")
    asked()
    sync()
    assert sorted(asked()) == ["accounts", "contacts", "leads"]
    assert ids(built, "+420777000987") == {made}

    crm.change(made, mobilephone="777000988")
    sync()
    assert (ids(built, "+420777000987"), ids(built, "+420777000988")) == (set(), {made})

    crm.change(made, statecode=1)
    sync()
    assert ids(built, "+420777000988") == {made}  # inactive ones are shown, too, but last

    crm.delete(made)
    sync()
    assert ids(built, "+420777000988") == set()
    assert states(built) == [(1, "serving")]


def test_a_merged_record_keeps_its_number_until_it_is_taken_from_it(built: Instance, crm: Crm, sync: Sync) -> None:
    kept, merged = crm.put(mobilephone="777000987"), crm.put(mobilephone="777000987")
    sync()
    assert ids(built, "+420777000987") == {kept, merged}
    crm.change(merged, statecode=1, mobilephone=None)
    sync()
    assert ids(built, "+420777000987") == {kept}


def test_changes_in_many_pages(built: Instance, crm: Crm, sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "PAGE", 2)
    made = {crm.put(mobilephone="777000987") for _ in range(5)}
    sync()
    assert ids(built, "+420777000987") == made


def test_a_record_that_came_and_went_between_two_looks_does_no_harm(built: Instance, crm: Crm, sync: Sync) -> None:
    crm.delete(crm.put(mobilephone="777000987"))
    sync()
    assert ids(built, "+420777000987") == set()
    assert index.standing(built).problem == ""


def test_it_is_due_again_after_some_minutes(built: Instance, settings: Any) -> None:
    assert index.due() == []
    NumberIndex.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert index.due() == [built.pk]


# -- beginning anew ----------------------------------------------------------------------------------------------------


def test_an_expired_token_leads_to_a_new_generation_and_the_old_one_answers_meanwhile(
    built: Instance, crm: Crm, microsoft: Sandbox, monkeypatch: pytest.MonkeyPatch, sync: Sync
) -> None:
    made = crm.put(mobilephone="777000987")
    microsoft.control.expire_delta_tokens()
    monkeypatch.setattr(syncing, "PAGE", 5)
    monkeypatch.setattr(syncing, "SLICE", 0)
    seen = []
    while index.sync(built.pk):
        seen.append(ids(built, "+420602111222"))
        assert len(seen) < 200
    assert len(seen) > 3
    assert all(found == {ALFA} for found in seen)
    assert states(built) == [(2, "serving")]
    assert ids(built, "+420777000987") == {made}
    assert IndexedNumber.objects.filter(state__stage="retired").count() == 0


def test_links_that_are_refused_again_at_once_do_not_lead_to_building_for_ever(
    built: Instance, microsoft: Sandbox, sync: Sync, crm: Crm
) -> None:
    microsoft.control.expire_delta_tokens()
    sync()
    assert states(built) == [(2, "serving")]
    microsoft.control.expire_delta_tokens()
    sync()
    assert states(built) == [(2, "serving")]
    assert NumberIndex.objects.get().problem == "error"
    IndexState.objects.update(started_at=timezone.now() - timedelta(hours=1))
    due_again(built)
    sync()
    assert states(built) == [(3, "serving")]


def test_another_key_leads_to_a_new_generation(built: Instance, sync: Sync, settings: Any) -> None:
    settings.INDEX_KEYS = {"i2": b"j" * 32, **settings.INDEX_KEYS}
    assert ids(built, "+420602111222") == {ALFA}  # with the old key
    sync()
    assert {state.key_id for state in IndexState.objects.all()} == {"i2"}
    assert ids(built, "+420602111222") == {ALFA}
    settings.INDEX_KEYS = {"i2": b"j" * 32}
    assert ids(built, "+420602111222") == {ALFA}


def test_a_copied_organization_leads_to_a_new_generation(built: Instance, sync: Sync, microsoft: Sandbox) -> None:
    other = str(uuid.uuid4())
    microsoft.control.organization(other)
    sync()
    assert {str(state.organization_id) for state in IndexState.objects.all()} == {other}
    assert states(built) == [(2, "serving")]


def test_other_columns_lead_to_a_new_generation_of_their_table_only(built: Instance, sync: Sync, crm: Crm) -> None:
    from tenants import schema

    made = crm.put(fax="777000987")
    sync()
    assert ids(built, "+420777000987") == set()
    Instance.objects.update(search_columns={"contact": ["mobilephone", "fax"]})
    schema.forget(built)
    sync()
    assert ids(built, "+420777000987") == {made}
    assert (states(built, "contact"), states(built, "account")) == ([(2, "serving")], [(1, "serving")])


def test_a_table_that_is_not_searched_any_more_is_forgotten(built: Instance, sync: Sync) -> None:
    from tenants import schema

    Instance.objects.update(leads=False)
    schema.forget(built)
    sync()
    assert states(built, "lead") == []


# -- what it needs -----------------------------------------------------------------------------------------------------


def test_switched_off_nothing_stays(built: Instance) -> None:
    Instance.objects.update(index=False)
    assert index.due() == [built.pk]
    assert not index.sync(built.pk)
    assert (IndexedNumber.objects.count(), IndexState.objects.count(), NumberIndex.objects.count()) == (0, 0, 0)
    assert index.due() == []


def test_without_a_system_account_nothing_stays(built: Instance) -> None:
    SystemAccount.objects.all().delete()
    assert index.due() == [built.pk]
    index.sync(built.pk)
    assert IndexedNumber.objects.count() == 0


def test_a_table_without_change_tracking_is_left_out_and_says_so(
    indexed: Instance, key_scheme: CustomEntity, sync: Sync
) -> None:
    sync()
    standing = index.standing(indexed)
    assert standing.state == "ready"
    assert [(table.name, table.answers) for table in standing.tables] == [
        ("account", True), ("contact", True), ("lead", True), ("nnn_mylead", False),
    ]  # fmt: skip
    assert standing.tables[3].problem.startswith("Change tracking is not switched on for this table.")


def test_an_account_that_does_not_read_the_whole_organization_is_named(
    indexed: Instance, sync: Sync, microsoft: Sandbox
) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvReadContact", upn=directory.SYSTEM.upn)
    sync()
    contacts = next(table for table in index.standing(indexed).tables if table.name == "contact")
    assert contacts.problem.startswith("The system account may not read all records of this table.")
    microsoft.control.clear()
    due_again(indexed)
    sync()
    assert [table.problem for table in index.standing(indexed).tables] == ["", "", ""]


def test_a_wrong_secret_is_said_and_tried_again_later(indexed: Instance, system: SystemAccount, sync: Sync) -> None:
    system.client_secret = "nonsense"
    system.save()
    sync()
    standing = index.standing(indexed)
    assert standing.state == "stuck"
    assert standing.problem.startswith("Microsoft does not let the system account sign in.")
    assert standing.next_at is not None
    assert standing.next_at > timezone.now() + timedelta(seconds=30)


def test_it_waits_as_long_as_microsoft_asks(indexed: Instance, sync: Sync, microsoft: Sandbox) -> None:
    microsoft.control.fault("throttle", count=1, retry_after=100)
    sync()
    standing = index.standing(indexed)
    assert standing.problem == "The CRM is busy and asks us to wait. It goes on by itself."
    assert standing.next_at is not None
    assert standing.next_at > timezone.now() + timedelta(seconds=90)
    assert index.due() == []


@pytest.mark.parametrize("kind", ["unavailable", "html", "reset", "truncated"])
def test_microsofts_bad_moments_delay_it_only(indexed: Instance, sync: Sync, microsoft: Sandbox, kind: str) -> None:
    microsoft.control.fault(kind, count=6)
    for _ in range(8):
        due_again(indexed)
        sync()
    microsoft.control.clear()
    due_again(indexed)
    sync()
    assert ids(indexed, "+420602111222") == {ALFA}
    assert index.standing(indexed).problem == ""


def test_a_link_elsewhere_is_not_followed(built: Instance, sync: Sync, asked: Callable[[], list[str]]) -> None:
    IndexState.objects.filter(table="contact").update(delta_link="https://evil.example/api/data/v9.2/contacts?x=1")
    sync()
    assert states(built) == [(2, "serving")]  # a link that is no link of theirs is as good as none


# -- several workers ---------------------------------------------------------------------------------------------------


def test_a_second_worker_leaves_it_to_the_first(
    indexed: Instance, monkeypatch: pytest.MonkeyPatch, asked: Callable[[], list[str]]
) -> None:
    assert lease.take(indexed)
    asked()
    assert not index.sync(indexed.pk)
    assert asked() == []
    assert index.due() == []


def test_who_lost_the_lease_while_asking_writes_nothing(indexed: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Client.get

    def slow(client: Client, path: str, **more: Any) -> Any:
        answer = whole(client, path, **more)
        if path.startswith("accounts"):
            NumberIndex.objects.update(lease=uuid.uuid4())  # its lease ran out and another worker took it
        return answer

    monkeypatch.setattr(Client, "get", slow)
    assert not index.sync(indexed.pk)
    assert IndexedNumber.objects.count() == 0
    assert IndexState.objects.get().next_link == ""


def test_a_worker_does_not_bring_back_what_was_switched_off(indexed: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Client.get

    def slow(client: Client, path: str, **more: Any) -> Any:
        answer = whole(client, path, **more)
        if path.startswith("accounts"):
            index.remove(indexed)
        return answer

    monkeypatch.setattr(Client, "get", slow)
    assert not index.sync(indexed.pk)
    assert (IndexedNumber.objects.count(), IndexState.objects.count(), NumberIndex.objects.count()) == (0, 0, 0)
