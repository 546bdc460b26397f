"""A new record for an unknown caller, in the tab that the click opened."""

import itertools
import re

import pytest
from django.test import Client

from crmwindow.models import Opening
from tests.window.conftest import text_of

_strangers = itertools.count(604_219_700)


@pytest.fixture
def stranger() -> str:
    """A number that nobody has created yet: the stand-in remembers what other tests made."""
    return str(next(_strangers))


@pytest.fixture
def unknown(jana, jana_window, ring, stranger):
    """An unknown number rings; the options of the card, by table."""
    call = ring(jana, stranger)
    card = jana_window.ask("matches", call.code).content.decode()
    pairs = re.findall(r'"table": "(\w+)", "code": "([\w-]+)"', card.replace("&quot;", '"'))
    return call, dict(pairs)


def test_an_unknown_caller_can_become_a_contact_or_a_lead(unknown):
    _call, codes = unknown
    assert set(codes) == {"contact", "lead"}
    assert all(len(code) >= 20 for code in codes.values())


def test_the_new_contact_is_the_caller_and_opens_in_the_waiting_tab(jana_window, unknown, microsoft):
    call, codes = unknown
    tab = Client()
    waiting = tab.get(f"/window/open/{codes['contact']}/")
    assert waiting.status_code == 200
    assert 'http-equiv="refresh"' in waiting.content.decode()
    answer = jana_window.act("create", call=str(call.code), table="contact", code=codes["contact"],
                             first_name="Lucie", last_name="Nová", company="")  # fmt: skip
    assert 'data-matches="one"' in answer.content.decode()
    assert "Lucie Nová" in text_of(answer)
    opened = tab.get(f"/window/open/{codes['contact']}/")
    assert opened.status_code == 302
    assert opened.headers["Location"].startswith(f"{microsoft.origin}/main.aspx?")
    assert str(Opening.objects.get().record_id) in opened.headers["Location"]


def test_the_tab_opens_the_record_once(jana_window, unknown):
    call, codes = unknown
    jana_window.act("create", call=str(call.code), table="lead", code=codes["lead"], first_name="", last_name="")
    assert Client().get(f"/window/open/{codes['lead']}/").status_code == 302
    assert Client().get(f"/window/open/{codes['lead']}/").status_code == 410


def test_a_double_click_makes_one_record(jana_window, unknown, microsoft):
    call, codes = unknown
    values = {"call": str(call.code), "table": "contact", "code": codes["contact"], "last_name": "Dvojklik"}
    first, second = jana_window.act("create", **values), jana_window.act("create", **values)
    assert (first.status_code, second.status_code) == (200, 200)
    assert Opening.objects.count() == 1


def test_what_cannot_be_created_keeps_the_names_and_says_why(jana_window, unknown):
    call, _codes = unknown
    answer = jana_window.act("create", call=str(call.code), table="systemuser", code="x" * 22,
                             first_name="Lucie", last_name="Nová")  # fmt: skip
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert 'value="Lucie"' in answer.content.decode()


def test_lena_may_not_create_leads_and_sees_it_beforehand(lena, open_window, ring, stranger):
    window = open_window(lena)
    card = window.ask("matches", ring(lena, stranger).code).content.decode()
    lead = re.search(r"<li>(?:(?!</li>).)*(?:New lead|Nový lead).*?</li>", card, re.S)[0]
    assert 'aria-disabled="true"' in lead
    assert "hx-post" not in lead


def test_a_tab_that_nobody_fills_stops_waiting(db):
    answer = Client().get("/window/open/abcdefghijklmnopqrstuv/", {"n": "20"})
    assert answer.status_code == 410
    assert "refresh" not in answer.content.decode()


def test_nobody_creates_under_somebody_elses_code(bob, jana_window, unknown, open_window, ring):
    call, codes = unknown
    window = open_window(bob)
    theirs = ring(bob, "604219999")
    jana_window.act("create", call=str(call.code), table="contact", code=codes["contact"], last_name="Jana")
    answer = window.act("create", call=str(theirs.code), table="contact", code=codes["contact"], last_name="Bob")
    assert answer.status_code == 422
    assert Opening.objects.get().agent.email == "jana@acme.example"
