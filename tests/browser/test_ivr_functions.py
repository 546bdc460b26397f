"""Each kind of IVR function is made by form and run in the simulator of its page, against the demo's CRM."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Demo

JANA_HORAKOVA = "777 123 456"


def next_code(telephone: Page, demo: Demo, used: str) -> str:
    """Of ivana's second factor; a code is taken once, and a new one comes every half a minute."""
    for _ in range(40):
        telephone.goto(f"{demo.portal}/simulator/code/")
        shown = re.search(r"\b\d{3} \d{3}\b", telephone.inner_text("body"))
        assert shown
        if shown[0] != used:
            return shown[0]
        telephone.wait_for_timeout(1000)
    raise AssertionError("the telephone shows no new code")


def is_let_in(page: Page, code: str) -> bool:
    """A code that has changed meanwhile is refused."""
    page.get_by_label("Code").fill(code.replace(" ", ""))
    with page.expect_response(lambda answer: answer.request.method == "POST") as told:
        page.get_by_role("button", name="Sign in", exact=True).click()
    return told.value.status == 302


@pytest.fixture
def functions(person: BrowserContext, demo: Demo) -> Page:
    """Ivana at Acme's functions."""
    page = person.new_page()
    page.goto(f"{demo.portal}/admin/")
    page.get_by_text("Sign in with a password").click()
    page.get_by_label("E-mail").last.fill("ivana@ipex.example")
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Sign in", exact=True).first.click()
    page.get_by_label("Code").wait_for()
    telephone = person.new_page()
    used = ""
    for _ in range(4):
        used = next_code(telephone, demo, used)
        if is_let_in(page, used):
            break
    telephone.close()
    page.wait_for_url("**/admin/**")
    page.goto(f"{demo.portal}/admin/tenants/tenant/1/change/")
    portal = re.search(r"/portal/[0-9a-f-]{36}/", page.content())
    assert portal
    page.goto(f"{demo.portal}{portal[0]}ivr/functions/")
    return page


def make(page: Page, kind: str, title: str, table: str = "") -> None:
    page.goto(page.url.partition("/functions/")[0] + "/functions/")
    page.get_by_role("link", name="New function").click()
    radio = page.get_by_role("radio", name=kind)
    if not radio.is_checked():
        with page.expect_response(lambda answer: answer.url.endswith("/edit/")):
            radio.check()
        page.wait_for_timeout(100)
    page.get_by_label("Title for people").fill(title)
    if table:
        choose(page, "#field-entity", table)


def choose(page: Page, place: str, value: str) -> None:
    """And wait for what follows from it."""
    with page.expect_response(lambda answer: answer.url.endswith("/edit/")):
        page.locator(place).select_option(value)
    page.wait_for_timeout(100)  # until it is in its place


def run(page: Page) -> Any:
    with page.expect_response(lambda answer: answer.url.endswith("/try/")):
        page.locator("#try-run").click()
    return json.loads(page.locator(".ivr-answer").inner_text())


def save(page: Page) -> None:
    page.locator(".ivr-save-head").click()
    expect(page.locator("#messages")).to_contain_text("Saved. The voice menu gets it from the next call on.")


def test_each_kind_is_made_by_form_and_tried_out(functions: Page, demo: Demo) -> None:
    page, turn = functions, demo.turn  # a function made in an earlier try is there already
    finds(page, f"Who {turn}", f"who_{turn}")
    verifies(page, f"Secret number {turn}")
    identifies(page, f"Serial number {turn}")
    writes(page, f"Repair {turn}")
    page.get_by_role("link", name="IVR", exact=True).last.click()
    for name in ("who", "secret_number", "serial_number", "repair"):
        expect(page.get_by_text(f"{name}_{turn}", exact=True)).to_be_visible()


def finds(page: Page, title: str, name: str) -> None:
    make(page, "Finds", title)
    expect(page.locator("#field-name")).to_have_value(name)
    page.get_by_label("Caller's number").fill(JANA_HORAKOVA)
    assert run(page)["name"] == "Jana Horáková"
    save(page)
    expect(page.locator("#copy-body")).to_contain_text(f'"function": "{name}"')


def verifies(page: Page, title: str) -> None:
    make(page, "Verifies", title, "contact")
    choose(page, "#field-column", "nnn_Pin")
    expect(page.locator("#parts")).to_contain_text("Filled in")
    page.get_by_label("Caller's number").fill(JANA_HORAKOVA)
    page.get_by_label("Value keyed in").fill("0000")
    assert run(page) == {"result": "refused"}
    page.get_by_label("Value keyed in").fill("4711")
    with page.expect_response(lambda answer: answer.url.endswith("/try/")):
        page.get_by_label("Value keyed in").press("Enter")  # runs it, saves nothing
    expect(page.locator(".ivr-verdict")).to_contain_text("Verified")
    expect(page.locator(".ivr-steps")).to_contain_text("+420 777 123 456")
    page.get_by_text("What Dataverse was asked").click()
    expect(page.locator(".ivr-asked")).to_contain_text("GET")
    save(page)


def identifies(page: Page, title: str) -> None:
    make(page, "Identifies", title, "nnn_mylead")
    choose(page, "#field-column", "nnn_Serial")
    expect(page.locator("#parts .facts")).to_contain_text("newest values")
    page.get_by_label("Value keyed in").fill("SN-nobody-has")
    assert run(page) == {"result": "refused"}
    save(page)


def writes(page: Page, title: str) -> None:
    make(page, "Writes", title, "nnn_mylead")
    choose(page, "#target-0", "nnn_Serial")
    choose(page, "#target-1", "nnn_Description")
    page.locator("#variable-0").fill("serial")
    page.locator("#variable-1").fill("text")
    choose(page, "#constant-column-0", "nnn_Source")
    page.locator("#constant-0").fill("IVR")
    page.locator("#field-caller_column").select_option("nnn_CustomerId")
    page.get_by_label("Caller's number").fill(JANA_HORAKOVA)
    page.locator("[name=try_value_serial]").fill("R4-9")
    page.locator("[name=try_value_text]").fill("Nejede")
    body = run(page)["body"]
    assert (body["nnn_serial"], body["nnn_description"], body["nnn_source"]) == ("R4-9", "Nejede", "IVR")
    save(page)
