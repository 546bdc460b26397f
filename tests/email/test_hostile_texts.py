"""Names and findings that hold mark-up or line ends: each e-mail stays one e-mail, and shows them as they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
import time_machine
from django.contrib.auth.models import User

from tenants import invitations, post, registration, reminding
from tenants.models import Agent, CheckResult, CheckRun, SystemAccount, Tenant
from tests.abuse.mark_up import aliens
from tests.email.conftest import PostOffice, page_of, text_of

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "{{ 7777777|add:7777777 }}{% debug %}",
    'x" onclick="alert(1)" <eve@beta.example>, "',
    "Acme\r\nBcc: eve@beta.example\r\n\r\n<b>text</b>",
    "=?utf-8?q?x=0D=0ABcc:_eve=40beta.example?=",
]
OURS = {"subject", "from", "to", "date", "message-id", "auto-submitted", "x-auto-response-suppress", "content-language",
        "content-type", "mime-version", "content-transfer-encoding", "x-peer", "x-mailfrom", "x-rcptto"}  # fmt: skip


def activation(acme: Tenant, text: str) -> None:
    tereza = Agent.objects.create(tenant=acme, name=text, email="tereza@acme.example", login="tereza")
    registration.enable_window(tereza, "ivana")


def invitation(acme: Tenant, text: str) -> None:
    invitations.invite(tenant=acme, email="alena@acme.example", by="ivana")


def secret(acme: Tenant, text: str) -> None:
    SystemAccount.objects.create(
        instance=acme.instance, client_id=UUID(int=5), client_secret="hush", secret_expires_on=date(2027, 1, 31)
    )
    with time_machine.travel("2027-01-30 08:00+01:00"):
        post.warn_of_secrets()


def alarm(acme: Tenant, text: str) -> None:
    run = CheckRun.objects.create(instance=acme.instance, by="nightly")
    known = {"state": "failed", "known_state": "failed", "required": True, "since": run.started_at}
    passed = run.started_at - timedelta(days=1)
    for key in ("columns", "app"):
        CheckResult.objects.create(run=run, key=key, subject=text[:60], why="missing", last_passed_at=passed, **known)
    post.put_in_alarm(run)


def reminder(acme: Tenant, text: str) -> None:
    reminding.remind(acme, by=User.objects.get(username="ivana"))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("send", [activation, invitation, secret, alarm, reminder])
def test_a_hostile_text_makes_no_header_recipient_or_element(
    post_office: PostOffice,
    acme: Tenant,
    alice: User,
    ivana: User,
    send: Callable[[Tenant, str], None],
    text: str,
) -> None:
    Tenant.objects.update(name=text, implementer=ivana)
    User.objects.filter(pk=alice.pk).update(first_name=text[:60], last_name=text[:60])
    User.objects.filter(pk=ivana.pk).update(email="ivana@ipex.example", first_name=text[:60])
    acme.refresh_from_db()
    send(acme, text)
    assert post_office.received
    for (sender, recipients), message in zip(post_office.envelopes, post_office.received, strict=True):
        assert sender == "portal@ipex.example"
        assert [address.addr_spec for address in message["To"].addresses] == recipients
        assert len(recipients) == 1
        assert recipients[0] in {
            "tereza@acme.example",
            "alena@acme.example",
            "alice@acme.example",
            "ivana@ipex.example",
        }
        assert {name.lower() for name in message} <= OURS
        assert not {"\r", "\n"} & set(str(message["Subject"]))
        assert aliens(page_of(message)) == []
        assert "15555554" not in text_of(message)
