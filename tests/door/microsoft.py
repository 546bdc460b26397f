"""A browser that goes to Microsoft's page for somebody of the portal and comes back; in English, so that we can read it."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.test import Client

from ipexportal.sandbox.visitor import pick
from tests import signed_in

NONCE = "__Host-ipex-portal-signin"


class Browser(Client):
    """One browser with one cookie jar."""

    def __init__(self, user: User | None = None, *ways: str) -> None:
        super().__init__(headers={"Accept-Language": "en"})
        if user:
            signed_in.came_by(self, user, *(ways or ("code", "mfa")))

    def leave(self, address: str) -> str:
        """Microsoft's address that our link leads to."""
        answer = self.get(address)
        assert answer.status_code == 302, text_of(answer)
        return str(answer.headers["Location"])

    def come_back(self, location: str) -> Any:
        """Microsoft's redirect to us; our answer to it, and the page on which it ends where that is one of Microsoft's."""
        parts = urlsplit(location)
        answer = self.get(f"{parts.path}?{parts.query}")
        ended = answer.status_code == 302 and answer.headers["Location"].startswith("/signin/")
        return self.get(answer.headers["Location"]) if ended else answer

    def by_microsoft(self, address: str, upn: str, **buttons: str) -> Any:
        return self.come_back(pick(self.leave(address), upn, **buttons))

    def sign_out(self) -> None:
        """The session ends; the browser's other cookies stay."""
        self.session.flush()

    @property
    def who(self) -> str:
        """Who is signed in, "" when nobody."""
        number = self.session.get("_auth_user_id")
        return User.objects.get(pk=number).get_username() if number else ""


def text_of(answer: Any) -> str:
    """The page's words."""
    page = answer.content.decode().partition("<body")[2]
    page = re.sub(r"<(script|svg)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition(">")[2])).split())


def lands(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("Location", "")
