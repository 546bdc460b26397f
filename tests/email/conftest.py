"""A real mail server on loopback, and what it received."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tenants.models import Agent, OutgoingMail, Tenant


@dataclass
class PostOffice:
    """What came in, and what it answers instead when told to."""

    received: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    to_recipient: str = ""
    to_message: str = ""
    port: int = 0

    @property
    def last(self) -> EmailMessage:
        return self.received[-1]


class Counter:
    """Where the server hands its commands in; it looks at every attribute, so the office stays apart."""

    def __init__(self, office: PostOffice) -> None:
        self.office = office

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.office.to_recipient:
            return self.office.to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(0)
        if self.office.to_message:
            return self.office.to_message
        self.office.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        self.office.received.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part
    return str(part.get_content())


def page_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part
    return str(part.get_content())


def only_mail() -> OutgoingMail:
    return OutgoingMail.objects.get()
