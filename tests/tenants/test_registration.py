"""Whose is an instance? Claimed, proven, confirmed, moved."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from ipexportal.sandbox import Sandbox, directory
from tenants import registration
from tenants.dataverse.budget import Budget
from tenants.models import Agent, AuditEntry, Instance, SignInAttempt, SystemAccount, Tenant
from tenants.registration import NotProven, NotStaff, SecondClaim
from tenants.sign_in import new_attempt

ACME_URL = "https://acme.crm4.dynamics.com"
ORGANIZATION = UUID(directory.ORGANIZATION_ID)
DIRECTORY = UUID(directory.ACME_TENANT)
APP = UUID(directory.APP_ID)


def claim(slug: str, url: str = ACME_URL) -> Instance:
    return registration.register(slug=slug, name=slug.title(), url=url, app_id=APP, by="ivana")


def prove(instance: Instance, organization_id: UUID = ORGANIZATION) -> None:
    registration.prove(instance, by="alice@acme.example", organization_id=organization_id, directory_id=DIRECTORY)


@pytest.mark.django_db
def test_registering_claims_and_does_not_prove() -> None:
    instance = claim("acme")
    entry = AuditEntry.objects.get()
    assert (instance.is_proven, entry.act, entry.actor) == (False, "tenant.registered", "ivana")


@pytest.mark.django_db
def test_a_slug_is_taken_once() -> None:
    claim("acme")
    with pytest.raises(ValidationError):
        claim("acme")
    assert Tenant.objects.count() == 1


@pytest.mark.django_db
def test_the_first_customizers_sign_in_proves_it() -> None:
    instance = claim("acme")
    prove(instance)
    row = Instance.objects.get()
    assert (row.proven_by, row.organization_id, row.directory_id) == ("alice@acme.example", ORGANIZATION, DIRECTORY)
    assert row.is_proven
    assert instance.is_proven
    assert AuditEntry.objects.filter(act="instance.proven").count() == 1


@pytest.mark.django_db
def test_proving_again_is_not_told_again() -> None:
    instance = claim("acme")
    prove(instance)
    prove(instance)
    assert AuditEntry.objects.filter(act="instance.proven").count() == 1


@pytest.mark.django_db
def test_two_may_claim_but_one_proves_and_the_other_does_not_hear_who() -> None:
    acme, other = claim("acme"), claim("intruder")
    prove(acme)
    with pytest.raises(SecondClaim) as refusal:
        prove(other, organization_id=UUID(int=5))
    other.refresh_from_db()
    assert not other.is_proven
    assert "acme" not in str(refusal.value).lower()
    entry = AuditEntry.objects.get(act="instance.second_claim")
    assert (entry.tenant, entry.target) == (None, f"intruder {ACME_URL}")


@pytest.mark.django_db
def test_an_organization_behind_another_address_is_a_second_claim_too() -> None:
    prove(claim("acme"))
    other = claim("intruder", "https://acme-new.crm4.dynamics.com")
    with pytest.raises(SecondClaim):
        prove(other)


@pytest.mark.django_db
def test_the_second_claim_by_an_implementer_is_refused_as_well(ivana: User) -> None:
    prove(claim("acme"))
    with pytest.raises(SecondClaim):
        registration.confirm(claim("intruder"), by=ivana)


@pytest.mark.django_db
def test_an_instance_moved_during_the_sign_in_is_not_proven_by_it() -> None:
    """Else whoever owns some instance could sign in there, and have somebody else's address proven."""
    seen_at_sign_in = claim("intruder", "https://intruder.crm4.dynamics.com")
    registration.change_address(Instance.objects.get(), by="otto", url=ACME_URL)
    with pytest.raises(NotProven):
        prove(seen_at_sign_in)
    assert not Instance.objects.get().is_proven


@pytest.mark.django_db
def test_a_named_implementer_confirms(ivana: User) -> None:
    instance = claim("acme")
    registration.confirm(instance, by=ivana)
    entry = AuditEntry.objects.get(act="instance.confirmed")
    assert (instance.is_proven, instance.proven_by, entry.actor) == (True, "ivana", "ivana")


@pytest.mark.django_db
def test_only_active_staff_confirms(ivana: User, alice: User) -> None:
    instance = claim("acme-2")
    ivana.is_active = False
    for user in (alice, ivana):
        with pytest.raises(NotStaff):
            registration.confirm(instance, by=user)
    assert not Instance.objects.get(pk=instance.pk).is_proven


@pytest.mark.django_db
def test_the_first_sign_in_after_a_confirmation_adds_the_organization(ivana: User) -> None:
    instance = claim("acme")
    registration.confirm(instance, by=ivana)
    prove(instance)
    row = Instance.objects.get()
    assert (row.organization_id, row.proven_by) == (ORGANIZATION, "ivana")


@pytest.mark.django_db
def test_confirming_again_lets_the_organization_that_replaced_the_old_one_in(ivana: User) -> None:
    instance = claim("acme")
    prove(instance)
    registration.confirm(instance, by=ivana)
    prove(instance, organization_id=UUID(int=5))
    assert Instance.objects.get().organization_id == UUID(int=5)


# Moving


def signed_in(agent: Agent) -> Agent:
    agent.token_cache = "tokens"
    agent.directory_id, agent.object_id, agent.systemuser_id = DIRECTORY, UUID(int=1), UUID(int=2)
    agent.save()
    return agent


def test_another_address_drops_proof_tokens_and_windows(instance: Instance, jana: Agent) -> None:
    signed_in(jana)
    attempt = new_attempt(instance=instance, agent=jana)
    account = SystemAccount.objects.create(instance=instance, client_id=APP, token_cache="t", client_secret="s")
    assert registration.change_address(instance, by="ivana", url=ACME_URL, directory_id=DIRECTORY)
    jana.refresh_from_db()
    account.refresh_from_db()
    instance.refresh_from_db()
    assert (instance.url, instance.is_proven, instance.organization_id) == (ACME_URL, False, None)
    assert (jana.token_cache, jana.session_epoch, jana.token_version, jana.systemuser_id) == ("", 1, 1, None)
    assert (jana.object_id, jana.directory_id) == (UUID(int=1), DIRECTORY)
    assert (account.token_cache, account.client_secret) == ("", "s")
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.reason) == (SignInAttempt.Outcome.REFUSED, "attempt_expired")


def test_another_directory_unbinds_the_agents_accounts(instance: Instance, jana: Agent) -> None:
    signed_in(jana)
    assert registration.change_address(instance, by="ivana", directory_id=UUID(int=9))
    jana.refresh_from_db()
    assert (instance.is_proven, jana.token_cache, jana.object_id, jana.directory_id) == (False, "", None, None)


def test_the_same_address_changes_nothing(instance: Instance, jana: Agent) -> None:
    signed_in(jana)
    assert not registration.change_address(instance, by="ivana", url=instance.url, directory_id=DIRECTORY)
    assert not registration.change_address(instance, by="ivana")
    jana.refresh_from_db()
    assert (instance.is_proven, jana.token_cache, AuditEntry.objects.count()) == (True, "tokens", 0)


def test_moving_one_customer_leaves_the_other_alone(instance: Instance, jana: Agent, eve: Agent) -> None:
    signed_in(eve)
    registration.change_address(instance, by="ivana", url=ACME_URL)
    eve.refresh_from_db()
    assert (eve.token_cache, eve.session_epoch, eve.tenant.instance.is_proven) == ("tokens", 0, True)


@pytest.mark.django_db
def test_a_directory_found_later_is_no_move() -> None:
    instance = claim("acme")
    assert registration.change_address(instance, by="ivana", directory_id=DIRECTORY)
    assert Instance.objects.get().directory_id == DIRECTORY


# Windows


def test_disabling_signs_out_closes_windows_and_keeps_who_they_are(jana: Agent) -> None:
    signed_in(jana)
    registration.disable_window(jana, "ivana")
    assert (jana.window, jana.token_cache, jana.session_epoch, jana.object_id) == (False, "", 1, UUID(int=1))
    registration.disable_window(jana, "ivana")
    assert (jana.session_epoch, AuditEntry.objects.filter(act="agent.window_disabled").count()) == (1, 1)


def test_enabling_is_audited_once_and_names_nobody(jana: Agent) -> None:
    registration.disable_window(jana, "ivana")
    registration.enable_window(jana, "ivana")
    registration.enable_window(jana, "ivana")
    entry = AuditEntry.objects.get(act="agent.window_enabled")
    assert (Agent.objects.get().window, entry.target) == (True, f"agent {jana.code}")


# The anonymous probe


def test_the_instance_names_its_directory(sandbox: Sandbox) -> None:
    assert registration.find_directory(sandbox.origin, Budget(5)) == DIRECTORY


class Elsewhere(BaseHTTPRequestHandler):
    """What stands at an address that is no Dataverse."""

    answers = {
        "/moved": (302, {"Location": "http://127.0.0.1:1/"}),
        "/ntlm": (401, {"WWW-Authenticate": "NTLM"}),
        "/bare": (401, {}),
        "/common": (401, {"WWW-Authenticate": "Bearer authorization_uri=https://login.microsoftonline.com/common"}),
        "/ok": (200, {"WWW-Authenticate": f"Bearer authorization_uri=https://login.example/{directory.ACME_TENANT}"}),
        "/quoted": (
            401,
            {
                "WWW-Authenticate": 'Bearer resource_id="https://acme.crm4.dynamics.com/", '
                f'authorization_uri="https://login.microsoftonline.com/{directory.ACME_TENANT}/oauth2/authorize"'
            },
        ),
    }

    def do_GET(self) -> None:
        status, headers = self.answers[self.path.removesuffix(registration.PROBE)]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/moved", "/ntlm", "/bare", "/common", "/ok"])
def test_what_is_no_challenge_names_none(elsewhere: str, path: str) -> None:
    assert registration.find_directory(elsewhere + path, Budget(5)) is None


def test_the_challenge_may_be_quoted(elsewhere: str) -> None:
    assert registration.find_directory(elsewhere + "/quoted", Budget(5)) == DIRECTORY


def test_nobody_there_names_none() -> None:
    assert registration.find_directory("http://127.0.0.1:1", Budget(5)) is None
