"""The list, the form while it changes, what the voice menu's author copies, and acts on a stored function."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crmwindow.models import IvrFunction, IvrStep
from tenants.models import Tenant
from tests.ivr_pages.conftest import COMPLAINT, PIN, Browser, words

pytestmark = pytest.mark.django_db


def step(function: IvrFunction, result: str) -> None:
    IvrStep.objects.create(
        tenant=function.tenant, function=function, kind=function.kind, result=result, at=timezone.now()
    )


def test_first_function_is_offered_by_what_it_does(browser: Browser) -> None:
    said = words(browser.get("page"))
    assert "No function yet" in said
    assert "Find the caller" in said


def test_list_tells_what_happened_today(browser: Browser, pin: IvrFunction) -> None:
    step(pin, "verified")
    step(pin, "refused")
    said = words(browser.get("page"))
    assert "Verified by PIN overeni_pin Verifies" in said
    assert re.search(r"\b2 refused\b", said)


@pytest.mark.parametrize("rows", [1, 3])
def test_list_takes_few_queries(browser: Browser, acme: Tenant, rows: int, django_assert_num_queries: Any) -> None:
    for number in range(rows):
        row = acme.ivr_functions.create(name=f"f{number}", kind="verify", entity="contact", column="nnn_pin")
        step(row, "verified")
    browser.get("page")
    with django_assert_num_queries(8):
        browser.get("page")


def test_tab_leads_to_the_functions_and_back(browser: Browser, acme: Tenant) -> None:
    account = browser.client.get(reverse("portal:ivr", args=[acme.code])).content.decode()
    assert browser.at("page") in account
    assert reverse("portal:ivr", args=[acme.code]) in browser.get("page").content.decode()


def test_stored_function_is_shown_as_it_is(browser: Browser, pin: IvrFunction) -> None:
    html = browser.get("show", pin.code).content.decode()
    assert '<option value="nnn_Pin" selected>PIN (nnn_Pin)</option>' in html
    assert 'value="overeni_pin"' in html
    assert re.search(r"Filled in \d+ of \d+ records\.", html)


def test_body_to_copy_is_json_with_the_menus_variables(browser: Browser, pin: IvrFunction) -> None:
    html = browser.get("show", pin.code).content.decode()
    body = re.search(r'<pre id="copy-body">(.*?)</pre>', html, re.DOTALL)
    assert body
    assert json.loads(body[1].replace("&quot;", '"')) == {
        "number": "${CALLER}", "unique_id": "${UNIQUEID}", "function": "overeni_pin", "value": "${DTMF}",
    }  # fmt: skip
    assert "/api/v1/ivr/verify" in html


def test_addresses_to_copy_are_those_of_the_api(browser: Browser, pin: IvrFunction) -> None:
    known = browser.client.get("/api/v1/openapi.json").json()["paths"]
    assert {"/api/v1/ivr/lookup", "/api/v1/ivr/verify", "/api/v1/ivr/write"} <= set(known)


def test_another_kind_shows_its_settings_and_keeps_what_was_typed(browser: Browser) -> None:
    page = browser.post("edit", htmx="parts", **(PIN | {"kind": "write", "entity": "nnn_mylead", "seconds": "0,9"}))
    html = page.content.decode()
    assert html.lstrip().startswith('<div id="parts">')
    assert 'name="daily_cap"' in html
    assert 'value="0,9"' in html
    assert set(re.findall(r'hx-post="([^"]*)"', html)) == {browser.at("edit"), browser.at("try")}
    assert 'hx-swap-oob="true"' in html


def test_row_is_dropped_without_a_script(browser: Browser) -> None:
    html = browser.post("edit", **COMPLAINT, act="drop_variable:0").content.decode()
    assert re.findall(r'name="variable" value="(\w*)"', html) == ["text", ""]


def test_typed_texts_only_change_what_follows_from_them(browser: Browser) -> None:
    html = browser.post("edit", htmx="menu", **(PIN | {"name": "jinak"})).content.decode()
    assert html.lstrip().startswith('<section class="ivr-part" id="menu"')
    assert "jinak" in html
    assert 'id="parts"' not in html


def test_identifying_column_is_checked_with_live_values(browser: Browser) -> None:
    values = PIN | {"kind": "identify", "entity": "nnn_mylead", "column": "nnn_Serial"}
    assert "newest values stands in one record only." in words(browser.post("edit", htmx="parts", **values))


def test_switching_off_and_on(browser: Browser, pin: IvrFunction) -> None:
    said = words(browser.client.get(browser.post("switch", pin.code, on="0").url))
    assert "“Verified by PIN” is switched off. The voice menu gets 404 for it." in said
    pin.refresh_from_db()
    assert pin.enabled is False
    browser.post("switch", pin.code, on="1", back="list")
    pin.refresh_from_db()
    assert pin.enabled is True


def test_function_switched_off_stays_off_when_it_is_saved(browser: Browser, pin: IvrFunction) -> None:
    browser.post("switch", pin.code, on="0")
    browser.save(PIN, function=str(pin.code), attempts="4")
    pin.refresh_from_db()
    assert (pin.enabled, pin.attempts) == (False, 4)


def test_removing(browser: Browser, pin: IvrFunction, acme: Tenant) -> None:
    assert "is removed." in words(browser.client.get(browser.post("remove", pin.code).url))
    assert acme.ivr_functions.count() == 0
    assert browser.save(PIN, function=str(pin.code)).status_code == 404


def test_functions_of_another_customer_are_not_there(browser: Browser, beta: Tenant, otto: User) -> None:
    theirs = beta.ivr_functions.create(name="jejich", kind="lookup")
    for act in ("show", "switch", "remove"):
        ask = browser.get if act == "show" else browser.post
        assert ask(act, theirs.code).status_code == 404
    for act in ("save", "edit", "try"):
        assert browser.post(act, **PIN, function=str(theirs.code)).status_code == 404
    assert beta.ivr_functions.get().name == "jejich"


def test_eves_colleague_finds_nothing_of_acme(acme: Tenant, otto: User, pin: IvrFunction) -> None:
    client = Client()
    client.force_login(otto)
    for name, rest in (("page", []), ("show", [pin.code]), ("new", [])):
        assert client.get(reverse(f"ivr_functions:{name}", args=[acme.code, *rest])).status_code == 404


@pytest.mark.parametrize("code", ["", "nonsense", str(uuid.UUID(int=0)), "x" * 5000, "\x00"])
def test_code_of_nothing(browser: Browser, code: str) -> None:
    assert browser.post("edit", **PIN, function=code).status_code == (200 if not code else 404)


def test_customer_without_an_address_is_led_to_it(alice: User) -> None:
    new = Tenant.objects.create(slug="new", name="Nová s.r.o.")
    new.memberships.create(user=alice)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(alice)
    assert "Enter the address of your CRM first" in words(client.get(reverse("ivr_functions:page", args=[new.code])))
    assert client.get(reverse("ivr_functions:new", args=[new.code])).status_code == 302
    assert client.post(reverse("ivr_functions:save", args=[new.code]), PIN).status_code == 404
