"""Ivana sees in the admin what was sent and how far everybody is, and sends again."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from tenants import invitations, post, registration
from tenants.models import Agent, OutgoingMail, Tenant
from tests.email.conftest import PostOffice, only_mail

pytestmark = pytest.mark.django_db(transaction=True)
AGENTS, MAIL = "admin:tenants_agent_changelist", "admin:tenants_outgoingmail_changelist"


@pytest.fixture
def office(ivana: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(ivana)
    return client


def act(office: Client, where: str, action: str, *rows: Any) -> str:
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return office.post(reverse(where), data, follow=True).content.decode()


def test_sends_an_activation_e_mail_again_after_the_cool_down(
    office: Client, post_office: PostOffice, tereza: Agent
) -> None:
    registration.enable_window(tereza, "ivana")
    assert "can be sent again at" in act(office, AGENTS, "send_again", tereza)
    assert len(post_office.received) == 1
    with time_machine.travel(timezone.now() + post.COOL_DOWN + timedelta(seconds=1)):
        assert "Tereza Malá: the e-mail is on its way." in act(office, AGENTS, "send_again", tereza)
    assert len(post_office.received) == 2


def test_reads_why_an_e_mail_makes_no_sense(office: Client, post_office: PostOffice, tereza: Agent) -> None:
    assert "The window is switched off." in act(office, AGENTS, "send_again", tereza)
    assert post_office.received == []


def test_sees_how_far_agents_are_and_filters_the_stuck(office: Client, tereza: Agent, jana: Agent) -> None:
    Agent.objects.filter(pk=jana.pk).update(refused_with="AADSTS50105", refused_at=timezone.now())
    page = office.get(reverse(AGENTS)).content.decode()
    assert "Window off" in page
    assert "This account was not assigned to the CRM window (AADSTS50105)" in page
    for query, names in ({"step": "stuck"}, ["jana"]), ({"step": "off"}, ["tereza"]), ({"step": "signed_in"}, []):
        rows = office.get(reverse(AGENTS), query).context["cl"].result_list
        assert [row.login for row in rows] == names


def test_a_failed_e_mail_is_found_and_sent_again(office: Client, post_office: PostOffice, tereza: Agent) -> None:
    post_office.to_recipient = "550 5.1.1 No such user"
    registration.enable_window(tereza, "ivana")
    page = office.get(reverse(MAIL), {"state": "failed", "q": "tereza"}).content.decode()
    assert "smtp_550" in page
    post_office.to_recipient = ""
    assert "on its way" in act(office, MAIL, "send_again", only_mail())
    assert len(post_office.received) == 1


def test_previews_an_e_mail_without_a_living_link_or_script(
    office: Client, post_office: PostOffice, tereza: Agent
) -> None:
    registration.enable_window(tereza, "ivana")
    mail = only_mail()
    address = reverse("admin:tenants_outgoingmail_preview", args=[mail.pk])
    change = office.get(reverse("admin:tenants_outgoingmail_change", args=[mail.pk])).content.decode()
    assert address in change
    page = office.get(address)
    policy = page.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
    assert "Otevřete Komunikátor" in page.content.decode()
    assert "/activate/" not in page.content.decode() + change


def test_a_preview_of_what_is_no_longer_wanted_says_so(office: Client, post_office: PostOffice, tereza: Agent) -> None:
    registration.enable_window(tereza, "ivana")
    registration.disable_window(tereza, "ivana")
    address = reverse("admin:tenants_outgoingmail_preview", args=[only_mail().pk])
    assert "would not be sent now: window_off" in office.get(address, follow=True).content.decode()


def test_a_preview_is_for_staff(post_office: PostOffice, tereza: Agent, alice: User) -> None:
    registration.enable_window(tereza, "ivana")
    stranger = Client()
    stranger.force_login(alice)
    answer = stranger.get(reverse("admin:tenants_outgoingmail_preview", args=[only_mail().pk]))
    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, "/admin/login/")


def test_neither_an_e_mail_nor_an_invitation_is_made_or_changed_by_hand(
    office: Client, post_office: PostOffice, acme: Tenant
) -> None:
    with translation.override("en"):
        invitation = invitations.invite(tenant=acme, email="alena@acme.example", by="ivana")
    for row in (invitation, OutgoingMail.objects.get()):
        name = row._meta.model_name
        assert office.get(reverse(f"admin:tenants_{name}_add")).status_code == 403
        page = office.get(reverse(f"admin:tenants_{name}_change", args=[row.pk]))
        assert page.status_code == 200
        assert 'name="_save"' not in page.content.decode()
        assert "8000/invitation/" not in page.content.decode()
