"""Staff get nowhere without a second factor, however they came in; its secrets are sealed, its changes leave a trace."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.utils import timezone

from ipexportal.simulator import authenticator
from tenants import rotation
from tenants.models import AuditEntry
from tests import signed_in
from tests.door.conftest import (
    CONFIRM,
    LOGIN,
    SECRET,
    SET_UP,
    PostOffice,
    ask_for_code,
    by_password,
    has_app,
    said,
    shown_by_app,
    who,
)  # fmt: skip
from tests.email.conftest import page_of, text_of

pytestmark = pytest.mark.django_db
AGAIN, OFF, CODES = "/accounts/second-factor/again/", "/accounts/second-factor/off/", "/accounts/second-factor/codes/"
STAFFS = ("/admin/", "/admin/tenants/tenant/", "/portal/", "/portal/account/", "/")


@pytest.mark.parametrize("way", ["code", "microsoft", "password"])
def test_ivana_sets_one_up_before_anything_else(ivana: User, way: str) -> None:
    browser = signed_in.came_by(Client(), ivana, way)
    assert {browser.get(address).headers["Location"] for address in STAFFS} == {SET_UP}
    assert browser.post("/admin/tenants/tenant/add/", {"name": "Gama"}).headers["Location"] == SET_UP


@pytest.mark.parametrize("way", ["code", "microsoft", "password"])
def test_ivana_who_has_one_shows_it_and_goes_on_where_she_wanted(ivana: User, way: str) -> None:
    has_app(ivana)
    browser = signed_in.came_by(Client(), ivana, way)
    asked = browser.get("/admin/tenants/tenant/?q=acme").headers["Location"]
    assert asked == f"{AGAIN}?next=%2Fadmin%2Ftenants%2Ftenant%2F%3Fq%3Dacme"
    shown = browser.post(AGAIN, {"code": shown_by_app(), "next": "/admin/tenants/tenant/?q=acme"})
    assert shown.headers["Location"] == "/admin/tenants/tenant/?q=acme"
    assert browser.get("/admin/tenants/tenant/").status_code == 200


def test_a_mailed_code_is_not_enough_for_ivana(visitor: Client, post_office: PostOffice, ivana: User) -> None:
    has_app(ivana)
    sent = visitor.post(CONFIRM, {"code": ask_for_code(visitor, post_office, ivana.email)})
    assert (sent.headers["Location"], who(visitor)) == ("/accounts/second-factor/enter/", "")


def test_a_session_without_a_record_is_worth_nothing(ivana: User, alice: User) -> None:
    for user in (ivana, alice):
        browser = Client()
        signed_in.plain_force_login(browser, user)
        assert browser.get("/portal/account/").headers["Location"] == SET_UP


def test_the_admins_own_sign_in_page_is_the_portals(visitor: Client, alice: User) -> None:
    assert visitor.get("/admin/login/?next=/admin/").headers["Location"] == f"{LOGIN}?next=%2Fadmin%2F"
    form = {"username": "ivana", "password": "ivana-has-a-long-password"}
    assert visitor.post("/admin/login/", form).headers["Location"].startswith(LOGIN)
    assert signed_in.came_by(Client(), alice, "mfa").get("/admin/login/").status_code == 404


def test_a_code_of_the_app_opens_once(ivana: User) -> None:
    has_app(ivana)
    code = shown_by_app()
    for expected in ("ivana@ipex.example", ""):
        browser = Client(headers={"Accept-Language": "en"})
        by_password(browser, ivana)
        browser.post("/accounts/second-factor/enter/", {"code": code})
        assert who(browser) == expected


def test_codes_cannot_be_guessed_for_long(alice: User) -> None:
    has_app(alice)
    browser = Client(headers={"Accept-Language": "en"})
    by_password(browser, alice)
    for _ in range(5):
        browser.post("/accounts/second-factor/enter/", {"code": "000000"})
    assert "That was too many attempts." in said(
        browser.post("/accounts/second-factor/enter/", {"code": shown_by_app()})
    )


@pytest.mark.django_db(transaction=True)
def test_a_change_is_told_by_e_mail_and_audited(post_office: PostOffice, alice: User) -> None:
    browser = signed_in.came_by(Client(headers={"Accept-Language": "cs"}), alice, "code")
    secret = browser.get(SET_UP).context["form"].secret
    browser.post(SET_UP, {"code": shown_by_app(secret)})
    assert post_office.envelopes == [("portal@ipex.example", ["alice@acme.example"])]
    assert post_office.last["From"] == "IPEX <portal@ipex.example>"
    assert post_office.last["Content-Language"] == "cs"
    assert [part.get_content_type() for part in post_office.last.iter_parts()] == ["text/plain", "text/html"]
    assert secret not in text_of(post_office.last) + page_of(post_office.last)
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.actor, entry.tenant) == ("account.totp_activated", "alice", None)


def test_without_a_mail_server_the_change_stands(
    no_post_office: None, alice: User, django_capture_on_commit_callbacks: object
) -> None:
    browser = signed_in.came_by(Client(), alice, "code")
    secret = browser.get(SET_UP).context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert browser.post(SET_UP, {"code": shown_by_app(secret)}).headers["Location"] == CODES
    assert Authenticator.objects.filter(user=alice).count() == 2


def test_long_after_signing_in_setting_up_asks_for_the_password_again(alice: User) -> None:
    browser = signed_in.came_by(Client(), alice, "code")
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert browser.get(SET_UP).headers["Location"] == f"/accounts/reauthenticate/?next={SET_UP.replace('/', '%2F')}"


def test_switching_it_off_asks_first_and_makes_the_session_worth_less(ivana: User) -> None:
    has_app(ivana)
    browser = signed_in.came_by(Client(), ivana, "mfa")
    assert browser.get(OFF).headers["Location"].startswith("/accounts/reauthenticate/")
    browser.post(AGAIN, {"code": shown_by_app()})
    assert browser.get(OFF).status_code == 200
    browser.post(OFF)
    assert not Authenticator.objects.exists()
    assert browser.get("/admin/").headers["Location"] == SET_UP


def test_recovery_codes_are_shown_saved_and_made_anew_after_asking(alice: User) -> None:
    old = has_app(alice)
    browser = signed_in.came_by(Client(headers={"Accept-Language": "en"}), alice, "code")
    assert browser.get(CODES).headers["Location"].startswith("/accounts/reauthenticate/")
    browser.post(AGAIN, {"code": shown_by_app()})
    assert [code for code in old if code in said(browser.get(CODES))] == old
    file = browser.get(f"{CODES}file/")
    assert (file.headers["Content-Type"], file.content.decode().split()[-10:]) == ("text/plain", old)
    browser.post(f"{CODES}new/")
    assert [code for code in old if code in said(browser.get(CODES))] == []


def test_its_secrets_lie_sealed_and_are_rotated(alice: User, settings: object) -> None:
    codes = has_app(alice)
    rows = {row.type: row for row in Authenticator.objects.all()}
    assert SECRET not in str([row.data for row in rows.values()])
    new = {"t2": b"n" * 32} | settings.FIELD_KEYS  # type: ignore[attr-defined]
    settings.FIELD_KEYS = new  # type: ignore[attr-defined]
    assert rotation.rotate_second_factors().rotated == 2
    settings.FIELD_KEYS = {"t2": b"n" * 32}  # type: ignore[attr-defined]
    rows = {row.type: row.wrap() for row in Authenticator.objects.all()}
    assert rows["totp"].validate_code(shown_by_app())
    assert rows["recovery_codes"].generate_codes() == codes
    assert rotation.rotate_second_factors().current == 2


def test_ivana_resets_the_second_factor_of_somebody_who_lost_it(ivana: User, alice: User) -> None:
    has_app(alice)
    office = signed_in.came_by(Client(headers={"Accept-Language": "en"}), ivana, "mfa")
    act = {"action": "reset_second_factor", "_selected_action": [alice.pk]}
    page = office.post("/admin/auth/user/", act, follow=True)
    assert "1 second factor was reset." in said(page)
    assert not Authenticator.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.actor, entry.target) == ("account.second_factor_reset", "ivana", "alice")


def test_a_command_resets_it_when_nobody_gets_in(ivana: User, capsys: pytest.CaptureFixture[str]) -> None:
    has_app(ivana)
    for expected in ("The second factor is reset.\n", "There was no second factor.\n"):
        call_command("reset_second_factor", "Ivana@ipex.example")
        assert capsys.readouterr().out == expected
    with pytest.raises(CommandError, match="0 users have"):
        call_command("reset_second_factor", "nobody@ipex.example")


def test_the_demos_authenticator_shows_the_code_that_opens_it(visitor: Client, ivana: User, rf: RequestFactory) -> None:
    authenticator.give_to(ivana)
    page = authenticator.show(rf.get("/simulator/code/"))
    code = re.search(r"\d{3} \d{3}", page.content.decode())
    assert code
    assert 1 <= int(page.headers["Refresh"]) <= 30
    by_password(visitor, ivana)
    visitor.post("/accounts/second-factor/enter/", {"code": code[0]})
    assert visitor.get("/admin/").status_code == 200


def test_an_account_made_by_ivana_signs_in_by_its_e_mail_however_it_was_typed(
    visitor: Client, post_office: PostOffice, ivana: User
) -> None:
    office = signed_in.came_by(Client(headers={"Accept-Language": "en"}), ivana, "mfa")
    new = {"username": "karel", "email": "Karel@IPEX.example", "usable_password": "false"}
    office.post("/admin/auth/user/add/", new)
    assert User.objects.get(username="karel").email == "karel@ipex.example"
    twice = office.post("/admin/auth/user/add/", {**new, "username": "karel2", "email": "KAREL@ipex.example"})
    assert "Somebody else has an account with this e-mail." in said(twice)
    User.objects.filter(username="karel").update(email="Karel@ipex.example")  # as createsuperuser leaves it
    visitor.post(CONFIRM, {"code": ask_for_code(visitor, post_office, "karel@ipex.example")})
    assert (who(visitor), User.objects.get(username="karel").email) == ("karel@ipex.example", "karel@ipex.example")
