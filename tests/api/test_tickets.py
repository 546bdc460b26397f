"""Tickets: one window, once, within a minute, for an agent who may have one."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from crmwindow.models import WindowTicket
from tenants import api_keys
from tenants.models import Agent, ApiKey, AuditEntry, Instance, Tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(acme: Tenant) -> str:
    return api_keys.create(acme, ApiKey.Scope.WINDOW, "tests")


def ask(key: str, **who: Any) -> Any:
    return Client().post(
        "/api/v1/window-tickets", who, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )


def open_ticket(url: str, browser: Client | None = None, **headers: str) -> Any:
    parts = urlsplit(url)
    return (browser or Client()).get(f"{parts.path}?{parts.query}", headers=headers)


@pytest.mark.parametrize("who", [{"login": "jana"}, {"line": "444"}, {"email": "jana@acme.example"}])
def test_a_ticket_opens_janas_window(key: str, jana: Agent, who: dict[str, str]) -> None:
    answer = ask(key, **who)
    assert answer.status_code == 201
    assert answer.json()["expires_in"] == 60
    assert answer.json()["url"].startswith("http://127.0.0.1:8000/window/?ticket=")
    opened = open_ticket(answer.json()["url"])
    assert opened.status_code == 303
    assert urlsplit(opened.headers["Location"]).path == f"/window/{jana.tenant.instance.code}/"
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    cookie = opened.cookies["__Host-ipex-window"]
    assert (cookie["samesite"], cookie["secure"], cookie["httponly"]) == ("None", True, True)
    assert "Partitioned" in cookie.OutputString()


def test_every_ticket_is_audited_and_kept_as_a_digest(key: str, jana: Agent) -> None:
    url = ask(key, login="jana").json()["url"]
    assert AuditEntry.objects.filter(act="window.ticket", target=str(jana.code)).count() == 1
    assert WindowTicket.objects.get().digest not in url


def test_a_ticket_opens_one_window(key: str, jana: Agent) -> None:
    url = ask(key, login="jana").json()["url"]
    assert "__Host-ipex-window" in open_ticket(url).cookies
    second = open_ticket(url)
    assert second.status_code == 303
    assert "__Host-ipex-window" not in second.cookies  # the page behind offers sign-in


def test_a_used_ticket_continues_janas_own_session(key: str, jana: Agent) -> None:
    browser = Client()
    url = ask(key, login="jana").json()["url"]
    open_ticket(url, browser)
    mine = browser.cookies["__Host-ipex-window"].value
    assert open_ticket(url, browser).status_code == 303
    assert browser.cookies["__Host-ipex-window"].value == mine


def test_an_expired_ticket_opens_nothing(key: str, jana: Agent) -> None:
    url = ask(key, login="jana").json()["url"]
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert "__Host-ipex-window" not in open_ticket(url).cookies


def test_an_unknown_ticket_gets_a_page_without_cookies_and_controls(db: None) -> None:
    answer = Client().get("/window/?ticket=invented")
    assert answer.status_code == 404
    assert not answer.cookies
    page = answer.content.decode()
    assert "<script" not in page
    assert "<form" not in page


def test_a_shared_line_is_a_conflict(key: str, jana: Agent, bob: Agent) -> None:
    Agent.objects.filter(pk=bob.pk).update(line="444")
    assert ask(key, line="444").status_code == 409


@pytest.mark.parametrize("who", [{}, {"login": "jana", "line": "444"}, {"name": "jana"}, {"login": ["jana"]}])
def test_a_malformed_question_is_one_sentence(key: str, jana: Agent, who: dict[str, Any]) -> None:
    answer = ask(key, **who)
    assert answer.status_code == 422
    assert list(answer.json()) == ["error"]


def test_strangers_and_disabled_agents_are_one_answer(key: str, jana: Agent, eve: Agent) -> None:
    unknown = ask(key, login="nobody")
    Agent.objects.filter(pk=jana.pk).update(window=False)
    disabled, other_customers = ask(key, login="jana"), ask(key, login="eve")
    assert [answer.status_code for answer in (unknown, disabled, other_customers)] == [404, 404, 404]
    assert unknown.json() == disabled.json() == other_customers.json()


@pytest.mark.parametrize("login", ["ja\x00na", "\x16oQ\x00&º\U000aaaa4", "jana\x7f"])
def test_what_no_database_can_hold_is_nobodys_name(key: str, jana: Agent, login: str) -> None:
    assert ask(key, login=login).status_code == 404


def test_before_the_instance_is_proven_there_are_no_tickets(key: str, jana: Agent) -> None:
    Instance.objects.update(proven_at=None)
    assert ask(key, login="jana").status_code == 404


def test_the_call_in_the_address_is_carried_on(key: str, jana: Agent) -> None:
    url = ask(key, login="jana").json()["url"] + "&number=%2B420602111222&direction=incoming&unique_id=77.1&x=1"
    location = open_ticket(url).headers["Location"]
    assert "number=%2B420602111222" in location
    assert "unique_id=77.1" in location
    assert "ticket" not in location
