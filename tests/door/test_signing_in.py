"""alice signs in by a mailed code or by a password with a second factor; nobody learns whether an address is known."""

import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests import signed_in
from tests.door.conftest import (
    CODE,
    CONFIRM,
    LOGIN,
    SET_UP,
    PostOffice,
    ask_for_code,
    by_password,
    has_app,
    mailed_code,
    said,
    shown_by_app,
    who,
)  # fmt: skip
from tests.email.conftest import text_of

pytestmark = pytest.mark.django_db
RESET = "/accounts/password/reset/"


# -- by a mailed code --


def test_alice_signs_in_by_a_code_from_her_mailbox(visitor: Client, post_office: PostOffice, alice: User) -> None:
    code = ask_for_code(visitor, post_office, "alice@acme.example")
    assert who(visitor) == ""
    answer = visitor.post(CONFIRM, {"code": f"{code[:3]} {code[3:]}"})
    assert (answer.status_code, answer.headers["Location"], who(visitor)) == (302, "/portal/", "alice@acme.example")
    assert [envelope[1] for envelope in post_office.envelopes] == [["alice@acme.example"]]


def test_she_gets_to_the_page_she_wanted_and_to_no_other_site(
    visitor: Client, post_office: PostOffice, alice: User
) -> None:
    for wanted, got in (("/portal/account/", "/portal/account/"), ("https://evil.example/", "/portal/")):
        browser = Client()
        sent = browser.post(CODE, {"email": alice.email, "next": wanted})
        answer = browser.post(sent.headers["Location"], {"code": mailed_code(post_office)})
        assert answer.headers["Location"] == got


def test_known_and_unknown_addresses_look_alike(post_office: PostOffice, alice: User) -> None:
    pages = {}
    for email in ("alice@acme.example", "mallo@acme.example"):
        browser = Client(headers={"Accept-Language": "en"})
        sent = browser.post(CODE, {"email": email})
        wrong = browser.post(CONFIRM, {"code": "000000"})
        reset = browser.post(RESET, {"email": email})
        wrong_reset = browser.post("/accounts/password/reset/code/", {"code": "000000"})
        password = browser.post(LOGIN, {"login": email, "password": "no-such-long-password"})
        answers = (sent, wrong, reset, wrong_reset, password)
        words = [said(answer).replace(email, "…").replace(email.replace("@", "%40"), "…") for answer in answers]
        pages[email] = [(answer.status_code, answer.headers.get("Location")) for answer in answers], words
    assert pages["alice@acme.example"] == pages["mallo@acme.example"]
    assert len(post_office.received) == 4  # the unknown one's owner is told, too


def test_whoever_has_no_account_is_told_by_e_mail_only(visitor: Client, post_office: PostOffice) -> None:
    visitor.post(CODE, {"email": "mallory@example.com"})
    assert post_office.last["Subject"] == "There is no account with this address in the IPEX portal"
    assert "ask IPEX for an invitation" in text_of(post_office.last)


def test_a_code_ends_after_three_wrong_ones(visitor: Client, post_office: PostOffice, alice: User) -> None:
    code = ask_for_code(visitor, post_office, alice.email)
    wrong = "111111" if code != "111111" else "222222"
    page = visitor.post(CONFIRM, {"code": wrong})
    assert "This code is not right." in said(page)
    visitor.post(CONFIRM, {"code": wrong})
    ended = visitor.post(CONFIRM, {"code": wrong}, follow=True)
    assert "too many attempts" in said(ended)
    visitor.post(CONFIRM, {"code": code})
    assert who(visitor) == ""


def test_a_code_ends_after_ten_minutes(visitor: Client, post_office: PostOffice, alice: User) -> None:
    code = ask_for_code(visitor, post_office, alice.email)
    assert "It is valid for 10 minutes, once." in text_of(post_office.last)
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
        visitor.post(CONFIRM, {"code": code})
        assert who(visitor) == ""


def test_a_code_is_for_the_browser_that_asked(visitor: Client, post_office: PostOffice, alice: User) -> None:
    code = ask_for_code(visitor, post_office, alice.email)
    other = Client(headers={"Accept-Language": "en"})
    assert other.post(CONFIRM, {"code": code}).status_code == 302
    assert who(other) == ""


def test_another_code_replaces_the_first(visitor: Client, post_office: PostOffice, alice: User) -> None:
    first = ask_for_code(visitor, post_office, alice.email)
    visitor.post(CONFIRM, {"action": "resend"})
    second = mailed_code(post_office)
    if first != second:
        visitor.post(CONFIRM, {"code": first})
        assert who(visitor) == ""
    visitor.post(CONFIRM, {"code": second})
    assert who(visitor) == alice.email


def test_without_a_mail_server_she_is_told_and_nothing_is_left(
    visitor: Client, no_post_office: None, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = visitor.post(CODE, {"email": alice.email})
    assert (answer.status_code, "The e-mail could not be sent" in said(answer)) == (503, True)
    assert visitor.get(LOGIN).status_code == 200
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("ipexportal")]
    assert ours == ["An e-mail with a code could not be sent: ConnectionRefusedError."]


def test_an_address_that_the_mail_server_refuses_looks_like_any_other(
    visitor: Client, post_office: PostOffice, alice: User
) -> None:
    post_office.to_recipient = "550 5.1.1 No such user"
    assert visitor.post(CODE, {"email": alice.email}).headers["Location"] == CONFIRM


@pytest.mark.parametrize(
    "email", ["", "alice", "a" * 400 + "@acme.example", "alice@acme.example\r\nBcc: eve@beta.example"]
)
def test_what_is_no_address_is_refused_and_stays_in_the_field(
    visitor: Client, post_office: PostOffice, email: str
) -> None:
    page = visitor.post(CODE, {"email": email})
    assert (page.status_code, "field-error" in page.content.decode()) == (200, True)
    assert post_office.received == []


# -- by a password --


@pytest.mark.django_db(transaction=True)
def test_a_password_alone_leads_to_setting_up_the_second_factor(
    visitor: Client, post_office: PostOffice, alice: User
) -> None:
    by_password(visitor, alice)
    for address in ("/portal/", "/portal/account/", f"/portal/{alice.memberships.get().tenant.code}/"):
        assert visitor.get(address).headers["Location"] == SET_UP, address
    page = visitor.get(SET_UP)
    secret = page.context["form"].secret
    done = visitor.post(SET_UP, {"code": shown_by_app(secret)}, follow=True)
    assert "Recovery codes" in said(done)
    assert "The second factor is on." in said(done)
    assert len(done.context["unused_codes"]) == 10
    assert visitor.get("/portal/account/").status_code == 200
    assert post_office.last["Subject"] == "The second factor was switched on"


def test_a_password_and_the_apps_code_open_the_portal(visitor: Client, alice: User) -> None:
    has_app(alice)
    assert by_password(visitor, alice).headers["Location"] == "/accounts/second-factor/enter/"
    assert who(visitor) == ""
    wrong = visitor.post("/accounts/second-factor/enter/", {"code": "000000"})
    assert "This code is not right." in said(wrong)
    assert visitor.post("/accounts/second-factor/enter/", {"code": shown_by_app()}).headers["Location"] == "/portal/"
    assert visitor.get("/portal/account/").status_code == 200


def test_a_recovery_code_opens_it_once(alice: User) -> None:
    code = has_app(alice)[0]
    for expected in ("alice@acme.example", ""):
        browser = Client(headers={"Accept-Language": "en"})
        by_password(browser, alice)
        browser.post("/accounts/second-factor/enter/", {"code": code})
        assert who(browser) == expected


def test_a_mailed_code_is_enough_for_a_customer_who_has_a_second_factor(
    visitor: Client, post_office: PostOffice, alice: User
) -> None:
    has_app(alice)
    visitor.post(CONFIRM, {"code": ask_for_code(visitor, post_office, alice.email)})
    assert visitor.get("/portal/account/").status_code == 200


def test_htmx_is_sent_to_the_second_factor_as_a_whole_page(alice: User) -> None:
    browser = signed_in.came_by(Client(), alice, "password")
    answer = browser.get(
        "/portal/account/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/portal/x/"}
    )
    assert answer.headers["HX-Redirect"] == SET_UP
    assert browser.session["after_second_factor"] == "/portal/x/"


# -- a forgotten password --


def test_alice_chooses_a_new_password_with_a_mailed_code(visitor: Client, post_office: PostOffice, alice: User) -> None:
    elsewhere = signed_in.came_by(Client(), alice, "code")
    visitor.post(RESET, {"email": alice.email})
    sent = visitor.post("/accounts/password/reset/code/", {"code": mailed_code(post_office)})
    new = {"password1": "four words in a row", "password2": "four words in a row"}
    done = visitor.post(sent.headers["Location"], new, follow=True)
    assert "The password is changed" in said(done)
    alice.refresh_from_db()
    assert alice.check_password("four words in a row")
    assert post_office.last["Subject"] == "Your password was changed"
    assert who(visitor) == ""
    assert elsewhere.get("/portal/account/").headers["Location"].startswith(LOGIN)


@pytest.mark.parametrize(
    ("one", "two", "mistake"),
    [
        ("short", "short", "too short"),
        ("password1234", "password1234", "too common"),
        ("four words in a row", "four words in a now", "same password"),
    ],
)
def test_a_weak_or_mistyped_password_is_refused(
    visitor: Client, post_office: PostOffice, alice: User, one: str, two: str, mistake: str
) -> None:
    visitor.post(RESET, {"email": alice.email})
    sent = visitor.post("/accounts/password/reset/code/", {"code": mailed_code(post_office)})
    page = visitor.post(sent.headers["Location"], {"password1": one, "password2": two})
    assert mistake in said(page)


# -- limits --


def test_too_many_codes_for_one_address_are_refused_with_a_sentence(post_office: PostOffice, alice: User) -> None:
    for _ in range(3):
        Client().post(CODE, {"email": alice.email})
    page = Client(headers={"Accept-Language": "en"}).post(CODE, {"email": alice.email})
    assert "That was too many attempts. Wait a few minutes" in said(page)
    assert len(post_office.received) == 3


def test_too_many_wrong_passwords_are_refused_even_with_the_right_one(alice: User) -> None:
    for _ in range(5):
        Client().post(LOGIN, {"login": alice.email, "password": "no-such-long-password"})
    browser = Client(headers={"Accept-Language": "en"})
    assert "That was too many attempts." in said(by_password(browser, alice))


def test_a_storm_of_resets_gets_a_page_of_ours(post_office: PostOffice) -> None:
    answers = [Client(headers={"Accept-Language": "en"}).post(RESET, {"email": "a@b.example"}) for _ in range(4)]
    assert (answers[-1].status_code, "Too many attempts" in said(answers[-1])) == (429, True)


# -- who may not --


def test_a_deactivated_user_is_out_at_once_and_cannot_come_back(
    visitor: Client, post_office: PostOffice, alice: User
) -> None:
    browser = signed_in.came_by(Client(), alice, "code")
    assert browser.get("/portal/account/").status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert browser.get("/portal/account/").headers["Location"].startswith(LOGIN)
    visitor.post(CODE, {"email": alice.email})
    assert post_office.last["Subject"] == "There is no account with this address in the IPEX portal"
    by_password(visitor, alice)
    assert who(visitor) == ""


def test_the_page_speaks_three_languages_and_names_microsoft(settings: Any) -> None:
    heads = {code: said(Client(headers={"Accept-Language": code}).get(LOGIN)) for code in ("cs", "sk", "en")}
    assert len(set(heads.values())) == 3
    assert {"Microsoft" in text for text in heads.values()} == {True}
