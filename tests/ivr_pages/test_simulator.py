"""Alice tries a function out on the page: the real CRM answers, and nothing changes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from crmwindow.models import IvrAttempts, IvrFunction, IvrStep
from ipexportal.sandbox import Sandbox
from tenants.models import AuditEntry, SystemAccount, Tenant
from tests.ivr_pages.conftest import COMPLAINT, PIN, Browser, words

pytestmark = pytest.mark.django_db
PIN = PIN | {"seconds": "10"}  # a busy machine has its time
JANA_HORAKOVA = {"try_number": "777 123 456", "try_value": "4711"}


def answer_in(page: Any) -> dict[str, Any]:
    """The JSON that the page shows."""
    text = re.search(r'<pre class="ivr-answer">(.*?)</pre>', page.content.decode(), re.DOTALL)
    assert text, words(page)
    found: dict[str, Any] = json.loads(text[1].replace("&quot;", '"'))
    return found


def test_right_pin_is_verified_before_the_function_is_saved(browser: Browser, acme: Tenant) -> None:
    page = browser.post("try", **PIN, **JANA_HORAKOVA)
    assert answer_in(page)["result"] == "verified"
    assert acme.ivr_functions.count() == 0


def test_wrong_pin_is_refused_and_never_shown(browser: Browser, acme: Tenant) -> None:
    page = browser.post("try", **PIN, try_number="777 123 456", try_value="0911-wrong")
    assert answer_in(page)["result"] == "refused"
    assert "0911-wrong" not in page.content.decode()
    assert "4711" not in page.content.decode()


def test_present_values_of_a_stored_function_are_tried(browser: Browser, pin: IvrFunction) -> None:
    changed = PIN | {"function": str(pin.code), "column": "jobtitle", "comparison": "case"}
    page = browser.post("try", **changed, try_number="777123456", try_value="obchodní ředitelka")
    assert answer_in(page)["result"] == "verified"
    pin.refresh_from_db()
    assert pin.column == "nnn_Pin"


def test_trying_counts_nothing_and_leaves_no_step(browser: Browser, pin: IvrFunction) -> None:
    for _time in range(5):
        browser.post("try", **PIN, function=str(pin.code), try_number="777123456", try_value="0000")
    page = browser.post("try", **PIN, function=str(pin.code), **JANA_HORAKOVA)
    assert answer_in(page)["result"] == "verified"
    assert (IvrAttempts.objects.count(), IvrStep.objects.count()) == (0, 0)


def test_trying_is_audited_without_the_value(browser: Browser, acme: Tenant) -> None:
    browser.post("try", **PIN, **JANA_HORAKOVA)
    entry = AuditEntry.objects.get(tenant=acme, act="ivr.tried")
    assert (entry.actor, entry.target, "4711" in str(entry.after)) == ("alice", "overeni_pin", False)


def test_page_tells_what_was_done_and_what_dataverse_was_asked(browser: Browser) -> None:
    said = words(browser.post("try", **PIN, **JANA_HORAKOVA))
    assert "+420 777 123 456" in said
    assert "What Dataverse was asked" in said
    assert re.search(r"GET \S+ 200 · \d+ ms", said)
    assert re.search(r"\d+ ms of 10000 ms", said)


def test_script_gets_only_what_came_back(browser: Browser) -> None:
    page = browser.post("try", htmx="outcome", **PIN, **JANA_HORAKOVA)
    assert page.content.decode().lstrip().startswith('<div id="outcome"')
    assert answer_in(page)["result"] == "verified"


def test_look_up_is_tried(browser: Browser) -> None:
    page = browser.post("try", kind="lookup", name="kdo", try_number="777 123 456")
    assert (answer_in(page)["result"], answer_in(page)["name"]) == ("found", "Jana Horáková")


def test_what_is_missing_is_said_and_nobody_asked(browser: Browser, microsoft: Sandbox) -> None:
    said = words(browser.post("try", htmx="outcome", **(PIN | {"column": ""}), try_number="", try_value=""))
    assert "Enter a number that somebody in your CRM has." in said
    assert "Enter the value that the caller would key in." in said
    assert "Choose the table and the column first, then run it." in said


def test_without_system_account_the_answer_is_unavailable(
    browser: Browser, acme: Tenant, account: SystemAccount
) -> None:
    account.delete()
    page = browser.post("try", **PIN, **JANA_HORAKOVA)
    assert answer_in(page) == {"result": "unavailable", "reason": "no_system_account"}


@pytest.mark.parametrize(
    "hostile", ["' or 1 eq 1", "<fetch/>", "%", "x" * 20_000, "\x00\u202e", "') or startswith(nnn_pin,'"]
)
def test_hostile_values_are_refused_calmly(browser: Browser, hostile: str) -> None:
    page = browser.post("try", **PIN, try_number="777 123 456", try_value=hostile)
    assert (page.status_code, answer_in(page)["result"]) == (200, "refused")
    page = browser.post("try", **PIN, try_number=hostile, try_value="4711")
    assert (page.status_code, answer_in(page)["result"]) == (200, "refused")


def test_hostile_settings_are_tried_calmly(browser: Browser) -> None:
    evil = "x' or 1 eq 1"
    page = browser.post("try", **(PIN | {"column": evil, "entity": evil, "name": "x" * 5000}), **JANA_HORAKOVA)
    assert page.status_code == 200
    assert answer_in(page)["result"] == "unavailable"


def test_write_is_tried_without_writing(browser: Browser, microsoft: Sandbox) -> None:
    microsoft._application.forget_requests()
    values = {"try_value_serial": "R4-1", "try_value_text": "Nejede"}
    page = browser.post("try", **COMPLAINT, try_number="777 123 456", **values)
    body = answer_in(page)["body"]
    assert (body["nnn_serial"], body["nnn_description"], body["nnn_source"]) == ("R4-1", "Nejede", "IVR")
    assert [name for name in body if name.startswith("nnn_CustomerId")] == ["nnn_CustomerId_contact@odata.bind"]
    assert "It would be written" in words(page)
    asked = [one for one in microsoft.control.state(last=500)["requests"] if one["side"] == "dataverse"]
    assert {one["method"] for one in asked} == {"GET"}


def test_write_that_the_crm_would_refuse_says_why(browser: Browser) -> None:
    said = words(browser.post("try", **COMPLAINT, try_number="777 123 456", try_value_serial="x" * 41))
    assert "It would be refused" in said
    assert "the text is longer than the 40 characters the CRM allows." in said
