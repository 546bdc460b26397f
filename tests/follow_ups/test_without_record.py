"""A task about a record that its author may not see, or that is gone, is planned without it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from crmwindow import follow_ups, lookup
from crmwindow.follow_ups import delivery
from crmwindow.models import FollowUp, LeftOut, Leg
from ipexportal.sandbox.demo_data import record_id
from tenants import connections
from tenants.dataverse.budget import Budget
from tenants.models import Agent
from tests.follow_ups.conftest import Talk, deliver, in_crm, later, plan, tasks_called

JANA_HORAKOVA = record_id("contact", "Jana Horáková")  # jana's own: bob reads his own records only
State = FollowUp.State
HIDDEN = (
    "The task is in the CRM without a record, because you may not see or link the one that was chosen. "
    "Ask your CRM admin."
)


@pytest.fixture
def handed_over(jana: Agent, bob: Agent, talk: Talk, tell: Callable[..., None]) -> Leg:
    hers = talk(jana)
    lookup.found(hers, budget=Budget(5))
    tell(hers, "AttendedTransfer", Login="bob")
    return Leg.objects.of(bob).select_related("call__tenant", "agent").get()


def test_bob_s_task_after_a_transfer_is_there_without_the_record(handed_over: Leg, bob: Agent, microsoft: Any) -> None:
    row = deliver(plan(handed_over, "Zavolat zpět Bobem"))
    there = in_crm(microsoft, row)
    assert (row.state, row.left_out, there["regardingobjectid"]) == (State.WRITTEN, LeftOut.HIDDEN, None)
    assert (there["ownerid"], there["subject"]) == (str(bob.systemuser_id), "Zavolat zpět Bobem")
    assert follow_ups.sentence_of(row) == HIDDEN


def test_once_somebody_bob_may_see_is_chosen_it_gets_that_record(handed_over: Leg, bob: Agent, microsoft: Any) -> None:
    row = deliver(plan(handed_over))
    own = uuid4()
    connections.client_for(bob).create("contacts", {"lastname": "Vlastní"}, record_id=str(own), budget=Budget(2))
    lookup.show(handed_over, table="contact", record_id=own)
    later(row)
    assert (row.left_out, in_crm(microsoft, row)["regardingobjectid"]) == ("", str(own))
    assert follow_ups.sentence_of(row) == ""


def test_a_record_that_is_gone_is_left_out(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    lookup.show(leg, table="contact", record_id=UUID(int=7))
    row = deliver(plan(leg))
    assert (row.state, row.left_out) == (State.WRITTEN, LeftOut.GONE)
    assert "no longer there" in follow_ups.sentence_of(row)


def test_a_process_that_dies_between_the_two_attempts_makes_one_task_that_says_why(
    handed_over: Leg, microsoft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = plan(handed_over, f"Jednou {handed_over.call.unique_id}")
    create = delivery._Attempt._create_as

    class Killed(BaseException):
        pass

    def die(attempt: Any, entity_set: str, body: Any) -> Any:
        there = create(attempt, entity_set, body)  # refused the first time
        raise Killed(there)

    with monkeypatch.context() as patch:
        patch.setattr(delivery._Attempt, "_create_as", die)
        with pytest.raises(Killed):
            follow_ups.deliver(row.pk)
    FollowUp.objects.update(lease_until=timezone.now())
    subject = row.subject
    later(row)
    assert (row.state, row.left_out, tasks_called(microsoft, subject)) == (State.WRITTEN, LeftOut.HIDDEN, 1)
