"""A refused row of the voice menu is given up for good by the customer's admin, and only so."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from crmwindow.models import CrmWrite, IvrFunction
from tenants.models import AuditEntry, SystemAccount, Tenant
from tests.writes.conftest import deliver, stored

pytestmark = pytest.mark.django_db
State = CrmWrite.State


@pytest.fixture
def refused(ask: Callable[..., Any], complaint: IvrFunction, account: SystemAccount) -> CrmWrite:
    write = deliver(stored(ask("complaint", staff="tajná hodnota")))
    assert write.state == State.REFUSED
    return write


def give_up(client: Client, tenant: Tenant, row: str, **more: str) -> Any:
    return client.post(f"/portal/{tenant.code}/not-logged/give-up/", {"row": row, "sure": "1", **more})


def test_it_goes_from_the_list_and_is_told_as_given_up(
    client: Client, alice: User, acme: Tenant, refused: CrmWrite
) -> None:
    client.force_login(alice)
    page = client.get(f"/portal/{acme.code}/not-logged/")
    assert [line.may_be_given_up for line in page.context["lines"]] == [True]
    assert give_up(client, acme, f"write:{refused.code}").status_code == 302
    refused.refresh_from_db()
    assert (refused.state, refused.content, refused.detail) == (State.GIVEN_UP, "", "")
    page = client.get(f"/portal/{acme.code}/not-logged/")
    assert (page.context["lines"], len(page.context["given_up"])) == ([], 1)
    entry = AuditEntry.objects.get(act="write.given_up")
    assert (entry.actor, entry.target) == ("alice", f"write {refused.code}")


def test_it_is_never_written_any_more(client: Client, alice: User, acme: Tenant, refused: CrmWrite) -> None:
    client.force_login(alice)
    give_up(client, acme, f"write:{refused.code}")
    client.post(f"/portal/{acme.code}/not-logged/again/", {"row": "all"})
    assert deliver(refused).state == State.GIVEN_UP
    give_up(client, acme, f"write:{refused.code}")
    assert AuditEntry.objects.filter(act="write.given_up").count() == 1


def test_without_confirmation_or_of_something_else_nothing_is_given_up(
    client: Client, alice: User, acme: Tenant, refused: CrmWrite
) -> None:
    client.force_login(alice)
    give_up(client, acme, f"write:{refused.code}", sure="0")
    for row in ("", "all", "write:x", f"note:{refused.code}"):
        give_up(client, acme, row)
    CrmWrite.objects.update(state=State.QUEUED)
    give_up(client, acme, f"write:{refused.code}")
    refused.refresh_from_db()
    assert refused.state == State.QUEUED
