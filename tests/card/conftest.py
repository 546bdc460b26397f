"""Alice chooses what Acme's agents see on the card, with and without her own Microsoft connection."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tenants import configuration
from tenants.models import Tenant
from tests.verification.conftest import connection, english, identity_of, nothing_remembered

__all__ = ["connection", "english", "identity_of", "nothing_remembered"]


def shown(entity: str, identifier: str, label: Any = "Popisek", link: str = "") -> dict[str, Any]:
    return {"label": label, "entity": entity, "identifier": identifier, "link": link}


@dataclass
class Browser:
    """Somebody's browser at Acme's tab "Caller card"."""

    client: Client
    tenant: Tenant

    def address(self, name: str) -> str:
        return reverse(f"portal:{name}", args=[self.tenant.code])

    def get(self, name: str = "card", **query: str) -> Any:
        return self.client.get(self.address(name), query)

    def post(self, name: str, rows: Iterable[dict[str, Any]] = (), *, script: bool = False, **values: Any) -> Any:
        """`rows` as the page's form gives them; `script`: as the page does with its script."""
        rows = list(rows)
        form: dict[str, Any] = {
            "key": [str(at) for at in range(1, len(rows) + 1)],
            "entity": [row["entity"] for row in rows],
            "identifier": [row["identifier"] for row in rows],
            "link": [row["link"] for row in rows],
        }
        for code in ("cs", "sk", "en"):
            form[f"label_{code}"] = [_text(row["label"], code) for row in rows]
        section = "search" if name.startswith("searched") else "display_fields"
        form["seen"] = configuration.stamp(Tenant.objects.get(pk=self.tenant.pk), section)
        headers = {"HX-Request": "true"} if script else {}
        return self.client.post(self.address(name), form | values, headers=headers)

    @property
    def fields(self) -> list[dict[str, Any]]:
        return list(configuration.stored(self.tenant, "display_fields"))

    @property
    def names(self) -> list[str]:
        return [field["identifier"] for field in self.fields]


def _text(label: Any, code: str) -> str:
    return str(label.get(code, "")) if isinstance(label, dict) else label if code == "cs" else ""


def browser_of(user: User, tenant: Tenant) -> Browser:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return Browser(client, tenant)


@pytest.fixture
def alices(alice: User, acme: Tenant) -> Browser:
    return browser_of(alice, acme)


@pytest.fixture
def ivanas(ivana: User, acme: Tenant) -> Browser:
    return browser_of(ivana, acme)


@pytest.fixture
def fields(acme: Tenant, alice: User) -> list[dict[str, Any]]:
    """Three fields of two tables."""
    data = [
        shown("Account", "nnn_myorderscount", "Počet objednávek"),
        shown("Account", "nnn_turnover", {"cs": "Obrat", "en": "Turnover"}),
        shown("Contact", "jobtitle", "Funkce"),
    ]
    configuration.change(acme, {"display_fields": data}, by=alice)
    return data


def words(answer: Any) -> str:
    """What a person reads on the page, on one line."""
    page = re.sub(r"(?s)<(script|head|textarea|select)\b.*?</\1>", " ", answer.content.decode())
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
