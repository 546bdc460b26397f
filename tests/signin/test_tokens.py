"""Tokens: used while valid, refreshed ahead, never restored, and nobody waits for Microsoft with a lock in hand."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from tenants import entra
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import SignInRequired, Unavailable
from tenants.models import Agent, SignInAttempt
from tests import signed_in
from tests.signin.conftest import Browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signed_in_jana(browser: Browser, attempt: SignInAttempt, jana: Agent) -> Agent:
    browser.sign_in(attempt, "jana@acme.example")
    jana.refresh_from_db()
    return jana


def requests_to_token(microsoft: Any) -> int:
    return sum(seen.path.endswith("/token") for seen in microsoft.requests)


def test_a_valid_token_is_used_without_asking(signed_in_jana: Agent, microsoft: Any) -> None:
    before = requests_to_token(microsoft)
    first = entra.token_for(signed_in_jana, budget=Budget(2))
    assert entra.token_for(signed_in_jana, budget=Budget(2)) == first
    assert requests_to_token(microsoft) == before


def test_a_forced_refresh_gives_another_token_and_raises_the_version(signed_in_jana: Agent) -> None:
    version = signed_in_jana.token_version
    first = entra.token_for(signed_in_jana, budget=Budget(2))
    assert entra.token_for(signed_in_jana, budget=Budget(2), force=True) != first
    signed_in_jana.refresh_from_db()
    assert signed_in_jana.token_version == version + 1


def test_an_expired_token_is_refreshed_by_one_and_the_others_wait(signed_in_jana: Agent, microsoft: Any) -> None:
    entra._known.clear()
    before = requests_to_token(microsoft)
    tokens: list[str] = []

    def ask() -> None:
        agent = Agent.objects.get(pk=signed_in_jana.pk)
        tokens.append(entra.token_for(agent, budget=Budget(5)))
        connections.close_all()

    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=True):
        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
    assert len(tokens) == 4
    assert len(set(tokens)) == 1
    assert requests_to_token(microsoft) == before + 1


def test_revoked_consent_means_sign_in_again(signed_in_jana: Agent, microsoft: Any) -> None:
    microsoft.control.revoke_sign_ins("jana@acme.example")
    signed_in.forget()  # what other tests hold is worth nothing now
    with pytest.raises(SignInRequired) as refusal:
        entra.token_for(signed_in_jana, budget=Budget(2), force=True)
    assert refusal.value.code == "AADSTS50173"
    signed_in_jana.refresh_from_db()
    assert not signed_in_jana.is_signed_in


def test_a_refresh_that_ends_after_the_sign_out_restores_nothing(signed_in_jana: Agent) -> None:
    stale = Agent.objects.get(pk=signed_in_jana.pk)
    entra.sign_out(signed_in_jana)
    entra._keep(stale, entra._empty_cache(stale.token_cache), {"access_token": "late", "expires_in": 3600})
    signed_in_jana.refresh_from_db()
    assert signed_in_jana.token_cache == ""
    with pytest.raises(SignInRequired):
        entra.token_for(signed_in_jana, budget=Budget(1))


def test_microsoft_away_is_said_within_the_budget_and_the_lease_is_given_back(
    signed_in_jana: Agent, microsoft: Any
) -> None:
    microsoft.control.fault("entra_down")
    try:
        with pytest.raises(Unavailable):
            entra.token_for(signed_in_jana, budget=Budget(1), force=True)
    finally:
        microsoft.control.clear()
    signed_in_jana.refresh_from_db()
    assert signed_in_jana.refresh_lease_until is None
    assert entra.token_for(signed_in_jana, budget=Budget(3), force=True)


def test_the_database_never_holds_a_readable_token(signed_in_jana: Agent) -> None:
    token = entra.token_for(signed_in_jana, budget=Budget(2))
    stored = bytes(Agent.objects.values_list("token_cache", flat=True).get(pk=signed_in_jana.pk))
    assert token.encode() not in stored
    assert b"secret" not in stored
