"""`check --deploy`: each of our checks can fail, says what to do, and is silent about a production as it should be."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import registry

from ipexportal import checks

ROOT = Path(__file__).resolve().parent.parent.parent
RIGHT: dict[str, Any] = {
    "PORTAL_URL": "https://portal.example.com",
    "ALLOWED_HOSTS": ["portal.example.com"],
    "ALLOW_LOOPBACK_MICROSOFT": False,
    "ENTRA_CLIENT_ID": "id",
    "ENTRA_CLIENT_SECRET": "secret",
    "ON_POSTGRESQL": True,
    "DEMO": False,
    "FIELD_KEYS": {"a": b"f" * 32},
    "INDEX_KEYS": {"a": b"i" * 32},
    "METRICS_TOKEN": "",
    "MAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "HUEY": {"immediate": False},
}
WRONG: dict[str, dict[str, Any]] = {
    "ipex.E001": {"PORTAL_URL": "http://portal.example.com"},
    "ipex.E002": {"ALLOW_LOOPBACK_MICROSOFT": True},
    "ipex.E003": {"ENTRA_CLIENT_SECRET": ""},
    "ipex.E004": {"DEMO": True},
    "ipex.E005": {"INDEX_KEYS": {"b": b"f" * 32}},
    "ipex.E006": {"ALLOWED_HOSTS": ["portal.example.com", "*"]},
    "ipex.E007": {"HUEY": {"immediate": True}},
    "ipex.W001": {"ON_POSTGRESQL": False},
    "ipex.W002": {"METRICS_TOKEN": "metrics"},
    "ipex.W003": {"MAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"},
    "ipex.W004": {"level": "DEBUG"},
}


def ours() -> list[Any]:
    return [check for check in registry.registry.deployment_checks if check.__module__ == checks.__name__]


@pytest.fixture
def found(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """`found(NAME=value)`: what our checks say of a production that is right but for this."""

    def run(*, level: str = "INFO", **changes: Any) -> list[Any]:
        monkeypatch.setitem(settings.LOGGING["root"], "level", level)  # as a setting it would set logging up anew
        for name, value in (RIGHT | changes).items():
            setattr(settings, name, value)
        return [message for check in ours() for message in check(app_configs=None)]

    return run


def test_a_production_as_it_should_be_is_silent(found: Callable[..., list[Any]]) -> None:
    assert found() == []


@pytest.mark.parametrize(("code", "changes"), WRONG.items(), ids=WRONG)
def test_each_mistake_is_named_with_what_to_do(
    found: Callable[..., list[Any]], code: str, changes: dict[str, Any]
) -> None:
    messages = found(**changes)
    assert [message.id for message in messages] == [code]
    assert all(message.hint for message in messages)


def test_every_check_of_ours_has_been_seen_to_fail() -> None:
    assert len(ours()) == len(WRONG)


SAID = """
import json
from django.conf import settings as s
print(json.dumps({name: getattr(s, name) for name in %r}))
"""
IN_PRODUCTION = {
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "CSRF_COOKIE_SECURE": True,
    "CSRF_COOKIE_HTTPONLY": True,
    "CSRF_COOKIE_SAMESITE": "Lax",
    "WINDOW_COOKIE": "__Host-ipex-window",
    "SIGN_IN_COOKIE": "__Host-ipex-signin",
    "PORTAL_SIGN_IN_COOKIE": "__Host-ipex-portal-signin",
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 31_536_000,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_HSTS_PRELOAD": True,
    "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
    "ALLOWED_HOSTS": ["portal.example.com"],
    "DEBUG": False,
}


def test_cookies_and_transport_of_a_production_are_as_designed() -> None:
    environment = os.environ | {
        "PORTAL_URL": "https://portal.example.com",
        "ALLOW_LOOPBACK_MICROSOFT": "off",
        "ALLOWED_HOSTS": "portal.example.com",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "INDEX_KEYS": f"i1:{b64encode(b'j' * 32).decode()}",
        "DJANGO_SETTINGS_MODULE": "ipexportal.settings",
    }
    command = [sys.executable, "-c", SAID % (list(IN_PRODUCTION),)]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(said.stdout) == IN_PRODUCTION
