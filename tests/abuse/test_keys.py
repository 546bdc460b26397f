"""A customer's admin makes, replaces and revokes the exchange's keys; what was opened with a key ends with it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crmwindow.models import WindowSession
from crmwindow.sessions import is_live
from tenants import access, api_keys
from tenants.models import Agent, ApiKey, AuditEntry, Tenant
from tenants.registration import NotStaff

pytestmark = pytest.mark.django_db
PAGE = "portal:keys"


@pytest.fixture
def alices(alice: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(alice)
    return client


def make(client: Client, tenant: Tenant, **typed: str) -> Any:
    form = {"scope": "ivr", "once": uuid4().hex} | typed
    return client.post(reverse("portal:key_make", args=[tenant.code]), form)


def text_in(answer: Any) -> str:
    return str(answer.context["text"])


def test_alice_makes_a_key_that_is_shown_once_and_kept_nowhere(alices: Client, acme: Tenant) -> None:
    answer = make(alices, acme, addresses="192.0.2.7, 198.51.100.0/24", last_day="2099-12-31")
    text = text_in(answer)
    key = access.open_with(text, "ivr", address="192.0.2.7")
    assert (answer.status_code, answer.content.decode().count(text)) == (200, 1)
    assert (key.created_by, key.allowed_addresses) == ("alice", ["192.0.2.7/32", "198.51.100.0/24"])
    assert key.expires_at is not None
    assert timezone.localtime(key.expires_at).isoformat()[:16] == "2100-01-01T00:00"
    page = alices.get(reverse(PAGE, args=[acme.code])).content.decode()
    assert (text in page, key.prefix in page) == (False, True)
    assert "no-store" in answer.headers["Cache-Control"]
    assert text not in str(list(AuditEntry.objects.values()))


def test_a_key_that_opens_windows_is_never_alices_to_make_replace_or_revoke(
    alices: Client, alice: User, acme: Tenant
) -> None:
    api_keys.create(acme, "window", "ivana")
    key = ApiKey.objects.get()
    assert make(alices, acme, scope="window").status_code == 422
    for act in ("portal:key_replace", "portal:key_revoke"):
        answer = alices.post(reverse(act, args=[acme.code, key.code]), {"once": "1"})
        assert (act, answer.status_code) == (act, 404)
    assert list(ApiKey.objects.values_list("pk", "revoked_at")) == [(key.pk, None)]
    with pytest.raises(NotStaff):
        api_keys.replace(key, alice, until=timezone.now())
    assert "looked after by IPEX" in alices.get(reverse(PAGE, args=[acme.code])).content.decode()


def test_betas_key_is_not_there_for_alice(alices: Client, acme: Tenant, beta: Tenant) -> None:
    api_keys.create(beta, "ivr", "otto")
    key = ApiKey.objects.get()
    for act in ("portal:key_replace", "portal:key_revoke"):
        assert alices.post(reverse(act, args=[acme.code, key.code]), {"once": "1"}).status_code == 404
        assert alices.post(reverse(act, args=[beta.code, key.code]), {"once": "1"}).status_code == 404
    assert ApiKey.objects.get().is_live()


def test_both_keys_work_until_the_old_one_ends(alices: Client, acme: Tenant) -> None:
    old = api_keys.create(acme, "ivr", "alice", addresses=["192.0.2.7"])
    key = ApiKey.objects.get()
    answer = alices.post(reverse("portal:key_replace", args=[acme.code, key.code]), {"ends": "hour", "once": "1"})
    new = text_in(answer)
    opened = [access.open_with(text, "ivr", address="192.0.2.7").scope for text in (old, new)]
    assert opened == ["ivr", "ivr"]
    key.refresh_from_db()
    assert key.expires_at is not None
    assert timedelta(minutes=58) < key.expires_at - timezone.now() <= timedelta(hours=1)
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())
    with pytest.raises(access.Refused) as refusal:
        access.open_with(old, "ivr", address="192.0.2.7")
    assert (refusal.value.status, access.open_with(new, "ivr", address="192.0.2.7").scope) == (401, "ivr")


def test_an_end_that_was_sooner_stays(acme: Tenant) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    api_keys.create(acme, "ivr", "alice", expires_at=soon)
    api_keys.replace(ApiKey.objects.get(), "alice", until=timezone.now() + timedelta(days=7))
    assert ApiKey.objects.order_by("pk").values_list("expires_at", flat=True)[0] == soon


def test_a_double_click_makes_one_key(alices: Client, acme: Tenant) -> None:
    first, second = (make(alices, acme, once="0123456789abcdef") for _ in range(2))
    assert (first.status_code, second.status_code, ApiKey.objects.count()) == (200, 302, 1)
    page = alices.get(reverse(PAGE, args=[acme.code])).content.decode()
    assert "made a moment ago and is not shown again" in page


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"addresses": "192.0.2.7, home"}, "addresses", "“home” is neither an IP address nor a network such as"),
        ({"last_day": "tomorrow"}, "last_day", "Choose a day."),
        ({"last_day": "9999-12-31"}, "last_day", "Choose a day."),
        ({"last_day": "2001-01-01"}, "last_day", "This moment has passed."),
        ({"scope": "everything"}, "scope", "Choose what the key opens."),
    ],
)
def test_what_alice_typed_wrong_is_said_at_its_field_and_kept(
    alices: Client, acme: Tenant, typed: dict[str, str], field: str, sentence: str
) -> None:
    answer = make(alices, acme, **typed)
    page = answer.content.decode()
    assert (answer.status_code, ApiKey.objects.count()) == (422, 0)
    assert answer.context["errors"][field].startswith(sentence)
    if field != "scope":
        assert f'value="{typed[field]}"' in page


def test_there_is_an_end_to_the_number_of_keys(alices: Client, acme: Tenant) -> None:
    for _ in range(api_keys.MOST):
        api_keys.create(acme, "ivr", "alice")
    answer = make(alices, acme)
    assert (answer.status_code, ApiKey.objects.count()) == (422, api_keys.MOST)
    assert "Revoke one that nobody uses." in answer.content.decode()


def test_staff_replaces_a_key_in_the_admin(ivana: User, acme: Tenant) -> None:
    api_keys.create(acme, "window", "ivana")
    key = ApiKey.objects.get()
    client = Client()
    client.force_login(ivana)
    chosen = {"action": "replace", "_selected_action": [key.pk]}
    answer = client.post(reverse("admin:tenants_apikey_changelist"), chosen)
    assert access.open_with(text_in(answer), "window").pk != key.pk
    key.refresh_from_db()
    assert key.expires_at is not None
    assert key.is_live()


# -- what was opened with a key ----------------------------------------------------------------------------------------


def window_of(agent: Agent, key: str) -> Client:
    """A browser in which the exchange opened this agent's window."""
    asked = {"login": agent.login}
    headers = {"Authorization": f"Bearer {key}"}
    ticket = Client().post("/api/v1/window-tickets", asked, content_type="application/json", headers=headers).json()
    browser = Client(headers={"HX-Request": "true", "Origin": "http://127.0.0.1:8000"})
    browser.get("/window/?ticket=" + ticket["url"].rpartition("=")[2])
    return browser


def test_windows_opened_with_a_revoked_key_close_and_others_stay(acme: Tenant, jana: Agent, bob: Agent) -> None:
    stolen, kept = (api_keys.create(acme, "window", "ivana") for _ in range(2))
    janas, bobs = window_of(jana, stolen), window_of(bob, kept)
    state = reverse("window:state", args=[acme.instance.code])
    assert (janas.get(state).status_code, bobs.get(state).status_code) == (200, 200)
    api_keys.revoke(access.open_with(stolen, "window"), "ivana")
    assert (janas.get(state).status_code, bobs.get(state).status_code) == (401, 200)
    live = {row.agent: is_live(row) for row in WindowSession.objects.select_related("agent", "instance")}
    assert live == {jana: False, bob: True}  # what open streams look at every second
    assert AuditEntry.objects.get(act="api_key.revoked").after == {"windows_closed_of": 1}


def test_a_key_that_was_replaced_leaves_the_windows_open(acme: Tenant, jana: Agent) -> None:
    text = api_keys.create(acme, "window", "ivana")
    window = window_of(jana, text)
    api_keys.replace(access.open_with(text, "window"), "ivana", until=timezone.now())
    assert window.get(reverse("window:state", args=[acme.instance.code])).status_code == 200


def test_revoking_a_key_of_events_closes_no_window(acme: Tenant, jana: Agent) -> None:
    window = window_of(jana, api_keys.create(acme, "window", "ivana"))
    api_keys.revoke(access.open_with(api_keys.create(acme, "events", "alice"), "events"), "alice")
    assert window.get(reverse("window:state", args=[acme.instance.code])).status_code == 200


def test_a_token_made_from_a_key_ends_with_it_at_once(acme: Tenant) -> None:
    text = api_keys.create(acme, "events", "alice")
    token = Client().post("/api/v1/token", {"key": text}, content_type="application/json").json()["access_token"]
    event = {"EventName": "AgentPaused", "Login": "jana"}
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().post("/api/v1/events", event, content_type="application/json", headers=headers).status_code == 202
    api_keys.revoke(access.open_with(text, "events"), "alice")
    assert Client().post("/api/v1/events", event, content_type="application/json", headers=headers).status_code == 401


# -- people who may no longer ------------------------------------------------------------------------------------------


def removed(alice: User) -> None:
    alice.memberships.all().delete()


def switched_off(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)


@pytest.mark.parametrize(("end", "status"), [(removed, 404), (switched_off, 302)])
def test_the_next_request_of_an_admin_who_was_removed_finds_nothing(
    alices: Client, alice: User, acme: Tenant, end: Any, status: int
) -> None:
    address = reverse("portal:operation", args=[acme.code])
    assert alices.get(address).status_code == 200
    end(alice)
    assert alices.get(address).status_code == status
    assert make(alices, acme).status_code == status
    assert ApiKey.objects.count() == 0


def test_staff_who_left_is_out_of_admin_and_portal(ivana: User, acme: Tenant) -> None:
    client = Client()
    client.force_login(ivana)
    User.objects.filter(pk=ivana.pk).update(is_active=False)
    for address in (reverse("admin:index"), reverse("portal:checklist", args=[acme.code])):
        assert (address, client.get(address).status_code) == (address, 302)
