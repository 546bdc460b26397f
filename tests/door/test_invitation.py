"""alena opens the link of her invitation: it says what for, opens nothing by itself, and leads to an account."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tenants import invitations
from tenants.models import INVITED_FOR, AuditEntry, Invitation, Membership, Tenant
from tests import signed_in
from tests.door.conftest import (
    CONFIRM,
    PostOffice,
    ask_for_code,
    by_password,
    mailed_code,
    said,
    shown_by_app,
    who,
)
from tests.email.conftest import text_of

pytestmark = pytest.mark.django_db
HOME = "/portal/"


@pytest.fixture
def invited(acme: Tenant) -> Invitation:
    return invitations.invite(tenant=acme, email="Alena@acme.example", by="ivana", language="en")


@pytest.fixture
def link(invited: Invitation) -> str:
    return invitations.link(invited).removeprefix("http://127.0.0.1:8000")


def members(tenant: Tenant) -> list[str]:
    return list(Membership.objects.filter(tenant=tenant).order_by("pk").values_list("user__email", flat=True))


def make_account(visitor: Client, link: str, **more: str) -> Any:
    return visitor.post(f"{link}account/", {"name": "Alena Nová Malá", **more})


# -- the page --


def test_the_page_says_what_it_is_for_and_changes_nothing(
    visitor: Client, link: str, invited: Invitation, ivana: User
) -> None:
    User.objects.update(first_name="Ivana", last_name="Malá")
    before = (list(Invitation.objects.values()), User.objects.count())
    page = visitor.get(link)
    assert "Caller window for Acme s.r.o." in said(page)
    assert "We mail a code to Alena@acme.example." in said(page)
    assert "Invited by: Ivana Malá" in said(page)
    assert (list(Invitation.objects.values()), User.objects.count()) == before
    assert (dict(visitor.cookies.items()).keys() - {"csrftoken"}, who(visitor)) == (set(), "")
    assert page.headers["Referrer-Policy"] == "same-origin"


def test_it_speaks_the_invitations_language_unless_another_was_chosen(link: str, invited: Invitation) -> None:
    Invitation.objects.update(language="sk")
    page = Client(headers={"Accept-Language": "en"}).get(link)
    assert page.headers["Content-Language"] == "sk"
    chosen = Client()
    chosen.cookies["django_language"] = "en"
    assert chosen.get(link).headers["Content-Language"] == "en"


def test_a_name_with_mark_up_stays_text(visitor: Client, link: str, acme: Tenant) -> None:
    Tenant.objects.update(name="<b>Acme</b>")
    assert "&lt;b&gt;Acme&lt;/b&gt;" in visitor.get(link).content.decode()


@pytest.mark.parametrize(
    ("what", "status", "why"),
    [
        ("expired", 410, "This invitation has expired."),
        ("used", 410, "This invitation was already used."),
        ("replaced", 410, "A newer invitation was sent since."),
        ("unknown", 404, "This is no invitation."),
    ],
)
def test_a_dead_link_says_why(
    visitor: Client, link: str, invited: Invitation, alice: User, what: str, status: int, why: str
) -> None:
    if what == "used":
        invitations.accept(link.split("/")[2], user=alice)
    if what == "replaced":
        Invitation.objects.update(expires_at=timezone.now() + timedelta(days=2))
    address = "/invitation/abc.def/" if what == "unknown" else link
    with time_machine.travel(timezone.now() + (INVITED_FOR if what == "expired" else timedelta())):
        pages = [visitor.get(address), make_account(visitor, address), visitor.post(f"{address}sign-in/")]
    assert [(page.status_code, why in said(page)) for page in pages] == [(status, True)] * 3
    assert not User.objects.filter(email="alena@acme.example").exists()


# -- a new account --


def test_alena_makes_an_account_with_a_code_from_her_mailbox(
    visitor: Client, post_office: PostOffice, link: str, acme: Tenant
) -> None:
    assert make_account(visitor, link).headers["Location"] == CONFIRM
    assert (members(acme), who(visitor)) == ([], "")
    assert post_office.last["To"] == "alena@acme.example"
    visitor.post(CONFIRM, {"code": mailed_code(post_office)})
    visitor.get(HOME)
    assert (members(acme), who(visitor)) == (["alena@acme.example"], "alena@acme.example")
    alena = User.objects.get()
    assert (alena.first_name, alena.last_name, alena.has_usable_password()) == ("Alena Nová", "Malá", False)
    acts = list(AuditEntry.objects.order_by("pk").values_list("act", "actor"))
    assert acts == [
        ("invitation.sent", "ivana"),
        ("account.made", "alena@acme.example"),
        ("invitation.accepted", "alena@acme.example"),
    ]


def test_with_a_password_she_can_use_it_next_time_with_a_second_factor(
    visitor: Client, post_office: PostOffice, link: str
) -> None:
    make_account(visitor, link, password="four words in a row")
    assert not User.objects.get().has_usable_password()
    visitor.post(CONFIRM, {"code": mailed_code(post_office)})
    assert visitor.get(HOME).headers["Location"] == "/accounts/second-factor/set-up/"
    assert who(visitor) == "alena@acme.example"
    assert User.objects.get().check_password("four words in a row")
    secret = visitor.get("/accounts/second-factor/set-up/").context["form"].secret
    codes = visitor.post("/accounts/second-factor/set-up/", {"code": shown_by_app(secret)}, follow=True)
    assert codes.context["back"] == f"/portal/{Tenant.objects.get().code}/"
    Authenticator.objects.all().delete()
    other = Client()
    other.post("/accounts/login/", {"login": "alena@acme.example", "password": "four words in a row"})
    assert other.get("/portal/account/").headers["Location"] == "/accounts/second-factor/set-up/"


def test_the_link_without_the_mailbox_makes_no_member(visitor: Client, post_office: PostOffice, link: str) -> None:
    make_account(visitor, link, password="four words in a row")
    visitor.post("/accounts/logout/")
    visitor.post("/accounts/login/", {"login": "alena@acme.example", "password": "four words in a row"})
    visitor.get(HOME)
    assert (who(visitor), Membership.objects.count()) == ("", 0)


def test_a_double_submit_and_two_tabs_make_one_account(
    visitor: Client, post_office: PostOffice, link: str, acme: Tenant
) -> None:
    make_account(visitor, link)
    make_account(visitor, link)
    visitor.post(CONFIRM, {"code": mailed_code(post_office)})
    assert visitor.get(HOME).status_code == 302
    again = visitor.post(f"{link}accept/")
    assert again.headers["Location"] == HOME
    assert visitor.get(link).headers["Location"] == HOME
    assert (User.objects.count(), members(acme)) == (1, ["alena@acme.example"])


def test_whoever_has_the_address_already_gets_the_code_and_keeps_name_and_password(
    visitor: Client, post_office: PostOffice, link: str, acme: Tenant
) -> None:
    alena = User.objects.create_user("alena", "alena@acme.example", "alena-has-a-long-password", last_name="Stará")
    make_account(visitor, link, password="four words in a row")
    visitor.post(CONFIRM, {"code": mailed_code(post_office)})
    visitor.get(HOME)
    alena.refresh_from_db()
    assert (alena.last_name, alena.check_password("alena-has-a-long-password")) == ("Stará", True)
    assert members(acme) == ["alena@acme.example"]


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"name": ""}, "name"), ({"name": "A" * 151}, "name"), ({"password": "krátké"}, "password"),
     ({"password": "password1234"}, "password"), ({"password": "x" * 5000}, "password")],
)  # fmt: skip
def test_what_is_typed_wrong_stays_with_its_mistake(
    visitor: Client, post_office: PostOffice, link: str, typed: dict[str, str], field: str
) -> None:
    page = make_account(visitor, link, **typed)
    assert (page.status_code, list(page.context["form"].errors)) == (422, [field])
    assert f'id="id_{field}_error"' in page.content.decode()
    assert typed.get("password", "no password") not in page.content.decode()
    assert (User.objects.count(), post_office.received) == (0, [])


def test_codes_for_one_invitation_are_limited(visitor: Client, post_office: PostOffice, link: str) -> None:
    answers = [make_account(Client(headers={"Accept-Language": "en"}), link) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [302, 302, 302, 422]
    assert len(post_office.received) == 3


# -- an account that is there --


def test_alice_signs_in_and_looks_after_acme_from_then_on(visitor: Client, post_office: PostOffice, link: str) -> None:
    bela = User.objects.create_user("bela", "bela@home.example", "bela-has-a-long-password")
    assert visitor.post(f"{link}sign-in/").headers["Location"] == "/accounts/login/"
    visitor.post(CONFIRM, {"code": ask_for_code(visitor, post_office, "bela@home.example", next="/portal/account/")})
    visitor.get(HOME)
    assert Membership.objects.get().user == bela


def test_by_a_password_the_second_factor_comes_first(visitor: Client, link: str, otto: User, acme: Tenant) -> None:
    visitor.post(f"{link}sign-in/")
    by_password(visitor, otto)
    visitor.get(HOME)
    assert members(acme) == []
    secret = visitor.get("/accounts/second-factor/set-up/").context["form"].secret
    visitor.post("/accounts/second-factor/set-up/", {"code": shown_by_app(secret)})
    visitor.get(HOME)
    assert members(acme) == ["otto@beta.example"]


def test_somebody_signed_in_is_named_and_decides(link: str, otto: User, acme: Tenant) -> None:
    browser = signed_in.came_by(Client(headers={"Accept-Language": "en"}), otto, "code")
    page = browser.get(link)
    assert "You are signed in as otto@beta.example." in said(page)
    assert "Sign out and use another account" in said(page)
    assert members(acme) == []
    browser.post(f"{link}accept/")
    assert members(acme) == ["otto@beta.example"]


def test_signing_out_leads_back_to_the_invitation(link: str, otto: User) -> None:
    browser = signed_in.came_by(Client(), otto, "code")
    assert browser.post("/accounts/logout/", {"next": link}).headers["Location"] == link


def test_nobody_signed_in_accepts_nothing(visitor: Client, link: str, acme: Tenant) -> None:
    assert visitor.post(f"{link}accept/").headers["Location"] == link
    assert members(acme) == []


def test_the_second_to_accept_hears_that_it_was_used(link: str, otto: User, alice: User, acme: Tenant) -> None:
    for user in (otto, alice):
        browser = signed_in.came_by(Client(headers={"Accept-Language": "en"}), user, "code")
        browser.post(f"{link}accept/")
    assert "already used" in said(browser.get("/portal/account/"))
    assert members(acme) == ["alice@acme.example", "otto@beta.example"]


def test_an_invitation_that_died_meanwhile_says_so_after_signing_in(
    visitor: Client, post_office: PostOffice, link: str, invited: Invitation, otto: User, acme: Tenant
) -> None:
    visitor.cookies["django_language"] = "en"
    visitor.post(f"{link}sign-in/")
    invitations.withdraw(invited, by="ivana")
    visitor.post(CONFIRM, {"code": ask_for_code(visitor, post_office, otto.email)})
    visitor.get(HOME)
    assert "This invitation has expired." in said(visitor.get("/portal/account/"))
    assert members(acme) == []


# -- by Microsoft --


def test_only_our_own_pages_link_takes_the_invitation_to_microsoft(visitor: Client, link: str) -> None:
    foreign = visitor.get(f"{link}microsoft/", headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.headers["Location"] == link
    assert "invitation" not in visitor.session
    ours = visitor.get(f"{link}microsoft/", headers={"Sec-Fetch-Site": "same-origin"})
    assert ours.headers["Location"] == "/signin/portal/" or "/signin/" in ours.headers["Location"]
    assert visitor.session["invitation"] == link.split("/")[2]


def test_the_e_mail_and_the_page_agree(
    post_office: PostOffice, django_capture_on_commit_callbacks: Any, acme: Tenant
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        invitations.invite(tenant=acme, email="alena@acme.example", by="ivana", language="en")
    address = re.search(r"http://127\.0\.0\.1:8000(/invitation/\S+)", text_of(post_office.last))
    assert address
    assert Client().get(address[1]).status_code == 200
