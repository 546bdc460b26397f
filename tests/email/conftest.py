"""A real mail server on loopback, and what it received."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tenants.models import Agent, OutgoingMail, Tenant
from tests.post_office import Counter, PostOffice, free_port, page_of, text_of

__all__ = ["PostOffice", "page_of", "text_of"]


def mailers(port: int) -> dict[str, Any]:
    options = {"host": "127.0.0.1", "port": port, "timeout": 5}
    return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}


@pytest.fixture
def post_office(settings: Any) -> Iterator[PostOffice]:
    office = PostOffice(port=free_port())
    controller = Controller(Counter(office), hostname="127.0.0.1", port=office.port)
    controller.start()
    settings.MAILERS = mailers(office.port)
    settings.DEFAULT_FROM_EMAIL = "IPEX <portal@ipex.example>"
    yield office
    controller.stop()


@pytest.fixture
def no_post_office(settings: Any) -> None:
    settings.MAILERS = mailers(free_port())


@pytest.fixture
def tereza(acme: Tenant) -> Agent:
    """Answers Acme's phones; her window is off."""
    return Agent.objects.create(tenant=acme, name="Tereza Malá", email="tereza@acme.example", login="tereza")


def only_mail() -> OutgoingMail:
    return OutgoingMail.objects.get()
