"""A mail server on loopback that keeps what it receives, and answers otherwise when told to."""

import asyncio
import socket
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


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


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part
    return str(part.get_content())


def page_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part
    return str(part.get_content())
