"""What the exchange sends, and whose card it makes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crmwindow import calls
from crmwindow.calls import MalformedEvent, SharedLine, agent_named, read_event
from crmwindow.models import Call, CallState, EventCount, Leg, Outbox
from tenants.models import Agent, Tenant

CALL = "1412256225.1941"


def body(name: str, **values: str) -> dict[str, str]:
    return {
        "EventName": name,
        "UniqueId": CALL,
        "From": "777123456",
        "To": "222333444",
        "Direction": "incoming",
        **values,
    }


def tell(tenant: Tenant, name: str, **values: str) -> Call | None:
    return calls.receive(read_event(body(name, **values), tenant), tenant=tenant)


def leg(agent: Agent) -> Leg:
    return Leg.objects.select_related("call").get(agent=agent)


def test_a_ringing_call_makes_a_card_for_jana(acme: Tenant, jana: Agent) -> None:
    call = tell(acme, "Ringing", Line="444", Login="jana", Queue="Obchod")

    assert call is not None
    assert (call.caller, call.number, call.queue, call.state) == (
        "number",
        "+420777123456",
        "Obchod",
        CallState.RINGING,
    )
    assert call.number_blind.startswith("i1:")
    assert leg(jana).state == CallState.RINGING
    assert calls.shown(jana) == [leg(jana)]
    assert list(Outbox.objects.values_list("agent_id", "kind")) == [(jana.pk, "state")]
    jana.refresh_from_db()
    assert jana.last_call_at is not None


def test_the_last_call_is_noted_at_most_once_a_minute(acme: Tenant, jana: Agent) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        tell(acme, "Ringing", Login="jana", UniqueId="1.1")
        clock.shift(59)
        tell(acme, "Ringing", Login="jana", UniqueId="1.2")
        jana.refresh_from_db()
        assert jana.last_call_at == timezone.now() - timedelta(seconds=59)
        clock.shift(2)
        tell(acme, "Ringing", Login="jana", UniqueId="1.3")
        jana.refresh_from_db()
        assert jana.last_call_at == timezone.now()
        clock.shift(90)
        tell(acme, "Hangup", Login="jana", UniqueId="1.3")
        jana.refresh_from_db()
        assert jana.last_call_at == timezone.now() - timedelta(seconds=90)


def test_no_call_waits_for_the_agents_row(acme: Tenant, jana: Agent) -> None:
    with CaptureQueriesContext(connection) as captured:
        tell(acme, "Ringing", Login="jana")
    sentences = [query["sql"] for query in captured]
    committed = max(at for at, sql in enumerate(sentences) if sql.startswith("RELEASE"))
    assert [at > committed for at, sql in enumerate(sentences) if sql.startswith('UPDATE "tenants_agent"')] == [True]


def test_an_announced_call_is_noted_too(jana: Agent) -> None:
    calls.open_by_agent(agent=jana, number="777123456")
    assert Agent.objects.get(pk=jana.pk).last_call_at is not None


def test_the_number_is_encrypted_in_the_database(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Ringing", Login="jana")

    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM crmwindow_call")
        assert b"777123456" not in bytes(cursor.fetchone()[0])


def test_of_an_outgoing_call_the_customer_is_whom_jana_called(acme: Tenant, jana: Agent) -> None:
    call = tell(acme, "Ringing", From="444", To="602111222", Login="jana", Direction="outgoing")

    assert call is not None
    assert (call.direction, call.number) == ("outgoing", "+420602111222")


def test_without_a_direction_a_short_line_that_calls_a_long_number_is_ours(acme: Tenant, jana: Agent) -> None:
    call = tell(acme, "Ringing", From="444", To="602111222", Login="jana", Direction="")

    assert call is not None
    assert (call.direction, call.number) == ("outgoing", "+420602111222")


@pytest.mark.parametrize("direction", ["incomingLocal", "outgoingLocal", "incominglocal", "outgoinglocal"])
def test_calls_between_lines_are_internal(acme: Tenant, jana: Agent, direction: str) -> None:
    call = tell(acme, "Ringing", From="446", To="444", Login="jana", Direction=direction)

    assert call is not None
    assert (call.is_internal, call.caller) == (True, "internal")


def test_a_full_number_on_an_internal_call_is_not_looked_for(acme: Tenant, jana: Agent) -> None:
    call = tell(acme, "Ringing", Login="jana", Direction="incomingLocal")

    assert call is not None
    assert call.caller == "internal"


@pytest.mark.parametrize(
    ("number", "caller"),
    [
        ("anonymous", "withheld"),
        ("", "withheld"),
        ("+420222333444", "own"),
        ("pstn-gate", "unreadable"),
        ("446", "internal"),
    ],
)
def test_callers_without_a_number_to_look_for(acme: Tenant, jana: Agent, number: str, caller: str) -> None:
    call = tell(acme, "Ringing", From=number, Login="jana")

    assert call is not None
    assert call.caller == caller


@pytest.mark.parametrize("named", [{"Login": "JANA"}, {"Email": "Jana@Acme.Example"}, {"Line": "444"}])
def test_jana_is_named_by_login_e_mail_or_line(acme: Tenant, jana: Agent, bob: Agent, named: dict[str, str]) -> None:
    tell(acme, "Ringing", **named)

    assert [leg.agent for leg in Leg.objects.all()] == [jana]


def test_a_login_says_more_than_a_line(acme: Tenant, jana: Agent, bob: Agent) -> None:
    assert agent_named(acme, login="bob", line="444") == bob


def test_a_shared_line_names_nobody(acme: Tenant, jana: Agent, bob: Agent) -> None:
    Agent.objects.filter(pk=bob.pk).update(line="444")

    with pytest.raises(SharedLine):
        agent_named(acme, line="444")
    tell(acme, "Ringing", Line="444")
    assert Leg.objects.count() == 0
    assert EventCount.objects.get(name="shared line").count == 1


def test_an_agent_of_another_customer_or_without_a_window_is_nobody(acme: Tenant, jana: Agent, eve: Agent) -> None:
    Agent.objects.filter(pk=jana.pk).update(window=False)

    assert agent_named(acme, login="eve") is None
    assert agent_named(acme, login="jana") is None
    assert agent_named(acme) is None


def test_the_same_unique_id_of_another_customer_is_another_call(
    acme: Tenant, beta: Tenant, jana: Agent, eve: Agent
) -> None:
    tell(acme, "Ringing", Login="jana")
    tell(beta, "Ringing", Login="eve")

    assert Call.objects.count() == 2
    assert leg(eve).call.tenant == beta


def test_keys_may_be_renamed_one_by_one(acme: Tenant, jana: Agent) -> None:
    acme.webhook_keys = {"EventName": "udalost", "UniqueId": "hovor", "Login": "kdo"}
    event = read_event({"udalost": "ringing", "hovor": CALL, "kdo": "jana", "From": "777123456"}, acme)

    assert (event.name, event.unique_id, event.login) == ("Ringing", CALL, "jana")
    with pytest.raises(MalformedEvent, match="udalost"):
        read_event(body("Ringing"), acme)


@pytest.mark.parametrize("name", ["AgentLogin", "AgentLogout", "AgentPaused", "AgentUnPaused"])
def test_operator_states_are_counted_and_make_no_card(acme: Tenant, jana: Agent, name: str) -> None:
    event = {"EventName": name, "Queue": "NOC", "Login": "jana", "Line": "444", "Email": "x@y.cz", "PauseName": "Oběd"}

    assert calls.receive(read_event(event, acme), tenant=acme) is None
    assert calls.receive(read_event(event, acme), tenant=acme) is None
    assert Call.objects.count() == 0
    counted = EventCount.objects.get()
    assert (counted.name, counted.count, counted.day) == (name, 2, timezone.localdate())


def test_unknown_events_are_counted_together(acme: Tenant) -> None:
    assert calls.receive(read_event({"EventName": "Whatever"}, acme), tenant=acme) is None
    assert calls.receive(read_event({"EventName": "x" * 60}, acme), tenant=acme) is None
    assert list(EventCount.objects.values_list("name", "count")) == [("unknown", 2)]


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ([], "The body must be one JSON object with the keys of one event."),
        ("Ringing", "The body must be one JSON object with the keys of one event."),
        ({}, "The key EventName is missing."),
        ({"EventName": " "}, "The key EventName is missing."),
        ({"EventName": "Ringing"}, "The key UniqueId is missing."),
        ({"EventName": "Ringing", "UniqueId": 1412256225.1941}, "The value of UniqueId must be a string."),
        ({"EventName": "Ringing", "UniqueId": CALL, "Line": 444}, "The value of Line must be a string."),
        ({"EventName": "Ringing", "UniqueId": CALL, "From": {"a": 1}}, "The value of From must be a string."),
        ({"EventName": "Ringing", "UniqueId": "1" * 129}, "The value of UniqueId is longer than 128 characters."),
        ({"EventName": "Ringing", "UniqueId": CALL, "Queue": "a\x00b"}, "The value of Queue holds control characters."),
        ({"EventName": "Ringing", "UniqueId": "\ud83d"}, "The value of UniqueId holds control characters."),
    ],
)
def test_a_malformed_event_is_told_in_a_sentence(event: Any, sentence: str) -> None:
    from django.utils import translation

    with translation.override("en"), pytest.raises(MalformedEvent) as raised:
        read_event(event, Tenant())
    assert str(raised.value) == sentence


def test_null_means_absent() -> None:
    assert read_event(body("Ringing") | {"Queue": None}, Tenant()).queue == ""


# ── the course of a call ─────────────────────────────────────────────────────────────────────────────────────────────


def test_answered_elsewhere_closes_the_card_of_those_who_did_not(acme: Tenant, jana: Agent, bob: Agent) -> None:
    tell(acme, "Ringing", Login="jana")
    tell(acme, "Ringing", Login="bob")
    tell(acme, "Answered", Login="bob")
    tell(acme, "Hangup", Login="jana", Reason="Answered elsewhere")

    assert (leg(jana).state, leg(jana).elsewhere) == (CallState.ENDED, True)
    assert calls.shown(jana) == []
    assert calls.shown(bob) == [leg(bob)]
    assert leg(bob).call.state == CallState.ANSWERED


def test_whoever_answered_stays_although_another_device_of_theirs_stops_ringing(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Answered", Login="jana")
    tell(acme, "Hangup", Login="jana", Reason="Answered elsewhere")

    assert (leg(jana).state, leg(jana).elsewhere) == (CallState.ANSWERED, False)


def test_a_call_nobody_took_is_missed_once(acme: Tenant, jana: Agent, bob: Agent) -> None:
    tell(acme, "Ringing", Login="jana")
    tell(acme, "Ringing", Login="bob")
    missed = body("Hangup", Line="", Email="", Login="", Reason="No user response")
    for _ in range(2):
        calls.receive(read_event(missed, acme), tenant=acme)

    call = Call.objects.get()
    assert (call.missed, call.state, call.reason) == (True, CallState.ENDED, "No user response")
    assert leg(jana).state == leg(bob).state == CallState.ENDED


def test_an_outgoing_call_nobody_took_is_not_missed(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Ringing", From="444", To="602111222", Direction="outgoing", Login="jana")
    tell(acme, "Hangup", From="444", To="602111222", Direction="outgoing", Login="jana", Reason="No user response")

    assert Call.objects.get().missed is False


def test_a_call_that_moves_on_to_the_next_line_is_not_over(acme: Tenant, jana: Agent, bob: Agent) -> None:
    tell(acme, "Ringing", Login="jana")
    tell(acme, "Hangup", Login="jana", Reason="No user response")
    tell(acme, "Ringing", Login="bob")

    assert leg(jana).state == CallState.ENDED
    assert (leg(bob).state, leg(bob).call.state, leg(bob).call.missed) == (CallState.RINGING, CallState.RINGING, False)


def test_a_colleague_we_do_not_know_may_take_the_call(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Ringing", Login="jana")
    tell(acme, "Answered", Line="999")
    tell(acme, "Hangup", Login="jana", Reason="Answered elsewhere")
    tell(acme, "Hangup", Line="999", Reason="Normal Clearing")

    call = Call.objects.get()
    assert (call.state, call.missed) == (CallState.ENDED, False)


def test_the_call_record_ends_a_call_whose_hang_up_was_lost(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Answered", Login="jana")
    tell(acme, "CDR")

    assert leg(jana).state == CallState.ENDED


def test_a_transfer_moves_the_call_to_bob(acme: Tenant, jana: Agent, bob: Agent) -> None:
    tell(acme, "Answered", Login="jana")
    tell(acme, "AttendedTransfer", Login="bob")

    assert leg(jana).state == CallState.ENDED
    assert (leg(bob).state, leg(bob).transferred) == (CallState.ANSWERED, True)
    assert Call.objects.get().state == CallState.ANSWERED


@pytest.mark.parametrize("named", [{}, {"Login": "jana"}, {"Line": "999"}])
def test_a_transfer_to_nobody_or_to_whoever_has_it_moves_nothing(
    acme: Tenant, jana: Agent, named: dict[str, str]
) -> None:
    tell(acme, "Answered", Login="jana")
    tell(acme, "AttendedTransfer", **named)

    assert leg(jana).state == CallState.ANSWERED
    assert EventCount.objects.get(name="transfer to nobody").count == 1


def test_a_transfer_that_tells_of_its_consultation_does_not_make_the_call_internal(
    acme: Tenant, jana: Agent, bob: Agent
) -> None:
    tell(acme, "Answered", Login="jana")
    tell(acme, "AttendedTransfer", Login="bob", From="444", To="445", Direction="incomingLocal")

    call = Call.objects.get()
    assert (call.is_internal, call.number) == (False, "+420777123456")


# ── the window's cards ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_ended_card_stays_until_the_next_call_rings(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Answered", Login="jana")
    tell(acme, "Hangup", Login="jana", Reason="Normal Clearing")
    first = leg(jana)
    assert calls.shown(jana) == [first]

    tell(acme, "Ringing", UniqueId="2.2", Login="jana", From="602111222")
    assert [leg.call.unique_id for leg in calls.shown(jana)] == ["2.2"]


def test_a_second_call_is_shown_beside_the_first(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Answered", Login="jana")
    tell(acme, "Ringing", UniqueId="2.2", Login="jana", From="602111222")

    assert [leg.call.unique_id for leg in calls.shown(jana)] == ["2.2", CALL]


def test_a_closed_card_is_gone(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Answered", Login="jana")
    tell(acme, "Hangup", Login="jana", Reason="Normal Clearing")
    calls.close_card(leg(jana))

    assert calls.shown(jana) == []


def test_a_repeated_event_costs_few_queries_and_wakes_nobody(
    acme: Tenant, jana: Agent, bob: Agent, django_assert_num_queries: Any
) -> None:
    event = read_event(body("Ringing", Login="jana"), acme)
    calls.receive(event, tenant=acme)
    Outbox.objects.all().delete()

    with django_assert_num_queries(5):  # agent, savepoint, call, legs, release
        calls.receive(event, tenant=acme)
    assert Outbox.objects.count() == 0


def test_the_record_after_a_hang_up_changes_nothing_that_a_window_shows(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Ringing", Login="jana")
    tell(acme, "Answered", Login="jana")
    tell(acme, "Hangup", Login="jana", Reason="Normal Clearing")
    Outbox.objects.all().delete()

    tell(acme, "CDR")
    assert Call.objects.get().over
    assert Outbox.objects.count() == 0


def test_a_record_without_a_hang_up_ends_the_call_in_the_window(acme: Tenant, jana: Agent) -> None:
    tell(acme, "Answered", Login="jana")
    Outbox.objects.all().delete()

    tell(acme, "CDR")
    assert leg(jana).state == CallState.ENDED
    assert [row.agent_id for row in Outbox.objects.all()] == [jana.pk]


def test_the_first_event_of_a_call_costs_few_queries(acme: Tenant, jana: Agent, django_assert_num_queries: Any) -> None:
    event = read_event(body("Ringing", Login="jana"), acme)

    notify = connection.vendor == "postgresql"
    with django_assert_num_queries(11 + notify):
        calls.receive(event, tenant=acme)
