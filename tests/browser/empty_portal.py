"""The portal with nothing in it, as it is started in production: web, jobs, a mail server, and a stand-in for Microsoft.

Each is a process of its own; the only person there is ivana, made by `createsuperuser`.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import requests
from aiosmtpd.controller import Controller

from ipexportal.sandbox.directory import APP_ID, CLIENT_ID, CLIENT_SECRET
from tests.post_office import Counter, PostOffice, free_port, text_of

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "ivana-has-a-long-password"


@dataclass(frozen=True)
class Portal:
    """`crm` is the origin of the stand-in, which is Dataverse and Entra at once."""

    url: str
    crm: str
    office: PostOffice

    @property
    def app(self) -> str:
        """What somebody copies from the browser when their app is open."""
        return f"{self.crm}/main.aspx?appid={APP_ID}&pagetype=dashboard"

    def mail_to(self, address: str, *, about: str = "", seconds: float = 30) -> EmailMessage:
        """The newest e-mail delivered to that address (with these words in its subject), once it is there."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for message in reversed(self.office.received):
                if address in str(message["To"]) and about in str(message["Subject"]):
                    return message
            time.sleep(0.1)
        raise AssertionError(
            f"No e-mail “{about}” to {address}: {[str(each['Subject']) for each in self.office.received]}"
        )

    def microsoft(self, act: str, **values: Any) -> None:
        requests.post(f"{self.crm}/_sandbox/{act}", json=values, timeout=10).raise_for_status()


def link_in(message: EmailMessage, path: str) -> str:
    """The address in the e-mail whose path begins so."""
    found = re.search(rf"https?://\S+{path}\S*", text_of(message))
    assert found, text_of(message)
    return found[0]


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Portal]:
    web, crm, mail = free_port(), free_port(), free_port()
    office = PostOffice(port=mail)
    controller = Controller(Counter(office), hostname="127.0.0.1", port=mail)
    controller.start()
    environment = {**os.environ, **_environment(folder, web, crm, mail)}
    try:
        _manage(environment, "migrate", "--verbosity", "0")
        _manage(environment, "createcachetable")
        who = ["--username", "ivana", "--email", "ivana@ipex.example"]
        _manage(environment | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}, "createsuperuser", "--noinput", *who)
        with contextlib.ExitStack() as running:
            python = [sys.executable, "manage.py"]
            server = ["-m", "uvicorn", "ipexportal.asgi:application", "--port", str(web), "--log-level", "error"]
            for command in (
                [*python, "sandbox", "--port", str(crm)],
                [*python, "run_huey"],
                [sys.executable, *server, "--timeout-graceful-shutdown", "2"],
            ):
                running.enter_context(_process(command, environment))
            _answers(f"http://127.0.0.1:{crm}/_sandbox/state")
            _answers(f"http://127.0.0.1:{web}/healthz")
            yield Portal(f"http://127.0.0.1:{web}", f"http://127.0.0.1:{crm}", office)
    finally:
        controller.stop()


def _environment(folder: Path, web: int, crm: int, mail: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "ipexportal.settings",
        "SECRET_KEY": "only-for-this-test-" + "x" * 40,
        "FIELD_KEYS": f"t1:{base64.b64encode(b'f' * 32).decode()}",
        "INDEX_KEYS": f"t1:{base64.b64encode(b'i' * 32).decode()}",
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
        "PORTAL_URL": f"http://127.0.0.1:{web}",
        "ALLOWED_HOSTS": "127.0.0.1",
        "ALLOW_LOOPBACK_MICROSOFT": "on",
        "ENTRA_AUTHORITY": f"http://127.0.0.1:{crm}",
        "ENTRA_CLIENT_ID": CLIENT_ID,
        "ENTRA_CLIENT_SECRET": CLIENT_SECRET,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mail),
        "DEFAULT_FROM_EMAIL": "portal@ipex.example",
        "SERVE_STATIC_FROM_SOURCE": "on",
        "HUEY_IMMEDIATE": "off",
        "LOG_LEVEL": "ERROR",
        "DEMO": "off",
        "DEBUG": "off",
    }


def _manage(environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(address: str) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        with contextlib.suppress(requests.RequestException):
            if requests.get(address, timeout=5).ok:
                return
        time.sleep(0.1)
    raise AssertionError(f"Nothing answers at {address}.")
