"""People of the portal sign in with the Microsoft account that they linked, and with no other."""

import logging
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection as database
from django.utils import timezone

from ipexportal.sandbox import Sandbox, directory
from ipexportal.sandbox.visitor import pick
from tenants import invitations
from tenants.models import AuditEntry, Instance, LinkedAccount, Membership, PortalAttempt, Tenant
from tests import signed_in
from tests.door.microsoft import NONCE, Browser, lands, text_of

pytestmark = pytest.mark.django_db
SIGN_IN, LINK = "/signin/microsoft/", "/portal/account/microsoft/link/"


@pytest.fixture
def linked(alice: User) -> LinkedAccount:
    """Alice has linked her account."""
    return LinkedAccount.objects.create(
        user=alice, directory_id=directory.ACME_TENANT, object_id=directory.ALICE.oid, account="alice@acme.example"
    )


def begun() -> PortalAttempt:
    return PortalAttempt.objects.latest("pk")


# -- signing in --------------------------------------------------------------------------------------------------------


def test_alice_signs_in_with_the_account_she_linked(linked: LinkedAccount) -> None:
    browser = Browser()
    answer = browser.by_microsoft(f"{SIGN_IN}?next=/portal/account/", "alice@acme.example")
    assert lands(answer) == (302, "/portal/account/")
    assert browser.who == "alice"
    assert [way["method"] for way in browser.session["account_authentication_methods"]] == ["microsoft"]


def test_microsoft_hears_only_who_it_is_asked_about(linked: LinkedAccount) -> None:
    """No right in any CRM, and no refresh token that could outlive the sign-in."""
    address = Browser().leave(SIGN_IN)
    asked = re.search(r"scope=([^&]+)", address)
    assert asked
    assert set(asked[1].split("+")) == {"openid", "profile"}
    assert "/organizations/" in address


def test_the_same_e_mail_opens_nothing(alice: User) -> None:
    browser = Browser()
    page = browser.by_microsoft(SIGN_IN, "alice@acme.example")
    assert browser.who == ""
    assert "This Microsoft account is not linked yet" in text_of(page)
    assert "Signed in at Microsoft: alice@acme.example" in text_of(page)
    assert not LinkedAccount.objects.exists()


def test_another_account_that_took_the_linked_name_opens_nothing(linked: LinkedAccount) -> None:
    LinkedAccount.objects.update(object_id=directory.KLARA.oid)
    browser = Browser()
    browser.by_microsoft(SIGN_IN, "alice@acme.example")
    assert browser.who == ""


def test_the_same_object_of_another_directory_opens_nothing(linked: LinkedAccount) -> None:
    LinkedAccount.objects.update(directory_id=directory.BETA_TENANT)
    browser = Browser()
    browser.by_microsoft(SIGN_IN, "alice@acme.example")
    assert browser.who == ""


def test_somebody_switched_off_stays_outside(linked: LinkedAccount) -> None:
    User.objects.filter(username="alice").update(is_active=False)
    browser = Browser()
    page = browser.by_microsoft(SIGN_IN, "alice@acme.example")
    assert browser.who == ""
    assert "This account of the portal is switched off" in text_of(page)


def test_staff_still_need_their_second_factor(ivana: User, acme: Tenant) -> None:
    LinkedAccount.objects.create(
        user=ivana, directory_id=directory.ACME_TENANT, object_id=directory.KLARA.oid, account="klara@acme.example"
    )
    browser = Browser()
    browser.by_microsoft(SIGN_IN, "klara@acme.example")
    answer = browser.get("/portal/")
    assert lands(answer) == (302, "/accounts/second-factor/set-up/")


def test_a_new_name_at_microsoft_is_shown_from_then_on(linked: LinkedAccount) -> None:
    LinkedAccount.objects.update(account="alice.old@acme.example")
    Browser().by_microsoft(SIGN_IN, "alice@acme.example")
    assert LinkedAccount.objects.get().account == "alice@acme.example"


def test_cancelling_at_microsoft_says_what_else_there_is(linked: LinkedAccount) -> None:
    browser = Browser()
    page = text_of(browser.by_microsoft(SIGN_IN, "alice@acme.example", cancel="1"))
    assert "Signing in was cancelled" in page
    assert "Sign in with a mailed code" in page
    assert browser.who == ""


def test_who_is_signed_in_already_goes_on(linked: LinkedAccount, alice: User) -> None:
    assert lands(Browser(alice).get(f"{SIGN_IN}?next=/portal/account/")) == (302, "/portal/account/")


def test_signing_in_as_somebody_else_ends_the_session_that_began_meanwhile(linked: LinkedAccount, ivana: User) -> None:
    browser = Browser()
    back = pick(browser.leave(SIGN_IN), "alice@acme.example")
    signed_in.came_by(browser, ivana, "code", "mfa")
    browser.come_back(back)
    assert browser.who == "alice"
    assert [way["method"] for way in browser.session["account_authentication_methods"]] == ["microsoft"]


def test_microsoft_away_is_a_sentence_and_begins_nothing(linked: LinkedAccount, microsoft: Sandbox) -> None:
    from tenants import entra

    entra._discovered.clear()
    microsoft.control.fault("entra_down", count=None)
    page = Browser().get(SIGN_IN)
    assert page.status_code == 503
    assert "Microsoft is not responding" in text_of(page)
    assert not PortalAttempt.objects.exists()


# -- whose answer it is ------------------------------------------------------------------------------------------------


def test_a_forged_state_is_a_sentence_and_nothing_else(linked: LinkedAccount) -> None:
    browser = Browser()
    browser.leave(SIGN_IN)
    page = browser.get("/signin/microsoft/callback/?code=abc&state=forged")
    assert page.status_code == 400
    assert (browser.who, begun().state_digest is None) == ("", False)


def test_another_browsers_answer_signs_nobody_in(linked: LinkedAccount) -> None:
    """Login CSRF: eve lets alice's browser open the address that Microsoft gave to eve; and the other way round."""
    browser, other = Browser(), Browser()
    back = pick(browser.leave(SIGN_IN), "alice@acme.example")
    page = other.come_back(back)
    assert (page.status_code, other.who) == (400, "")
    other.leave(SIGN_IN)  # has a nonce of its own now
    assert (other.come_back(back).status_code, other.who) == (400, "")
    browser.come_back(back)
    assert browser.who == "alice"


def test_an_answer_works_once(linked: LinkedAccount) -> None:
    browser = Browser()
    back = pick(browser.leave(SIGN_IN), "alice@acme.example")
    browser.come_back(back)
    browser.sign_out()
    page = browser.come_back(back)
    assert page.status_code == 400
    assert "This sign-in does not belong here" in text_of(page)
    assert "CRM window" not in text_of(page)
    assert browser.who == ""


def test_an_answer_after_ten_minutes_is_too_late(linked: LinkedAccount) -> None:
    browser = Browser()
    back = pick(browser.leave(SIGN_IN), "alice@acme.example")
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert browser.come_back(back).status_code == 400
    assert browser.who == ""


def test_a_nonce_that_we_did_not_give_is_not_taken_over(linked: LinkedAccount) -> None:
    browser = Browser()
    browser.cookies[NONCE] = "planted-by-somebody-else"
    browser.leave(SIGN_IN)
    assert browser.cookies[NONCE].value != "planted-by-somebody-else"


def test_two_tabs_both_come_back(linked: LinkedAccount) -> None:
    browser = Browser()
    first, second = browser.leave(SIGN_IN), browser.leave(SIGN_IN)
    browser.come_back(pick(first, "alice@acme.example"))
    assert browser.who == "alice"
    browser.come_back(pick(second, "alice@acme.example"))
    assert browser.who == "alice"


def test_an_agents_window_and_the_portal_do_not_mix(linked: LinkedAccount, jana: Any) -> None:
    """The state of one flow with the cookie of the other."""
    from tenants import sign_in

    browser = Browser()
    attempt = sign_in.new_attempt(instance=jana.tenant.instance, agent=jana, frame="f" * 64)
    browser.leave(SIGN_IN)
    agents = browser.leave(f"/window/sign-in/{attempt.code}/")
    browser.cookies["__Host-ipex-signin"] = browser.cookies[NONCE].value
    assert browser.come_back(pick(agents, "jana@acme.example")).status_code == 400
    jana.refresh_from_db()
    assert not jana.is_signed_in


@pytest.mark.parametrize(
    ("claim", "value", "reason"),
    [
        ("tid", "acme.example", "claims"),
        ("tid", directory.BETA_TENANT, "issuer"),  # says another directory than the one that signed
        ("iss", "https://login.example/v2.0", "issuer"),
        ("aud", "another-application", "audience"),
        ("exp", 1, "expired"),
        ("nbf", 9_999_999_999, "expired"),
        ("oid", "", "claims"),
    ],
)
def test_claims_that_are_not_what_they_seem_open_nothing(
    linked: LinkedAccount, monkeypatch: pytest.MonkeyPatch, claim: str, value: object, reason: str
) -> None:
    from tenants import entra

    real = entra._checked
    monkeypatch.setattr(
        entra,
        "_checked",
        lambda result, *rest: real({**result, "id_token_claims": {**result["id_token_claims"], claim: value}}, *rest),
    )
    browser = Browser()
    page = browser.by_microsoft(SIGN_IN, "alice@acme.example")
    assert (browser.who, begun().reason) == ("", reason)
    assert "Microsoft's answer could not be trusted, so nothing was stored." in text_of(page)


@pytest.mark.parametrize(
    "answer",
    [
        {"code": "\x00"},
        {"code": "x" * 5000, "state": "y" * 5000},
        {"error": "<script>alert(1)</script>", "error_description": "AADSTS99999999999 <b>"},
        {"error": "server_error", "error_description": "AADSTS900000: \u202e"},
        {"admin_consent": "True", "tenant": directory.ACME_TENANT},
        {},
    ],
)
def test_whatever_comes_back_is_a_sentence(linked: LinkedAccount, answer: dict[str, str]) -> None:
    browser = Browser()
    state = re.search(r"state=([^&]+)", browser.leave(SIGN_IN))
    assert state
    page = browser.come_back(f"/signin/microsoft/callback/?{urlencode({'state': state[1], **answer})}")
    assert page.status_code in {200, 400}
    assert "<b>" not in page.content.decode()
    assert browser.who == ""


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "evil",
        "/" * 600,
    ],
)
def test_afterwards_it_goes_only_to_our_own_pages(linked: LinkedAccount, elsewhere: str) -> None:
    browser = Browser()
    answer = browser.get(SIGN_IN, {"next": elsewhere})
    assert lands(browser.come_back(pick(answer.headers["Location"], "alice@acme.example"))) == (302, "/portal/")


def test_the_page_that_says_how_it_ended_is_that_browsers_alone(acme: Tenant) -> None:
    browser = Browser()
    browser.by_microsoft(SIGN_IN, "klara@acme.example")
    page = f"/signin/microsoft/ended/{begun().code}/"
    assert "klara@acme.example" in text_of(browser.get(page))
    assert Browser().get(page).status_code == 410
    assert "klara@acme.example" not in text_of(Browser().get(page))


def test_no_token_and_no_secret_is_kept_or_logged(linked: LinkedAccount, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser = Browser()
    there = browser.leave(SIGN_IN)
    state = re.search(r"state=([^&]+)", there)
    assert state
    attempt = begun()
    kept = " ".join(str(value) for value in PortalAttempt.objects.values_list()[0])
    assert state[1] not in kept
    assert browser.cookies[NONCE].value not in kept
    assert b"code_verifier" not in bytes(attempt.__dict__["flow"])
    back = pick(there, "alice@acme.example")
    browser.come_back(back)
    attempt.refresh_from_db()
    assert (attempt.flow, attempt.state_digest) == ("", None)
    code = re.search(r"[?&]code=([^&]+)", back)
    assert code
    assert code[1] not in caplog.text
    assert "eyJ" not in caplog.text
    with database.cursor() as cursor:
        cursor.execute("SELECT session_data FROM django_session")
        sessions = " ".join(row[0] for row in cursor.fetchall())
    assert "eyJ0eXAi" not in sessions


# -- linking -----------------------------------------------------------------------------------------------------------


def test_alice_links_her_account_from_her_session(alice: User, mailoutbox: list[Any]) -> None:
    browser = Browser(alice)
    answer = browser.by_microsoft(LINK, "alice@acme.example")
    assert lands(answer) == (302, "/portal/account/")
    account = LinkedAccount.objects.get()
    assert (account.user, account.account) == (alice, "alice@acme.example")
    assert (str(account.directory_id), str(account.object_id)) == (directory.ACME_TENANT, directory.ALICE.oid)
    assert AuditEntry.objects.get(act="account.microsoft_linked").actor == "alice"
    assert [(mail.subject, mail.to) for mail in mailoutbox] == [
        ("A Microsoft account was linked", ["alice@acme.example"])
    ]
    assert "alice@acme.example opens the portal from now on." in text_of(browser.get("/portal/account/"))


def test_an_account_with_another_name_may_be_linked_too(alice: User) -> None:
    Browser(alice).by_microsoft(LINK, "eve@beta.example")
    assert LinkedAccount.objects.get().account == "eve@beta.example"


def test_linking_twice_changes_nothing(alice: User, linked: LinkedAccount, mailoutbox: list[Any]) -> None:
    Browser(alice).by_microsoft(LINK, "alice@acme.example")
    assert (LinkedAccount.objects.count(), AuditEntry.objects.count(), mailoutbox) == (1, 0, [])


def test_an_account_opens_one_persons_portal_only(linked: LinkedAccount, otto: User) -> None:
    page = Browser(otto).by_microsoft(LINK, "alice@acme.example")
    assert "This Microsoft account is somebody else's here" in text_of(page)
    assert LinkedAccount.objects.get().user.username == "alice"


def test_only_the_session_that_began_it_links(alice: User, otto: User) -> None:
    browser = Browser(alice)
    back = pick(browser.leave(LINK), "alice@acme.example")
    browser.sign_out()
    signed_in.came_by(browser, otto, "code")
    page = browser.come_back(back)
    assert "This sign-in belongs to another session" in text_of(page)
    assert not LinkedAccount.objects.exists()


def test_nor_does_a_later_session_of_the_same_person(alice: User) -> None:
    browser = Browser(alice)
    back = pick(browser.leave(LINK), "alice@acme.example")
    browser.sign_out()
    signed_in.came_by(browser, alice, "code")
    assert "another session" in text_of(browser.come_back(back))
    assert not LinkedAccount.objects.exists()


def test_nobody_links_from_outside(acme: Tenant) -> None:
    assert lands(Browser().get(LINK)) == (302, f"/accounts/login/?next={LINK}")


def test_a_password_alone_links_nothing(alice: User) -> None:
    """Else it would be a way around the second factor."""
    answer = Browser(alice, "password").get(LINK)
    assert lands(answer) == (302, "/accounts/second-factor/set-up/")
    assert not PortalAttempt.objects.exists()


def test_another_site_does_not_begin_linking(alice: User) -> None:
    answer = Browser(alice).get(LINK, headers={"Sec-Fetch-Site": "cross-site"})
    assert lands(answer) == (302, "/portal/account/")
    assert not PortalAttempt.objects.exists()


def test_alice_unlinks_it_and_it_opens_nothing_any_more(alice: User, linked: LinkedAccount) -> None:
    answer = Browser(alice).post(f"/portal/account/microsoft/{linked.code}/unlink/")
    assert lands(answer) == (302, "/portal/account/")
    assert not LinkedAccount.objects.exists()
    assert AuditEntry.objects.get(act="account.microsoft_unlinked").actor == "alice"
    browser = Browser()
    browser.by_microsoft(SIGN_IN, "alice@acme.example")
    assert browser.who == ""


def test_nobody_unlinks_somebody_elses(linked: LinkedAccount, otto: User, ivana: User) -> None:
    for user in (otto, ivana):
        assert Browser(user).post(f"/portal/account/microsoft/{linked.code}/unlink/").status_code == 404
    assert LinkedAccount.objects.exists()


# -- by invitation -----------------------------------------------------------------------------------------------------


@pytest.fixture
def invited(acme: Tenant, mailoutbox: Any) -> str:
    """The token of the link that klara was sent."""
    return invitations.link(invitations.invite(tenant=acme, email="klara@acme.example", by="ivana")).split("/")[-2]


def at_the_invitation(token: str) -> Browser:
    """Somebody opened the link and chose Microsoft there."""
    browser = Browser()
    assert lands(browser.get(f"/invitation/{token}/microsoft/")) == (302, SIGN_IN)
    return browser


def test_an_invited_person_brings_their_microsoft_account(invited: str, acme: Tenant) -> None:
    browser = at_the_invitation(invited)
    assert lands(browser.by_microsoft(SIGN_IN, "klara@acme.example")) == (302, "/portal/")
    klara = User.objects.get(email="klara@acme.example")
    assert browser.who == klara.username
    assert (klara.get_full_name(), klara.has_usable_password()) == ("Klára Šimková", False)
    assert Membership.objects.get().user == klara
    assert LinkedAccount.objects.get().user == klara
    assert browser.get("/portal/").headers["Location"].startswith(f"/portal/{acme.code}/")


def test_the_invited_address_and_not_microsofts_is_kept(invited: str) -> None:
    """Whoever forwards an invitation lets somebody in; a directory may call its accounts as it likes."""
    at_the_invitation(invited).by_microsoft(SIGN_IN, "bob@acme.example")
    assert User.objects.get().email == "klara@acme.example"
    assert LinkedAccount.objects.get().account == "bob@acme.example"


def test_an_invitation_is_accepted_by_who_the_account_signs_in(
    invited: str, linked: LinkedAccount, beta: Tenant
) -> None:
    Membership.objects.all().delete()
    browser = at_the_invitation(invited)
    browser.by_microsoft(SIGN_IN, "alice@acme.example")
    browser.get("/portal/")
    assert Membership.objects.get().user.username == "alice"
    assert User.objects.count() == 1


def test_an_invited_address_that_has_its_person_is_never_linked_by_the_way(invited: str) -> None:
    User.objects.create_user("klara", "Klara@acme.example")
    browser = at_the_invitation(invited)
    page = browser.by_microsoft(SIGN_IN, "klara@acme.example")
    assert "There is an account for the invited address already" in text_of(page)
    assert (browser.who, LinkedAccount.objects.count(), Membership.objects.count()) == ("", 0, 0)


def test_an_invitation_that_died_on_the_way_makes_nobody(invited: str, acme: Tenant) -> None:
    browser = at_the_invitation(invited)
    back = pick(browser.leave(SIGN_IN), "klara@acme.example")
    invitations.withdraw(acme.invitations.get(), by="ivana")
    page = browser.come_back(back)
    assert "This invitation is no longer valid" in text_of(page)
    assert (browser.who, User.objects.count(), LinkedAccount.objects.count()) == ("", 0, 0)


def test_an_attempt_begun_before_the_invitation_makes_nobody(invited: str) -> None:
    browser = Browser()
    back = pick(browser.leave(SIGN_IN), "klara@acme.example")
    browser.get(f"/invitation/{invited}/microsoft/")
    browser.come_back(back)
    assert (browser.who, User.objects.count()) == ("", 0)


def test_one_invitation_makes_one_person(invited: str) -> None:
    first, second = at_the_invitation(invited), at_the_invitation(invited)
    there, also_there = first.leave(SIGN_IN), second.leave(SIGN_IN)
    first.come_back(pick(there, "klara@acme.example"))
    page = second.come_back(pick(also_there, "bob@acme.example"))
    assert "This invitation is no longer valid" in text_of(page)
    assert (User.objects.count(), LinkedAccount.objects.count()) == (1, 1)


# -- keeping house -----------------------------------------------------------------------------------------------------


def test_attempts_are_forgotten_a_day_later(instance: Instance) -> None:
    from crmwindow import upkeep

    Browser().leave(SIGN_IN)
    upkeep.tidy()
    assert PortalAttempt.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        upkeep.tidy()
    assert not PortalAttempt.objects.exists()
