"""Who gets through the door, and what strangers see."""

import base64
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.http import Http404
from django.test import RequestFactory
from django.utils import timezone

from tenants import access, api_keys
from tenants.access import Refused
from tenants.models import Agent, ApiKey, AuditEntry, Instance, Tenant
from tenants.registration import NotStaff


def asking(user: Any = None, **headers: Any) -> Any:
    request = RequestFactory().get("/", **headers)
    request.user = user or AnonymousUser()
    return request


def sees(user: Any, instance: Instance) -> bool:
    try:
        return access.get_instance(asking(user), instance.code) == instance
    except Http404:
        return False


def test_members_see_their_own_and_staff_sees_all(
    instance: Instance, beta: Tenant, alice: User, otto: User, ivana: User
) -> None:
    seen = {user.username: (sees(user, instance), sees(user, beta.instance)) for user in (alice, otto, ivana)}
    assert seen == {"alice": (True, False), "otto": (False, True), "ivana": (True, True)}


def test_strangers_and_former_people_see_nothing(instance: Instance, alice: User, ivana: User) -> None:
    for user in (alice, ivana):
        user.is_active = False
        user.save()
    assert [sees(user, instance) for user in (None, alice, ivana)] == [False, False, False]


@pytest.mark.parametrize("code", ["nonsense", str(uuid.UUID(int=1)), ""])
def test_what_is_not_there_looks_like_what_is_not_yours(ivana: User, code: str) -> None:
    with pytest.raises(Http404) as missing:
        access.get_instance(asking(ivana), code)
    assert str(missing.value) == ""


# Keys


def bearer(text: str, **headers: Any) -> Any:
    return asking(HTTP_AUTHORIZATION=f"Bearer {text}", **headers)


def basic(password: str, user: str = "x") -> Any:
    return asking(HTTP_AUTHORIZATION="Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


def status_of(request: Any, scope: str = "events") -> int:
    try:
        access.key_from(request, scope)
    except Refused as refused:
        return refused.status if refused.sentence else 500
    return 200


def test_a_key_opens_its_scope_as_bearer_and_as_basic_password(acme: Tenant) -> None:
    text = api_keys.create(acme, "events", "ivana")
    assert text.startswith("ipx_events_")
    assert access.key_from(bearer(text), "events").tenant == acme
    assert access.key_from(basic(text), "events").tenant == acme
    assert access.key_from(basic(text, user=""), "events").tenant == acme


def test_the_key_itself_is_stored_nowhere(acme: Tenant) -> None:
    text = api_keys.create(acme, "events", "ivana")
    key = ApiKey.objects.get()
    assert text not in str(vars(key)) + str([vars(entry) for entry in AuditEntry.objects.all()])
    assert AuditEntry.objects.get().after == {"scope": "events", "allowed_addresses": [], "expires_at": None}


def test_what_a_key_does_not_open(acme: Tenant, beta: Tenant) -> None:
    text = api_keys.create(acme, "events", "ivana")
    assert status_of(bearer(text), "window") == 403
    assert status_of(bearer(text[:-1])) == 401
    assert status_of(bearer(text + "x")) == 401
    assert status_of(bearer("")) == 401
    assert status_of(asking()) == 401
    assert status_of(asking(HTTP_AUTHORIZATION=f"Token {text}")) == 401
    assert status_of(asking(HTTP_AUTHORIZATION="Basic §§§")) == 401
    assert status_of(asking(HTTP_AUTHORIZATION="Basic " + base64.b64encode(b"\xff\xfe").decode())) == 401
    assert status_of(basic(user=text, password="")) == 401
    assert status_of(basic("ipx_events_žluť")) == 401
    with pytest.raises(Refused):
        access.open_with("\ud800", None)


def test_a_revoked_key_opens_nothing(acme: Tenant) -> None:
    text = api_keys.create(acme, "events", "ivana")
    api_keys.revoke(ApiKey.objects.get(), "ivana")
    api_keys.revoke(ApiKey.objects.get(), "ivana")
    assert status_of(bearer(text)) == 401
    assert AuditEntry.objects.filter(act="api_key.revoked").count() == 1


def test_a_key_expires(acme: Tenant) -> None:
    text = api_keys.create(acme, "events", "ivana", expires_at=timezone.now() + timedelta(days=1))
    assert status_of(bearer(text)) == 200
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert status_of(bearer(text)) == 401


def test_a_key_may_be_bound_to_addresses(acme: Tenant) -> None:
    text = api_keys.create(acme, "window", "ivana", addresses=["192.0.2.0/24", "2001:db8::1"])
    ok = {"192.0.2.7": 200, "2001:db8::1": 200, "::ffff:192.0.2.7": 200, "198.51.100.1": 403, "": 403, "unix:": 403}
    assert {at: status_of(bearer(text, REMOTE_ADDR=at), "window") for at in ok} == ok


def test_an_address_that_is_none_is_refused_with_a_sentence(acme: Tenant) -> None:
    with pytest.raises(ValidationError) as error:
        api_keys.create(acme, "events", "ivana", addresses=["192.0.2.0/24", "komunikator"])
    assert "komunikator" in error.value.messages[0]
    assert ApiKey.objects.count() == 0


def test_an_unknown_scope_is_refused(acme: Tenant) -> None:
    with pytest.raises(ValidationError):
        api_keys.create(acme, "everything", "ivana")


def test_keys_that_open_windows_are_made_by_staff_only(acme: Tenant, alice: User, ivana: User) -> None:
    with pytest.raises(NotStaff):
        api_keys.create(acme, "window", alice)
    assert api_keys.create(acme, "window", ivana).startswith("ipx_window_")
    assert api_keys.create(acme, "events", alice).startswith("ipx_events_")


def test_a_token_opens_what_its_key_opens_for_an_hour_and_dies_with_it(acme: Tenant) -> None:
    text = api_keys.create(acme, "events", "ivana")
    token = access.token_for(access.key_from(basic(text), "events"))
    assert status_of(bearer(token)) == 200
    assert status_of(bearer(token), "ivr") == 403
    with pytest.raises(Refused):
        access.open_with(token, None)
    assert status_of(bearer(token[:-1] + ("A" if token[-1] != "A" else "B"))) == 401
    with time_machine.travel(timezone.now() + timedelta(seconds=access.TOKEN_SECONDS + 5)):
        assert status_of(bearer(token)) == 401
    api_keys.revoke(ApiKey.objects.get(), "ivana")
    assert status_of(bearer(token)) == 401


def test_use_is_noted_at_most_once_a_minute(acme: Tenant, django_assert_num_queries: Any) -> None:
    text = api_keys.create(acme, "events", "ivana")
    access.key_from(bearer(text), "events")
    assert ApiKey.objects.get().last_used_at is not None
    with django_assert_num_queries(1):
        access.key_from(bearer(text), "events")


def test_agents_are_not_portal_users(jana: Agent) -> None:
    assert not User.objects.filter(email=jana.email).exists()
