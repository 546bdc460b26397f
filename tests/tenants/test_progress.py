"""Where each customer stands, and who has to act next."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone, translation

from tenants import progress
from tenants.models import Agent, CheckResult, CheckRun, Instance, Membership, SystemAccount, Tenant
from tenants.progress import Stage, State
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def checked(tenant: Tenant, key: str = "", state: str = "failed", why: str = "", *, required: bool = True) -> None:
    now = timezone.now()
    run = CheckRun.objects.create(instance=tenant.instance, by="nightly", started_at=now, finished_at=now)
    if key:
        CheckResult.objects.create(run=run, key=key, why=why, state=state, required=required, since=now)


def of(tenant: Tenant) -> progress.Progress:
    return progress.of_one(tenant)


def blocker(tenant: Tenant) -> tuple[str, str]:
    found = of(tenant).blocker
    return found.who, found.cause


def test_a_customer_without_an_address_is_new_and_first_waits_for_an_invitation(db: None, alice: User) -> None:
    polabi = Tenant.objects.create(slug="polabi", name="Technické služby Polabí")
    assert (of(polabi).stage, of(polabi).phase) == (Stage.NEW, 1)
    assert blocker(polabi) == ("ipex", "Invite the customer's admin")
    Membership.objects.create(user=alice, tenant=polabi)
    assert blocker(polabi) == ("customer", "The address of the CRM is missing")
    assert of(polabi).step("eligibility").state == State.NOW


def test_a_claimed_instance_waits_for_a_customizer(acme: Tenant, alice: User) -> None:
    Instance.objects.update(proven_at=None)
    assert (of(acme).stage, of(acme).phase) == (Stage.WAITING, 1)
    assert blocker(acme) == ("customer", "The instance is not confirmed yet")
    assert of(acme).step("instance").state == State.UNVERIFIED


def test_a_proven_instance_waits_for_people_then_for_their_sign_in_then_for_going_live(
    acme: Tenant, jana: Agent
) -> None:
    Agent.objects.update(window=False)
    assert (of(acme).stage, of(acme).phase) == (Stage.WAITING, 3)
    assert blocker(acme) == ("ipex", "Nobody has the window switched on")
    Agent.objects.update(window=True)
    assert (of(acme).stage, blocker(acme)) == (Stage.READY, ("agents", "1 agent has not signed in"))
    sign_in(jana)
    assert (of(acme).stage, of(acme).phase, blocker(acme)) == (Stage.READY, 4, ("customer", "Ready to go live"))
    Tenant.objects.update(went_live_at=timezone.now())
    assert (of(acme).stage, of(acme).phase, blocker(acme)) == (Stage.LIVE, 5, ("nobody", ""))


def test_a_required_check_that_fails_in_operation_is_trouble(acme: Tenant, jana: Agent) -> None:
    sign_in(jana)
    Tenant.objects.update(went_live_at=timezone.now())
    checked(acme, "app", why="not_found")
    found = of(acme)
    assert (found.stage, found.blocker.who) == (Stage.TROUBLE, "customer")
    assert found.failed_check is not None
    assert found.failed_check.said.title == found.blocker.cause
    assert found.step("instance").state == State.TROUBLE


def test_a_secret_that_ends_soon_comes_before_what_is_merely_open(acme: Tenant, jana: Agent) -> None:
    ends = timezone.localdate() + timedelta(days=6)
    SystemAccount.objects.create(instance=acme.instance, client_id=acme.code, secret_expires_on=ends)
    assert (of(acme).secret_days, blocker(acme)) == (6, ("customer", "The secret or certificate expires soon"))


def test_steps_that_were_not_verified_say_so_and_those_not_needed_are_skipped(acme: Tenant) -> None:
    assert of(acme).step("from_to").state == State.UNVERIFIED
    checked(acme, "from_to", "warning", "required", required=False)
    assert of(acme).step("from_to").state == State.OPEN
    checked(acme)
    assert of(acme).step("from_to").state == State.DONE
    Tenant.objects.update(skipped_steps=["own_table"])
    assert [of(acme).step(key).state for key in ("own_table", "fields")] == [State.SKIPPED, State.OPTIONAL]


@pytest.mark.parametrize("others", [0, 2])
def test_any_number_of_customers_costs_the_same(
    acme: Tenant, jana: Agent, others: int, django_assert_num_queries: Any
) -> None:
    checked(acme, "from_to", "warning", "required", required=False)
    for number in range(others):
        tenant = Tenant.objects.create(slug=f"t{number}", name=f"T{number}")
        url = f"https://t{number}.crm4.dynamics.com"
        Instance.objects.create(tenant=tenant, url=url, app_id=tenant.code)
        checked(tenant, "app", why="not_found")
    rows = Tenant.objects.select_related("instance__system_account")
    with django_assert_num_queries(6):
        assert len(progress.of(rows)) == 1 + others
