"""Ivana at the cockpit, and customers in every state."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation

from crmwindow import phone
from crmwindow.blind import blind
from crmwindow.models import Call, CallState, Note
from tenants.models import Agent, CheckResult, CheckRun, Instance, Invitation, SystemAccount, Tenant


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def cockpit(ivana: User) -> Client:
    """Ivana's browser, in English."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(ivana)
    return client


@pytest.fixture
def customer(db: None) -> Callable[..., Tenant]:
    def customer(
        slug: str, *, proven: bool = True, live: bool = False, agents: int = 0, signed_in: int = 0, address: bool = True
    ) -> Tenant:
        now = timezone.now()
        tenant = Tenant.objects.create(slug=slug, name=slug.title(), went_live_at=now if live else None)
        if address:
            Instance.objects.create(
                tenant=tenant,
                url=f"https://{slug}.crm4.dynamics.com",
                app_id=uuid4(),
                proven_at=now if proven else None,
            )
        for number in range(agents):
            agent = Agent.objects.create(
                tenant=tenant, name=f"{slug} {number}", email=f"a{number}@{slug}.example", window=True
            )
            if number < signed_in:
                agent.object_id, agent.token_cache = uuid4(), "tokens"
                agent.save()
        return tenant

    return customer


def admin_invited(tenant: Tenant) -> None:
    later = timezone.now() + timedelta(days=5)
    Invitation.objects.create(tenant=tenant, email=f"admin@{tenant.slug}.example", invited_by="ivana", expires_at=later)


def secret_ends(tenant: Tenant, *, days: int) -> SystemAccount:
    ends = timezone.localdate() + timedelta(days=days)
    return SystemAccount.objects.create(instance=tenant.instance, client_id=uuid4(), secret_expires_on=ends)


def check_failed(tenant: Tenant, key: str = "app", why: str = "not_found") -> None:
    now = timezone.now()
    run = CheckRun.objects.create(instance=tenant.instance, by="nightly", started_at=now, finished_at=now)
    CheckResult.objects.create(run=run, key=key, why=why, state="failed", required=True, since=now)


def called(tenant: Tenant, number: str = "777123456", **values: Any) -> Call:
    found = phone.parse(number, tenant.country)
    assert found is not None
    row: dict[str, Any] = {
        "unique_id": str(uuid4()),
        "number": found.e164,
        "number_blind": blind(tenant, found.e164),
        "caller": Call.Caller.NUMBER,
        "started_at": timezone.now(),
        "state": CallState.ENDED,
    }
    return Call.objects.create(tenant=tenant, **row | values)


def note_waits(tenant: Tenant, *, minutes: int, problem: str = "throttled", state: str = "queued") -> Note:
    at = timezone.now() - timedelta(minutes=minutes)
    author = tenant.agents.order_by("pk").first()
    call = called(tenant)
    return Note.objects.create(
        call=call, author=author, state=state, revision=1, edited_at=at, queued_at=at, problem=problem,
        next_try_at=timezone.now() if state == "queued" else None,
    )  # fmt: skip
