"""A row becomes one delivered e-mail, whatever the mail server does meanwhile."""

import logging
import re
import threading
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone, translation

from tenants import activation, emails, post, registration, tasks
from tenants.models import Agent, AuditEntry, Instance, OutgoingMail, Tenant
from tests.email.conftest import PostOffice, only_mail, page_of, text_of

pytestmark = pytest.mark.django_db(transaction=True)
State = OutgoingMail.State
LINK = re.compile(r"http://127\.0\.0\.1:8000/activate/[\w.-]+/")


def test_switching_terezas_window_on_brings_her_one_e_mail(post_office: PostOffice, tereza: Agent) -> None:
    registration.enable_window(tereza, "ivana")
    registration.enable_window(tereza, "ivana")
    assert post_office.envelopes == [("portal@ipex.example", ["tereza@acme.example"])]
    mail = only_mail()
    assert (mail.state, mail.attempts, mail.last_error, mail.lease_until) == (State.SENT, 1, "", None)
    assert mail.sent_at


def test_the_e_mail_is_as_it_was_drawn(post_office: PostOffice, tereza: Agent, alice: User) -> None:
    alice.first_name, alice.last_name = "Alena", "Vlčková"
    alice.save()
    with time_machine.travel("2026-11-16 09:12+01:00", tick=False):
        registration.enable_window(tereza, "ivana")
    message = post_office.last
    assert message["Subject"] == "Zapněte si okno volajícího, stačí dvě minuty"
    assert message["From"] == '"IPEX pro Acme s.r.o." <portal@ipex.example>'
    assert message["To"] == "Tereza Malá <tereza@acme.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{only_mail().code}@ipex.example>"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    for body in (text_of(message), page_of(message)):
        words = " ".join(body.replace("\xa0", " ").split())
        assert "Použijte tereza@acme.example, stejný účet jako do Outlooku." in words
        assert "Platí do 30. 11. 2026." in words
        assert "Alena Vlčková, alice@acme.example" in words
        assert words.partition("E-mail posíláme na žádost firmy ")[2].startswith("Acme s.r.o.")
        assert ".." not in words
        assert len(set(LINK.findall(body))) == 1


def test_the_page_needs_no_images_scripts_or_other_servers(post_office: PostOffice, tereza: Agent) -> None:
    registration.enable_window(tereza, "ivana")
    page = page_of(post_office.last)
    assert re.findall(r"<img|<script|<link|url\(|<form|<iframe", page) == []
    assert {each for each in re.findall(r'(?:href|src)="([^"]*)"', page) if not LINK.fullmatch(each)} == set()
    assert "prefers-color-scheme: dark" in page
    assert 'width="600"' in page
    assert set(re.findall(r"<table[^>]*>", page)) == set(re.findall(r'<table role="presentation"[^>]*>', page))


@pytest.mark.parametrize("language", ["cs", "sk", "en"])
def test_it_speaks_the_recipients_language(post_office: PostOffice, tereza: Agent, language: str) -> None:
    tereza.language = language
    tereza.save()
    with translation.override("en" if language == "cs" else "cs"):
        registration.enable_window(tereza, "ivana")
    subjects = {
        "cs": "Zapněte si okno volajícího, stačí dvě minuty",
        "sk": "Zapnite si okno volajúceho, stačia dve minúty",
        "en": "Switch on your caller window, it takes two minutes",
    }
    message = post_office.last
    assert (message["Subject"], message["Content-Language"]) == (subjects[language], language)
    assert f'<html lang="{language}">' in page_of(message)
    english = "Nothing needs installing." in text_of(message)
    assert english == (language == "en")


# -- the mail server has a bad day --


def test_without_a_mail_server_it_waits_and_goes_out_later(
    no_post_office: None, tereza: Agent, request: pytest.FixtureRequest
) -> None:
    start = timezone.now()
    registration.enable_window(tereza, "ivana")
    mail = only_mail()
    assert (mail.state, mail.last_error, mail.attempts, mail.lease_until) == (
        State.QUEUED, "ConnectionRefusedError", 1, None,
    )  # fmt: skip
    assert mail.next_try_at >= start + emails.FIRST_PAUSE
    tasks.send_waiting_mail()
    assert only_mail().attempts == 1
    office: PostOffice = request.getfixturevalue("post_office")
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        tasks.send_waiting_mail()
    assert (only_mail().state, len(office.received)) == (State.SENT, 1)


def test_pauses_grow_and_end(no_post_office: None, tereza: Agent) -> None:
    registration.enable_window(tereza, "ivana")
    pauses = []
    for _ in range(emails.MOST_ATTEMPTS - 1):
        mail = only_mail()
        with time_machine.travel(mail.next_try_at, tick=False):
            emails.sweep()
            pauses.append((only_mail().next_try_at - timezone.now()).total_seconds() / 60)
    assert pauses[:7] == [2, 4, 8, 16, 32, 60, 60]
    assert (only_mail().state, only_mail().last_error) == (State.FAILED, "ConnectionRefusedError")


def test_while_the_server_is_away_a_sweep_asks_it_once(no_post_office: None, acme: Tenant) -> None:
    people = [Agent(tenant=acme, name=f"Agent {n}", email=f"a{n}@acme.example", window=True) for n in range(20)]
    Agent.objects.bulk_create(people)
    post.put_in_for_agents(OutgoingMail.Kind.ACTIVATION, people)
    assert sorted(OutgoingMail.objects.values_list("attempts", flat=True)) == [0] * 19 + [1]


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        ("550 5.1.1 No such user tereza@acme.example", State.FAILED, "smtp_550"),
        ("451 4.7.1 Greylisted tereza@acme.example", State.QUEUED, "smtp_451"),
    ],
)
def test_a_refused_recipient_is_final_or_not(
    post_office: PostOffice, tereza: Agent, answer: str, state: str, code: str
) -> None:
    post_office.to_recipient = answer
    registration.enable_window(tereza, "ivana")
    assert (only_mail().state, only_mail().last_error) == (state, code)


def test_a_refused_message_does_not_hold_up_the_others(post_office: PostOffice, tereza: Agent, jana: Agent) -> None:
    post_office.to_message = "554 5.7.1 Looks like spam"
    post.put_in_for_agents(OutgoingMail.Kind.ACTIVATION, [jana])
    post_office.to_message = ""
    registration.enable_window(tereza, "ivana")
    states = dict(OutgoingMail.objects.values_list("agent__login", "state"))
    assert states == {"jana": State.FAILED, "tereza": State.SENT}


def test_two_workers_send_one_e_mail(post_office: PostOffice, jana: Agent) -> None:
    mail = OutgoingMail.objects.create(tenant=jana.tenant, kind="activation", language="cs", agent=jana)
    gate = threading.Barrier(4)

    def work() -> None:
        gate.wait()
        emails.deliver(mail.pk)
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(post_office.received) == 1
    assert (only_mail().state, only_mail().attempts) == (State.SENT, 1)


def test_a_worker_that_died_is_followed_by_another(post_office: PostOffice, jana: Agent) -> None:
    now = timezone.now()
    held = OutgoingMail.objects.create(
        tenant=jana.tenant, kind="activation", language="cs", agent=jana, lease_until=now + emails.LEASE, attempts=1
    )
    emails.sweep()
    assert post_office.received == []
    with time_machine.travel(now + emails.LEASE + timedelta(seconds=1)):
        emails.sweep()
    assert post_office.last["Message-ID"] == f"<{held.code}@ipex.example>"
    assert only_mail().state == State.SENT


# -- what nobody may read --


def test_neither_rows_nor_logs_nor_audit_hold_a_name_an_address_or_a_link(
    post_office: PostOffice, tereza: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    post_office.to_recipient = "550 5.1.1 No such user tereza@acme.example"
    registration.enable_window(tereza, "ivana")
    post_office.to_recipient = ""
    activation.send_again(tereza, by="ivana")
    token = LINK.findall(text_of(post_office.last))[0].split("/")[-2]
    rows = [str(list(model.objects.values())) for model in (OutgoingMail, AuditEntry)]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("tenants", "django", "huey"))]
    assert len(ours) > 0
    everything = "\n".join([*rows, *ours])
    assert [word for word in ("Tereza", "tereza@", "/activate/", token) if word in everything] == []


@pytest.mark.parametrize(
    "name",
    [
        "Tereza\r\nBcc: eve@beta.example",
        "Tereza\nSubject: Jiný předmět\n\nJiný text",
        'Tereza" <eve@beta.example>, "X',
        "Tereza, eve@beta.example",
        "Tereza\u2028Bcc: eve@beta.example\x00\u202e",
        "=?utf-8?q?Tereza=0D=0ABcc:_eve=40beta.example?=",
        "Ž" * 200,
    ],
)
def test_a_name_stays_a_name(post_office: PostOffice, tereza: Agent, name: str) -> None:
    Agent.objects.filter(pk=tereza.pk).update(name=name.replace("\x00", "\x01"))
    Tenant.objects.update(name=name.replace("\x00", "\x01")[:200])
    tereza.refresh_from_db()
    registration.enable_window(tereza, "ivana")
    message = post_office.last
    assert post_office.envelopes == [("portal@ipex.example", ["tereza@acme.example"])]
    assert message["Bcc"] is None
    assert message["Subject"] == "Zapněte si okno volajícího, stačí dvě minuty"
    assert [address.addr_spec for address in message["To"].addresses] == ["tereza@acme.example"]
    assert [address.addr_spec for address in message["From"].addresses] == ["portal@ipex.example"]


def test_a_name_with_mark_up_stays_text(post_office: PostOffice, tereza: Agent) -> None:
    Tenant.objects.update(name="<b>Acme</b> & spol.")
    tereza.refresh_from_db()
    registration.enable_window(tereza, "ivana")
    assert "&lt;b&gt;Acme&lt;/b&gt; &amp; spol." in page_of(post_office.last)
    assert "<b>Acme</b> & spol." in text_of(post_office.last)


def test_an_impossible_address_fails_for_good(post_office: PostOffice, tereza: Agent) -> None:
    Agent.objects.filter(pk=tereza.pk).update(email="tereza@acme.example\r\nRCPT TO:<eve@beta.example>")
    tereza.refresh_from_db()
    registration.enable_window(tereza, "ivana")
    assert post_office.received == []
    assert (only_mail().state, only_mail().last_error) == (State.FAILED, "address")


# -- wanted or not --


def test_a_window_switched_off_meanwhile_sends_nothing(
    no_post_office: None, tereza: Agent, request: pytest.FixtureRequest
) -> None:
    registration.enable_window(tereza, "ivana")
    registration.disable_window(tereza, "ivana")
    office: PostOffice = request.getfixturevalue("post_office")
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        emails.sweep()
    assert office.received == []
    assert (only_mail().state, only_mail().last_error) == (State.FAILED, "window_off")


def test_a_claimed_instance_sends_nothing_until_it_is_proven(
    post_office: PostOffice, tereza: Agent, instance: Instance, ivana: User
) -> None:
    registration.change_address(instance, by="ivana", url="https://other.crm4.dynamics.com")
    registration.enable_window(tereza, "ivana")
    assert not OutgoingMail.objects.exists()
    assert activation.state_of(tereza).step == activation.Step.UNPROVEN
    registration.confirm(instance, by=ivana)
    assert [message["To"].addresses[0].addr_spec for message in post_office.received] == ["tereza@acme.example"]
    registration.confirm(instance, by=ivana)
    assert len(post_office.received) == 1


def test_who_proves_it_by_signing_in_gets_no_e_mail_about_signing_in(
    post_office: PostOffice, tereza: Agent, jana: Agent, instance: Instance
) -> None:
    organization = instance.organization_id
    Instance.objects.update(proven_at=None)
    Agent.objects.update(window=True)
    instance.refresh_from_db()
    assert organization
    assert instance.directory_id
    registration.prove(
        instance, by="Jana@Acme.example", organization_id=organization, directory_id=instance.directory_id
    )
    assert [envelope[1] for envelope in post_office.envelopes] == [["tereza@acme.example"]]


# -- again --


def test_it_is_sent_again_but_not_within_minutes(post_office: PostOffice, tereza: Agent) -> None:
    registration.enable_window(tereza, "ivana")
    with pytest.raises(post.TooSoon) as refusal:
        activation.send_again(tereza, by="alice")
    assert len(post_office.received) == 1
    assert str(timezone.localtime(refusal.value.until).strftime("%H:%M")) in str(refusal.value)
    with time_machine.travel(timezone.now() + post.COOL_DOWN + timedelta(seconds=1)):
        activation.send_again(tereza, by="alice")
    assert len(post_office.received) == 2
    assert post_office.received[0]["Message-ID"] != post_office.received[1]["Message-ID"]
    entry = AuditEntry.objects.get(act="mail.sent_again")
    assert (entry.actor, entry.tenant) == ("alice", tereza.tenant)


def test_one_that_waits_is_hurried_and_not_doubled(
    no_post_office: None, tereza: Agent, request: pytest.FixtureRequest
) -> None:
    registration.enable_window(tereza, "ivana")
    office: PostOffice = request.getfixturevalue("post_office")
    activation.send_again(tereza, by="alice")
    assert (len(office.received), OutgoingMail.objects.count()) == (1, 1)


def test_a_window_off_and_on_again_sends_the_second_after_the_cool_down(post_office: PostOffice, tereza: Agent) -> None:
    registration.enable_window(tereza, "ivana")
    registration.disable_window(tereza, "ivana")
    registration.enable_window(tereza, "ivana")
    emails.sweep()
    assert len(post_office.received) == 1
    with time_machine.travel(timezone.now() + post.COOL_DOWN + timedelta(seconds=1)):
        emails.sweep()
    assert len(post_office.received) == 2


@pytest.mark.parametrize("reason", ["window_off", "not_proven"])
def test_an_e_mail_that_makes_no_sense_is_refused_with_a_sentence(tereza: Agent, reason: str) -> None:
    if reason == "not_proven":
        Agent.objects.update(window=True)
        Instance.objects.update(proven_at=None)
    with pytest.raises(post.NotSendable) as refusal, translation.override("en"):
        activation.send_again(tereza, by="alice")
    assert str(refusal.value) == str(activation.WHY_NOT[reason])
    assert not OutgoingMail.objects.exists()


def test_a_preview_holds_no_living_link(post_office: PostOffice, tereza: Agent) -> None:
    registration.enable_window(tereza, "ivana")
    preview = emails.compose(only_mail(), preview=True)
    assert "/activate/" not in preview.body + str(preview.alternatives[0].content)
    assert preview.subject == post_office.last["Subject"]
