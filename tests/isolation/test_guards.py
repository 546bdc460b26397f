"""Who may send what from where: the window's guard, its frame, its cookie, its tickets, and agents switched off."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from crmwindow.models import WindowSession
from tenants import api_keys, registration
from tenants.models import Agent, ApiKey, SignInAttempt
from tests.isolation.addresses import PERSONAS, WINDOW
from tests.isolation.conftest import ACMES, JANAS_NOTE, World
from tests.isolation.test_every_address import arguments, text_of, values
from tests.window.conftest import Window
from tests.window.conftest import text_of as read

pytestmark = pytest.mark.django_db
OURS = "http://127.0.0.1:8000"
SHELL = "window:shell"
FRAGMENTS = [name for name in WINDOW if name != SHELL]
POSTS = [name for name, (method, _statuses) in WINDOW.items() if method == "POST"]
COOKIE = "__Host-ipex-window"


def send(world: World, name: str, headers: dict[str, str]) -> Any:
    """With jana's cookie, as some page in her browser would."""
    browser = Client(headers=headers, enforce_csrf_checks=True)
    browser.cookies[COOKIE] = world.clients["jana"].cookies[COOKIE].value
    address = reverse(name, args=arguments(name, world))
    return browser.get(address) if WINDOW[name][0] == "GET" else browser.post(address, values(name, world))


FOREIGN: dict[str, dict[str, str]] = {
    "a form of another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "another site that knows htmx": {"Origin": "https://evil.example", "HX-Request": "true"},
    "our own page without htmx": {"Origin": OURS, "Sec-Fetch-Site": "same-origin"},
}
MORE_FOREIGN: dict[str, dict[str, str]] = {
    "a form of another site, without origin": {"Sec-Fetch-Site": "cross-site"},
    "a sandboxed frame": {"Origin": "null", "HX-Request": "true"},
    "another port of this host": {"Origin": "http://127.0.0.1:9000", "HX-Request": "true"},
    "our name in another scheme": {"Origin": "https://127.0.0.1:8000", "HX-Request": "true"},
    "a longer name": {"Origin": "http://127.0.0.1:8000.evil.example", "HX-Request": "true"},
    "a foreign origin that claims to be the same": {
        "Origin": "https://evil.example", "HX-Request": "true", "Sec-Fetch-Site": "same-origin"
    },
    "the page around the window": {"Origin": "http://localhost:8000", "HX-Request": "true"},
    "htmx without saying where from": {"HX-Request": "true"},
    "a sister site": {"HX-Request": "true", "Sec-Fetch-Site": "same-site"},
    "an address typed in": {"HX-Request": "true", "Sec-Fetch-Site": "none"},
    "htmx that says no": {"Origin": OURS, "HX-Request": "false"},
    "nothing at all": {},
}  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_what_our_own_page_did_not_send_is_refused_and_changes_nothing(world: World, headers: dict[str, str]) -> None:
    before = everything(world)
    for name in FRAGMENTS:
        answer = send(world, name, headers)
        assert (name, answer.status_code) == (name, 403)
        assert {word for word in ACMES if word in text_of(answer)} == set()
    assert everything(world) == before


def test_pretending_to_be_our_own_page_does_not_help(world: World) -> None:
    before = everything(world)
    statuses = {who: send(world, "window:note_send", headers).status_code for who, headers in MORE_FOREIGN.items()}
    assert statuses == dict.fromkeys(MORE_FOREIGN, 403)
    assert everything(world) == before


def everything(world: World) -> list[Any]:
    return [*world.rows(), WindowSession.objects.count(), SignInAttempt.objects.count()]


def test_the_refusal_is_one_sentence(world: World) -> None:
    answer = send(world, "window:note", {"Origin": "https://evil.example"})
    assert answer.content.decode() in {
        "This request did not come from the CRM window.", "Tento požadavek nepřišel z okna CRM."
    }  # fmt: skip


@pytest.mark.parametrize("headers", [{"Origin": OURS}, {"Sec-Fetch-Site": "same-origin"}], ids=["origin", "metadata"])
def test_our_own_page_is_believed_with_origin_or_without(world: World, headers: dict[str, str]) -> None:
    answer = send(world, "window:note", {"HX-Request": "true", **headers})
    assert answer.status_code == 200
    assert world.jana.notes.get().text == "Vetřelcova poznámka"


def test_a_window_never_acts_on_the_wrong_verb(world: World) -> None:
    for name, (method, _statuses) in WINDOW.items():
        address = reverse(name, args=arguments(name, world))
        client = world.clients["jana"]
        answer = client.post(address) if method == "GET" else client.get(address)
        assert (name, answer.status_code) == (name, 405)


# -- frames and cookies ------------------------------------------------------------------------------------------------


def ancestors(answer: Any) -> str:
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    return policy["frame-ancestors"]


def test_only_the_customers_own_pages_may_frame_their_window(world: World) -> None:
    for who in PERSONAS:
        shell = world.clients[who].get(reverse(SHELL, args=[world.code]))
        assert (who, ancestors(shell)) == (who, "http://localhost:8000")
        assert "X-Frame-Options" not in shell.headers  # it knows no list, and would forbid what the policy allows
    betas = world.clients["eve"].get(reverse(SHELL, args=[world.eve.tenant.instance.code]))
    assert ancestors(betas) == "https://beta.example"


def test_a_customer_without_embedding_pages_has_no_framed_window(world: World) -> None:
    type(world.jana.tenant).objects.update(embedding_origins=[])
    assert ancestors(world.clients["jana"].get(reverse(SHELL, args=[world.code]))) == "'none'"


def test_nothing_else_may_be_framed(world: World) -> None:
    elsewhere = ["/accounts/login/", "/admin/", "/admin/login/", "/signin/microsoft/callback/", "/api/v1/docs", "/none/",
                 f"/window/sign-in/{world.attempt.code}/", f"/signin/microsoft/{world.attempt.code}/",
                 f"/window/open/{world.tab}/"]  # fmt: skip
    for address in elsewhere:
        for who in ("anonymous", "jana", "ivana"):
            answer = world.clients[who].get(address)
            assert (address, ancestors(answer)) == (address, "'none'")
            assert (address, answer.headers["X-Frame-Options"]) == (address, "DENY")


def test_the_message_about_an_unknown_ticket_may_be_shown_anywhere_and_does_nothing(world: World) -> None:
    page = world.clients["jana"].get("/window/?ticket=invented")
    assert (page.status_code, ancestors(page), len(page.cookies)) == (404, "*", 0)
    assert [word for word in ("<form", "<script", "<button", "<a ", "hx-") if word in page.content.decode()] == []


def ticket_of(agent: Agent) -> str:
    key = api_keys.create(agent.tenant, ApiKey.Scope.WINDOW, "ivana")
    answer = Client().post(
        "/api/v1/window-tickets",
        {"login": agent.login},
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    parts = urlsplit(answer.json()["url"])
    return f"{parts.path}?{parts.query}"


def test_the_windows_cookie_is_for_one_partition_of_one_host_and_no_script(jana: Agent) -> None:
    cookie = Client().get(ticket_of(jana)).cookies[COOKIE]
    attributes = {name: cookie[name] for name in ("httponly", "secure", "samesite", "partitioned", "path", "domain")}
    assert attributes == {
        "httponly": True, "secure": True, "samesite": "None", "partitioned": True, "path": "/", "domain": ""
    }  # fmt: skip
    assert {"Partitioned", "SameSite=None", "Secure", "HttpOnly", "Path=/"} <= set(cookie.OutputString().split("; "))
    assert cookie.value not in str(list(WindowSession.objects.values_list("digest", flat=True)))


def test_the_sign_ins_cookie_is_first_party_and_short(world: World) -> None:
    cookie = Client().get(f"/window/sign-in/{world.attempt.code}/").cookies["__Host-ipex-signin"]
    assert (cookie["samesite"], cookie["secure"], cookie["httponly"]) == ("Lax", True, True)
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", 600)
    assert "Partitioned" not in cookie.OutputString()


def test_the_portals_cookie_stays_on_our_own_pages(ivana: User, client: Client) -> None:
    login = {"login": "ivana@ipex.example", "password": "ivana-has-a-long-password"}
    cookies = client.post("/accounts/login/", login).cookies
    assert {name: cookies[name]["samesite"] for name in cookies} == {"sessionid": "Lax", "csrftoken": "Lax"}
    assert all(cookie["httponly"] and not cookie["domain"] for cookie in cookies.values())


def test_pages_with_somebodys_calls_are_kept_by_no_cache_and_no_referrer(world: World) -> None:
    for name in (SHELL, "window:state", "window:matches"):
        answer = world.clients["jana"].get(reverse(name, args=arguments(name, world)))
        assert (name, "no-store" in answer.headers["Cache-Control"]) == (name, True)
    assert world.clients["jana"].get(reverse(SHELL, args=[world.code])).headers["Referrer-Policy"] == "no-referrer"


# -- tickets -----------------------------------------------------------------------------------------------------------


def follow(browser: Client, address: str) -> Any:
    entered = browser.get(address)
    assert (entered.status_code, entered.headers["Referrer-Policy"]) == (303, "no-referrer")
    return browser.get(entered.headers["Location"])


def test_a_used_ticket_in_a_colleagues_browser_offers_sign_in_and_shows_nothing_of_either(world: World) -> None:
    address = ticket_of(world.bob)
    Client().get(address)
    janas = world.clients["jana"]
    page = follow(janas, address)
    assert {word for word in (*ACMES, "Bob Ben") if word in text_of(page)} == set()
    assert 'data-live="no"' in page.content.decode()
    assert janas.get(reverse("window:state", args=[world.code])).status_code == 401


def test_a_used_ticket_in_its_own_agents_browser_continues(world: World) -> None:
    address = ticket_of(world.jana)
    Client().get(address)
    assert JANAS_NOTE in text_of(follow(world.clients["jana"], address))


def test_a_new_ticket_in_a_colleagues_browser_opens_its_own_agents_window(world: World) -> None:
    page = follow(world.clients["jana"], ticket_of(world.bob))
    assert {word for word in ACMES if word in text_of(page)} == set()
    assert "Bob Ben" in text_of(page)


def test_a_ticket_of_beta_never_opens_acme(world: World) -> None:
    browser = Client(headers=world.headers)
    browser.get(ticket_of(world.eve))
    assert browser.get(reverse("window:state", args=[world.code])).status_code == 401
    assert browser.get(reverse("window:call", args=[world.code, world.call.code])).status_code == 401


# -- agents who are no longer ------------------------------------------------------------------------------------------


def off(world: World) -> None:
    registration.disable_window(world.jana, by="alice")


def unproven(world: World) -> None:
    instance = world.jana.tenant.instance
    type(instance).objects.filter(pk=instance.pk).update(proven_at=None)


def signed_out_everywhere(world: World) -> None:
    Agent.objects.filter(pk=world.jana.pk).update(session_epoch=world.jana.session_epoch + 1)


def moved(world: World) -> None:
    registration.change_address(world.jana.tenant.instance, by="ivana", url="https://moved.crm4.dynamics.com")


@pytest.mark.parametrize("end", [off, unproven, signed_out_everywhere, moved])
def test_every_request_of_an_ended_window_is_refused_at_once(world: World, end: Callable[[World], None]) -> None:
    end(world)
    before = world.rows()
    jana: Window = world.clients["jana"]
    for name in FRAGMENTS:
        if name.startswith("window:sign_in"):
            continue
        address = reverse(name, args=arguments(name, world))
        answer = jana.get(address) if WINDOW[name][0] == "GET" else jana.post(address, values(name, world))
        assert (name, answer.status_code, answer.content) == (name, 401, b"")
    assert world.rows() == before
    page = jana.get(reverse(SHELL, args=[world.code]))
    assert {word for word in ACMES if word in text_of(page)} == set()


def test_an_old_ticket_of_a_disabled_agent_opens_nothing(world: World) -> None:
    address = ticket_of(world.jana)
    off(world)
    browser = Client(headers=world.headers)
    follow(browser, address)
    assert COOKIE not in browser.cookies


def test_a_disabled_agent_who_comes_back_hears_why(world: World) -> None:
    from ipexportal.sandbox.visitor import pick

    off(world)
    frame = world.clients["jana"].post(reverse("window:sign_in", args=[world.code]))
    address = f"/window/sign-in/{SignInAttempt.objects.latest('pk').code}/"
    assert address in frame.content.decode()
    browser = Client()
    back = urlsplit(pick(browser.get(address).headers["Location"], world.jana.email))
    page = browser.get(browser.get(f"{back.path}?{back.query}").headers["Location"])
    attempt = SignInAttempt.objects.latest("pk")
    assert (attempt.outcome, attempt.reason) == ("refused", "window_disabled")
    assert "<h1>" in page.content.decode()
    assert world.jana.email not in read(page)
