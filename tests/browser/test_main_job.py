"""What a stranger does with the demo, in a cross-site frame with third-party cookies blocked."""

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Demo, Desk


@pytest.fixture
def at_work(jana: Desk) -> Desk:
    """jana, signed in."""
    return jana.at_work("jana@acme.example")


def test_third_party_data_is_blocked_and_the_window_s_cookie_lives_in_the_page_s_partition(
    person: BrowserContext, jana: Desk
) -> None:
    cookies = [cookie for cookie in person.cookies() if cookie["name"] == "__Host-ipex-window"]
    assert [cookie.get("partitionKey") for cookie in cookies] == ["http://localhost"]
    assert (cookies[0]["httpOnly"], cookies[0]["secure"], cookies[0]["sameSite"]) == (True, True, "None")
    assert jana.frame.evaluate("document.cookie = 'third=party; SameSite=None; Secure'; document.cookie") == ""


def test_jana_signs_in_sees_who_calls_writes_a_note_and_finds_it_in_the_crm(at_work: Desk) -> None:
    at_work.call("alfa")
    expect(at_work.name).to_have_text("Alfa s.r.o.")
    expect(at_work.bar).to_have_attribute("data-call-state", "ringing")
    at_work.press("answer")
    expect(at_work.bar).to_have_attribute("data-call-state", "answered")
    at_work.note.fill("Chtějí posunout servis čerpadla na pátek.")
    expect(at_work.note_state).to_have_attribute("data-status", "draft")
    at_work.send_note()
    expect(at_work.note_state).to_have_attribute("data-status", "written")
    with at_work.page.context.expect_page() as opened:
        at_work.window.locator("#acts a.primary").click()
    crm = opened.value
    expect(crm.locator("body")).to_contain_text("Alfa s.r.o.")
    call = crm.locator("body").get_by_text("Chtějí posunout servis čerpadla na pátek.").first
    expect(call).to_be_visible()
    expect(crm.locator("body")).to_contain_text("Jana Nováková")


def test_an_unknown_caller_becomes_a_contact_and_its_record_opens(at_work: Desk) -> None:
    at_work.call("unknown")
    expect(at_work.window.locator("#matches")).to_have_attribute("data-matches", "unknown")
    at_work.window.locator("#last-name").fill("Nová")
    contact = at_work.window.locator(".create-option[hx-vals*='\"contact\"']")
    with at_work.page.context.expect_page() as opened:
        contact.click()
    crm = opened.value
    crm.wait_for_url(re.compile(r"/main\.aspx\?.*etn=contact"))
    expect(crm.locator("body")).to_contain_text("Nová")
    expect(crm.locator("body")).to_contain_text(re.compile(r"604.?218.?330"))
    expect(at_work.name).to_contain_text("Nová")


def test_a_real_webhook_rings_in_the_window(at_work: Desk, demo: Demo) -> None:
    ringing = {"EventName": "Ringing", "From": "777123456", "Line": "444", "UniqueId": "curl.1"}
    assert demo.event(**ringing).status_code == 202
    expect(at_work.name).to_have_text("Jana Horáková")
    demo.event(EventName="Hangup", UniqueId="curl.1", Line="444", Reason="Normal Clearing")
    expect(at_work.bar).not_to_have_attribute("data-call-state", "ringing")


def test_the_page_around_the_window_announces_a_call(at_work: Desk, demo: Demo) -> None:
    message = {
        "type": "ipex.call",
        "v": 1,
        "uniqueId": demo.unique("host.1"),
        "direction": "incoming",
        "number": "605333444",
    }
    at_work.page.evaluate(
        "([message, origin]) => document.getElementById('crm-window').contentWindow.postMessage(message, origin)",
        [message, demo.portal],
    )
    expect(at_work.name).to_have_text("Lucie Marková")
    demo.event(EventName="Hangup", UniqueId="host.1", Line="444", Reason="Normal Clearing")


def test_the_session_survives_a_reload_of_the_page(at_work: Desk, demo: Demo) -> None:
    at_work.page.reload()
    expect(at_work.window.locator(".idle-title")).to_be_visible()
    expect(at_work.window.locator("[data-popup]")).to_have_count(0)


def test_several_records_are_ranked_and_the_choice_is_remembered(at_work: Desk) -> None:
    at_work.call("elektro")
    options = at_work.window.locator(".option")
    expect(options.first).to_be_visible()
    assert options.count() >= 3
    chosen = options.nth(1).locator(".option-name").inner_text()
    options.nth(1).click()
    at_work.window.locator("#confirm").click()
    expect(at_work.name).to_have_text(chosen)
    at_work.press("hang_up")
    at_work.call("elektro")
    expect(at_work.name.or_(options.first.locator(".option-name"))).to_have_text(chosen)


def test_a_note_waits_for_the_sign_in_and_goes_out_by_itself(at_work: Desk) -> None:
    at_work.call("expired")
    expect(at_work.bar).to_have_attribute("data-call-state", "ringing")
    at_work.note.fill("Počká, až se přihlásím.")
    at_work.send_note()
    expect(at_work.window.locator("[data-popup]").first).to_be_visible()
    expect(at_work.note).to_have_value("Počká, až se přihlásím.")
    at_work.sign_in("jana@acme.example")
    expect(at_work.note_state).to_have_attribute("data-status", "written", timeout=20_000)


def test_microsoft_is_down_the_number_is_there_and_nothing_typed_is_lost(at_work: Desk) -> None:
    at_work.page.locator("[data-mode='down']").click()
    expect(at_work.page.locator("[data-mode='down']")).to_have_attribute("aria-pressed", "true")
    at_work.call("lucie")
    expect(at_work.window.locator("#matches")).to_have_attribute("data-matches", "failed")
    expect(at_work.window.locator("#body")).to_contain_text(re.compile(r"605.333.444"))
    at_work.note.fill("Zapsáno během výpadku.")
    at_work.send_note()
    expect(at_work.note_state).to_have_attribute("data-status", "queued")
    at_work.page.locator("[data-mode='running']").click()
    expect(at_work.name).to_have_text("Lucie Marková", timeout=20_000)
    expect(at_work.note).to_have_value("Zapsáno během výpadku.")


def test_somebody_else_s_account_is_refused_by_name(person: BrowserContext, demo: Demo) -> None:
    lena = Desk(person, demo, "lena.localhost")
    popup = lena.sign_in("bob@acme.example")
    expect(popup.locator("body")).to_contain_text("bob@acme.example")
    expect(popup.locator("body")).to_contain_text("lena@acme.example")
    expect(lena.window.locator("#sign-in")).to_contain_text("bob@acme.example")


def test_jana_and_bob_see_what_each_may_see(at_work: Desk, bob: Desk) -> None:
    bob.at_work("bob@acme.example")
    at_work.call("queue")
    expect(at_work.name).to_have_text("Alfa s.r.o.")
    expect(bob.window.locator("#matches")).to_have_attribute("data-matches", "unknown")
    at_work.press("answer")
    expect(bob.bar).not_to_have_attribute("data-call-state", "ringing")


def test_a_window_without_a_ticket_is_opened_with_six_digits(
    chromium: object, demo: Demo, person: BrowserContext
) -> None:
    desk = Desk(person, demo, "klara.localhost")
    shell = desk.frame.url
    person.clear_cookies()
    desk.page.evaluate("address => { document.getElementById('crm-window').src = address }", shell + "?again=1")
    popup = desk.sign_in("klara@acme.example")
    code = popup.locator("[data-code]").inner_text()
    desk.window.locator("#code").fill(re.sub(r"\D", "", code))
    expect(desk.window.locator("#code")).to_have_count(0)
    expect(desk.window.locator("[data-popup]")).to_have_count(0)
    expect(desk.at_work("klara@acme.example").bar).to_contain_text("Klára Šimková")
