"""The check-list is the guide: every step opens in place, says who is needed, and can be handed on or left out."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tenants import consent, invitations, progress, verification
from tenants.models import Agent, AuditEntry, Instance, Invitation, MicrosoftConnection, OutgoingMail, Tenant
from tenants.portal import steps
from tests.checklist.conftest import text_of

pytestmark = pytest.mark.django_db
At = Callable[..., str]


def test_every_step_has_its_words_and_opens_under_its_own_address(portal: Client, at: At, acme: Tenant) -> None:
    keys = [step.key for step in progress.of_one(acme).steps]
    assert keys == list(steps.TITLES)
    for key in keys:
        answer = portal.get(at("checklist"), {"step": key})
        assert (key, answer.status_code) == (key, 200)
        assert answer.content.decode().count('class="step opened"') == 1
        assert f'id="{key}"' in answer.content.decode()


def test_every_step_opens_for_a_customer_of_whom_nothing_is_known(portal: Client, new: Tenant) -> None:
    for key in steps.TITLES:
        answer = portal.get(f"/portal/{new.code}/", {"step": key})
        assert (key, answer.status_code) == (key, 200)
    text = text_of(portal.get(f"/portal/{new.code}/"))
    assert "Done 0 of 10 steps. The rest takes about 30 minutes, and you can stop at any time." in text
    assert "Steps 2, 5: somebody who may customize the CRM" in text


def test_an_unknown_step_opens_nothing(portal: Client, at: At) -> None:
    answer = portal.get(at("checklist"), {"step": "<b>x</b>"})
    assert (answer.status_code, b"<b>x" in answer.content) == (200, False)


def test_the_list_asks_as_little_as_it_can(
    portal: Client, at: At, acme: Tenant, django_assert_num_queries: Any
) -> None:
    portal.get(at("checklist"))
    with django_assert_num_queries(9):
        portal.get(at("checklist"))


def test_an_optional_step_is_left_out_and_taken_back(portal: Client, at: At, acme: Tenant) -> None:
    Instance.objects.filter(tenant=acme).update(leads=False)
    for _click in range(2):
        portal.post(at("step_skip", "leads"))
    assert progress.of_one(acme).step("leads").state == "skipped"
    assert AuditEntry.objects.filter(act="tenant.step_skipped").count() == 1
    assert "We need this step after all" in text_of(portal.get(at("checklist"), {"step": "leads"}))
    portal.post(at("step_take_back", "leads"))
    assert progress.of_one(acme).step("leads").state == "optional"


def test_a_required_step_cannot_be_left_out(portal: Client, at: At, acme: Tenant) -> None:
    assert portal.post(at("step_skip", "instance")).status_code == 404
    acme.refresh_from_db()
    assert acme.skipped_steps == []


# Consent


def test_the_mail_to_the_directory_admin_is_in_the_customers_language_and_ready(
    portal: Client, at: At, acme: Tenant
) -> None:
    answer = portal.get(at("checklist"), {"step": "consent"})
    link = consent.link(acme.instance)
    html = answer.content.decode()
    assert f'href="{link}?next=' in html
    assert "mailto:?subject=" in html
    assert text_of(answer).count(link) == 1
    assert "Acme s.r.o." in text_of(answer)
    assert portal.get(link).status_code == 200


def test_consent_shows_since_when_it_is_given(portal: Client, at: At, acme: Tenant) -> None:
    Instance.objects.filter(tenant=acme).update(consented_at=timezone.now())
    assert "Consent given for the whole company today" in text_of(portal.get(at("checklist"), {"step": "consent"}))


# Colleagues


def test_alice_hands_a_step_to_a_colleague_and_withdraws_it(portal: Client, at: At, acme: Tenant) -> None:
    page = portal.get(at("colleagues"), {"step": "from_to"})
    assert f"/portal/{acme.code}/?step=from_to#from_to" in text_of(page)
    sent = portal.post(at("invite"), {"email": "tomas@acme.example", "language": "sk"}, follow=True)
    assert "The invitation is on its way to tomas@acme.example." in text_of(sent)
    invitation = Invitation.objects.get(tenant=acme)
    assert (invitation.email, invitation.language, invitation.mail.count()) == ("tomas@acme.example", "sk", 1)
    portal.post(at("invitation_withdraw", invitation.code))
    assert "Nobody is invited now." in text_of(portal.get(at("colleagues")))


@pytest.mark.parametrize("email", ["", "no-mail", "a@b@c", "x" * 400 + "@acme.example", "<script>@x"])
def test_what_is_no_address_is_refused_and_kept(portal: Client, at: At, email: str) -> None:
    answer = portal.post(at("invite"), {"email": email})
    assert answer.status_code == 422
    assert "Not saved: one thing has to be put right." in text_of(answer)
    assert not Invitation.objects.exists()
    assert b"<script>@x" not in answer.content


def test_a_second_invitation_minutes_later_says_when_it_can_be_sent(portal: Client, at: At) -> None:
    portal.post(at("invite"), {"email": "tomas@acme.example"})
    OutgoingMail.objects.update(state=OutgoingMail.State.SENT, sent_at=timezone.now())
    again = portal.post(at("invite"), {"email": "Tomas@acme.example"})
    assert "This e-mail was sent a moment ago." in text_of(again)
    assert Invitation.objects.count() == 1


def test_an_invitation_of_another_customer_cannot_be_withdrawn(
    portal: Client, at: At, beta: Tenant, otto: User
) -> None:
    theirs = invitations.invite(tenant=beta, email="pavel@beta.example", by=otto)
    assert portal.post(at("invitation_withdraw", theirs.code)).status_code == 404
    theirs.refresh_from_db()
    assert theirs.is_open


# Going live


def test_going_live_waits_for_what_is_missing(portal: Client, at: At, acme: Tenant) -> None:
    text = text_of(portal.get(at("checklist"), {"step": "live"}))
    assert "Still missing: Consent of your company Who will use the window The connection was not checked yet" in text
    refused = portal.post(at("go_live"), follow=True)
    assert "Something is still missing, see the list." in text_of(refused)
    acme.refresh_from_db()
    assert acme.went_live_at is None


def test_acme_goes_live_once_everything_is_in_order_and_can_take_it_back(
    portal: Client, at: At, acme: Tenant, jana: Agent, alice: User, connection: MicrosoftConnection
) -> None:
    verification.verify(acme.instance, by=alice)
    assert "Nothing is missing." in text_of(portal.get(at("checklist"), {"step": "live"}))
    for _click in range(2):
        portal.post(at("go_live"))
    acme.refresh_from_db()
    assert acme.went_live_at is not None
    assert AuditEntry.objects.filter(act="tenant.went_live").count() == 1
    assert "Live since" in text_of(portal.get(at("checklist")))
    portal.post(at("back_to_setup"))
    acme.refresh_from_db()
    assert (acme.went_live_at, jana.window) == (None, True)


def test_an_app_that_is_gone_stands_in_the_way(
    portal: Client, at: At, acme: Tenant, jana: Agent, alice: User, connection: MicrosoftConnection
) -> None:
    Instance.objects.filter(tenant=acme).update(app_id="5f0a7c0e-0000-4a53-9a60-0c1f4f6f2a11")
    acme.instance.refresh_from_db()
    verification.verify(acme.instance, by=alice)
    assert "The app ID exists" in text_of(portal.get(at("checklist"), {"step": "live"}))
    portal.post(at("go_live"))
    acme.refresh_from_db()
    assert acme.went_live_at is None


def test_otto_finds_nothing_of_acme(ottos_portal: Client, at: At, acme: Tenant) -> None:
    for name in ("checklist", "colleagues", "checks", "operation", "ivr", "operation_file"):
        assert (name, ottos_portal.get(at(name)).status_code) == (name, 404)
    for name in ("go_live", "invite", "instance", "operation_save", "ivr_save", "checks_run", "forget_numbers"):
        assert (name, ottos_portal.post(at(name)).status_code) == (name, 404)
