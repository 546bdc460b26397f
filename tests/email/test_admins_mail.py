"""E-mails to those who run a customer's CRM: invitation, expiring secret, alarm."""

import re
from datetime import date, timedelta
from uuid import UUID

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone, translation

from tenants import credentials, emails, invitations, key_pairs, post
from tenants.invitations import DeadInvitation
from tenants.models import (
    AuditEntry,
    CheckResult,
    CheckRun,
    Instance,
    Invitation,
    Membership,
    OutgoingMail,
    SystemAccount,
    Tenant,
)
from tests.email.conftest import PostOffice, page_of, text_of

pytestmark = pytest.mark.django_db(transaction=True)
LINK = re.compile(r"http://127\.0\.0\.1:8000/invitation/([\w.-]+)/")


def token_in(post_office: PostOffice) -> str:
    return LINK.findall(text_of(post_office.last))[0]


# -- invitation --


def test_alice_is_invited_accepts_and_belongs_to_acme(post_office: PostOffice, acme: Tenant, otto: User) -> None:
    invitations.invite(tenant=acme, email=" alena@acme.example ", by="ivana")
    assert post_office.envelopes == [("portal@ipex.example", ["alena@acme.example"])]
    assert LINK.findall(page_of(post_office.last))[0] == token_in(post_office)
    assert invitations.shown(token_in(post_office)).email == "alena@acme.example"
    alena = User.objects.create_user("alena", "alena@acme.example")
    membership = invitations.accept(token_in(post_office), user=alena)
    assert (membership.user, membership.tenant) == (alena, acme)
    row = Invitation.objects.get()
    assert (row.accepted_by, row.is_open) == (alena, False)
    acts = AuditEntry.objects.order_by("pk").values_list("actor", "act", "target")
    assert list(acts) == [
        ("ivana", "invitation.sent", str(row.code)), ("alena", "invitation.accepted", str(row.code))
    ]  # fmt: skip
    assert "alena@" not in str(list(AuditEntry.objects.values())) + str(list(OutgoingMail.objects.values()))


def test_an_invitation_is_accepted_once(post_office: PostOffice, acme: Tenant, otto: User) -> None:
    invitations.invite(tenant=acme, email="alena@acme.example", by="ivana")
    token = token_in(post_office)
    alena = User.objects.create_user("alena", "alena@acme.example")
    first, again = (invitations.accept(token, user=alena) for _click in range(2))
    assert first == again
    with pytest.raises(DeadInvitation) as dead:
        invitations.accept(token, user=otto)
    assert dead.value.reason == "used"
    assert not Membership.objects.filter(user=otto, tenant=acme).exists()


@pytest.mark.parametrize("reason", ["expired", "withdrawn", "replaced", "unknown"])
def test_a_dead_invitation_lets_nobody_in(post_office: PostOffice, acme: Tenant, otto: User, reason: str) -> None:
    invitation = invitations.invite(tenant=acme, email="alena@acme.example", by="ivana")
    token, now = token_in(post_office), timezone.now()
    later = now + timedelta(days=15 if reason == "expired" else 1)
    with time_machine.travel(later), translation.override("en"):
        if reason == "withdrawn":
            invitations.withdraw(invitation, by="ivana")
        if reason == "replaced":
            invitations.invite(tenant=acme, email="ALENA@acme.example", by="ivana")
        if reason == "unknown":
            token = token.replace(token.split(".")[0], str(UUID(int=7).hex))
        with pytest.raises(DeadInvitation) as dead:
            invitations.accept(token, user=otto)
    assert dead.value.reason == ("expired" if reason == "withdrawn" else reason)
    assert str(dead.value).endswith(".")
    assert not Membership.objects.filter(tenant=acme).exists()


def test_the_newer_link_works_and_the_row_stays_one(post_office: PostOffice, acme: Tenant, otto: User) -> None:
    invitations.invite(tenant=acme, email="alena@acme.example", by="ivana")
    with pytest.raises(post.TooSoon):
        invitations.invite(tenant=acme, email="alena@acme.example", by="ivana")
    with time_machine.travel(timezone.now() + timedelta(days=20)):
        invitations.invite(tenant=acme, email="alena@acme.example", by="ivana")
        invitations.accept(token_in(post_office), user=otto)
    assert (Invitation.objects.count(), len(post_office.received)) == (1, 2)


def test_a_refused_repetition_leaves_the_first_link_alive(post_office: PostOffice, acme: Tenant, otto: User) -> None:
    invitations.invite(tenant=acme, email="alena@acme.example", by="ivana")
    with pytest.raises(post.TooSoon):
        invitations.invite(tenant=acme, email="alena@acme.example", by="ivana", language="en")
    assert invitations.accept(token_in(post_office), user=otto).tenant == acme


@pytest.mark.parametrize(
    "email", ["alena", "alena@acme.example\r\nBcc: eve@beta.example", "", "a" * 300 + "@acme.example"]
)
def test_an_invitation_needs_an_address(post_office: PostOffice, acme: Tenant, email: str) -> None:
    with pytest.raises(ValidationError):
        invitations.invite(tenant=acme, email=email, by="ivana")
    assert not OutgoingMail.objects.exists()


def test_who_is_in_already_is_not_invited(post_office: PostOffice, acme: Tenant, alice: User) -> None:
    with pytest.raises(ValidationError):
        invitations.invite(tenant=acme, email="Alice@Acme.example", by="ivana")


# -- secret --


@pytest.fixture
def account(instance: Instance) -> SystemAccount:
    return SystemAccount.objects.create(
        instance=instance, client_id=UUID(int=5), client_secret="hush", secret_expires_on=date(2027, 1, 31)
    )


def days(*marks: int) -> list[date]:
    return [date(2027, 1, 31) - timedelta(days=mark) for mark in marks]


def test_a_secret_is_warned_of_at_its_marks_once_each(
    post_office: PostOffice, account: SystemAccount, alice: User
) -> None:
    told = {}
    for day in days(90, 61, 60, 59, 31, 30, 14, 8, 7, 2, 1, 1, 0, -1):
        with time_machine.travel(f"{day} 08:00+01:00"):
            before = len(post_office.received)
            post.warn_of_secrets()
            if len(post_office.received) > before:
                told[(date(2027, 1, 31) - day).days] = post_office.last["Subject"].replace("\xa0", " ")
    assert list(told) == [60, 30, 14, 7, 1]
    assert told[1].endswith("1 den")
    assert told[14].endswith("14 dní")
    assert {to for _sender, people in post_office.envelopes for to in people} == {"alice@acme.example"}
    assert "hush" not in "".join(map(str, post_office.received))
    assert "31. 1. 2027" in text_of(post_office.last).replace("\xa0", " ")
    assert f"http://127.0.0.1:8000/portal/{account.instance.tenant.code}/ivr/" in text_of(post_office.last)


def test_a_second_secret_in_parallel_counts(post_office: PostOffice, account: SystemAccount, alice: User) -> None:
    account.second_client_secret, account.second_secret_expires_on = "hush", date(2028, 1, 1)
    account.save()
    assert post.warn_of_secrets(date(2027, 1, 30)) == 0


def test_a_secret_renewed_before_the_e_mail_went_out_is_not_warned_of(
    no_post_office: None, account: SystemAccount, alice: User
) -> None:
    with time_machine.travel("2027-01-24 08:00+01:00"):
        post.warn_of_secrets()
    account.secret_expires_on = date(2028, 1, 1)
    account.save()
    with time_machine.travel("2027-01-24 09:00+01:00"):
        emails.sweep()
    mail = OutgoingMail.objects.get()
    assert (mail.state, mail.last_error) == (OutgoingMail.State.FAILED, "renewed")


def test_without_portal_users_the_contact_address_is_told(post_office: PostOffice, account: SystemAccount) -> None:
    assert post.warn_of_secrets(date(2027, 1, 30)) == 0
    Tenant.objects.update(contact_email="it@acme.example")
    with time_machine.travel("2027-01-30 08:00+01:00"):
        assert post.warn_of_secrets() == 1
    assert post_office.envelopes[-1][1] == ["it@acme.example"]


def test_whoever_looks_after_the_customer_at_ipex_is_told_once_as_well(
    post_office: PostOffice, account: SystemAccount, alice: User, ivana: User
) -> None:
    User.objects.filter(pk=ivana.pk).update(email="ivana@ipex.example")
    Tenant.objects.update(implementer=ivana)
    with time_machine.travel("2027-01-24 08:00+01:00"):
        assert [post.warn_of_secrets(), post.warn_of_secrets()] == [2, 0]
    told = {people[0]: str(mail["Subject"]) for (_from, people), mail in zip(
        post_office.envelopes, post_office.received, strict=True
    )}  # fmt: skip
    assert sorted(told) == ["alice@acme.example", "ivana@ipex.example"]
    assert told["ivana@ipex.example"].startswith("Acme s.r.o.: ")
    assert not told["alice@acme.example"].startswith("Acme")


def test_an_implementer_who_left_is_not_told(
    post_office: PostOffice, account: SystemAccount, alice: User, ivana: User
) -> None:
    User.objects.filter(pk=ivana.pk).update(email="ivana@ipex.example", is_active=False)
    Tenant.objects.update(implementer=ivana)
    with time_machine.travel("2027-01-24 08:00+01:00"):
        assert post.warn_of_secrets() == 1


def test_a_certificate_is_warned_of_as_a_secret_is(
    post_office: PostOffice, account: SystemAccount, alice: User
) -> None:
    with time_machine.travel("2025-06-01 08:00+01:00"):
        pair = key_pairs.make("IVR")  # for two years: until 1 June 2027
        credentials.add_certificate(account, pair, by="alice", made_here=True)
    assert post.warn_of_secrets(date(2027, 1, 30)) == 0  # the secret ends tomorrow, the certificate works on
    with time_machine.travel("2027-05-25 08:00+01:00"):
        assert post.warn_of_secrets() == 1
    assert "Certifikát" in str(post_office.last["Subject"])
    assert key_pairs.in_groups(pair.thumbprint) in text_of(post_office.last).replace("\xa0", " ")


# -- alarm --


@pytest.fixture
def run(instance: Instance) -> CheckRun:
    run = CheckRun.objects.create(instance=instance, by="nightly")
    known = {"state": "failed", "known_state": "failed", "required": True, "since": run.started_at}
    passed = run.started_at - timedelta(days=1)
    CheckResult.objects.create(run=run, key="app", why="missing", last_passed_at=passed, **known)
    CheckResult.objects.create(run=run, key="columns", subject="account", why="missing", last_passed_at=passed, **known)
    CheckResult.objects.create(run=run, key="directory", why="other", **known)  # was never in order
    return run


def test_checks_that_turned_red_are_told_in_one_e_mail(post_office: PostOffice, run: CheckRun, alice: User) -> None:
    assert (post.put_in_alarm(run), post.put_in_alarm(run)) == (1, 0)
    assert len(post_office.received) == 1
    assert post_office.last["Subject"].replace("\xa0", " ").startswith("2 kontroly")
    assert text_of(post_office.last).count("\n* ") == text_of(post_office.last).count("* ") == 2


def test_each_admin_of_this_customer_is_told_and_nobody_else(
    post_office: PostOffice, run: CheckRun, alice: User, otto: User
) -> None:
    second = User.objects.create_user("adam", "adam@acme.example")
    Membership.objects.create(user=second, tenant=run.instance.tenant)
    left = User.objects.create_user("lev", "lev@acme.example", is_active=False)
    Membership.objects.create(user=left, tenant=run.instance.tenant)
    post.put_in_alarm(run)
    assert sorted(to for _sender, people in post_office.envelopes for to in people) == [
        "adam@acme.example", "alice@acme.example"
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["cs", "sk", "en"])
def test_all_are_written_in_the_customers_language(
    post_office: PostOffice, run: CheckRun, account: SystemAccount, alice: User, language: str
) -> None:
    Tenant.objects.update(language=language)
    run.refresh_from_db()
    tenant = Tenant.objects.get(slug="acme")
    post.put_in_alarm(CheckRun.objects.get(pk=run.pk))
    with time_machine.travel("2027-01-30 08:00+01:00"):
        post.warn_of_secrets()
    invitations.invite(tenant=tenant, email="alena@acme.example", by="ivana")
    assert {message["Content-Language"] for message in post_office.received} == {language}
    greetings = {"cs": "Dobrý den,", "sk": "Dobrý deň,", "en": "Good day,"}
    assert [text_of(message).splitlines()[0] for message in post_office.received] == [greetings[language]] * 3
    assert [greetings[language] in page_of(message) for message in post_office.received] == [True] * 3
