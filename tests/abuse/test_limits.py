"""How often is too often: counted once for all processes, said with a sentence, and never at somebody else's cost."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections, connection
from django.test import Client, RequestFactory
from django.urls import reverse

from ipexportal.limits import BY_ADDRESS, POSTS_BY_ADDRESS, POSTS_BY_USER
from tenants import activation, api_keys, limits
from tenants.limits import TooOften
from tenants.models import Agent, PortalAttempt, SignInAttempt, Tenant
from tenants.rates import RATES, Rate, parse_rates
from tests.isolation.addresses import names

STRANGER, ALICES = "203.0.113.66", "198.51.100.7"
EVENT = {"EventName": "AgentPaused", "Login": "jana"}


@pytest.fixture
def few(settings: Any) -> None:
    """Twice of everything; the windows of time are so long that none ends during a test."""
    settings.LIMITS = {name: Rate(2, 100_000) for name in RATES}


def browser(address: str = STRANGER, **more: str) -> Client:
    return Client(headers={"Accept-Language": "en", **more}, REMOTE_ADDR=address)


def event(key: str, address: str = STRANGER) -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    return browser(address).post("/api/v1/events", EVENT, content_type="application/json", headers=headers)


# -- the counter -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_third_hears_when_the_next_is_welcome(few: None) -> None:
    for _ in range(2):
        limits.spend("code", ALICES)
    with pytest.raises(TooOften) as refusal:
        limits.spend("code", ALICES)
    assert 0 < refusal.value.seconds <= 100_000
    limits.spend("code", STRANGER)
    limits.spend("check", ALICES)


@pytest.mark.django_db
def test_who_was_refused_costs_no_more_query(few: None, django_assert_num_queries: Any) -> None:
    for _ in range(2):
        limits.spend("code", STRANGER)
    with pytest.raises(TooOften):
        limits.spend("code", STRANGER)
    with django_assert_num_queries(0), pytest.raises(TooOften):
        limits.spend("code", STRANGER)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_counted_one_by_one(settings: Any) -> None:
    settings.LIMITS = {"code": Rate(10, 100_000)}
    cache.clear()

    def try_it(_number: int) -> bool:
        try:
            limits.spend("code", "at once")
        except TooOften:
            return False
        finally:
            close_old_connections()
            connection.close()
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(try_it, range(32))) == 10


@pytest.mark.django_db
def test_the_window_of_time_ends(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LIMITS = {"code": Rate(1, 60)}
    now = limits.time() // 60 * 60 + 1
    monkeypatch.setattr(limits, "time", lambda: now)
    limits.spend("code", STRANGER)
    with pytest.raises(TooOften) as refusal:
        limits.spend("code", STRANGER)
    assert refusal.value.seconds == 59
    monkeypatch.setattr(limits, "time", lambda: now + 59)
    limits.spend("code", STRANGER)


@pytest.mark.django_db
def test_no_address_lies_in_the_cache(few: None) -> None:
    limits.spend("code", STRANGER)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key, value FROM cache WHERE cache_key LIKE '%%limit:code:%%'")
        rows = cursor.fetchall()
    assert len(rows) == 1
    assert STRANGER not in str(rows)


def test_strangers_counters_do_not_push_out_others() -> None:
    assert django_settings.CACHES["default"]["OPTIONS"] == {"MAX_ENTRIES": 50_000}


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.66", "203.0.113.66"),
        ("::ffff:203.0.113.66", "203.0.113.66"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_whose_address_that_is(address: str, subject: str) -> None:
    assert limits.address_of(RequestFactory().get("/", REMOTE_ADDR=address)) == subject


@pytest.mark.django_db
def test_behind_a_socket_that_says_no_address_nobody_is_locked_out(few: None) -> None:
    for _ in range(5):
        limits.spend("code", "")


@pytest.mark.parametrize("text", ["code", "code=5", "code=0/60", "code=5/0", "coffee=5/60", "code=-1/60"])
def test_a_limit_that_is_none_stops_the_process(text: str) -> None:
    with pytest.raises(ImproperlyConfigured) as stop:
        parse_rates(text)
    assert str(stop.value).startswith(f"LIMITS: “{text}” is not name=times/seconds. Names: sign_in,")


def test_the_environment_changes_one_and_leaves_the_rest() -> None:
    assert parse_rates(" code=5/60 ,") == RATES | {"code": Rate(5, 60)}


# -- who is refused, and how -------------------------------------------------------------------------------------------


def test_every_limited_address_exists() -> None:
    assert {*BY_ADDRESS, *POSTS_BY_ADDRESS, *POSTS_BY_USER} <= set(names())
    assert {*BY_ADDRESS.values(), *POSTS_BY_ADDRESS.values(), *POSTS_BY_USER.values()} <= set(RATES)


def is_said(answer: Any) -> bool:
    page = answer.content.decode()
    return answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0 and "Too many attempts" in page


@pytest.mark.django_db
def test_a_stranger_fills_no_table_with_ways_to_microsoft(few: None, acme: Tenant, jana: Agent) -> None:
    """Each of these is a GET that writes a row and asks Microsoft where to go."""
    personal = activation.link(jana).split("/")[-2]
    ways = [reverse("signin:portal"), reverse("signin:portal"), reverse("activate_sign_in", args=[personal])]
    statuses = [browser().get(address).status_code for address in ways]
    assert statuses == [302, 302, 429]
    assert (PortalAttempt.objects.count(), SignInAttempt.objects.count()) == (2, 0)
    assert is_said(browser().get(ways[0]))
    assert browser(ALICES).get(ways[0]).status_code == 302


@pytest.mark.django_db
def test_a_stranger_fills_no_table_with_windows_sign_ins(few: None, acme: Tenant) -> None:
    ours = {"HX-Request": "true", "Origin": "http://127.0.0.1:8000"}
    address = reverse("window:sign_in", args=[acme.instance.code])
    statuses = [browser(STRANGER, **ours).post(address).status_code for _ in range(3)]
    nobodys = reverse("window:sign_in_status", args=[acme.instance.code, acme.instance.code])
    assert (statuses, browser(STRANGER, **ours).get(nobodys).status_code) == ([200, 200, 429], 429)
    assert SignInAttempt.objects.count() == 2
    assert browser(ALICES, **ours).post(address).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(POSTS_BY_ADDRESS))
def test_passwords_and_codes_are_typed_so_often_only(few: None, name: str) -> None:
    arguments = ["none"] if name.startswith("invitation") else []
    address = reverse(name, args=arguments)
    answers = [browser().post(address, {"email": f"{number}@acme.example"}) for number in range(3)]
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert is_said(answers[-1])


@pytest.mark.django_db
def test_a_strangers_tries_leave_alice_her_sign_in(few: None, alice: User) -> None:
    typed = {"login": "alice@acme.example", "password": "not-hers"}
    assert [browser().post(reverse("account_login"), typed).status_code for _ in range(3)] == [200, 200, 429]
    right = typed | {"password": "alice-has-a-long-password"}
    assert browser(ALICES).post(reverse("account_login"), right).status_code == 302


@pytest.mark.django_db
def test_unknown_tickets_are_tried_so_often_only(few: None) -> None:
    statuses = [browser().get("/window/", {"ticket": f"none-{number}"}).status_code for number in range(3)]
    assert statuses == [404, 404, 429]


@pytest.mark.django_db
def test_alice_asks_for_so_many_checks_and_e_mails_only(few: None, alice: User, acme: Tenant) -> None:
    client = browser(ALICES)
    client.force_login(alice)
    run = reverse("portal:checks_run", args=[acme.code])
    assert [client.post(run).status_code for _ in range(3)] == [302, 302, 429]
    invite = reverse("portal:invite", args=[acme.code])
    asked = [client.post(invite, {"email": f"{number}@acme.example"}).status_code for number in range(3)]
    assert (asked, acme.invitations.count()) == ([302, 302, 429], 2)


# -- the machine API ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_wrong_keys_of_an_address_are_refused_and_right_ones_go_on(few: None, acme: Tenant) -> None:
    """Exchanges of several customers may stand behind one address; the mistake of one is not the others' loss."""
    key = api_keys.create(acme, "events", "alice")
    answers = [event("ipx_events_wrong") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert set(answers[-1].json()) == {"error"}
    assert answers[-1].json()["error"].startswith("Too many requests. Try again in ")
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert event(key).status_code == 202
    assert event("ipx_events_wrong", ALICES).status_code == 401


@pytest.mark.django_db
def test_a_flood_with_one_key_is_cut_and_other_customers_do_not_notice(few: None, acme: Tenant, beta: Tenant) -> None:
    acmes, second, betas = (api_keys.create(tenant, "events", "ivana") for tenant in (acme, acme, beta))
    assert [event(acmes).status_code for _ in range(3)] == [202, 202, 429]
    assert [event(betas).status_code, event(second).status_code] == [202, 202]
    assert 0 < int(event(acmes).headers["Retry-After"]) <= 100_000


@pytest.mark.django_db
def test_a_token_is_no_way_around_its_keys_limit(few: None, acme: Tenant) -> None:
    key = api_keys.create(acme, "events", "ivana")
    token = browser().post("/api/v1/token", {"key": key}, content_type="application/json").json()["access_token"]
    assert [event(token).status_code, event(token).status_code, event(key).status_code] == [202, 429, 429]


@pytest.mark.django_db
def test_a_flood_costs_one_query_a_call(few: None, acme: Tenant, django_assert_num_queries: Any) -> None:
    key = api_keys.create(acme, "events", "ivana")
    for _ in range(2):
        event(key)
    with django_assert_num_queries(1):
        assert event(key).status_code == 429


@pytest.mark.django_db
def test_one_agents_tickets_are_limited_and_a_colleagues_are_not(settings: Any, jana: Agent, bob: Agent) -> None:
    settings.LIMITS = RATES | {"ticket": Rate(2, 100_000)}
    key = api_keys.create(jana.tenant, "window", "ivana")

    def ask(agent: Agent) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        asked = {"login": agent.login}
        return browser().post(
            "/api/v1/window-tickets", asked, content_type="application/json", headers=headers
        ).status_code  # fmt: skip

    assert [ask(jana) for _ in range(3)] == [201, 201, 429]
    assert ask(bob) == 201
