"""Whoever comes to the door, through its pages and with e-mails really delivered."""

import re
import time
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from tests.email.conftest import PostOffice, no_post_office, post_office, text_of

__all__ = ["PostOffice", "no_post_office", "post_office"]
LOGIN, CODE, CONFIRM, SET_UP = (
    "/accounts/login/",
    "/accounts/login/code/",
    "/accounts/login/code/confirm/",
    "/accounts/second-factor/set-up/",
)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def limits_begin_anew(db: None) -> None:
    cache.clear()


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"Accept-Language": "en"})


def has_app(user: User) -> list[str]:
    """`user` has an authenticator app and recovery codes, which this gives."""
    auth.TOTP.activate(user, SECRET)
    codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    return codes


def shown_by_app(secret: str = SECRET) -> str:
    return str(auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30)))


def mailed_code(office: PostOffice) -> str:
    found = re.search(r"\b\d{6}\b", text_of(office.last))
    assert found
    return found[0]


def ask_for_code(visitor: Client, office: PostOffice, email: str, **more: str) -> str:
    assert visitor.post(CODE, {"email": email, **more}).headers["Location"].partition("?")[0] == CONFIRM
    return mailed_code(office)


def by_password(visitor: Client, user: User, **more: str) -> Any:
    return visitor.post(LOGIN, {"login": user.email, "password": f"{user.username}-has-a-long-password", **more})


def who(visitor: Client) -> str:
    """Who is signed in, "" for nobody."""
    page = visitor.get("/accounts/logout/")
    found = re.search(r"signed in as (\S+)\.<", page.content.decode()) if page.status_code == 200 else None
    return found[1] if found else ""


def said(page: Any) -> str:
    """The words of a page, without its mark-up."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).replace("&#x27;", "'").split())
