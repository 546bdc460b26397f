"""From and To of Phone Call: alice sees before and after, and changes them in her own name."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from ipexportal.sandbox import Sandbox
from tenants import connections, customization, microsoft_connections
from tenants.dataverse.budget import Budget
from tenants.models import AuditEntry, CheckRun, Instance, MicrosoftConnection, Tenant
from tests.checklist.conftest import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("from_and_to")]
At = Callable[..., str]
STEP = "?step=from_to"


def step(portal: Client, at: At) -> str:
    return text_of(portal.get(at("checklist") + STEP))


def test_alice_changes_them_and_sees_what_was_before(
    portal: Client, at: At, connection: MicrosoftConnection, acme: Tenant
) -> None:
    before = step(portal, at)
    assert "phonecall.from Required → Recommended" in before
    assert "Change as alice@acme.example" in before
    answer = portal.post(at("from_to"), follow=True)
    text = text_of(answer)
    assert "phonecall.from: Required → Recommended, phonecall.to: Required → Recommended." in text
    assert "Notes can be edited in the CRM. There is nothing to do." in text
    assert AuditEntry.objects.get(act="phonecall.from_to_relaxed").actor == "alice"
    assert CheckRun.objects.filter(instance=acme.instance).count() == 1


def test_without_a_connection_both_ways_by_hand_are_shown(portal: Client, at: At, acme: Tenant) -> None:
    text = step(portal, at)
    assert "Classic Advanced Settings Advanced Settings Customizations Customize the System Entities Phone Call" in text
    assert "Power Platform admin centre" in text
    assert "Check again" in text
    answer = portal.post(at("from_to"), follow=True)
    assert "Connect your Microsoft account first" in text_of(answer)


def test_a_managed_solution_is_said_before_anybody_tries(
    portal: Client, at: At, connection: MicrosoftConnection, from_and_to: Callable[..., None]
) -> None:
    from_and_to("ApplicationRequired", fixed=True)
    text = step(portal, at)
    assert "A managed solution keeps these fields required" in text
    assert "Change as" not in text
    assert "a managed solution fixed it" in text_of(portal.post(at("from_to"), follow=True))


def test_somebody_without_the_right_hears_who_has_it(
    portal: Client, at: At, alice: User, instance: Instance, identity_of: Callable[..., object]
) -> None:
    microsoft_connections.connect(instance, user=alice, identity=identity_of("klara@acme.example"))  # type: ignore[arg-type]
    assert "Your Microsoft account may not customize the CRM." in step(portal, at)
    assert "lacks prvWriteAttribute" in text_of(portal.post(at("from_to"), follow=True))


def test_microsoft_away_is_a_sentence_and_the_clicks_stay(
    portal: Client, at: At, connection: MicrosoftConnection, microsoft: Sandbox
) -> None:
    microsoft.control.fault("unavailable", path="EntityDefinitions", count=9)
    text = step(portal, at)
    assert "Microsoft did not answer." in text
    assert "By hand in the CRM" in text


def test_a_change_that_broke_off_asks_to_do_it_again(
    portal: Client, at: At, connection: MicrosoftConnection, microsoft: Sandbox
) -> None:
    microsoft.control.fault("unavailable", path="PublishXml", count=9)
    assert "The change was not finished. Do it once more" in text_of(portal.post(at("from_to"), follow=True))
    microsoft.control.clear()
    assert "Changed and published." in text_of(portal.post(at("from_to"), follow=True))


def test_otto_changes_nothing_of_acme(ottos_portal: Client, at: At, connection: MicrosoftConnection) -> None:
    assert ottos_portal.post(at("from_to")).status_code == 404
    levels = customization.levels(connections.client_for(connection), Budget(5))
    assert not levels["from"].editable
