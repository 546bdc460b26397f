"""Whole jobs with every logger at DEBUG: nothing that was written down holds a number, a note, a token or a secret."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from huey.contrib.djhuey import HUEY

from crmwindow.models import Note
from ipexportal.logs import JsonFormatter
from ipexportal.sandbox import Sandbox, directory
from tenants import api_keys, entra
from tenants.models import Agent, AuditEntry, OutgoingMail, SystemAccount
from tests import signed_in
from tests.ivr.conftest import Menu, account, metadata, nothing_remembered
from tests.window.conftest import Window, patience, ring

__all__ = ["account", "metadata", "nothing_remembered", "patience", "ring"]
pytestmark = pytest.mark.django_db
NOTE = "Chce vrátit zálohu za kotel 4711"
NUMBERS = ("777123456", "777 123 456", "420777123456")


class Written(logging.Handler):
    """All that any logger says, as production's formatter writes it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def written() -> Any:
    handler, root = Written(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


def secrets_of(agent: Agent, account: SystemAccount) -> set[str]:
    """Whatever opens something, as text."""
    found = {directory.CLIENT_SECRET, directory.SYSTEM_CLIENT_SECRET}
    for cache in (agent.token_cache, account.token_cache):
        for kind in ("AccessToken", "RefreshToken", "IdToken"):
            found |= {entry["secret"] for entry in json.loads(cache).get(kind, {}).values()}
    return found


def test_a_day_at_work_leaves_nothing_in_the_logs(
    jana: Agent, alice: User, account: SystemAccount, metadata: Any, microsoft: Sandbox, written: Written
) -> None:
    jana = signed_in.sign_in(jana)
    signed_in.know_tables(jana)
    window = Window(jana)
    window.enter()
    cookie = window.cookies["__Host-ipex-window"].value
    events = api_keys.create(jana.tenant, "events", "ivana")
    menu = Menu(jana.tenant)
    call = _ring(events, "Ringing")
    for part in ("state", "shell"):
        window.ask(part, number="777123456", unique_id="1.1")
    for part in ("call", "who", "matches", "details", "history"):
        window.ask(part, call)
    window.act("note", call=call, text=NOTE)
    window.act("note_send", call=call, text=NOTE)
    menu.ask("lookup", {"number": "777123456"})
    menu.ask("verify", {"number": "777123456", "unique_id": "1.1", "function": "none", "value": "4711"})
    _ring(events, "Hangup")
    entra.token_for(jana, budget=entra.Budget(10), force=True)
    jana.refresh_from_db()
    for trouble in ("unavailable", "throttle", "html"):
        microsoft.control.fault(trouble)
        window.ask("matches", call)
        microsoft.control.reset()
    password = "alice-has-a-long-password"
    browser = Client()
    browser.post(reverse("account_login"), {"login": alice.email, "password": password + "-wrong"})
    browser.post(reverse("account_login"), {"login": alice.email, "password": password})
    browser.post(reverse("account_request_login_code"), {"email": alice.email})
    browser.get("/window/open/nobodys-code-000000000000/")
    browser.get("/invitation/0123456789abcdef.nobodys/")
    said = "\n".join(written.lines)
    forbidden = {*NUMBERS, NOTE, "Horáková", password, cookie, events, menu.key, *secrets_of(jana, account)}
    assert len(written.lines) > 5
    assert {text for text in forbidden if text in said} == set()
    assert "nobodys" not in said
    assert Note.objects.count() == 1

    kept = str([list(model._default_manager.values()) for model in (AuditEntry, OutgoingMail)])
    kept += str([session.get_decoded() for session in Session.objects.all()])
    kept += str(HUEY.pending()) + str(HUEY.scheduled())
    assert {text for text in forbidden if text in kept} == set()


def _ring(key: str, name: str) -> str:
    body = {"EventName": name, "From": "777123456", "To": "224000000", "Login": "jana", "UniqueId": "1.1",
            "Direction": "incoming"}  # fmt: skip
    basic = base64.b64encode(f"x:{key}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    answer = Client().post("/api/v1/events", body, content_type="application/json", headers=headers)
    return str(answer.json()["call"])


# -- what others say ---------------------------------------------------------------------------------------------------

SAID = {
    "GET /window/?number=777123456&unique_id=1": "GET /window/?…",
    "Not Found: /activate/0123456789abcdef0123.aZ-_9/": "Not Found: /activate/…",
    "Not Found: /signin/microsoft/consent/0123456789abcdef.aZ/go/": "Not Found: /signin/microsoft/consent/…",
    "Not Found: /window/open/0123456789abcdefghij/": "Not Found: /window/open/…",
    "key ipx_events_abcDEF-_123 was used": "key … was used",
    "Authorization: Bearer abc.def-ghi": "Authorization: Bearer …",
    "Authorization: Basic eDppcHhfZXZlbnRz": "Authorization: Basic …",
    "token eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiIx.abc": "token …",
    "called 777123456 and +420777123456, 777 123 456": "called … and …, …",
    "request 5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11 took 1204 ms": "request 5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11 took 1204 ms",
}


@pytest.mark.parametrize(("said", "line"), SAID.items())
def test_what_a_library_says_is_searched(said: str, line: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (said,), None)
    assert json.loads(JsonFormatter().format(record))["message"] == line


def test_a_database_that_quotes_a_row_is_not_believed() -> None:
    try:
        raise IntegrityError("duplicate key\nDETAIL:  Key (email)=(jana@acme.example) already exists.")
    except IntegrityError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "oh", (), (type(error), error, error.__traceback__))
    assert "jana@acme.example" not in JsonFormatter().format(record)


def test_a_line_break_in_what_was_sent_makes_no_second_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", ('/x\n{"level": "INFO", "message": "forged"}',), None)
    assert JsonFormatter().format(record).count("\n") == 0
