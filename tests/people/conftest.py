"""Alice and ivana look after Acme's people; otto after Beta's."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tenants.models import Agent, Tenant

Post = Callable[..., Any]


@pytest.fixture
def alices(alice: User) -> Client:
    return browser_of(alice)


@pytest.fixture
def ottos(otto: User) -> Client:
    return browser_of(otto)


def browser_of(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def tereza(acme: Tenant) -> Agent:
    """Answers Acme's phones; her window is off."""
    return Agent.objects.create(
        tenant=acme, name="Tereza Malá", email="tereza@acme.example", login="tereza", line="448"
    )
