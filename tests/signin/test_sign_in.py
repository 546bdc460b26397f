"""From the window's link to Microsoft and back, over real HTTP against the stand-in."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from ipexportal.sandbox import directory
from ipexportal.sandbox.visitor import pick
from tenants import entra, sign_in
from tenants.dataverse.budget import Budget
from tenants.models import Agent, AuditEntry, Instance, SignInAttempt, Tenant
from tests.signin.conftest import Browser

pytestmark = pytest.mark.django_db(transaction=True)


def test_jana_signs_in_and_is_bound_to_her_account(browser: Browser, attempt: SignInAttempt, jana: Agent) -> None:
    page = browser.sign_in(attempt, "jana@acme.example")
    assert "window continues by itself" in page.content.decode() or "zavřít" in page.content.decode()
    jana.refresh_from_db()
    attempt.refresh_from_db()
    assert attempt.outcome == SignInAttempt.Outcome.DONE
    assert str(jana.object_id) == directory.JANA.oid
    assert str(jana.directory_id) == directory.ACME_TENANT
    assert str(jana.systemuser_id) == directory.JANA.systemuser_id
    assert jana.is_signed_in
    assert entra.token_for(jana, budget=Budget(2))
    assert AuditEntry.objects.get(act="agent.bound").target == str(jana.code)


def test_a_colleagues_account_is_refused_and_both_are_named(
    browser: Browser, attempt: SignInAttempt, bob: Agent
) -> None:
    page = browser.sign_in(attempt, "bob@acme.example").content.decode()
    assert "bob@acme.example" in page
    assert "jana@acme.example" in page
    attempt.refresh_from_db()
    assert attempt.outcome == SignInAttempt.Outcome.OTHER_ACCOUNT
    bob.refresh_from_db()
    assert not bob.is_signed_in


def test_after_the_first_sign_in_another_account_with_her_name_is_not_jana(
    browser: Browser, attempt: SignInAttempt, jana: Agent
) -> None:
    Agent.objects.filter(pk=jana.pk).update(object_id=directory.KLARA.oid, directory_id=directory.ACME_TENANT)
    browser.sign_in(attempt, "jana@acme.example")
    attempt.refresh_from_db()
    assert attempt.outcome == SignInAttempt.Outcome.OTHER_ACCOUNT


def test_an_account_of_another_directory_stays_outside(browser: Browser, attempt: SignInAttempt, jana: Agent) -> None:
    assert pick(browser.leave_for_microsoft(attempt), "eve@beta.example") == ""
    jana.refresh_from_db()
    assert not jana.is_signed_in


@pytest.mark.parametrize(
    ("upn", "reason"),
    [
        ("ivo@acme.example", "AADSTS65004"),
        ("dan@acme.example", "NotAMember"),
        ("klara@acme.example", "not_an_agent"),
    ],
)
def test_a_refused_sign_in_says_why(browser: Browser, ticketless: SignInAttempt, upn: str, reason: str) -> None:
    browser.sign_in(ticketless, upn)
    ticketless.refresh_from_db()
    assert (ticketless.outcome, ticketless.reason) == ("refused", reason)
    assert not Agent.objects.exclude(token_cache=b"").exists()


def test_cancelling_at_microsoft_stores_nothing(browser: Browser, attempt: SignInAttempt, jana: Agent) -> None:
    browser.sign_in(attempt, "jana@acme.example", cancel="1")
    attempt.refresh_from_db()
    assert attempt.outcome == SignInAttempt.Outcome.REFUSED
    jana.refresh_from_db()
    assert not jana.is_signed_in


def test_a_callback_in_another_browser_stores_nothing(browser: Browser, attempt: SignInAttempt, jana: Agent) -> None:
    """Login CSRF: eve lets jana's browser open the address that Microsoft gave to eve."""
    location = pick(browser.leave_for_microsoft(attempt), "jana@acme.example")
    assert Browser().come_back(location).status_code == 400
    jana.refresh_from_db()
    assert not jana.is_signed_in
    assert browser.come_back(location).status_code == 200
    jana.refresh_from_db()
    assert jana.is_signed_in


def test_a_forged_state_is_a_sentence_and_nothing_else(browser: Browser, attempt: SignInAttempt) -> None:
    browser.leave_for_microsoft(attempt)
    answer = browser.get("/signin/microsoft/callback/?code=abc&state=forged")
    assert answer.status_code == 400
    assert SignInAttempt.objects.get().outcome == SignInAttempt.Outcome.WAITING


def test_a_callback_works_once(browser: Browser, attempt: SignInAttempt) -> None:
    location = pick(browser.leave_for_microsoft(attempt), "jana@acme.example")
    assert browser.come_back(location).status_code == 200
    assert browser.come_back(location).status_code == 400


def test_an_old_attempt_does_not_begin(browser: Browser, attempt: SignInAttempt) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert browser.get(f"/window/sign-in/{attempt.code}/").status_code == 410


def test_a_framed_window_without_ticket_needs_the_code(
    browser: Browser, ticketless: SignInAttempt, jana: Agent
) -> None:
    page = browser.sign_in(ticketless, "jana@acme.example").content.decode()
    code = re.search(r"data-code>(\d{6})<", page)
    assert code
    ticketless.refresh_from_db()
    assert ticketless.outcome == SignInAttempt.Outcome.CODE
    assert code[1] not in ticketless.code_digest
    wrong = f"{(int(code[1]) + 1) % 1_000_000:06}"
    assert sign_in.type_code(ticketless, wrong, frame="f" * 64) is None
    assert sign_in.type_code(ticketless, code[1], frame="e" * 64) is None
    assert sign_in.type_code(ticketless, code[1], frame="f" * 64) == jana
    assert sign_in.type_code(ticketless, code[1], frame="f" * 64) is None


def test_five_wrong_codes_end_the_attempt(browser: Browser, ticketless: SignInAttempt, jana: Agent) -> None:
    page = browser.sign_in(ticketless, "jana@acme.example").content.decode()
    code = re.search(r"data-code>(\d{6})<", page)
    assert code
    ticketless.refresh_from_db()
    for step in range(1, 6):
        assert sign_in.type_code(ticketless, f"{(int(code[1]) + step) % 1_000_000:06}", frame="f" * 64) is None
    assert sign_in.type_code(ticketless, code[1], frame="f" * 64) is None


def test_a_code_lives_two_minutes(browser: Browser, ticketless: SignInAttempt, jana: Agent) -> None:
    page = browser.sign_in(ticketless, "jana@acme.example").content.decode()
    code = re.search(r"data-code>(\d{6})<", page)
    assert code
    ticketless.refresh_from_db()
    with time_machine.travel(timezone.now() + timedelta(seconds=121)):
        assert sign_in.type_code(ticketless, code[1], frame="f" * 64) is None


def test_only_that_browser_sees_the_code(browser: Browser, ticketless: SignInAttempt, jana: Agent) -> None:
    browser.sign_in(ticketless, "jana@acme.example")
    assert Browser().get(f"/signin/microsoft/{ticketless.code}/").status_code == 410


def test_a_customizers_sign_in_proves_whose_the_instance_is(
    browser: Browser, ticketless: SignInAttempt, instance: Instance, jana: Agent
) -> None:
    Instance.objects.update(proven_at=None, organization_id=None)
    browser.sign_in(ticketless, "jana@acme.example")
    ticketless.refresh_from_db()
    assert ticketless.reason == "not_proven"
    jana.refresh_from_db()
    assert not jana.is_signed_in
    second = sign_in.new_attempt(instance=instance, agent=None, frame="f" * 64)
    browser.sign_in(second, "alice@acme.example")
    instance.refresh_from_db()
    assert instance.is_proven
    assert str(instance.organization_id) == directory.ORGANIZATION_ID


def test_an_environment_replaced_behind_its_address_is_noticed(
    browser: Browser, attempt: SignInAttempt, instance: Instance, jana: Agent
) -> None:
    Instance.objects.update(organization_id="00000000-0000-4000-8000-000000000009")
    browser.sign_in(attempt, "jana@acme.example")
    attempt.refresh_from_db()
    assert attempt.reason == "other_organization"
    jana.refresh_from_db()
    assert not jana.is_signed_in


def test_a_window_switched_off_during_the_sign_in_stays_off(
    browser: Browser, attempt: SignInAttempt, jana: Agent
) -> None:
    location = pick(browser.leave_for_microsoft(attempt), "jana@acme.example")
    Agent.objects.filter(pk=jana.pk).update(window=False)
    browser.come_back(location)
    jana.refresh_from_db()
    assert not jana.is_signed_in


def test_the_second_window_of_a_plain_tab_needs_no_code(
    browser: Browser, acme: Tenant, jana: Agent, settings: object
) -> None:
    """The browser that waits is the browser that signed in: its own cookie says so."""
    from tenants.models import digest

    browser.cookies["__Host-ipex-window"] = "the-window-cookie"
    mine = sign_in.new_attempt(instance=acme.instance, agent=None, frame=digest("the-window-cookie"))
    browser.sign_in(mine, "jana@acme.example")
    mine.refresh_from_db()
    assert mine.outcome == SignInAttempt.Outcome.DONE


def test_an_instance_moved_during_the_sign_in_gets_no_tokens(
    browser: Browser, attempt: SignInAttempt, jana: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was signed in to is not what stands there now."""
    from tenants import registration

    real = sign_in._store

    def late(agent: Agent, *rest: object) -> None:
        registration.change_address(Instance.objects.get(), by="ivana", url="https://moved.crm4.dynamics.com")
        real(agent, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sign_in, "_store", late)
    browser.sign_in(attempt, "jana@acme.example")
    jana.refresh_from_db()
    attempt.refresh_from_db()
    assert (jana.token_cache, jana.object_id, attempt.reason) == ("", None, "attempt_expired")


def test_a_confirmed_instance_notes_the_organization_of_the_first_sign_in(
    browser: Browser, attempt: SignInAttempt
) -> None:
    Instance.objects.update(organization_id=None, proven_by="ivana")
    browser.sign_in(attempt, "jana@acme.example")
    instance = Instance.objects.get()
    assert (str(instance.organization_id), instance.proven_by) == (directory.ORGANIZATION_ID, "ivana")
