"""Sign-ins that are not what they seem: one page, one sentence, nothing stored."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from crmwindow.models import WindowSession
from ipexportal.sandbox import Sandbox
from ipexportal.sandbox.visitor import pick
from tenants import entra, sign_in
from tenants.models import Agent, SignInAttempt
from tests.bad_input.conftest import IN_ENGLISH
from tests.signin.conftest import Browser, attempt, ticketless
from tests.window.conftest import Window, text_of

__all__ = ["attempt", "ticketless"]

pytestmark = pytest.mark.django_db(transaction=True)
FORGED = (
    "This sign-in does not belong here The answer does not fit a sign-in begun in this browser, so nothing was stored."
)
CALLBACK = "/signin/microsoft/callback/"


@pytest.fixture
def browser() -> Browser:
    return Browser(headers=IN_ENGLISH)


def nothing_is_stored(jana: Agent) -> bool:
    jana.refresh_from_db()
    return not jana.token_cache and jana.object_id is None


def state_of(location: str) -> str:
    return parse_qs(urlsplit(location).query)["state"][0]


@pytest.mark.parametrize("query", ["", "?state=forged&code=abc", "?code=abc", "?state=%00&code=%00", "?error=x&state="])
def test_a_forged_state(browser: Browser, attempt: SignInAttempt, jana: Agent, query: str) -> None:
    browser.leave_for_microsoft(attempt)
    page = browser.get(CALLBACK + query)
    assert page.status_code == 400
    assert FORGED in text_of(page)
    assert nothing_is_stored(jana)


def test_somebody_elses_callback(browser: Browser, attempt: SignInAttempt, jana: Agent) -> None:
    """Login CSRF: jana's browser is sent to an answer of Microsoft that somebody else fetched."""
    answer = pick(browser.leave_for_microsoft(attempt), jana.email)
    parts = urlsplit(answer)
    victim = Browser(headers=IN_ENGLISH)
    for _ in range(2):
        page = victim.get(f"{parts.path}?{parts.query}")
        assert page.status_code == 400
        assert FORGED in text_of(page)
    assert nothing_is_stored(jana)


def test_a_callback_in_a_browser_that_has_a_sign_in_of_its_own(
    browser: Browser, attempt: SignInAttempt, ticketless: SignInAttempt, jana: Agent
) -> None:
    theirs = pick(browser.leave_for_microsoft(attempt), jana.email)
    victim = Browser(headers=IN_ENGLISH)
    victim.leave_for_microsoft(ticketless)
    assert FORGED in text_of(victim.come_back(theirs))
    assert nothing_is_stored(jana)


def test_a_code_that_microsoft_did_not_give(browser: Browser, attempt: SignInAttempt, jana: Agent) -> None:
    state = state_of(browser.leave_for_microsoft(attempt))
    page = browser.come_back(f"{CALLBACK}?{urlencode({'state': state, 'code': 'invented'})}")
    assert page.status_code == 200
    assert "Microsoft refused the sign-in." in text_of(page)
    assert nothing_is_stored(jana)


@pytest.mark.parametrize("code", ["AADSTS50020", "AADSTS50034"])
def test_an_account_of_another_directory(browser: Browser, attempt: SignInAttempt, jana: Agent, code: str) -> None:
    to_microsoft = browser.leave_for_microsoft(attempt)
    assert pick(to_microsoft, "eve@beta.example") == ""  # Microsoft keeps eve there; some tenants send people back
    query = {"error": "access_denied", "error_description": f"{code}: User account…", "state": state_of(to_microsoft)}
    page = browser.come_back(f"{CALLBACK}?{urlencode(query)}")
    assert "This account belongs to another company Sign in with the work account you use in this CRM." in text_of(page)
    assert nothing_is_stored(jana)


def test_tokens_of_another_directory_are_not_believed(
    browser: Browser, attempt: SignInAttempt, jana: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if Entra let such an account pass: what the token says is compared with the customer's own directory."""
    real = entra._checked

    def eves(result: dict[str, object], cache: str, instance: object) -> entra.Identity:
        claims = dict(result["id_token_claims"])  # type: ignore[call-overload]
        claims["tid"] = "9c8b7a65-1f2e-4d3c-8b4a-0f1e2d3c4b02"
        return real(result | {"id_token_claims": claims}, cache, instance)  # type: ignore[arg-type]

    monkeypatch.setattr(entra, "_checked", eves)
    assert "This account belongs to another company" in text_of(browser.sign_in(attempt, jana.email))
    assert nothing_is_stored(jana)


def test_a_colleagues_account_is_named_beside_the_expected_one(
    browser: Browser, attempt: SignInAttempt, jana: Agent, bob: Agent
) -> None:
    page = text_of(browser.sign_in(attempt, bob.email))
    assert "Signed in is bob@acme.example, the window belongs to jana@acme.example. Sign in with that account." in page
    assert nothing_is_stored(jana)
    assert nothing_is_stored(bob)


def test_an_expired_attempt(browser: Browser, attempt: SignInAttempt, jana: Agent) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        page = browser.get(f"/window/sign-in/{attempt.code}/")
    assert page.status_code == 410
    assert "This sign-in has expired A sign-in is valid for ten minutes and once." in text_of(page)


def test_the_last_page_without_having_been_at_microsoft(browser: Browser, attempt: SignInAttempt) -> None:
    browser.leave_for_microsoft(attempt)
    page = browser.get(f"/signin/microsoft/{attempt.code}/")
    assert page.status_code == 410
    assert "This sign-in has expired" in text_of(page)


@pytest.mark.parametrize("mode", ["down", "html"])
def test_microsoft_does_not_answer_when_the_sign_in_begins(
    browser: Browser, attempt: SignInAttempt, microsoft: Sandbox, mode: str
) -> None:
    entra._discovered.clear()
    microsoft.control.microsoft("down") if mode == "down" else microsoft.control.fault("entra_down", count=None)
    page = browser.get(f"/window/sign-in/{attempt.code}/")
    assert page.status_code == 503
    assert (
        "Microsoft is not responding Microsoft does not answer just now. Nothing is lost; try again in a moment."
        in (text_of(page))
    )
    microsoft.control.reset()
    assert browser.get(f"/window/sign-in/{attempt.code}/").status_code == 302


def test_microsoft_goes_away_during_the_sign_in(
    browser: Browser, attempt: SignInAttempt, jana: Agent, microsoft: Sandbox
) -> None:
    answer = pick(browser.leave_for_microsoft(attempt), jana.email)
    microsoft.control.fault("entra_down", path="/token", count=None)
    assert "Microsoft is not responding" in text_of(browser.come_back(answer))
    assert nothing_is_stored(jana)
    microsoft.control.clear()
    again = sign_in.new_attempt(instance=jana.tenant.instance, agent=jana, frame="f" * 64)
    assert "Signed in" in text_of(browser.sign_in(again, jana.email))


# -- tickets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["used", "expired"])
def test_a_ticket_that_was_used_or_has_expired_leads_to_the_sign_in(window: Window, why: str) -> None:
    from crmwindow import sessions
    from tenants.models import ApiKey

    ticket = sessions.issue_ticket(agent=window.agent, by=ApiKey.objects.filter(scope="window").first())
    later = timedelta(seconds=61) if why == "expired" else timedelta()
    if why == "used":
        Client().get("/window/", {"ticket": ticket})
    before = WindowSession.objects.count()
    with time_machine.travel(timezone.now() + later):
        browser = Client(headers=IN_ENGLISH)
        entered = browser.get("/window/", {"ticket": ticket})
        page = browser.get(entered.headers["Location"])
    assert (entered.status_code, page.status_code, len(browser.cookies)) == (303, 200, 0)
    assert "Sign in with a Microsoft account" in text_of(page)
    assert WindowSession.objects.count() == before


@pytest.mark.parametrize("ticket", ["invented", "a" * 5000, "%00", "' OR 1=1"])
def test_an_unknown_ticket(acme: object, ticket: str) -> None:
    page = Client(headers=IN_ENGLISH).get("/window/", {"ticket": ticket})
    assert page.status_code == 404
    assert "This link does not open a window It was never issued, or it is older than a day." in text_of(page)


def test_a_wrong_code_says_how_often_one_may_try(jana: Agent, acme: object) -> None:
    frame = Window(jana)
    frame.get(f"/window/{jana.tenant.instance.code}/")
    started = frame.act("sign_in")
    assert started.status_code == 200
    attempt = SignInAttempt.objects.get()
    Browser().sign_in(attempt, jana.email)
    said = [text_of(frame.act("sign_in_code", attempt.code, code="12345x")) for _ in range(5)]
    assert "Type the digits from the window where you signed in. 4 tries are left." in said[0]
    assert "1 try is left." in said[3]
    assert "The code is no longer good Sign in again and you get a new one." in said[4]


def test_a_window_that_lost_its_cookie_on_the_way_begins_anew(jana: Agent, acme: object) -> None:
    frame = Window(jana)
    frame.act("sign_in")
    lost = SignInAttempt.objects.get()
    frame.cookies.clear()
    said = frame.ask("sign_in_status", lost.code)
    assert "The browser keeps no cookie for this window here" in text_of(said)
    again = SignInAttempt.objects.latest("pk")
    assert again.frame == frame.session.digest
    page = Browser(headers=IN_ENGLISH).sign_in(again, jana.email).content.decode()
    digits = page.partition("data-code>")[2][:6]
    assert 'data-step="done"' in frame.act("sign_in_code", again.code, code=digits).content.decode()
    assert frame.session.agent == jana
