"""alice's own page: her name, her language, and how she signs in."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import signed_in
from tests.door.conftest import has_app, said

pytestmark = pytest.mark.django_db
ACCOUNT = "/portal/account/"


@pytest.fixture
def browser(alice: User) -> Client:
    return signed_in.came_by(Client(headers={"Accept-Language": "en"}), alice, "code")


def test_she_reads_how_she_signs_in(browser: Client, alice: User) -> None:
    page = said(browser.get(ACCOUNT))
    assert "Goes to alice@acme.example" in page
    assert "Together with the second factor." in page
    assert "Needed as soon as you sign in with a password." in page
    has_app(alice)
    assert "10 unused" in said(browser.get(ACCOUNT))


def test_her_name_is_kept_as_she_says_it(browser: Client, alice: User) -> None:
    page = browser.post(f"{ACCOUNT}name/", {"name": "  Alena   Anna Vlčková "}, follow=True)
    alice.refresh_from_db()
    assert (alice.get_full_name(), alice.last_name) == ("Alena Anna Vlčková", "Vlčková")
    assert "The name is saved." in said(page)


@pytest.mark.parametrize("name", ["", " ", "A" * 151])
def test_a_wrong_name_stays_in_the_field(browser: Client, alice: User, name: str) -> None:
    page = browser.post(f"{ACCOUNT}name/", {"name": name})
    assert (page.status_code, 'id="id_name_error"' in page.content.decode()) == (422, True)
    alice.refresh_from_db()
    assert alice.get_full_name() == ""


def test_mark_up_in_a_name_stays_text(browser: Client) -> None:
    page = browser.post(f"{ACCOUNT}name/", {"name": "<script>alert(1)</script>"}, follow=True)
    assert "<script>alert" not in page.content.decode()


def test_she_chooses_another_language_and_stays_on_the_page(browser: Client) -> None:
    page = browser.post("/language/", {"language": "sk", "next": ACCOUNT}, follow=True)
    assert (page.headers["Content-Language"], page.redirect_chain) == ("sk", [(ACCOUNT, 302)])


def test_changing_the_password_keeps_her_here_and_signs_her_out_elsewhere(browser: Client, alice: User) -> None:
    elsewhere = signed_in.came_by(Client(), alice, "code")
    new = {"password1": "four words in a row", "password2": "four words in a row"}
    wrong = browser.post("/accounts/password/change/", {"oldpassword": "no-such-password", **new})
    assert "This is not your current password." in said(wrong)
    done = browser.post("/accounts/password/change/", {"oldpassword": "alice-has-a-long-password", **new})
    assert done.headers["Location"] == "/accounts/second-factor/set-up/"  # a password goes with one
    assert "The password is changed." in said(browser.get(ACCOUNT))
    assert elsewhere.get(ACCOUNT).status_code == 302


def test_the_page_asks_the_database_a_fixed_number_of_times(
    browser: Client, alice: User, django_assert_num_queries: Any
) -> None:
    browser.get(ACCOUNT)
    with django_assert_num_queries(4):  # session, user, second factor, linked accounts
        browser.get(ACCOUNT)
