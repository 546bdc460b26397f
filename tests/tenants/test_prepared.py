"""A prepared question answers what the same queryset would, whatever it is filled in with."""

from datetime import timedelta
from threading import Thread
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from crmwindow.models import Call, CardTiming, Leg, Lookup, Note, Outbox
from tenants.fields import seal
from tenants.models import Agent, Instance, Tenant
from tenants.prepared import Prepared, PreparedInsert, PreparedSave, PreparedUpdate

pytestmark = pytest.mark.django_db


def test_models_come_with_what_was_joined_and_without_what_was_left_out(jana: Agent, bob: Agent) -> None:
    question = Prepared(
        lambda login: (
            Agent.objects.filter(login=login).select_related("tenant__instance").defer("tenant__instance__url")[:1]
        )
    )
    for agent in (bob, jana):
        found = question.first(login=agent.login)
        assert found is not None
        with connection.execute_wrapper(_nothing_more):
            assert (found, found.email, found.tenant.instance.pk) == (agent, agent.email, agent.tenant.instance.pk)
        assert "url" in found.tenant.instance.get_deferred_fields()
        found.save(update_fields=["name"])  # a row like any other
    assert question.first(login="nobody") is None


def _nothing_more(*_arguments: object) -> None:
    raise AssertionError("the database was asked again")


def test_identifiers_moments_rows_and_secrets_are_values_like_any_other(jana: Agent) -> None:
    begun = timezone.now()
    call = Call.objects.create(tenant=jana.tenant, unique_id="1.1", started_at=begun)
    leg = Leg.objects.create(call=call, agent=jana)
    row = Lookup.objects.create(leg=leg)
    found = Prepared(
        lambda call, code, since: Leg.objects.filter(call=call, call__code=code, call__started_at__gt=since)
    )
    keep = PreparedUpdate(
        lambda row, result, now: (Lookup.objects.filter(pk=row), {"result": result, "finished_at": now})
    )

    assert found.rows(call=call, code=call.code, since=begun - timedelta(seconds=1)) == [leg]
    assert found.rows(call=call.pk, code=call.code, since=begun) == []
    assert found.rows(call=call, code=uuid4(), since=begun - timedelta(seconds=1)) == []
    assert keep(row=row, result=seal(row, "result", "Petra Malá"), now=begun) == 1
    row.refresh_from_db()
    assert (row.result, row.finished_at) == ("Petra Malá", begun)


def test_a_list_may_be_as_long_as_it_is(jana: Agent, bob: Agent, klara: Agent) -> None:
    lines = Prepared(
        lambda lines: Agent.objects.filter(line__in=lines).order_by("line").values_list("login", flat=True)
    )
    assert lines.rows(lines=["444"]) == [jana.login]
    assert lines.rows(lines=["446", "444"]) == [jana.login, klara.login]
    assert lines.rows(lines=["445"]) == [bob.login]


def test_none_equals_nothing(jana: Agent) -> None:
    Agent.objects.filter(pk=jana.pk).update(line="")
    named = Prepared(lambda login, line: Agent.objects.filter(Q(login=login) | Q(line=line)))
    assert named.rows(login=None, line=None) == []
    assert named.rows(login=jana.login, line=None) == [jana]


def test_a_change_counts_from_what_is_there_and_says_how_many_rows_it_changed(jana: Agent, bob: Agent) -> None:
    close = PreparedUpdate(
        lambda tenant, most: (
            Agent.objects.filter(tenant=tenant, session_epoch__lt=most),
            {"session_epoch": F("session_epoch") + 1},
        )
    )
    before = jana.session_epoch
    assert close(tenant=jana.tenant, most=before + 1) == 2
    assert close(tenant=jana.tenant, most=before + 1) == 0
    jana.refresh_from_db()
    assert jana.session_epoch == before + 1


def test_who_fills_in_something_else_is_told_so(jana: Agent) -> None:
    by_login = Prepared(lambda login, tenant: Agent.objects.filter(login=login))
    with pytest.raises(ValueError, match="tenant"):
        by_login.rows(login="jana", tenant=jana.tenant)


def test_what_a_customer_typed_stays_a_value(jana: Agent) -> None:
    hostile = "' OR 1=1; -- %s %(login)s"
    question = Prepared(lambda login: Agent.objects.filter(login=login))
    assert question.rows(login=hostile) == []
    Agent.objects.filter(pk=jana.pk).update(login=hostile)
    assert question.rows(login=hostile) == [jana]


@pytest.mark.django_db(transaction=True)
def test_two_threads_may_ask_at_once_each_over_its_own_connection(acme: Tenant) -> None:
    question = Prepared(lambda code: Instance.objects.filter(code=code).values_list("tenant", flat=True))
    found: list[object] = []

    def ask() -> None:
        found.extend(question.rows(code=acme.instance.code))
        connection.close()

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [acme.pk] * 4


def test_a_row_that_is_held_is_asked_for_inside_a_transaction(jana: Agent) -> None:
    call = Call.objects.create(tenant=jana.tenant, unique_id="1.2", started_at=timezone.now())
    note = Note.objects.create(call=call, author=jana, edited_at=timezone.now())
    held = Prepared(lambda call: Note.objects.select_for_update(no_key=True).filter(call=call))
    assert held.rows(call=call) == [note]


def test_a_new_row_has_its_key_and_what_the_model_fills_in(jana: Agent) -> None:
    add = PreparedInsert(Call)
    call = Call(tenant=jana.tenant, unique_id="1.3", started_at=timezone.now(), number="+420777123456")
    assert add(call)
    stored = Call.objects.get(pk=call.pk)
    assert (stored.code, stored.number, stored.direction) == (call.code, "+420777123456", Call.Direction.INCOMING)
    stored.state = 1
    stored.save(update_fields=["state"])
    call.refresh_from_db()
    assert call.state == 1


def test_what_only_the_database_knows_is_left_to_it(jana: Agent) -> None:
    before = timezone.now() - timedelta(minutes=1)
    row = Outbox(agent_id=jana.pk, kind="state")
    PreparedInsert(Outbox)(row)
    assert Outbox.objects.get(pk=row.pk).at > before


def test_a_row_with_the_same_key_takes_over_what_was_named(jana: Agent) -> None:
    call = Call.objects.create(tenant=jana.tenant, unique_id="1.1", started_at=timezone.now())
    leg = Leg.objects.create(call=call, agent=jana)
    put = PreparedInsert(CardTiming, key="leg", renewed=("told_ms", "tables_ms"))

    first = CardTiming(leg=leg, tenant=jana.tenant, at=timezone.now(), told_ms=5, painted_ms=90)
    put(first)
    put(CardTiming(leg=leg, tenant=jana.tenant, at=timezone.now(), told_ms=7, tables_ms={"contact": 3}))
    there = CardTiming.objects.get()
    assert (there.pk, there.told_ms, there.tables_ms, there.painted_ms) == (first.pk, 7, {"contact": 3}, 90)


def test_of_a_row_that_is_saved_only_what_was_named_changes(jana: Agent, bob: Agent) -> None:
    save = PreparedSave(Agent, ("name", "tenant_id", "signed_in_at"))
    jana.name, jana.login, jana.signed_in_at = "Jana Nová", "nova", timezone.now()
    save(jana)

    there = Agent.objects.get(pk=jana.pk)
    assert (there.name, there.signed_in_at, there.tenant_id) == ("Jana Nová", jana.signed_in_at, jana.tenant_id)
    assert there.login != "nova"
    assert Agent.objects.get(pk=bob.pk).name == bob.name


def test_a_row_that_is_gone_is_not_saved_in_silence(jana: Agent) -> None:
    Agent.objects.filter(pk=jana.pk).delete()
    with pytest.raises(DatabaseError, match="no Agent"):
        PreparedSave(Agent, ("name",))(jana)


def test_a_row_that_is_there_already_stays_as_it_is(jana: Agent) -> None:
    add = PreparedInsert(Call, unless_there=True)
    first, second = (Call(tenant=jana.tenant, unique_id="1.4", started_at=timezone.now(), queue=name) for name in "ab")
    assert add(first)
    assert not add(second)
    assert second.pk is None
    assert Call.objects.get(unique_id="1.4").queue == "a"
    with pytest.raises(IntegrityError), transaction.atomic():
        PreparedInsert(Call)(second)
