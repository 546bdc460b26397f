"""From an empty database to a ringing phone, through the pages only: nobody mails anything to IPEX.

ivana registers Acme; alice, its admin, follows her invitation, connects Microsoft and completes every step; bob follows the
link of his delivered e-mail, signs in, and his phone rings.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import time
from base64 import b32decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from ipexportal.sandbox.directory import SYSTEM_CLIENT_ID, SYSTEM_CLIENT_SECRET
from tests.browser.empty_portal import PASSWORD, Portal, link_in, started
from tests.post_office import text_of

KEY_SCHEME = """tabulka s daty entity = nnn_myLead
id = nnn_myLeadId
phoneNumber = nnn_myPhone1
firstname = nnn_contactName
lastname = nnn_organizationName

položka1 popisek = Počet objednávek
položka1 entita = Account
položka1 identifikátor = myOrdersCount
"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with started(tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest.fixture
def visitors(chromium: Browser, tmp_path: Path) -> Iterator[Any]:
    """A browser of one's own for each person. What a page does wrong or its policy forbids fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def arrive() -> Page:
        context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 1000})
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        contexts.append(context)
        return context.new_page()

    yield arrive
    for context in contexts:
        context.close()
    assert complaints == []


def authenticator(secret: str) -> str:
    """What the app on a phone shows now (RFC 6238)."""
    key = b32decode(secret.strip().replace(" ", "") + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def press(page: Page, name: str, *, role: Any = "button") -> None:
    page.get_by_role(role, name=name, exact=True).first.click()


def open_step(page: Page, portal: Portal, key: str) -> None:
    page.goto(page.url.partition("/portal/")[0] + f"/portal/{code_in(page)}/?step={key}#{key}")


def code_in(page: Page) -> str:
    return page.url.partition("/portal/")[2].partition("/")[0]


def at_microsoft(page: Page, upn: str) -> None:
    """On the stand-in's page."""
    page.locator(f"button[value='{upn}']").click()


# -- the three people, each with what they do --------------------------------------------------------------------------


def ivana_comes_in(page: Page, portal: Portal) -> None:
    """With her password and, from the first time on, a second factor."""
    page.goto(f"{portal.url}/admin/")
    page.get_by_text("Sign in with a password").click()
    page.get_by_label("E-mail").last.fill("ivana@ipex.example")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    page.get_by_text("The picture cannot be scanned").click()
    page.get_by_label("Code").fill(authenticator(page.locator("#key").inner_text()))
    press(page, "Switch on")
    press(page, "Continue", role="link")


def ivana_registers_acme(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/admin/")
    press(page, "New customer", role="link")
    page.get_by_label("Name of the customer").fill("Acme s.r.o.")
    page.get_by_label("E-mail of the customer's admin").fill("alice@acme.example")
    page.locator("#id_language").select_option("en")
    page.get_by_label("Address of the CRM").fill("https://businesscentral.dynamics.com/acme")
    expect(page.get_by_text("Business Central").first).to_be_visible()
    page.get_by_label("Address of the CRM").fill(portal.app)
    expect(page.locator("#understood")).to_contain_text("5f0a7c0e")
    press(page, "Register the customer")
    expect(page.get_by_role("heading", name="Acme s.r.o.")).to_be_visible()


def alice_accepts_her_invitation(page: Page, portal: Portal) -> None:
    page.goto(link_in(portal.mail_to("alice@acme.example"), "/invitation/"))
    page.get_by_label("Name and surname").fill("Alice Veselá")
    press(page, "Make an account")
    message = portal.mail_to("alice@acme.example", about="code")
    page.get_by_label("Code").fill(next(word for word in text_of(message).split() if word.isdigit() and len(word) == 6))
    page.get_by_role("button").filter(has_text="in").first.click()
    expect(page.get_by_role("heading", name="Connecting with Microsoft CRM")).to_be_visible()


def alice_connects_microsoft(page: Page, portal: Portal) -> None:
    open_step(page, portal, "instance")
    press(page, "Connect Microsoft", role="link")
    at_microsoft(page, "alice@acme.example")
    expect(page.get_by_text("Connected: alice@acme.example").first).to_be_visible()


def alice_completes_the_steps(page: Page, portal: Portal) -> None:
    alice_makes_notes_editable(page, portal)
    alice_describes_her_table(page, portal)
    alice_switches_leads_on(page, portal)
    alice_chooses_what_agents_see(page, portal)
    alice_sets_the_system_account_up(page, portal)
    alice_chooses_people(page, portal)


def alice_makes_notes_editable(page: Page, portal: Portal) -> None:
    open_step(page, portal, "from_to")
    press(page, "Change as alice@acme.example")
    expect(page.get_by_text("Notes can be edited in the CRM.").first).to_be_visible()


def alice_describes_her_table(page: Page, portal: Portal) -> None:
    """With a name mistyped, as it happens; the page knows the right one."""
    open_step(page, portal, "own_table")
    press(page, "Describe your table", role="link")
    press(page, "Paste a key scheme", role="link")
    page.locator("#scheme").fill(KEY_SCHEME.replace("nnn_organizationName", "nnn_organisationName"))
    press(page, "Use nnn_organizationName")
    expect(page.locator("#understood")).to_contain_text("verified")
    press(page, "Save table")
    expect(page.get_by_text("nnn_myLead").first).to_be_visible()


def alice_switches_leads_on(page: Page, portal: Portal) -> None:
    open_step(page, portal, "leads")
    press(page, "Decide about leads", role="link")
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_be_checked()


def alice_chooses_what_agents_see(page: Page, portal: Portal) -> None:
    """The key scheme brought one field; she finds another by its Czech label and sees a value of a real record."""
    open_step(page, portal, "fields")
    press(page, "Choose fields", role="link")
    expect(page.locator(".card-row input[name=identifier]")).to_have_count(1)
    page.locator("#card-find").press_sequentially("uverovy limit")
    page.locator("#card-found [role=option]").first.click()
    expect(page.locator(".card-row input[name=identifier]")).to_have_count(2)
    expect(page.locator(".card-row .card-value").first).not_to_be_empty()
    press(page, "Done")
    page.goto(page.url)
    expect(page.locator(".card-row input[name=identifier]")).to_have_count(2)


def alice_sets_the_system_account_up(page: Page, portal: Portal) -> None:
    open_step(page, portal, "system_account")
    press(page, "Set up the system account", role="link")
    page.get_by_label("Application (client) ID").fill(SYSTEM_CLIENT_ID)
    page.get_by_label("Value of the secret").first.fill(SYSTEM_CLIENT_SECRET)
    page.get_by_label("Expires on").first.fill("2028-10-19")
    press(page, "Save and test")
    expect(page.locator("#report")).to_contain_text("Tested", timeout=40_000)


def alice_chooses_people(page: Page, portal: Portal) -> None:
    """The list as it stands in an e-mail, read, shown and applied, with the windows switched on."""
    open_step(page, portal, "people")
    press(page, "Choose people", role="link")
    press(page, "Paste or import", role="link")
    page.locator("#people-text").fill("name;e-mail;login;line\nBob Beneš;bob@acme.example;bob.benes;163\n")
    press(page, "Show what it would do")
    page.get_by_label("Switch the window on for these people").check()
    press(page, "Apply the list")
    expect(page.get_by_text("bob@acme.example").first).to_be_visible()


def alice_goes_live(page: Page, portal: Portal) -> None:
    open_step(page, portal, "live")
    press(page, "Go live")
    expect(page.get_by_text("You are live").first).to_be_visible()


def ivana_makes_a_key(page: Page, portal: Portal) -> str:
    """For the telephone exchange, which IPEX runs; shown this once."""
    page.goto(f"{portal.url}/admin/tenants/apikey/add/")
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("Acme")
    page.locator(".select2-results__option", has_text="Acme s.r.o.").click()
    page.locator("#id_scope").select_option("events")
    page.locator("input[type=submit], button[type=submit]").filter(visible=True).last.click()
    key = page.get_by_text("ipx_events_").first.inner_text().strip()
    return key[key.index("ipx_") :].split()[0]


def bob_activates_his_window(page: Page, portal: Portal) -> None:
    page.goto(link_in(portal.mail_to("bob@acme.example"), "/activate/"))
    page.get_by_role("link", name="Microsoft").click()
    at_microsoft(page, "bob@acme.example")
    expect(page.get_by_text("Activated").first).to_be_visible()


def address_of_the_window(page: Page, portal: Portal) -> str:
    """As ivana copies it into Communicator."""
    page.goto(f"{portal.url}/admin/tenants/tenant/1/change/")
    return page.locator("#window-address").inner_text()


def bobs_phone_rings(page: Page, portal: Portal, window: str, key: str) -> None:
    """The window in a tab of its own; the exchange tells of a call, and the card says who it is."""
    page.goto(window)
    with page.expect_popup() as opened:
        page.locator("[data-popup]").click()
    at_microsoft(opened.value, "bob@acme.example")
    expect(page.locator(".idle-title")).to_be_visible()
    body = {
        "EventName": "Ringing",
        "From": "224551111",
        "Login": "bob.benes",
        "Line": "163",
        "UniqueId": "1700000000.1",
    }
    answer = requests.post(f"{portal.url}/api/v1/events", json=body, auth=("x", key), timeout=10)
    assert answer.status_code == 202
    expect(page.locator("#bar")).to_contain_text("Ringing")
    expect(page.get_by_text("224 551 111").first).to_be_visible()


def test_a_customer_is_set_up_without_a_single_email_to_ipex(visitors: Any, portal: Portal) -> None:
    ivana, alice, bob = visitors(), visitors(), visitors()
    ivana_comes_in(ivana, portal)
    ivana_registers_acme(ivana, portal)
    alice_accepts_her_invitation(alice, portal)
    alice_connects_microsoft(alice, portal)
    alice_completes_the_steps(alice, portal)
    bob_activates_his_window(bob, portal)
    alice_goes_live(alice, portal)
    window, key = address_of_the_window(ivana, portal), ivana_makes_a_key(ivana, portal)
    bobs_phone_rings(bob, portal, window, key)
    ivana.goto(f"{portal.url}/admin/")
    expect(ivana.get_by_role("row", name="Acme s.r.o.")).to_contain_text("In operation")
