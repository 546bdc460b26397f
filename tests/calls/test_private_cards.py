"""Cards opened by an address or by the page around the window."""

import uuid
from typing import Any

import pytest
from django.utils import timezone

from crmwindow import calls
from crmwindow.models import Call, CallState, Leg, Lookup, Note, Opening
from tenants.models import Agent, Tenant

CALL = "7.7"


def ring(tenant: Tenant, agent: Agent, number: str = "777123456") -> Call:
    body = {"EventName": "Ringing", "UniqueId": CALL, "From": number, "Login": agent.login, "Direction": "incoming"}
    call = calls.receive(calls.read_event(body, tenant), tenant=tenant)
    assert call is not None
    return call


def test_a_number_in_the_address_opens_a_private_card(acme: Tenant, jana: Agent, bob: Agent) -> None:
    call = calls.open_by_agent(agent=jana, number="777123456", unique_id=CALL)

    assert (call.private_to, call.number, call.direction) == (jana, "+420777123456", "incoming")
    assert [leg.call for leg in calls.shown(jana)] == [call]
    assert calls.shown(bob) == []


def test_a_plus_lost_in_the_address_is_understood(acme: Tenant, jana: Agent) -> None:
    assert calls.open_by_agent(agent=jana, number=" 420777123456").number == "+420777123456"


def test_opening_the_same_address_again_makes_no_second_card(acme: Tenant, jana: Agent) -> None:
    for _ in range(2):
        calls.open_by_agent(agent=jana, number="777123456", unique_id=CALL)
        calls.open_by_agent(agent=jana, number="602111222", direction="outgoing")

    assert Call.objects.count() == 2
    assert Leg.objects.count() == 2


def test_a_card_already_there_from_the_exchange_is_the_one(acme: Tenant, jana: Agent) -> None:
    call = ring(acme, jana)

    assert calls.open_by_agent(agent=jana, number="999999999", unique_id=CALL) == call
    assert calls.open_by_agent(agent=jana, number="+420 777 123 456") == call
    call.refresh_from_db()
    assert call.number == "+420777123456"


def test_a_colleagues_unique_id_opens_nothing_of_theirs(acme: Tenant, jana: Agent, bob: Agent) -> None:
    theirs = ring(acme, jana)
    mine = calls.open_by_agent(agent=bob, number="602111222", unique_id=CALL)

    assert mine != theirs
    assert mine.private_to == bob
    assert not Leg.objects.filter(call=theirs, agent=bob).exists()


def test_the_private_card_joins_the_call_when_the_exchange_names_the_agent(
    acme: Tenant, jana: Agent, bob: Agent
) -> None:
    private = calls.open_by_agent(agent=jana, number="777123456", unique_id=CALL)
    leg = Leg.objects.get(agent=jana)
    note = Note.objects.create(call=private, author=jana, text="čerpadlo", edited_at=timezone.now())
    Opening.objects.create(
        digest="d", agent=jana, call=private, table="contact", record_id=uuid.uuid4(), expires_at=timezone.now()
    )
    Lookup.objects.create(leg=leg, result="{}")
    Leg.objects.filter(pk=leg.pk).update(shown_table="contact", shown_id=uuid.UUID(int=1))
    Call.objects.filter(pk=private.pk).update(regarding_table="contact", regarding_id=uuid.UUID(int=1))
    shared = ring(acme, bob)
    ring(acme, jana)

    joined = calls.leg_of(jana, private.code)
    assert joined is not None
    assert (joined.pk, joined.call, joined.state) == (leg.pk, shared, CallState.RINGING)
    assert calls.leg_of(jana, shared.code) == joined
    assert calls.leg_of(bob, private.code) is None or calls.leg_of(bob, private.code) != joined
    note.refresh_from_db()
    assert (note.call, note.text) == (shared, "čerpadlo")
    assert Opening.objects.get().call == shared
    assert Lookup.objects.filter(leg=leg).exists()
    assert Call.objects.get(pk=shared.pk).regarding_id == uuid.UUID(int=1)
    assert [leg.call for leg in calls.shown(jana)] == [shared]


def test_what_was_found_for_another_number_does_not_come_along(acme: Tenant, jana: Agent) -> None:
    calls.open_by_agent(agent=jana, number="602111222", unique_id=CALL)
    leg = Leg.objects.get(agent=jana)
    Lookup.objects.create(leg=leg, result="{}")
    Leg.objects.filter(pk=leg.pk).update(shown_table="account", shown_id=uuid.UUID(int=1))
    call = ring(acme, jana, "777123456")

    leg.refresh_from_db()
    assert (leg.call, leg.shown_id, call.number) == (call, None, "+420777123456")
    assert not Lookup.objects.filter(leg=leg).exists()


@pytest.mark.parametrize(
    "said", [{"number": "7" * 201}, {"number": "777\x00"}, {"number": "777123456", "unique_id": "1" * 129}]
)
def test_nonsense_is_refused_in_a_sentence(acme: Tenant, jana: Agent, said: dict[str, Any]) -> None:
    with pytest.raises(calls.MalformedEvent):
        calls.open_by_agent(agent=jana, **said)
    assert Call.objects.count() == 0
