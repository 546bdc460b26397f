"""The address of the CRM: whatever alice pastes is understood, saved once, and moved only when she knows what is dropped."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from ipexportal.sandbox import Sandbox, directory
from tenants import configuration, pasted_address
from tenants.models import AuditEntry, Instance, MicrosoftConnection, Tenant
from tests.checklist.conftest import text_of

pytestmark = pytest.mark.django_db
At = Callable[..., str]


def address_in(microsoft: Sandbox, app: str = directory.APP_ID) -> str:
    return f"{microsoft.origin}/main.aspx?appid={app}&pagetype=entitylist"


def test_the_whole_address_of_a_new_customer_becomes_their_instance(
    portal: Client, new: Tenant, microsoft: Sandbox
) -> None:
    answer = portal.post(reverse("portal:instance", args=[new.code]), {"address": address_in(microsoft)})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/portal/{new.code}/?step=instance#instance")
    row = Instance.objects.get(tenant=new)
    assert (row.url, str(row.app_id), str(row.directory_id)) == (
        microsoft.origin, directory.APP_ID, directory.ACME_TENANT,
    )  # fmt: skip
    page = text_of(portal.get(f"/portal/{new.code}/?step=instance"))
    assert "Show that the CRM is yours" in page
    assert "Saved, not verified yet." in page


def test_what_is_typed_is_understood_at_once(portal: Client, new: Tenant, microsoft: Sandbox) -> None:
    address = reverse("portal:instance_understood", args=[new.code])
    text = text_of(portal.post(address, {"address": address_in(microsoft)}))
    assert directory.APP_ID in text
    assert f"Directory of your company at Microsoft {directory.ACME_TENANT}" in text
    assert not Instance.objects.filter(tenant=new).exists()


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        (
            "https://businesscentral.dynamics.com/x",
            "Synchronise its contacts to Dynamics 365 Sales or Power Apps first",
        ),
        ("https://crm.firma.local/main.aspx", "This looks like a CRM on your own server."),
        ("https://make.powerapps.com/environments/1", "Microsoft's page for choosing or administering apps"),
        ("https://acme.operations.dynamics.com", "This is Finance and Operations."),
        ("", "Paste the whole address from your browser."),
        ("x" * 5000, "This is not a web address."),
        ("<script>alert(1)</script>", "This is not a web address."),
        ("https://acme.crm4.dynamic.com/main.aspx", "Is it acme.crm4.dynamics.com?"),
    ],
)
def test_what_is_no_crm_online_is_refused_with_what_helps(portal: Client, new: Tenant, pasted: str, said: str) -> None:
    answer = portal.post(reverse("portal:instance", args=[new.code]), {"address": pasted})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert "<script>alert" not in answer.content.decode()
    assert not Instance.objects.filter(tenant=new).exists()


def test_an_address_without_an_app_asks_for_it_and_keeps_what_was_typed(
    portal: Client, new: Tenant, microsoft: Sandbox
) -> None:
    save = reverse("portal:instance", args=[new.code])
    answer = portal.post(save, {"address": microsoft.origin})
    assert answer.status_code == 422
    assert "The address names no app." in text_of(answer)
    assert f'value="{microsoft.origin}"' in answer.content.decode()
    wrong = portal.post(save, {"address": microsoft.origin, "app_id": "not-an-id"})
    assert "Here belongs an identifier" in text_of(wrong)
    portal.post(save, {"address": microsoft.origin, "app_id": directory.APP_ID})
    assert str(Instance.objects.get(tenant=new).app_id) == directory.APP_ID


def test_a_connected_admin_chooses_the_app_by_its_name(
    portal: Client, at: At, connection: MicrosoftConnection, microsoft: Sandbox
) -> None:
    text = portal.post(at("instance_understood"), {"address": microsoft.origin}).content.decode()
    assert "Which app do your people use?" in text
    assert re.findall(r'<option value="([^"]+)"', text)[:1] == [directory.APP_ID]
    unknown = portal.post(
        at("instance_understood"), {"address": address_in(microsoft, "5f0a7c0e-0000-4a53-9a60-0c1f4f6f2a11")}
    )
    assert "This CRM has no such app, or your account may not see it" in text_of(unknown)


def test_apps_are_not_asked_of_another_host_than_the_connected_one(connection: MicrosoftConnection) -> None:
    found = pasted_address._apps(connection, "https://other.crm4.dynamics.com", pasted_address.Budget(1))
    assert found is None


def test_moving_a_proven_instance_says_first_what_is_dropped(
    portal: Client, at: At, acme: Tenant, connection: MicrosoftConnection
) -> None:
    elsewhere = f"https://acme2.crm4.dynamics.com/main.aspx?appid={directory.APP_ID}"
    warned = portal.post(at("instance"), {"address": elsewhere})
    text = text_of(warned)
    assert warned.status_code == 422
    assert "The proof that the CRM is yours; a customizer connects again." in text
    assert "All Microsoft connections of admins end." in text
    acme.instance.refresh_from_db()
    assert acme.instance.is_proven
    portal.post(at("instance"), {"address": elsewhere, "confirmed": "https://acme2.crm4.dynamics.com"})
    acme.instance.refresh_from_db()
    assert (acme.instance.url, acme.instance.is_proven) == ("https://acme2.crm4.dynamics.com", False)


def test_saving_what_is_stored_is_no_change(portal: Client, at: At, acme: Tenant, microsoft: Sandbox) -> None:
    seen = configuration.stamp(acme, "instance")
    for _click in range(2):
        assert portal.post(at("instance"), {"address": address_in(microsoft), "seen": seen}).status_code == 302
    assert AuditEntry.objects.filter(tenant=acme).count() == 0


def test_the_later_of_two_admins_is_told(portal: Client, at: At, acme: Tenant, ivana: User, microsoft: Sandbox) -> None:
    seen = configuration.stamp(acme, "instance")
    configuration.change(acme, {"instance": {"note_state": "completed"}}, by=ivana)
    other = address_in(microsoft, "5f0a7c0e-0000-4a53-9a60-0c1f4f6f2a11")
    answer = portal.post(at("instance"), {"address": other, "seen": seen})
    assert answer.status_code == 409
    assert "ivana saved a change here" in text_of(answer)
    assert "5f0a7c0e-0000" in answer.content.decode()


def test_a_crm_that_does_not_answer_is_saved_and_marked(portal: Client, new: Tenant, monkeypatch: Any) -> None:
    from tenants import registration

    monkeypatch.setattr(registration, "probe", lambda origin, budget: registration.Probe(None, None))
    address = f"https://acme9.crm4.dynamics.com/main.aspx?appid={directory.APP_ID}"
    live = portal.post(reverse("portal:instance_understood", args=[new.code]), {"address": address})
    assert "You can save; it stays marked as not verified." in text_of(live)
    assert portal.post(reverse("portal:instance", args=[new.code]), {"address": address}).status_code == 302
    assert "acme9.crm4.dynamics.com. Saved, not verified yet." in text_of(portal.get(f"/portal/{new.code}/"))
