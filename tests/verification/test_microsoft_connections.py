"""Alice connects her own Microsoft account for set-up."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from ipexportal.sandbox import Sandbox
from tenants import connections, entra, microsoft_connections, registration
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import SignInRequired
from tenants.models import AuditEntry, Instance, MicrosoftConnection

Identify = Callable[[str], entra.Identity]


def me(connection: MicrosoftConnection) -> str:
    return connections.client_for(connection).whoami(budget=Budget(5)).user_id


def test_it_works_as_the_admin_and_leaves_a_trace(connection: MicrosoftConnection) -> None:
    assert me(connection) == str(connection.systemuser_id)
    assert (connection.account, connection.may_customize) == ("alice@acme.example", True)
    assert AuditEntry.objects.get(act="microsoft.connected").actor == "alice"


def test_it_is_refreshed_like_an_agents(connection: MicrosoftConnection) -> None:
    first = entra.token_for(connection, budget=Budget(5))
    again = entra.token_for(connection, budget=Budget(5), force=True)
    assert again != first
    assert entra.token_for(MicrosoftConnection.objects.get(), budget=Budget(5)) == again


def test_it_ends_a_day_after_its_last_use(connection: MicrosoftConnection, alice: User) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=23), tick=False):
        connections.client_for(connection)
    with time_machine.travel(timezone.now() + timedelta(hours=46), tick=False):
        assert microsoft_connections.own(connection.instance, alice) == connection
        assert microsoft_connections.end_idle() == 0
    with time_machine.travel(timezone.now() + timedelta(hours=48), tick=False):
        assert microsoft_connections.own(connection.instance, alice) is None
        with pytest.raises(SignInRequired):
            me(connection)
        assert microsoft_connections.end_idle() == 1
    connection.refresh_from_db()
    assert connection.token_cache == ""


def test_a_kept_one_stays_for_nightly_checks(connection: MicrosoftConnection, alice: User) -> None:
    microsoft_connections.keep(connection, by=alice, kept=True)
    with time_machine.travel(timezone.now() + timedelta(days=30), tick=False):
        assert microsoft_connections.end_idle() == 0
        assert MicrosoftConnection.objects.live().get() == connection


def test_disconnecting_erases_the_tokens(connection: MicrosoftConnection, alice: User) -> None:
    microsoft_connections.disconnect(connection, by=alice)
    with pytest.raises(SignInRequired):
        me(connection)
    assert AuditEntry.objects.latest("pk").act == "microsoft.disconnected"


def test_moving_the_instance_ends_it(connection: MicrosoftConnection) -> None:
    registration.change_address(connection.instance, by="ivana", url="https://acme.crm4.dynamics.com")
    assert list(MicrosoftConnection.objects.live()) == []


def test_connecting_again_with_another_account_replaces_it(
    connection: MicrosoftConnection, alice: User, identity_of: Identify
) -> None:
    again = microsoft_connections.connect(connection.instance, user=alice, identity=identity_of("klara@acme.example"))
    assert (again.pk, again.account, again.may_customize) == (connection.pk, "klara@acme.example", False)


def test_an_unproven_instance_is_proven_by_a_customizer_only(
    instance: Instance, alice: User, identity_of: Identify, microsoft: Sandbox
) -> None:
    Instance.objects.update(proven_at=None, organization_id=None)
    instance.refresh_from_db()
    with pytest.raises(entra.NotTrusted, match="not_proven"):
        microsoft_connections.connect(instance, user=alice, identity=identity_of("klara@acme.example"))
    assert MicrosoftConnection.objects.count() == 0
    microsoft_connections.connect(instance, user=alice, identity=identity_of("alice@acme.example"))
    assert Instance.objects.get().is_proven
