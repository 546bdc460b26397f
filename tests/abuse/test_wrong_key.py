"""The portal was started with a key that does not open what is stored: it says so, does nothing, and loses nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from crmwindow.models import Call, Note
from tenants import api_keys, key_check
from tenants.fields import Sealed, seal
from tenants.models import Agent, ApiKey, SystemAccount, Tenant
from tests.window.conftest import Window, jana_window, open_window, patience, ring, text_of

__all__ = ["jana_window", "open_window", "patience", "ring"]

pytestmark = pytest.mark.django_db
WRONG = {"t1": b"x" * 32}
SENTENCES = {
    "cs": ("Portál nemůže otevřít uložená data", "Nic se neztratilo", "Pomoci může jen provozovatel portálu"),
    "sk": ("Portál nemôže otvoriť uložené dáta", "Nič sa nestratilo", "Pomôcť môže len prevádzkovateľ portálu"),
    "en": ("The portal cannot open what is stored", "Nothing was lost", "Only whoever operates the portal can help"),
}


@pytest.fixture
def account(acme: Tenant) -> SystemAccount:
    values = {"instance": acme.instance, "client_id": UUID(int=1), "client_secret": "h8Q~hush"}
    return SystemAccount.objects.create(**values)


@pytest.fixture
def call(jana: Agent, jana_window: Window, ring: Callable[..., Call]) -> Call:
    """Jana talks and has typed something."""
    call = ring(jana, "777123456", "Answered")
    jana_window.ask("matches", call.code)
    jana_window.act("note", call=str(call.code), text="Volal kvůli čerpadlu")
    return call


def says(answer: Any, language: str) -> bool:
    seen = text_of(answer).replace("\xa0", " ")
    return all(sentence in seen for sentence in SENTENCES[language])


# -- monitoring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [WRONG, {"t2": b"k" * 32}])
def test_monitoring_hears_which_check_failed(account: SystemAccount, settings: Any, keys: Any, caplog: Any) -> None:
    right = settings.FIELD_KEYS
    assert (Client().get("/readyz").status_code, Client().get("/healthz").status_code) == (200, 200)
    settings.FIELD_KEYS = keys
    with caplog.at_level(logging.ERROR, key_check.__name__):
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"not ready: FIELD_KEYS")
    assert caplog.messages[0] == "FIELD_KEYS do not open what is stored in tenants.SystemAccount."
    assert Client().get("/healthz").status_code == 200
    settings.FIELD_KEYS = right
    assert Client().get("/readyz").content == b"ok"


def test_a_new_key_beside_the_old_one_is_in_order(account: SystemAccount, settings: Any) -> None:
    settings.FIELD_KEYS = {"t2": b"n" * 32, **settings.FIELD_KEYS}
    assert Client().get("/readyz").status_code == 200


def test_one_damaged_value_does_not_take_the_portal_away(acme: Tenant, jana: Agent, bob: Agent, settings: Any) -> None:
    for agent in (jana, bob):
        agent.token_cache = "tokens"
        agent.save()
    damaged = bytearray(seal(bob, "token_cache", "tokens"))
    damaged[-1] ^= 1
    Agent.objects.filter(pk=bob.pk).update(token_cache=Sealed(bytes(damaged)))
    settings.FIELD_KEYS = {**settings.FIELD_KEYS, "t3": b"z" * 32}  # so that nothing is remembered
    assert Client().get("/readyz").status_code == 200


def test_the_answer_is_remembered_and_few_rows_are_read(
    account: SystemAccount, settings: Any, django_assert_max_num_queries: Any
) -> None:
    settings.FIELD_KEYS = {**settings.FIELD_KEYS, "t4": b"z" * 32}
    with django_assert_max_num_queries(40):
        assert Client().get("/readyz").status_code == 200
    with django_assert_max_num_queries(1):
        assert Client().get("/readyz").status_code == 200


# -- people ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["cs", "sk", "en"])
def test_jana_reads_it_in_her_window_in_her_language(
    jana: Agent, jana_window: Window, call: Call, settings: Any, language: str
) -> None:
    Agent.objects.filter(pk=jana.pk).update(language=language)
    settings.FIELD_KEYS = WRONG
    answers = [jana_window.ask("shell"), jana_window.ask("state"), jana_window.ask("call", call.code)]
    assert [(answer.status_code, says(answer, language)) for answer in answers] == [(503, True)] * 3
    assert "frame-ancestors http://localhost:8000" in answers[0].headers["Content-Security-Policy"]
    assert (answers[0].headers["Content-Language"], answers[0].headers["Retry-After"]) == (language, "60")
    assert 'lang="' + language in answers[0].content.decode()


def test_no_part_of_the_window_breaks_or_shows_something_else(jana_window: Window, call: Call, settings: Any) -> None:
    settings.FIELD_KEYS = WRONG
    parts = ("matches", "details", "history", "activities", "who", "find", "follow_up_form")
    answers = [jana_window.ask(part, call.code) for part in parts] + [jana_window.ask("day")]
    answers.append(jana_window.act("note_send", call=str(call.code), text="Jiný text"))
    assert {answer.status_code for answer in answers} == {503}
    assert not [
        answer for answer in answers if "777" in answer.content.decode() or "čerpadl" in answer.content.decode()
    ]


@pytest.mark.parametrize("language", ["cs", "sk", "en"])
def test_alice_reads_it_in_the_portal(
    acme: Tenant, alice: User, account: SystemAccount, call: Call, settings: Any, language: str
) -> None:
    Note.objects.update(state="refused", problem="values")
    alices = Client(headers={"Accept-Language": language})
    alices.force_login(alice)
    settings.FIELD_KEYS = WRONG
    answer = alices.get(reverse("not_logged", args=[acme.code]))
    assert (answer.status_code, says(answer, language)) == (503, True)


def test_a_machine_gets_a_sentence(acme: Tenant, call: Call, settings: Any) -> None:
    key = api_keys.create(acme, ApiKey.Scope.EVENTS, "tests")
    settings.FIELD_KEYS = WRONG
    event = {"EventName": "Ringing", "From": "777123456", "Login": "jana", "UniqueId": call.unique_id}
    headers = {"Authorization": f"Bearer {key}", "Accept-Language": "en"}
    answer = Client().post("/api/v1/events", event, content_type="application/json", headers=headers)
    sentence = "The portal was started with a wrong key and cannot open what is stored. Tell IPEX."
    assert (answer.status_code, answer.json()) == (503, {"error": sentence})


def test_nothing_is_accepted_that_the_right_key_could_not_open(
    jana: Agent, account: SystemAccount, settings: Any, jana_window: Window
) -> None:
    key, right = api_keys.create(jana.tenant, ApiKey.Scope.EVENTS, "tests"), settings.FIELD_KEYS
    event = {"EventName": "Ringing", "From": "777123456", "Login": jana.login, "UniqueId": "new.1"}

    def told() -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return Client().post("/api/v1/events", event, content_type="application/json", headers=headers).status_code

    settings.FIELD_KEYS = WRONG
    assert told() == 503
    assert not Call.objects.exists()
    settings.FIELD_KEYS = right
    assert told() == 202
    assert Call.objects.get().number == "+420777123456"


def test_the_log_names_it_and_no_secret(jana_window: Window, call: Call, settings: Any, caplog: Any) -> None:
    settings.FIELD_KEYS = WRONG
    with caplog.at_level(logging.ERROR, "ipexportal.wrong_key"):
        jana_window.ask("shell")
    lines = [record for record in caplog.records if record.name == "ipexportal.wrong_key"]
    assert [(line.levelname, line.exc_info) for line in lines] == [("ERROR", None)]
    assert (
        lines[0]
        .getMessage()
        .startswith("A stored value does not open with FIELD_KEYS, so window:shell was not answered.")
    )
    assert not [text for text in ("xxxx", "eHh4", "777", "čerpadl") if text in lines[0].getMessage()]


def test_with_the_key_back_everything_is_there(jana_window: Window, call: Call, settings: Any) -> None:
    right = settings.FIELD_KEYS
    settings.FIELD_KEYS = WRONG
    jana_window.ask("shell")
    jana_window.act("note", call=str(call.code), text="Přepsat")
    settings.FIELD_KEYS = right
    assert "Volal kvůli čerpadlu" in jana_window.ask("shell").content.decode()
    assert Note.objects.get().text == "Volal kvůli čerpadlu"
