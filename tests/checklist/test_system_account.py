"""The tab "IVR": the secret goes in and never comes out; what it may do is tested against the real CRM."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from ipexportal.sandbox import directory
from tenants import configuration
from tenants.models import AuditEntry, CheckRun, SystemAccount, Tenant
from tests.checklist.conftest import text_of

pytestmark = pytest.mark.django_db
At = Callable[..., str]
SECRET = directory.SYSTEM_CLIENT_SECRET


def typed(acme: Tenant, **values: str) -> dict[str, str]:
    return {
        "client_id": directory.SYSTEM_CLIENT_ID,
        "client_secret": SECRET,
        "secret_expires_on": str(timezone.localdate() + timedelta(days=700)),
        "seen": configuration.stamp(acme, "system_account"),
    } | values


def test_alice_sets_it_up_and_it_is_tested_at_once(
    portal: Client, at: At, acme: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = portal.post(at("ivr_save"), typed(acme))
    assert (answer.status_code, answer.headers["Location"]) == (302, at("ivr"))
    account = SystemAccount.objects.get(instance=acme.instance)
    assert (str(account.client_id), account.client_secret) == (directory.SYSTEM_CLIENT_ID, SECRET)
    assert CheckRun.objects.get().through == "system"
    page = portal.get(at("ivr"))
    assert "Signing in for checks works" in text_of(page)
    assert "Valid for 700 more days" in text_of(page)
    assert SECRET not in page.content.decode()


def test_the_secret_is_in_no_audit_and_no_answer(portal: Client, at: At, acme: Tenant) -> None:
    portal.post(at("ivr_save"), typed(acme))
    entry = AuditEntry.objects.get(tenant=acme)
    assert SECRET not in f"{entry.before} {entry.after}"
    assert entry.after["system_account.client_secret"] == "•••"
    refused = portal.post(at("ivr_save"), typed(acme, client_id="nonsense", client_secret="another-secret"))
    assert refused.status_code == 422
    assert "another-secret" not in refused.content.decode()
    assert "nonsense" in refused.content.decode()
    assert "Secrets have to be pasted once more" in text_of(refused)


def test_a_pasted_secret_id_is_recognised(portal: Client, at: At, acme: Tenant) -> None:
    answer = portal.post(at("ivr_save"), typed(acme, client_secret="5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11"))
    assert answer.status_code == 422
    assert "This is the secret's ID. Copy its Value" in text_of(answer).replace("&#x27;", "'").replace("’", "'")
    assert not SystemAccount.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"client_id": ""}, "Enter the application (client) ID from Azure."),
        ({"client_secret": ""}, "Paste the Value of the client secret."),
        ({"client_secret": "with space"}, "This is not the Value of a client secret."),
        ({"client_secret": "x" * 900}, "This is not the Value of a client secret."),
        ({"secret_expires_on": "tomorrow"}, "Here belongs a date such as 2027-11-03."),
        ({"second_client_secret": "5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11"}, "This is the secret's ID."),
    ],
)
def test_mistakes_stand_at_their_fields(portal: Client, at: At, acme: Tenant, wrong: dict[str, str], said: str) -> None:
    answer = portal.post(at("ivr_save"), typed(acme, **wrong))
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not SystemAccount.objects.exists()


def test_an_empty_secret_keeps_the_stored_one_and_a_second_is_added(
    portal: Client, at: At, acme: Tenant, system: SystemAccount
) -> None:
    until = str(timezone.localdate() + timedelta(days=10))
    portal.post(
        at("ivr_save"),
        typed(acme, client_secret="", secret_expires_on=until, second_client_secret="second~secret"),
    )
    system = SystemAccount.objects.get()
    assert (system.client_secret, system.second_client_secret) == (SECRET, "second~secret")
    assert str(system.secret_expires_on) == until


def test_a_double_click_is_one_change(portal: Client, at: At, acme: Tenant) -> None:
    form = typed(acme)
    for _click in range(2):
        assert portal.post(at("ivr_save"), form).status_code == 302
    assert AuditEntry.objects.filter(tenant=acme).count() == 1


def test_the_later_of_two_admins_is_told(
    portal: Client, at: At, acme: Tenant, ivana: User, system: SystemAccount
) -> None:
    form = typed(acme, secret_expires_on="2028-01-01")
    configuration.change(acme, {"system_account": {"secret_expires_on": "2027-01-01"}}, by=ivana)
    answer = portal.post(at("ivr_save"), form)
    assert answer.status_code == 409
    assert "ivana saved a change here" in text_of(answer)
    assert str(SystemAccount.objects.get().secret_expires_on) == "2027-01-01"


def test_removing_it_erases_its_secrets(portal: Client, at: At, acme: Tenant, system: SystemAccount) -> None:
    told = portal.post(at("ivr_remove"), follow=True)
    assert "The system account is removed." in text_of(told)
    assert not SystemAccount.objects.exists()
    assert "Remove the system account" not in text_of(told)


def test_a_customer_without_an_address_is_led_to_it(portal: Client, new: Tenant) -> None:
    assert "Enter the address of your CRM first" in text_of(portal.get(f"/portal/{new.code}/ivr/"))
    answer = portal.post(
        f"/portal/{new.code}/ivr/save/", {"client_id": directory.SYSTEM_CLIENT_ID, "client_secret": "s~1"}
    )
    assert answer.status_code == 422
    assert not SystemAccount.objects.exists()
