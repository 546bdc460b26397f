"""The people of the suite and the two customers they belong to.

alice runs Acme's CRM; jana, bob, klara and lena answer Acme's phones; ivana implements for IPEX; eve answers the phones of
Beta, another customer, whose portal otto uses. Acme's instance is the session's sandbox and is proven; Beta's cannot be
reached.
"""

import threading
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from crmwindow import lookup
from crmwindow.ivr import asking
from ipexportal import sandbox as stand_in
from ipexportal.sandbox import directory
from tenants import key_check, limits
from tenants.models import Agent, Instance, Membership, Tenant
from tests import signed_in
from tests.promises import names


@pytest.fixture(autouse=True)
def force_login_shows_a_second_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    """`client.force_login(user)` stands for a whole sign-in, as staff need it; `signed_in.came_by` for any other."""

    def force_login(client: Client, user: User, backend: str | None = None) -> None:
        signed_in.came_by(client, user, "mfa")

    monkeypatch.setattr(Client, "force_login", force_login)


@pytest.fixture(autouse=True)
def nobody_was_here_before() -> None:
    limits.forget()


@pytest.fixture(autouse=True)
def the_keys_are_right() -> None:
    """Else whoever seals first in this process looks at what is stored."""
    key_check.vouch_for(settings.FIELD_KEYS)


@pytest.fixture(autouse=True)
def whoever_looked_up_is_done(_django_db_marker: None) -> Iterator[None]:
    """Before the tables are emptied: a look-up writes on after its answer, and one of the two would break off."""
    yield
    ends = monotonic() + 5
    while lookup._running and monotonic() < ends:
        sleep(0.005)


SERVERS = {"db", "transactional_db", "django_db_setup", "live_server", "microsoft", "sandbox"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m unit`: what can be asked after every line that changes, in seconds."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if not fixtures & SERVERS and not item.get_closest_marker("django_db"):
            item.add_marker("unit")


# How fast a busy machine makes up examples says nothing about us
hypothesis_settings.register_profile("ours", suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("ours")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[stand_in.Sandbox]:
    """Microsoft's stand-in, over real HTTP, one per test process. At its end: whether all names sent to it were real."""
    with stand_in.start(records=50) as running:
        watch = names.watch(running)
        yield running
        assert watch.mistakes() == []


@pytest.fixture
def wrong_names(sandbox: stand_in.Sandbox) -> Iterator[None]:
    """For tests that send names on purpose that are not there."""
    watch = names.watch(sandbox)
    watch.on_purpose = True
    yield
    watch.on_purpose = False


@pytest.fixture
def microsoft(settings: Any, sandbox: stand_in.Sandbox) -> Iterator[stand_in.Sandbox]:
    """The sandbox, and the portal takes it for Microsoft. Its switches are set back afterwards; its records stay."""
    settings.ENTRA_AUTHORITY = sandbox.authority
    yield sandbox
    sandbox.control.reset()  # nothing is slow any more
    asking.forget()
    for thread in threading.enumerate():  # no question of this test arrives in the next one
        if thread.name.startswith("ivr"):
            thread.join(timeout=10)
    sandbox.control.reset()


@pytest.fixture
def acme(db: None, microsoft: stand_in.Sandbox) -> Tenant:
    tenant = Tenant.objects.create(
        slug="acme", name="Acme s.r.o.", embedding_origins=["http://localhost:8000"], own_numbers=["+420222333444"]
    )
    Instance.objects.create(
        tenant=tenant,
        url=microsoft.origin,
        app_id=UUID(directory.APP_ID),
        directory_id=UUID(directory.ACME_TENANT),
        organization_id=UUID(directory.ORGANIZATION_ID),
        leads=True,
        proven_at=timezone.now(),
        proven_by="alice@acme.example",
    )
    return tenant


@pytest.fixture
def instance(acme: Tenant) -> Instance:
    return acme.instance


@pytest.fixture
def beta(db: None) -> Tenant:
    tenant = Tenant.objects.create(slug="beta", name="Beta a.s.", embedding_origins=["https://beta.example"])
    Instance.objects.create(
        tenant=tenant,
        url="https://beta.crm4.dynamics.com",
        app_id=UUID(int=0xBE7A),
        directory_id=UUID(directory.BETA_TENANT),
        organization_id=UUID(int=0xBE7A2),
        proven_at=timezone.now(),
        proven_by="otto@beta.example",
    )
    return tenant


def agent_of(tenant: Tenant, person: directory.User, *, line: str) -> Agent:
    login = person.upn.partition("@")[0]
    return Agent.objects.create(tenant=tenant, name=person.name, email=person.upn, login=login, line=line, window=True)


@pytest.fixture
def jana(acme: Tenant) -> Agent:
    return agent_of(acme, directory.JANA, line="444")


@pytest.fixture
def bob(acme: Tenant) -> Agent:
    return agent_of(acme, directory.BOB, line="445")


@pytest.fixture
def klara(acme: Tenant) -> Agent:
    return agent_of(acme, directory.KLARA, line="446")


@pytest.fixture
def lena(acme: Tenant) -> Agent:
    return agent_of(acme, directory.LENA, line="447")


@pytest.fixture
def eve(beta: Tenant) -> Agent:
    return agent_of(beta, directory.EVE, line="444")


@pytest.fixture
def alice(acme: Tenant) -> User:
    """A customer's admin: a member of Acme in the portal (in Microsoft, its System Administrator)."""
    user = User.objects.create_user("alice", "alice@acme.example", "alice-has-a-long-password")
    Membership.objects.create(user=user, tenant=acme)
    return user


@pytest.fixture
def otto(beta: Tenant) -> User:
    user = User.objects.create_user("otto", "otto@beta.example", "otto-has-a-long-password")
    Membership.objects.create(user=user, tenant=beta)
    return user


@pytest.fixture
def ivana(db: None) -> User:
    return User.objects.create_superuser("ivana", "ivana@ipex.example", "ivana-has-a-long-password")
