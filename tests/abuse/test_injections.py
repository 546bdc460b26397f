"""What somebody typed, here or in the CRM, stays text wherever it arrives."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from tenants import invitations, roster
from tenants.dataverse import odata
from tenants.models import Agent, Invitation, Tenant

SCRIPT = "<script>alert(1)</script>"
MARK_UP = [
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "{{ 7777777|add:7777777 }}{% debug %}",
    "javascript:alert(1)",
    "'-alert(1)-'",
]
HEADERS = [
    "a@acme.example\r\nBcc: b@evil.example",
    "a@acme.example\nSubject: x",
    "a@acme.example%0aBcc: b@evil.example",
]
FORMULAS = ['=HYPERLINK("https://evil.example")', "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "'=1"]
ODATA = [
    "x' or 1 eq 1 or 'a' eq '",
    "x') or (1 eq 1",
    "'",
    "''",
    "x&$expand=owner",
    "x/../systemusers",
    "x?$top=1#",
    "\u2019 or 1 eq 1",
]


@pytest.fixture
def alices(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def pages_of(acme: Tenant, agent: Agent) -> list[str]:
    names = (
        "portal:people",
        "portal:checklist",
        "portal:operation",
        "portal:colleagues",
        "portal:keys",
        "portal:people_import",
    )
    addresses = [reverse(name, args=[acme.code]) for name in names]
    return [*addresses, reverse("portal:person", args=[acme.code, agent.code])]


@pytest.mark.django_db
@pytest.mark.parametrize("text", MARK_UP)
def test_names_are_text_in_the_portal(alices: Client, alice: User, acme: Tenant, text: str) -> None:
    alice.first_name, acme.name = text[:30], text
    alice.save()
    acme.save()
    agent = Agent.objects.create(
        tenant=acme, name=text, login=text[:150], line="44", email="x@acme.example", window=True
    )
    for address in pages_of(acme, agent):
        page = alices.get(address).content.decode()
        assert (address, [mark for mark in (SCRIPT, "<img src=x") if mark in page]) == (address, [])
        assert (address, "15555554" in page) == (address, False)  # a template of the stranger's, run


@pytest.mark.django_db
@pytest.mark.parametrize("text", MARK_UP)
def test_names_are_text_in_the_admin(ivana: User, acme: Tenant, text: str) -> None:
    acme.name = text
    acme.save()
    agent = Agent.objects.create(tenant=acme, name=text, login="x", line="44", email="x@acme.example")
    client = Client()
    client.force_login(ivana)
    changes = [
        reverse("admin:tenants_tenant_change", args=[acme.pk]),
        reverse("admin:tenants_agent_change", args=[agent.pk]),
    ]
    for address in ("/admin/", reverse("admin:tenants_agent_changelist"), *changes):
        page = client.get(address, follow=True).content.decode()
        assert (address, [mark for mark in (SCRIPT, "<img src=x") if mark in page]) == (address, [])


@pytest.mark.django_db
@pytest.mark.parametrize("email", HEADERS)
def test_an_address_with_a_line_break_is_no_address(alices: Client, acme: Tenant, email: str) -> None:
    answer = alices.post(reverse("portal:invite", args=[acme.code]), {"email": email})
    assert (answer.status_code, Invitation.objects.count()) == (422, 0)
    with pytest.raises(ValidationError):
        invitations.invite(tenant=acme, email=email, by="ivana")


@pytest.mark.django_db
@pytest.mark.parametrize("text", FORMULAS)
def test_a_spreadsheet_of_people_computes_nothing(alices: Client, acme: Tenant, text: str) -> None:
    Agent.objects.create(tenant=acme, name=text, login="x", line="44", email="x@acme.example")
    file = alices.get(reverse("portal:people_export", args=[acme.code])).content.decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(file, newline=""), delimiter=";") for cell in row]
    assert [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}] == []
    assert roster.export(acme)


@pytest.mark.parametrize("text", ODATA)
def test_a_literal_of_odata_never_ends_early(text: str) -> None:
    literal = odata.lit(text)
    inner = literal[1:-1]
    assert (literal[0], literal[-1], "'" in inner.replace("''", "")) == ("'", "'", False)
    query = odata.query("contacts", filter=f"lastname eq {literal}", top=1)
    _path, _, asked = query.partition("?")
    assert sorted(part.partition("=")[0] for part in asked.split("&")) == ["$filter", "$top"]
    assert not {"#", " ", "\r", "\n"} & set(query)


@pytest.mark.parametrize("name", ["contacts?$top=1", "contacts/../x", "a b", "a'b", "", "contacts(1)", "a%2fb"])
def test_a_table_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        odata.name(name)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["x\r\nSet-Cookie: a=b", "/\r\nX: y", "//evil.example", "https://evil.example/", "/\\evil.example"]
)
def test_where_to_go_next_is_a_path_of_ours(alices: Client, acme: Tenant, text: str) -> None:
    answer: Any = alices.post(reverse("portal:checks_run", args=[acme.code]), {"next": text})
    assert answer.status_code == 302
    place = answer.headers["Location"]
    assert place in {reverse("portal:checks", args=[acme.code]), "/%0D%0AX:%20y"}  # a path of ours, encoded
    assert {"Set-Cookie: a=b", "X: y"} & set(str(answer.headers).split("\r\n")) == set()
