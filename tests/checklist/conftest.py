"""Alice at the check-list: signed in to the portal, with or without a connection of her own."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tenants.models import Tenant
from tests.signed_in import browser_of
from tests.verification.conftest import (  # noqa: F401
    connection,
    english,
    from_and_to,
    identity_of,
    nothing_remembered,
    system,
)  # fmt: skip

Page = Callable[..., str]


@pytest.fixture
def portal(alice: User) -> Client:
    return browser_of(alice)


@pytest.fixture
def ottos_portal(otto: User) -> Client:
    return browser_of(otto)


@pytest.fixture
def at(acme: Tenant) -> Callable[..., str]:
    """The address of one of Acme's pages."""

    def act(name: str, *args: object) -> str:
        return reverse(f"portal:{name}", args=[acme.code, *args])

    return act


@pytest.fixture
def new(db: None, alice: User) -> Tenant:
    """A customer of whom nothing is known yet; alice looks after them, too."""
    tenant = Tenant.objects.create(slug="new", name="Nová s.r.o.")
    tenant.memberships.create(user=alice)
    return tenant


def text_of(answer: object) -> str:
    """What somebody reads: without mark-up, spaces as one."""
    html = answer.content.decode()  # type: ignore[attr-defined]
    html = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&quot;", '"').replace("&#x27;", "'").split())
