"""What the README promises, over the product's addresses alone."""

import base64
import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlsplit

import pytest
import requests
from django.test import Client

from crmwindow.models import Call
from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.demo_data import record_id
from ipexportal.sandbox.visitor import pick
from tenants import api_keys
from tenants.models import Agent, ApiKey, Tenant
from tests.promises.conftest import Open
from tests.window.conftest import OURS

pytestmark = pytest.mark.django_db(transaction=True)
Exchange = Callable[..., str]


def test_two_agents_in_one_call_see_what_each_may_see(
    jana: Agent, bob: Agent, exchange: Exchange, open_window: Open, microsoft: Sandbox
) -> None:
    janas, bobs = open_window(jana), open_window(bob)
    call = exchange("Ringing", "602111222", "jana", unique_id="5.1")
    assert exchange("Ringing", "602111222", "bob", unique_id="5.1") == call
    assert Call.objects.get().legs.count() == 2

    hers, his = (window.ask("matches", call).content.decode() for window in (janas, bobs))
    assert "Alfa s.r.o." in hers
    assert "Alfa" not in his
    assert "data-opens" in his  # an unknown caller, for whom he may make a record
    for window, sees in ((janas, True), (bobs, False)):
        for name in ("state", "shell"):
            assert ("Alfa s.r.o." in window.ask(name).content.decode()) == sees
    alfa = record_id("account", "Alfa s.r.o.")
    assert janas.act("choose", call=call, record=f"account:{alfa}").status_code == 200
    assert bobs.act("choose", call=call, record=f"account:{alfa}").status_code == 404
    assert "Alfa" not in bobs.ask("matches", call).content.decode()
    asked = {seen.upn for seen in microsoft.requests if seen.side == "dataverse" and "/accounts" in seen.path}
    assert asked == {"jana@acme.example", "bob@acme.example"}


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"x:{key}".encode()).decode()}


class Visitor:
    """A stranger with curl and a browser: the frame, and a popup with cookies of its own."""

    def __init__(self, acme: Tenant) -> None:
        self.events = api_keys.create(acme, ApiKey.Scope.EVENTS, "ivana")
        self.tickets = api_keys.create(acme, ApiKey.Scope.WINDOW, "ivana")
        self.frame, self.popup = Client(headers=OURS), Client()

    def curl(self, **event: str) -> str:
        """`curl -u x:KEY -d @ringing.json …/api/v1/events`, which calls its JSON a form."""
        import json

        answer = Client().post(
            "/api/v1/events", json.dumps(event), "application/x-www-form-urlencoded", headers=basic(self.events)
        )
        assert answer.status_code == 202, answer.content
        return str(answer.json()["call"])

    def open_window(self, login: str) -> str:
        asked = Client().post(
            "/api/v1/window-tickets", {"login": login}, "application/json", headers=basic(self.tickets)
        )
        address = urlsplit(asked.json()["url"])
        return str(self.frame.get(f"{address.path}?{address.query}").headers["Location"])

    def sign_in(self, shell: str, upn: str) -> None:
        slot = self.frame.post(f"{shell}sign-in/").content.decode()
        to_microsoft = self.popup.get(one(r'href="([^"]*/window/sign-in/[^"]+)"', slot)).headers["Location"]
        back = urlsplit(pick(to_microsoft, upn))
        done = self.popup.get(f"{back.path}?{back.query}").headers["Location"]
        assert self.popup.get(done).status_code == 200


def one(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return unescape(found[1])


def test_from_the_webhook_to_the_note_in_the_crm(acme: Tenant, jana: Agent, microsoft: Sandbox) -> None:
    visitor = Visitor(acme)
    shell = visitor.open_window("jana")
    visitor.sign_in(shell, "jana@acme.example")
    ringing = {"EventName": "Ringing", "From": "777123456", "To": "222333444", "Line": "444", "Login": "jana",
               "UniqueId": "1412256225.1941", "Queue": "Servis", "Direction": "incoming"}  # fmt: skip
    call = visitor.curl(**ringing)

    assert call in visitor.frame.get(f"{shell}state/").content.decode()
    card = visitor.frame.get(f"{shell}calls/{call}/matches/").content.decode()
    assert "Jana Horáková" in card
    assert "Stavby Morava s.r.o." in card
    visitor.curl(**ringing | {"EventName": "Answered"})
    saved = visitor.frame.post(f"{shell}note/", {"call": call, "text": "Chce nabídku na 3 čerpadla 😀"})
    assert 'data-status="draft"' in saved.content.decode()
    visitor.frame.post(f"{shell}note/send/", {"call": call, "text": "Chce nabídku na 3 čerpadla 😀"})
    shown = visitor.frame.get(f"{shell}calls/{call}/").content.decode()
    assert 'data-status="written"' in shown

    link = one(r'class="note-state written[^>]*>.*?href="(http[^"]+)"', shown.replace("\n", " "))
    assert link.startswith(f"{microsoft.origin}/main.aspx?")
    page = requests.get(link, timeout=10).text
    assert "Chce nabídku na 3 čerpadla 😀" in page
    assert "Jana Nováková" in page
    person = one(r'href="([^"]+main\.aspx[^"]+etn=contact[^"]+)"', card)
    assert "Chce nabídku na 3 čerpadla 😀" in requests.get(person, timeout=10).text


def test_an_unknown_caller_becomes_a_contact_that_opens(acme: Tenant, jana: Agent, microsoft: Sandbox) -> None:
    visitor = Visitor(acme)
    shell = visitor.open_window("jana")
    visitor.sign_in(shell, "jana@acme.example")
    call = visitor.curl(EventName="Ringing", From="604218377", Login="jana", UniqueId="2.2", Direction="incoming")
    card = unescape(visitor.frame.get(f"{shell}calls/{call}/matches/").content.decode())
    place = one(r'data-opens="([^"]+)"', card)
    table, code = one(r'"table": "([^"]+)"', card), one(r'"code": "([^"]+)"', card)
    made = visitor.frame.post(
        f"{shell}create/", {"call": call, "table": table, "code": code, "first_name": "Iva", "last_name": "Nová"}
    )
    assert made.status_code == 200
    tab = visitor.popup.get(place)
    assert tab.status_code == 302
    assert "Nová" in requests.get(tab.headers["Location"], timeout=10).text
    assert visitor.popup.get(place).status_code == 410
