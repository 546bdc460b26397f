"""Alice sets up Acme's own tables in the portal, with and without her own Microsoft connection."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tenants import own_tables
from tenants.models import Tenant
from tenants.own_tables import looking
from tests import signed_in
from tests.verification.conftest import connection, english, identity_of, nothing_remembered

__all__ = ["connection", "english", "identity_of", "nothing_remembered"]

TABLE_TEXT = (
    "tabulka s daty entity = nnn_myLead\nid = myLeadId\nphoneNumber = myPhone1\n"
    "firstname = contactName\nlastname = organizationName"
)


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    looking._kept.clear()
    yield
    looking._kept.clear()


@dataclass
class Browser:
    """Somebody's browser at Acme's pages. `read`, `save` and so on answer the response; `words` is what a page says."""

    client: Client
    tenant: Tenant

    def get(self, name: str, *args: Any, **query: str) -> Any:
        return self.client.get(reverse(f"portal:{name}", args=[self.tenant.code, *args]), query)

    def post(self, name: str, **values: Any) -> Any:
        values.setdefault("seen", own_tables.stamp(self.tenant))
        return self.client.post(reverse(f"portal:{name}", args=[self.tenant.code]), values)

    def read(self, text: str, **values: Any) -> Any:
        return self.post("own_table_read", text=text, **values)

    def save(self, text: str, **values: Any) -> Any:
        return self.post("own_table_save", text=text, **values)

    def type(self, text: str) -> Any:
        """As the page does while somebody types."""
        address = reverse("portal:own_table_read", args=[self.tenant.code])
        return self.client.post(address, {"text": text}, headers={"HX-Request": "true"})


def browser_of(user: User, tenant: Tenant) -> Browser:
    return Browser(signed_in.browser_of(user), tenant)


@pytest.fixture
def alices(alice: User, acme: Tenant) -> Browser:
    return browser_of(alice, acme)


@pytest.fixture
def ivanas(ivana: User, acme: Tenant) -> Browser:
    return browser_of(ivana, acme)


def words(answer: Any) -> str:
    """What a person reads on the page, on one line."""
    page = re.sub(r"(?s)<(script|head|textarea|select)\b.*?</\1>", " ", answer.content.decode())
    text = html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ")
    return " ".join(text.split())


def typed(answer: Any) -> str:
    """What stands in the textarea."""
    found = re.search(r'(?s)<textarea[^>]*name="text"[^>]*>\n?(.*?)</textarea>', answer.content.decode())
    assert found
    return html.unescape(found[1]).replace("\r\n", "\n")
