"""From the e-mail in tereza's mailbox to her window: the link, Microsoft, and how far she is."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation

from ipexportal.logs import JsonFormatter
from ipexportal.sandbox.visitor import pick
from tenants import activation, registration
from tenants.activation import DeadLink, Step
from tenants.models import Agent, Instance, OutgoingMail, SignInAttempt
from tests.email.conftest import PostOffice, text_of
from tests.email.test_sending import LINK
from tests.signed_in import sign_in as signed_in
from tests.signin.conftest import Browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser() -> Browser:
    return Browser()


def link_in(post_office: PostOffice) -> str:
    return urlsplit(LINK.findall(text_of(post_office.last))[0]).path


def follow(browser: Browser, link: str, upn: str, **buttons: str) -> Any:
    """Open the link, press its button, choose an account at Microsoft, and come back."""
    page = browser.get(link)
    assert page.status_code == 200
    button = re.search(r'<a class="button[^"]*" href="([^"]+)"', page.content.decode())
    assert button
    answer = browser.get(button[1])
    assert answer.status_code == 302
    return browser.come_back(pick(answer.headers["Location"], upn, **buttons))


@pytest.fixture
def janas_link(post_office: PostOffice, jana: Agent) -> str:
    Agent.objects.filter(pk=jana.pk).update(window=False)
    jana.refresh_from_db()
    registration.enable_window(jana, "ivana")
    return link_in(post_office)


def test_jana_follows_her_link_and_is_activated(browser: Browser, janas_link: str, jana: Agent) -> None:
    with translation.override("cs"):
        page = follow(browser, janas_link, "jana@acme.example").content.decode()
    assert "Vraťte se do Komunikátoru" in page
    assert "data-close" not in page
    jana.refresh_from_db()
    assert jana.is_signed_in
    assert activation.state_of(jana).step == Step.SIGNED_IN
    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.agent, attempt.frame) == ("done", jana, "")


def test_opening_the_link_alone_changes_nothing_and_signs_nobody_in(janas_link: str, jana: Agent) -> None:
    before = Agent.objects.values().get()
    scanner = Client()
    for method in (scanner.get, scanner.head):
        assert method(janas_link).status_code in {200, 405}
    assert scanner.post(janas_link).status_code == 405
    assert not scanner.cookies
    assert not SignInAttempt.objects.exists()
    assert Agent.objects.values().get() == before
    assert scanner.get("/portal/account/").status_code == 302
    assert scanner.get(f"/window/{jana.tenant.instance.code}/state/", headers={"HX-Request": "true"}).status_code != 200


def test_a_used_link_is_dead(browser: Browser, janas_link: str) -> None:
    follow(browser, janas_link, "jana@acme.example")
    for link in (janas_link, f"{janas_link}sign-in/"):
        again = browser.get(link)
        assert again.status_code == 410
        assert "button" not in again.content.decode()
    assert SignInAttempt.objects.count() == 1


def test_a_link_opened_by_two_is_used_by_one(janas_link: str, jana: Agent) -> None:
    first, second = Browser(), Browser()
    places = [browser.get(f"{janas_link}sign-in/").headers["Location"] for browser in (first, second)]
    first.come_back(pick(places[0], "jana@acme.example"))
    bound = Agent.objects.values("object_id").get(pk=jana.pk)
    second.come_back(pick(places[1], "klara@acme.example"))
    assert Agent.objects.values("object_id").get(pk=jana.pk) == bound
    assert sorted(SignInAttempt.objects.values_list("outcome", flat=True)) == ["done", "other_account"]


def test_a_link_dies_after_fourteen_days(browser: Browser, janas_link: str) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=13, hours=23)):
        assert browser.get(janas_link).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=14, minutes=1)):
        page = browser.get(janas_link, headers={"Accept-Language": "en"})
    assert page.status_code == 410
    assert "This link has expired" in page.content.decode()


@pytest.mark.parametrize("change", ["window off", "off and on", "another person", "another directory", "gone"])
def test_a_link_dies_with_what_it_was_made_for(janas_link: str, jana: Agent, instance: Instance, change: str) -> None:
    match change:
        case "window off":
            registration.disable_window(jana, "ivana")
        case "off and on":
            registration.disable_window(jana, "ivana")
            registration.enable_window(jana, "ivana")
        case "another person":
            Agent.objects.update(email="petra@acme.example")
        case "another directory":
            registration.change_address(instance, by="ivana", url="https://other.crm4.dynamics.com")
        case "gone":
            Agent.objects.all().delete()
    with pytest.raises(DeadLink) as dead:
        activation.agent_of(janas_link.split("/")[-2])
    assert dead.value.reason == ("unknown" if change == "gone" else "changed")


def test_a_link_that_somebody_changed_is_no_link(browser: Browser, janas_link: str, eve: Agent) -> None:
    token = janas_link.split("/")[-2]
    parts = token.split(".")
    forged = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        ".".join([eve.code.hex, *parts[1:]]),
        ".".join(parts[:2]),
        parts[0],
        "x" * 5000,
        "%00",
        "..",
    ]
    answers = [browser.get(f"/activate/{each}/").status_code for each in forged]
    assert answers == [404] * len(forged)


def test_somebody_elses_account_is_refused_and_remembered_as_where_jana_is_stuck(
    browser: Browser, janas_link: str, jana: Agent, bob: Agent
) -> None:
    page = follow(browser, janas_link, "bob@acme.example").content.decode()
    assert "bob@acme.example" in page
    assert "jana@acme.example" in page
    for agent in (jana, bob):
        agent.refresh_from_db()
        assert not agent.is_signed_in
    state = activation.state_of(jana)
    assert (state.step, state.error) == (Step.MAIL_SENT, "other_account")
    assert activation.state_of(bob).error == ""
    assert browser.get(janas_link).status_code == 200


def test_the_exact_error_of_entra_stays_with_the_agent_until_she_gets_in(
    browser: Browser, post_office: PostOffice, acme: Any
) -> None:
    ivo = Agent.objects.create(tenant=acme, name="Ivo", email="ivo@acme.example")
    registration.enable_window(ivo, "ivana")
    follow(browser, link_in(post_office), "ivo@acme.example")
    SignInAttempt.objects.all().delete()
    state = activation.state_of(ivo)
    assert (state.step, state.error) == (Step.MAIL_SENT, "AADSTS65004")
    with translation.override("en"):
        assert state.refusal
        assert (state.refusal.title, state.refusal.code) == ("Consent was refused", "AADSTS65004")


def test_getting_in_clears_what_she_was_stuck_with(browser: Browser, janas_link: str, jana: Agent, bob: Agent) -> None:
    follow(browser, janas_link, "bob@acme.example")
    follow(browser, janas_link, "jana@acme.example")
    assert activation.state_of(jana).error == ""


def test_an_agent_is_followed_from_invited_to_the_first_note(post_office: PostOffice, tereza: Agent) -> None:
    def step() -> str:
        return activation.state_of(Agent.objects.get(pk=tereza.pk)).step

    steps = [step()]
    Agent.objects.filter(pk=tereza.pk).update(window=True)
    steps.append(step())
    mail = OutgoingMail.objects.create(tenant=tereza.tenant, kind="activation", language="cs", agent=tereza)
    for state in ("queued", "failed", "sent"):
        OutgoingMail.objects.filter(pk=mail.pk).update(state=state, last_error="smtp_550" if state == "failed" else "")
        steps.append(step())
    tereza.refresh_from_db()
    tereza.token_cache, tereza.signed_in_at = "{}", timezone.now()
    tereza.save()
    steps.append(step())
    for name in ("first_card_at", "first_note_at"):
        Agent.objects.filter(pk=tereza.pk).update(**{name: timezone.now()})
        steps.append(step())
    Agent.objects.filter(pk=tereza.pk).update(sign_in_error="AADSTS50057")
    assert activation.state_of(tereza).error == "AADSTS50057"
    assert steps == [
        "off", "invited", "mail_queued", "mail_failed", "mail_sent", "signed_in", "first_card", "first_note"
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_of_agents_costs_one_query(acme: Any, count: int, django_assert_num_queries: Any) -> None:
    agents = [Agent.objects.create(tenant=acme, name=f"A{n}", email=f"a{n}@acme.example") for n in range(count)]
    with django_assert_num_queries(1):
        states = [activation.state_of(row) for row in activation.with_steps(Agent.objects.all())]
    assert [state.step for state in states] == [Step.OFF] * len(agents)


def test_stuck_agents_can_be_filtered(jana: Agent, bob: Agent) -> None:
    Agent.objects.filter(pk=bob.pk).update(refused_with="AADSTS50105", refused_at=timezone.now())
    rows = activation.with_steps(Agent.objects.all())
    assert [row.login for row in rows.exclude(stuck_with="")] == ["bob"]
    assert [row.login for row in rows.filter(step=Step.INVITED).order_by("login")] == ["bob", "jana"]


def test_logs_keep_no_personal_link() -> None:
    import logging

    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 0, "Gone: %s", ("/activate/abc.def.ghi/sign-in/?x=1",), None
    )
    assert "Gone: /activate/…" in JsonFormatter().format(record)
    assert "abc" not in JsonFormatter().format(record)


def test_the_page_speaks_the_agents_language(browser: Browser, janas_link: str, jana: Agent) -> None:
    Agent.objects.update(language="sk")
    page = browser.get(janas_link, headers={"Accept-Language": "en"})
    assert '<html lang="sk">' in page.content.decode()
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.headers["Cache-Control"]


def test_a_signed_in_agent_gets_no_further_e_mail(post_office: PostOffice, jana: Agent, alice: User) -> None:
    from tenants.post import NotSendable

    signed_in(jana)
    with pytest.raises(NotSendable):
        activation.send_again(jana, by=alice)
    assert post_office.received == []
