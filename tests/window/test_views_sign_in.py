"""The way into the window: tickets, the frame's sign-in, the six digits."""

import json
import re
from html import unescape
from urllib.parse import urlencode

from django.test import Client

from crmwindow.models import WindowSession
from ipexportal.sandbox.visitor import pick
from tenants.models import SignInAttempt
from tests.window.conftest import Window, text_of


def test_a_ticket_opens_the_window_and_keeps_the_call_in_the_address(jana):
    answer = Window(jana).enter(number="777123456", unique_id="1.1")
    assert answer.status_code == 303
    code = jana.tenant.instance.code
    assert answer.headers["Location"] == f"/window/{code}/?number=777123456&unique_id=1.1"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert WindowSession.objects.get().agent == jana


def test_a_ticket_opens_one_window_only(jana):
    window = Window(jana)
    first = window.enter()
    ticket = first.wsgi_request.GET["ticket"]
    stranger = Window(jana)
    assert stranger.get("/window/", {"ticket": ticket}).status_code == 303
    assert not stranger.cookies
    assert window.get("/window/", {"ticket": ticket}).status_code == 303
    assert window.ask("state").status_code == 200


def test_an_unknown_ticket_gets_a_page_without_cookie_or_control(db):
    answer = Client().get("/window/", {"ticket": "neverissued"})
    assert answer.status_code == 404
    assert not answer.cookies
    for control in ("<form", "<button", "<a ", "<script"):
        assert control not in answer.content.decode()


def test_a_window_without_a_ticket_offers_microsoft(instance):
    page = Client().get(f"/window/{instance.code}/")
    assert page.status_code == 200
    assert f"/window/{instance.code}/sign-in/" in page.content.decode()
    assert 'data-live="no"' in page.content.decode()


def framed(instance) -> Window:
    window = Window()
    window.agent = type("Nobody", (), {"tenant": instance.tenant})()
    return window


def begin(window: Window) -> SignInAttempt:
    panel = window.act("sign_in")
    assert panel.status_code == 200
    code = re.search(r"/window/sign-in/([0-9a-f-]+)/", panel.content.decode())[1]
    return SignInAttempt.objects.get(code=code)


def at_microsoft(attempt: SignInAttempt, upn: str) -> str:
    popup = Client()
    back = pick(popup.get(f"/window/sign-in/{attempt.code}/").headers["Location"], upn)
    page = popup.get(back.replace("http://127.0.0.1:8000", ""), follow=True)
    return text_of(page)


def test_a_framed_window_becomes_janas_by_six_digits(instance, jana):
    window = framed(instance)
    attempt = begin(window)
    digits = re.search(r"\b(\d{6})\b", at_microsoft(attempt, jana.email))[1]
    status = window.ask("sign_in_status", attempt.code)
    assert 'data-step="code"' in status.content.decode()
    answer = window.act("sign_in_code", attempt.code, code=f"{digits[:3]} {digits[3:]}")
    assert 'data-step="done"' in answer.content.decode()
    assert window.session.agent == jana
    assert window.ask("state").status_code == 200


def test_a_wrong_code_says_how_many_tries_are_left(instance, jana):
    window = framed(instance)
    attempt = begin(window)
    digits = re.search(r"\b(\d{6})\b", at_microsoft(attempt, jana.email))[1]
    wrong = f"{(int(digits) + 1) % 1_000_000:06}"
    answer = window.act("sign_in_code", attempt.code, code=wrong)
    assert answer.status_code == 422
    assert 'data-step="code"' in answer.content.decode()
    assert "4" in text_of(answer)
    for _ in range(4):
        last = window.act("sign_in_code", attempt.code, code=wrong)
    assert 'data-step="ready"' in last.content.decode()
    right_but_late = window.act("sign_in_code", attempt.code, code=digits)
    assert 'data-step="done"' not in right_but_late.content.decode()
    assert window.session.agent is None


def test_the_code_works_in_no_other_window(instance, jana):
    victim, thief = framed(instance), framed(instance)
    attempt = begin(victim)
    begin(thief)
    digits = re.search(r"\b(\d{6})\b", at_microsoft(attempt, jana.email))[1]
    answer = thief.act("sign_in_code", attempt.code, code=digits)
    assert 'data-step="done"' not in answer.content.decode()
    assert thief.session.agent is None


def click(window: Window, panel) -> object:
    """What the window asks when its link is clicked; the link itself opens another window."""
    said = re.search(r'hx-get="([^"]+)" hx-vals=\'([^\']+)\'[^>]* data-opened', panel.content.decode())
    return window.get(f"{unescape(said[1])}&{urlencode(json.loads(unescape(said[2])))}")


def test_two_windows_that_begin_at_once_both_go_on_with_the_one_cookie_the_browser_keeps(instance, jana):
    first, second = framed(instance), framed(instance)
    panel = first.act("sign_in")
    begin(second)
    first.cookies = second.cookies  # both asked without one, the later answer's is kept
    attempt = SignInAttempt.objects.earliest("created_at")
    assert 'data-step="waiting"' in click(first, panel).content.decode()
    digits = re.search(r"\b(\d{6})\b", at_microsoft(attempt, jana.email))[1]
    assert 'data-step="code"' in first.ask("sign_in_status", attempt.code).content.decode()
    answer = first.act("sign_in_code", attempt.code, code=digits)
    assert 'data-step="done"' in answer.content.decode()
    assert first.session.agent == jana


def test_a_browser_that_keeps_no_cookie_is_told_so_and_offered_a_tab(instance):
    window = framed(instance)
    panel = window.act("sign_in")
    window.cookies.clear()
    answer = click(window, panel)
    assert "Prohlížeč tu oknu neukládá cookie" in text_of(answer)
    assert f'href="/window/{instance.code}/" target="_blank"' in answer.content.decode()
    assert "vypršel" not in text_of(answer)


def test_whoever_knows_only_the_link_does_not_get_the_attempt_into_their_window(instance):
    victim, thief = framed(instance), framed(instance)
    attempt = begin(victim)
    begin(thief)
    for proof in ("", "0" * 64, "ž"):
        answer = thief.ask("sign_in_status", attempt.code, waiting="1", proof=proof)
        assert 'data-step="ready"' in answer.content.decode()
    attempt.refresh_from_db()
    assert attempt.frame == victim.session.digest


def test_until_something_happens_the_frame_hears_nothing_new(instance):
    window = framed(instance)
    attempt = begin(window)
    assert window.ask("sign_in_status", attempt.code).status_code == 204
    waiting = window.ask("sign_in_status", attempt.code, waiting="1")
    assert 'data-step="waiting"' in waiting.content.decode()


def test_another_account_is_named_together_with_the_right_one(jana, bob, open_window):
    window = open_window(jana, signed_in=False)
    attempt = begin(window)
    at_microsoft(attempt, bob.email)
    answer = window.ask("sign_in_status", attempt.code)
    assert "bob@acme.example" in text_of(answer)
    assert "jana@acme.example" in text_of(answer)
    assert not jana.is_signed_in


def test_the_ticket_window_is_signed_in_without_a_code(jana, open_window):
    window = open_window(jana, signed_in=False)
    attempt = begin(window)
    at_microsoft(attempt, jana.email)
    answer = window.ask("sign_in_status", attempt.code)
    assert 'data-step="done"' in answer.content.decode()


def test_an_expired_attempt_is_replaced_by_a_new_one(instance):
    window = framed(instance)
    attempt = begin(window)
    SignInAttempt.objects.filter(pk=attempt.pk).update(expires_at=attempt.created_at)
    answer = window.ask("sign_in_status", attempt.code)
    assert 'data-step="ready"' in answer.content.decode()
    assert str(attempt.code) not in answer.content.decode()


def test_a_disabled_agents_window_asks_to_sign_in(jana, jana_window):
    jana.window = False
    jana.save()
    assert jana_window.ask("state").status_code == 401
    assert 'data-live="no"' in jana_window.ask("shell").content.decode()


def test_an_unproven_instance_says_who_must_act(instance, jana):
    instance.proven_at = None
    instance.save()
    page = Client().get(f"/window/{instance.code}/")
    assert "System Administrator" in text_of(page) or "správce" in text_of(page)


def test_janas_used_ticket_does_not_continue_bobs_window(jana, bob, open_window):
    ticket = Window(jana).enter().wsgi_request.GET["ticket"]
    bobs = open_window(bob, signed_in=False)
    bobs.get("/window/", {"ticket": ticket})
    assert bobs.ask("state").status_code == 401
