"""The exchange tells many things in the same moment."""

import threading
from collections.abc import Callable

import pytest
from django.db import OperationalError, connections

from crmwindow import calls, notes
from crmwindow.models import Call, CallState, Leg, Note
from tenants.models import Agent, Tenant

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> None:
    """Run all in threads. SQLite in memory, unlike a file, refuses at once when another thread writes: ask again."""
    failures: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        try:
            for _ in range(200):
                try:
                    act()
                    return
                except OperationalError as error:
                    if "locked" not in str(error):
                        raise
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def event(tenant: Tenant, name: str, **values: str) -> Callable[[], object]:
    body = {"EventName": name, "UniqueId": "5.5", "From": "anonymous", **values}
    return lambda: calls.receive(calls.read_event(body, tenant), tenant=tenant)


def test_the_first_events_of_one_call_make_one_call_and_a_leg_each(
    acme: Tenant, jana: Agent, bob: Agent, klara: Agent
) -> None:
    ringing = [event(acme, "Ringing", Login=login) for login in ("jana", "bob", "klara")]
    at_once(*ringing, *ringing)

    assert Call.objects.count() == 1
    assert sorted(leg.agent.login for leg in Leg.objects.select_related("agent")) == ["bob", "jana", "klara"]
    assert {leg.state for leg in Leg.objects.all()} == {CallState.RINGING}


def test_an_answer_and_the_hang_ups_of_the_others_lose_nothing(acme: Tenant, jana: Agent, bob: Agent) -> None:
    at_once(
        event(acme, "Ringing", Login="jana"),
        event(acme, "Answered", Login="jana"),
        event(acme, "Ringing", Login="bob"),
        event(acme, "Hangup", Login="bob", Reason="Answered elsewhere"),
    )

    jana_leg, bob_leg = Leg.objects.get(agent=jana), Leg.objects.get(agent=bob)
    assert (jana_leg.state, bob_leg.state, bob_leg.elsewhere) == (CallState.ANSWERED, CallState.ENDED, True)
    assert Call.objects.get().state == CallState.ANSWERED


def test_a_card_opened_in_two_windows_at_once_is_one(acme: Tenant, jana: Agent) -> None:
    at_once(*[lambda: calls.open_by_agent(agent=jana, number="anonymous", unique_id="6.6")] * 4)

    assert (Call.objects.count(), Leg.objects.count()) == (1, 1)


def test_saves_of_two_windows_are_two_revisions_of_one_note(acme: Tenant, jana: Agent) -> None:
    calls.open_by_agent(agent=jana, number="anonymous", unique_id="6.6")
    leg = Leg.objects.of(jana).get()
    leg.agent.tenant.instance  # read before the threads start
    at_once(*[lambda text=text: notes.save_draft(leg=leg, text=text) for text in ("jedna", "dvě")])  # type: ignore[misc]

    note = Note.objects.get()
    assert (note.revision, note.text in {"jedna", "dvě"}) == (2, True)
