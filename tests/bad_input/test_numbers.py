"""Numbers that are none, that lost their plus, or that the caller hides: a card of their own, and a note all the same."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from crmwindow.models import Call, Note
from ipexportal.sandbox import Sandbox
from tests.window.conftest import Window, text_of

pytestmark = pytest.mark.django_db
Announce = Callable[..., Any]
HIDDEN = "The caller hides the number So we do not search the CRM. Once the caller says who it is,"
NO_NUMBER = "The exchange sent something that no number can be read from, so we do not search the CRM."


def asked(microsoft: Sandbox) -> int:
    return sum(seen.side == "dataverse" for seen in microsoft.requests)


@pytest.mark.parametrize(
    ("number", "caller", "sentence"),
    [
        ("kocour", "unreadable", NO_NUMBER),
        ("+420", "unreadable", NO_NUMBER),
        ("9" * 40, "unreadable", NO_NUMBER),
        ("<script>alert(1)</script>", "unreadable", NO_NUMBER),
        ("Anonymous", "withheld", HIDDEN),
        ("", "withheld", HIDDEN),
        ("444", "internal", "Internal calls are neither looked up nor written to the CRM."),
    ],
)
def test_whatever_is_no_number_has_a_card_with_one_sentence_and_keeps_the_note(
    window: Window, announce: Announce, microsoft: Sandbox, number: str, caller: str, sentence: str
) -> None:
    before = asked(microsoft)
    shown = announce(number, unique_id="3.1")
    assert shown.status_code == 200
    assert sentence in text_of(shown)
    assert "<script>alert" not in shown.content.decode()
    call = Call.objects.get()
    assert call.caller == caller
    assert window.act("note", call=str(call.code), text="Nebylo rozumět").status_code == 200
    assert Note.objects.get().text == "Nebylo rozumět"
    assert asked(microsoft) == before


@pytest.mark.parametrize("number", ["x" * 201, "777\x00123456"])
def test_what_no_exchange_would_say_is_refused_with_a_sentence(announce: Announce, number: str) -> None:
    answer = announce(number)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.content.decode() in {
        "The value of number is longer than 200 characters.", "The value of number holds control characters."
    }  # fmt: skip
    assert not Call.objects.exists()


@pytest.mark.parametrize("spelt", ["number=+420777123456", "number=%20420777123456", "number=%2B420777123456"])
def test_a_plus_that_an_address_lost_is_found_again(window: Window, announce: Announce, spelt: str) -> None:
    """The page reads its own address as browsers do, and so does Django's client."""
    page = window.get(f"/window/{window.code}/?{spelt}&direction=incoming")
    assert page.status_code == 200
    said = page.wsgi_request.GET["number"]
    assert said.strip(" +") == "420777123456"
    announce(said)
    assert Call.objects.get().number == "+420777123456"


def test_a_plus_survives_the_way_through_a_ticket(window: Window) -> None:
    key_address = window.enter(number=" 420777123456", unique_id="3.9").headers["Location"]
    page = window.get(key_address)
    assert page.wsgi_request.GET["number"] == " 420777123456"


def test_numbers_of_a_webhook_are_judged_the_same(hook: Callable[..., Any], window: Window) -> None:
    for place, (number, stored) in enumerate(
        [(" 420777123456", "+420777123456"), ("00420 777-123-456", "+420777123456"), ("kocour", "kocour")]
    ):
        hook({"EventName": "Ringing", "From": number, "Login": "jana", "UniqueId": f"3.{place}"})
        assert Call.objects.get(unique_id=f"3.{place}").number == stored


def test_an_address_with_a_number_but_without_a_customer_says_so(db: None) -> None:
    page = Client(headers={"Accept-Language": "en"}).get("/window/?number=+420777123456")
    assert page.status_code == 404
    assert "The address of the CRM window ends with the code of your company's CRM." in text_of(page).replace(
        "&#x27;", "'"
    )
    assert "420777123456" not in page.content.decode()


def test_an_unknown_customer_is_not_found(db: None) -> None:
    for code in ("00000000-0000-4000-8000-000000000000", "acme"):
        page = Client(headers={"Accept-Language": "en"}).get(f"/window/{code}/")
        assert page.status_code == 404
        assert "There is nothing at this address" in text_of(page)
