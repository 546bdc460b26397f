"""What is remembered of a look-up when its result is long erased: was the caller in the CRM."""

from collections.abc import Callable
from typing import Any

from crmwindow import calls, lookup
from crmwindow.models import Call, Leg
from tenants.dataverse.budget import Budget
from tenants.models import Agent

Ring = Callable[..., Leg]


def known_after_asking(leg: Leg) -> bool | None:
    lookup.found(leg, budget=Budget(5))
    return Call.objects.get(pk=leg.call_id).known


def test_a_caller_somebody_found_is_known_and_one_nobody_has_is_not(jana: Agent, ring: Ring) -> None:
    assert known_after_asking(ring(jana, "777123456")) is True
    assert known_after_asking(ring(jana, "602999888")) is False


def test_nothing_is_said_of_who_could_not_be_looked_up(jana: Agent, ring: Ring, microsoft: Any) -> None:
    assert known_after_asking(ring(jana, "anonymous")) is None
    microsoft.control.fault("throttle", count=None, seconds=30, retry_after=30)
    assert known_after_asking(ring(jana, "602999888")) is None


def test_one_agents_yes_outweighs_a_colleagues_no(jana: Agent, bob: Agent, ring: Ring) -> None:
    assert known_after_asking(ring(bob, "777123456", UniqueId="5.5")) is False  # his role does not read this contact
    assert known_after_asking(ring(jana, "777123456", UniqueId="5.5")) is True


def test_what_a_private_card_found_goes_to_the_exchanges_call_and_counts_once(jana: Agent, ring: Ring) -> None:
    private = calls.open_by_agent(agent=jana, number="777123456", unique_id="6.6")
    assert known_after_asking(Leg.objects.of(jana).get(call=private)) is True
    call = ring(jana, "777123456", UniqueId="6.6").call
    assert (Call.objects.get(pk=call.pk).known, Call.objects.get(pk=private.pk).known) == (True, None)


def test_what_was_found_for_another_number_says_nothing_of_this_caller(jana: Agent, ring: Ring) -> None:
    private = calls.open_by_agent(agent=jana, number="777123456", unique_id="6.7")
    assert known_after_asking(Leg.objects.of(jana).get(call=private)) is True
    call = ring(jana, "602999888", UniqueId="6.7").call
    assert Call.objects.get(pk=call.pk).known is None
