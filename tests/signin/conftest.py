"""A browser that signs in: Django's client for our pages, requests for Microsoft's."""

from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from ipexportal.sandbox.visitor import pick
from tenants import sign_in
from tenants.models import Agent, Instance, SignInAttempt


class Browser(Client):
    """One browser with one cookie jar."""

    def leave_for_microsoft(self, attempt: SignInAttempt) -> str:
        answer = self.get(f"/window/sign-in/{attempt.code}/")
        assert answer.status_code == 302, answer.content.decode()
        return answer.headers["Location"]

    def come_back(self, location: str) -> HttpResponse:
        """Follow Microsoft's redirect to us, and ours to the last page."""
        parts = urlsplit(location)
        answer = self.get(f"{parts.path}?{parts.query}")
        return self.get(answer.headers["Location"]) if answer.status_code == 302 else answer

    def sign_in(self, attempt: SignInAttempt, upn: str, **buttons: str) -> HttpResponse:
        return self.come_back(pick(self.leave_for_microsoft(attempt), upn, **buttons))


@pytest.fixture
def browser(settings: object) -> Browser:
    return Browser()


@pytest.fixture
def attempt(jana: Agent) -> SignInAttempt:
    """A window opened by a ticket waits for jana."""
    return sign_in.new_attempt(instance=jana.tenant.instance, agent=jana, frame="f" * 64)


@pytest.fixture
def ticketless(instance: Instance) -> SignInAttempt:
    """A framed window that does not know yet whose it is."""
    return sign_in.new_attempt(instance=instance, agent=None, frame="f" * 64)
