"""A follow-up task comes into Dataverse once, under its author's name, whatever happens on the way."""

from datetime import UTC, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from crmwindow import calls, delivering, follow_ups, lookup, upkeep
from crmwindow.follow_ups import delivery
from crmwindow.models import Call, FollowUp
from ipexportal.sandbox.demo_data import record_id
from tenants import connections, entra
from tenants.dataverse.budget import Budget
from tenants.dataverse.metadata import Metadata
from tenants.models import Agent
from tests.follow_ups.conftest import Talk, deliver, in_crm, later, plan, tasks_called, wanted
from tests.meanwhile import just_before
from tests.signed_in import sign_in

JANA_HORAKOVA = record_id("contact", "Jana Horáková")
State = FollowUp.State


def test_it_is_written_under_janas_name_about_the_caller_and_the_texts_are_erased(
    jana: Agent, talk: Talk, microsoft: Any
) -> None:
    leg = talk(jana)
    lookup.found(leg, budget=Budget(5))
    row = deliver(plan(leg, "Poslat nabídku 😀", "Do pátku,\r\nse slevou."))

    there = in_crm(microsoft, row)
    assert (there["subject"], there["description"]) == ("Poslat nabídku 😀", "Do pátku,\nse slevou.")
    assert (there["regardingobjectid"], there["statecode"]) == (JANA_HORAKOVA, 0)
    assert (there["ownerid"], there["createdby"]) == (str(jana.systemuser_id), str(jana.systemuser_id))
    assert there["scheduledend"] == row.due_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (row.state, row.written_about, row.subject, row.description) == (State.WRITTEN, UUID(JANA_HORAKOVA), "", "")
    assert row.next_try_at is None


def test_without_a_record_it_is_about_nobody(jana: Agent, talk: Talk, microsoft: Any) -> None:
    row = deliver(plan(talk(jana, "604218330")))
    assert (row.state, in_crm(microsoft, row)["regardingobjectid"]) == (State.WRITTEN, None)


def test_when_the_caller_is_found_later_it_gets_the_record(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    row = deliver(plan(leg))
    assert row.written_about is None
    lookup.found(leg, budget=Budget(5))
    row.refresh_from_db()
    deliver(row)
    assert (row.written_about, in_crm(microsoft, row)["regardingobjectid"]) == (UUID(JANA_HORAKOVA), JANA_HORAKOVA)


def test_a_task_that_has_a_record_keeps_it(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    lookup.found(leg, budget=Budget(5))
    row = deliver(plan(leg))
    lookup.show(leg, table="account", record_id=UUID(record_id("account", "Alfa s.r.o.")))
    row.refresh_from_db()
    assert row.next_try_at is None
    assert in_crm(microsoft, row)["regardingobjectid"] == JANA_HORAKOVA


def test_one_form_makes_one_task_however_often_it_is_sent(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg, form = talk(jana), uuid4()
    once = follow_ups.plan(leg=leg, form=form, wanted=wanted("Dvakrát"))
    twice = follow_ups.plan(leg=leg, form=form, wanted=wanted("Dvakrát"))
    assert once.pk == twice.pk
    deliver(once)
    deliver(twice)
    assert tasks_called(microsoft, "Dvakrát") == 1


def test_a_lost_answer_makes_no_second_task(jana: Agent, talk: Talk, microsoft: Any) -> None:
    microsoft.control.fault("reset_after_write", path="tasks", method="PATCH")
    row = deliver(plan(talk(jana), "Jednou"))
    assert (row.state, tasks_called(microsoft, "Jednou")) == (State.WRITTEN, 1)


def test_a_lost_answer_that_cannot_be_looked_at_is_settled_later(jana: Agent, talk: Talk, microsoft: Any) -> None:
    microsoft.control.fault("reset_after_write", path="tasks", count=3)
    microsoft.control.fault("unavailable", path="tasks", method="GET", count=3)
    row = deliver(plan(talk(jana), "Neztracený"))
    assert (row.state, row.subject) == (State.QUEUED, "Neztracený")
    microsoft.control.clear()
    later(row)
    assert (row.state, tasks_called(microsoft, "Neztracený")) == (State.WRITTEN, 1)


def test_a_missing_right_is_said_and_the_texts_are_kept(jana: Agent, talk: Talk, microsoft: Any) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvCreateActivity", upn="jana@acme.example")
    row = deliver(plan(talk(jana), "Zůstane", "celý"))
    assert (row.state, row.problem, row.subject, row.description) == (
        State.REFUSED,
        "missing_privilege",
        "Zůstane",
        "celý",
    )
    assert "prvCreateActivity" in follow_ups.sentence_of(row)
    microsoft.control.clear()
    follow_ups.change(row, wanted("Zůstane a projde", "celý"))
    assert deliver(row).state == State.WRITTEN
    assert in_crm(microsoft, row)["subject"] == "Zůstane a projde"


def test_throttling_is_waited_out_as_long_as_microsoft_says(jana: Agent, talk: Talk, microsoft: Any) -> None:
    microsoft.control.fault("throttle", count=None, retry_after=120)
    row = deliver(plan(talk(jana)))
    assert (row.state, row.problem, row.tries) == (State.QUEUED, "throttled", 1)
    assert row.next_try_at is not None
    assert (row.next_try_at - timezone.now()).total_seconds() > 100


def test_without_a_sign_in_it_waits_and_goes_out_after_it(
    jana: Agent, talk: Talk, microsoft: Any, django_capture_on_commit_callbacks: Any
) -> None:
    leg = talk(jana)
    entra.sign_out(jana)
    row = deliver(plan(leg))
    assert (row.state, row.problem) == (State.QUEUED, "sign_in")
    sign_in(jana)
    with django_capture_on_commit_callbacks(execute=True):
        follow_ups.after_sign_in(jana)
    row.refresh_from_db()
    assert row.state == State.WRITTEN


def test_a_sign_in_in_the_middle_of_an_attempt_for_want_of_it_is_heard(
    jana: Agent, talk: Talk, microsoft: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    leg = talk(jana)
    entra.sign_out(jana)
    # she comes back from Microsoft after the attempt has found no sign-in, and before it has said so
    just_before(monkeypatch, delivering, "pause", lambda: follow_ups.after_sign_in(sign_in(jana)))
    with django_capture_on_commit_callbacks(execute=True):
        row = deliver(plan(leg))
    row.refresh_from_db()
    assert row.state == State.WRITTEN


def test_tables_that_were_read_without_tasks_are_read_again(jana: Agent, talk: Talk, microsoft: Any) -> None:
    instance = jana.tenant.instance
    known = connections.known_metadata(instance)
    assert known is not None
    old = Metadata(
        {name: each for name, each in known.tables.items() if name != "task"}, known.regarding, known.parties
    )
    connections.keep(instance, old)
    assert deliver(plan(talk(jana))).state == State.WRITTEN


def test_two_deliveries_at_once_write_once(
    jana: Agent, talk: Talk, microsoft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = plan(talk(jana), "Souběh")
    create = delivery._Attempt._create

    def meanwhile(self: Any, *args: Any) -> None:
        monkeypatch.setattr(delivery._Attempt, "_create", create)
        follow_ups.deliver(row.pk)  # the lease is taken, so this one leaves it
        create(self, *args)

    monkeypatch.setattr(delivery._Attempt, "_create", meanwhile)
    assert deliver(row).state == State.WRITTEN
    assert tasks_called(microsoft, "Souběh") == 1


def test_a_process_that_dies_before_it_notes_the_success_is_continued(
    jana: Agent, talk: Talk, microsoft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_args: Any, **_values: Any) -> None:
        raise Killed

    row = plan(talk(jana), "Přežije")
    with monkeypatch.context() as patch:
        patch.setattr(delivery._Attempt, "_finish", die)
        with pytest.raises(Killed):
            follow_ups.deliver(row.pk)
    FollowUp.objects.update(lease_until=timezone.now())
    assert later(row).state == State.WRITTEN
    assert tasks_called(microsoft, "Přežije") == 1


def test_the_sweep_finds_what_no_job_hurried(
    jana: Agent, talk: Talk, microsoft: Any, django_capture_on_commit_callbacks: Any
) -> None:
    row = plan(talk(jana))
    with django_capture_on_commit_callbacks(execute=True):
        follow_ups.sweep()
    row.refresh_from_db()
    assert row.state == State.WRITTEN


def test_a_call_is_kept_until_its_task_is_written(jana: Agent, talk: Talk, microsoft: Any) -> None:
    leg = talk(jana)
    row = plan(leg)
    calls.close_card(leg)
    old = timezone.now() - timedelta(days=400)
    Call.objects.update(started_at=old)
    upkeep.tidy()
    assert Call.objects.filter(pk=leg.call_id).exists()
    deliver(row)
    upkeep.tidy()
    assert not FollowUp.objects.exists()
