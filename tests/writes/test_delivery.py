"""Once, in order, whatever happens on the way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.utils import timezone

from crmwindow import delivering, upkeep, writing
from crmwindow.models import Call, CrmWrite, IvrFunction
from crmwindow.writing import jobs
from ipexportal.sandbox import Sandbox
from tenants.dataverse.client import Client
from tenants.models import AuditEntry, SystemAccount, Tenant
from tests.writes.conftest import deliver, in_crm, stored, write_of

pytestmark = pytest.mark.django_db
State = CrmWrite.State
CREATES = "PATCH"


def made(microsoft: Sandbox, subject: str) -> int:
    """How many leads of that subject there are."""
    return len(list(microsoft.dataverse.store.select("lead", ["leadid"], '"subject" = ?', [subject])))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("reset_after_write", {}),
        ("slow_after_write", {"seconds": 2.0}),
        ("unavailable", {"status": 503}),
        ("truncated", {}),
    ],
)
def test_a_fault_at_the_write_neither_loses_nor_doubles_it(
    ask: Callable[..., Any],
    complaint: IvrFunction,
    account: SystemAccount,
    microsoft: Sandbox,
    kind: str,
    fields: dict[str, Any],
) -> None:
    write = stored(ask("complaint", topic=f"fault {kind} {fields}"))
    microsoft.control.fault(kind, method=CREATES, count=2, **fields)
    with patch("crmwindow.writing.delivery.SECONDS", 1.5):
        deliver(write)
    microsoft.control.clear()
    assert deliver(write).state == State.WRITTEN
    assert made(microsoft, f"fault {kind} {fields}") == 1


def test_a_worker_killed_before_the_reading_back_is_continued(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    write = stored(ask("complaint", topic="killed"))

    class Killed(BaseException):
        """As a process ends."""

    real = Client.create

    def and_die(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        raise Killed

    with patch.object(Client, "create", and_die), pytest.raises(Killed):
        deliver(write)
    write.refresh_from_db()
    assert (write.state, in_crm(microsoft, write) is not None) == (State.QUEUED, True)
    assert deliver(write).state == State.QUEUED  # the dead worker's lease still holds
    CrmWrite.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    IvrFunction.objects.update(columns={"topic": "nothere"})  # what is there is not planned again
    assert deliver(write).state == State.WRITTEN
    assert made(microsoft, "killed") == 1


def test_two_workers_write_one_row_once(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    write = stored(ask("complaint", topic="two"))
    now = timezone.now()
    assert jobs.take_lease(write.pk, now) is not None
    assert jobs.take_lease(write.pk, now) is None


def test_a_worker_that_lost_its_lease_says_nothing(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    write = stored(ask("complaint", topic="overtaken"))
    real = Client.create

    def slowly(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        CrmWrite.objects.update(lease_until=timezone.now() + timedelta(hours=1))  # somebody else has it now
        return answer

    with patch.object(Client, "create", slowly):
        assert deliver(write).state == State.QUEUED
    CrmWrite.objects.update(lease_until=None)
    assert deliver(write).state == State.WRITTEN
    assert made(microsoft, "overtaken") == 1


def test_429_is_waited_for_and_holds_the_customers_other_rows(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    first, second = stored(ask("complaint", topic="busy 1")), stored(ask("complaint", topic="busy 2"))
    microsoft.control.fault("throttle", retry_after=90, count=None)
    deliver(first)
    second.refresh_from_db()
    for write in (first, second):
        assert (write.state, write.problem) == (State.QUEUED, "throttled")
        assert write.next_try_at is not None
        assert write.next_try_at > timezone.now() + timedelta(seconds=80)
    assert writing.try_again(writing.unwritten(first.tenant)) == 0
    microsoft.control.clear()
    assert deliver(first).state == State.WRITTEN


def test_rows_of_one_call_go_in_the_order_they_came(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    first = stored(ask("complaint", unique_id="7.order", topic="order 1"))
    second = stored(ask("complaint", unique_id="7.order", topic="order 2"))
    other = stored(ask("complaint", unique_id="7.other", topic="order 3"))
    assert deliver(second).state == State.QUEUED
    assert deliver(other).state == State.WRITTEN
    with patch.object(jobs, "deliver_after_commit") as hurried:
        assert deliver(first).state == State.WRITTEN
    hurried.assert_called_once_with(second.pk)
    assert deliver(second).state == State.WRITTEN


def test_a_refused_row_holds_up_nobody(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    first = stored(ask("complaint", unique_id="7.refused", staff="x"))
    second = stored(ask("complaint", unique_id="7.refused", topic="after a refusal"))
    assert deliver(first).state == State.REFUSED
    assert deliver(second).state == State.WRITTEN


def test_an_organization_that_refuses_nested_parties_gets_the_call_all_the_same(
    miss: Callable[..., Call], account: SystemAccount, microsoft: Sandbox
) -> None:
    microsoft.dataverse.refuse_nested_parties = True
    assert deliver(write_of(miss())).state == State.WRITTEN


@pytest.mark.parametrize(
    ("order", "problem", "state"),
    [
        (lambda control: control.fault("missing_privilege", privilege="prvCreateLead"), "missing_privilege", "refused"),
        (lambda control: control.membership("ipex-system@acme.example", "disabled"), "not_a_member", "refused"),
    ],
)
def test_what_the_crm_refuses_is_said_and_tried_again_by_hand(
    ask: Callable[..., Any],
    complaint: IvrFunction,
    account: SystemAccount,
    microsoft: Sandbox,
    order: Any,
    problem: str,
    state: str,
) -> None:
    write = stored(ask("complaint", topic="refused at first"))
    order(microsoft.control)
    deliver(write)
    assert (write.problem, write.state) == (problem, state)
    microsoft.control.reset()
    writing.sweep()
    assert deliver(write).state == state  # nothing happens by itself
    assert writing.try_again(CrmWrite.objects.filter(pk=write.pk)) == 1
    assert deliver(write).state == State.WRITTEN


def test_a_wrong_secret_is_waited_for(
    ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount, microsoft: Sandbox
) -> None:
    SystemAccount.objects.update(client_secret=b"", token_cache=b"", token_version=99)
    write = deliver(stored(ask("complaint", topic="secret")))
    assert (write.state, write.problem) == (State.QUEUED, "account")
    assert write.next_try_at is not None
    assert write.next_try_at > timezone.now() + timedelta(seconds=delivering.LONGEST_PAUSE - 60)


# ── kept ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_not_written_outlives_the_retention_and_what_was_written_does_not(
    ask: Callable[..., Any], miss: Callable[..., Call], complaint: IvrFunction, account: SystemAccount
) -> None:
    refused, written = deliver(stored(ask("complaint", staff="x"))), deliver(write_of(miss()))
    waiting = write_of(miss())
    old = timezone.now() - timedelta(days=400)
    CrmWrite.objects.update(queued_at=old)
    Call.objects.update(started_at=old)
    upkeep.tidy()
    assert set(CrmWrite.objects.values_list("pk", flat=True)) == {refused.pk, waiting.pk}
    assert list(Call.objects.values_list("pk", flat=True)) == [waiting.call_id]
    assert written.pk not in CrmWrite.objects.values_list("pk", flat=True)


def test_missed_calls_nobody_could_write_are_given_up_at_the_retention_and_that_is_noted(
    miss: Callable[..., Call], acme: Tenant
) -> None:
    miss()
    CrmWrite.objects.update(queued_at=timezone.now() - timedelta(days=400))
    Call.objects.update(started_at=timezone.now() - timedelta(days=400))
    upkeep.tidy()
    assert not CrmWrite.objects.exists()
    assert not Call.objects.exists()
    assert AuditEntry.objects.get().after == {"calls": 1}
