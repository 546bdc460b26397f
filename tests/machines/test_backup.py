"""The drill: back up, lose the database, restore, and go on. And what a thief of the backup could read."""

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import requests
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.utils import timezone

from crmwindow.models import Leg, Note
from ipexportal.sandbox import Sandbox, directory
from tenants import api_keys
from tenants.models import Agent, ApiKey, SystemAccount
from tests.lookup.conftest import ring
from tests.machines.browser import anywhere
from tests.machines.conftest import database_url, environment, once_in_the_crm
from tests.machines.units import ROOT, answers, free_port, site
from tests.notes.conftest import write

__all__ = ["ring"]

pytestmark = pytest.mark.django_db(transaction=True)
SECRET, NUMBER, TEXT = "the-customers-own-secret", "777123456", "[41.1] poznámka, která ještě čeká"
Script = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def script(sandbox: Sandbox) -> Script:
    def run(name: str, argument: object, **more: str) -> "subprocess.CompletedProcess[str]":
        given = {"PATH": os.environ["PATH"], **environment(sandbox), **more}
        command = [sys.executable, f"deploy/{name}", str(argument)]
        return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture
def empty() -> Iterator[str]:
    """The name of a database that holds nothing."""
    name = "restored"
    with psycopg.connect(database_url("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield name
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def a_waiting_note(jana: Agent, ring: Callable[..., Leg]) -> Note:
    """Typed and queued, not yet delivered; and a customer's secret beside it."""
    account = SystemAccount.objects.create(instance=jana.tenant.instance, client_id=directory.SYSTEM_CLIENT_ID)
    account.client_secret = SECRET
    account.save()
    leg = ring(jana, NUMBER, UniqueId="41.1")
    note = write(leg, TEXT)
    Note.objects.filter(pk=note.pk).update(next_try_at=timezone.now())
    return note


def test_after_a_restore_the_portal_answers_and_waiting_notes_go_out(
    a_waiting_note: Note, script: Script, empty: str, jana: Agent, sandbox: Sandbox, tmp_path: Path, microsoft: Sandbox
) -> None:
    key = api_keys.create(jana.tenant, ApiKey.Scope.EVENTS, "ivana")
    made = script("backup", tmp_path)
    assert made.returncode == 0, made.stderr
    [file] = tmp_path.iterdir()
    assert made.stdout.strip() == str(file)
    assert file.stat().st_mode & 0o077 == 0
    for table in ("crmwindow_note", "tenants_agent"):  # lost
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")

    restored = script("restore", file, DATABASE_URL=database_url(empty))
    assert restored.returncode == 0, restored.stdout + restored.stderr
    portal = f"http://127.0.0.1:{free_port()}"
    with site(environment(sandbox, DATABASE_URL=database_url(empty), PORTAL_URL=portal), tmp_path) as running:
        _web, address = running.serve("web")
        running.start("jobs", 1)
        answers(address)
        headers = {"Authorization": f"Bearer {key}"}
        body = {"EventName": "Ringing", "From": NUMBER, "Login": jana.login, "UniqueId": "41.2"}
        told = anywhere(requests.Session(), "post", [address], "/api/v1/events", json=body, headers=headers)
        assert told.status_code == 202, "keys, people and customers are there"
        _sweep(running.environment)
        once_in_the_crm(microsoft, "[41.1]", TEXT)


def _sweep(given: dict[str, str]) -> None:
    """As the sweep of the minute."""
    code = "import django; django.setup(); from crmwindow import notes; notes.sweep()"
    more = {"DJANGO_SETTINGS_MODULE": "ipexportal.settings", "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**given, **more}, check=True, timeout=60)


def test_a_backup_without_the_keys_tells_no_secret_no_number_and_no_note(
    a_waiting_note: Note, script: Script, tmp_path: Path, jana: Agent
) -> None:
    assert script("backup", tmp_path).returncode == 0
    [file] = tmp_path.iterdir()
    plain = subprocess.run(["pg_restore", "--file=-", str(file)], check=True, capture_output=True).stdout
    assert b"Acme s.r.o." in plain, "it was read"
    secrets = [SECRET, NUMBER, f"+420{NUMBER}", "420" + NUMBER, "která ještě čeká", jana.token_cache]
    for secret in secrets:
        for spelling in (secret.encode(), secret.encode().hex().encode(), b64encode(secret.encode())):
            assert spelling not in plain
    for name in ("FIELD_KEYS", "INDEX_KEYS", "SECRET_KEY"):
        assert os.environ[name].rpartition(":")[2].encode() not in plain


def test_a_backup_holds_nothing_that_opens_a_session(a_waiting_note: Note, script: Script, tmp_path: Path) -> None:
    session = SessionStore()
    session["of"] = "ivana"
    session.save()
    assert script("backup", tmp_path).returncode == 0
    [file] = tmp_path.iterdir()
    plain = subprocess.run(["pg_restore", "--file=-", str(file)], check=True, capture_output=True, text=True).stdout
    assert session.session_key not in plain


def test_with_the_wrong_key_a_restore_says_so_and_nothing_opens(
    a_waiting_note: Note, script: Script, empty: str, tmp_path: Path
) -> None:
    assert script("backup", tmp_path).returncode == 0
    [file] = tmp_path.iterdir()
    wrong = "t1:" + b64encode(b"w" * 32).decode()
    said = script("restore", file, DATABASE_URL=database_url(empty), FIELD_KEYS=wrong)
    assert said.returncode == 1
    assert "stopped at" in said.stderr
    assert "check_field_keys" in said.stderr
    assert SECRET not in said.stdout + said.stderr
    again = script("restore", file, DATABASE_URL=database_url(empty))
    assert again.returncode == 1
    assert "not empty" in again.stderr, "a second restore never mixes with the first"


def test_a_backup_that_fails_leaves_no_file_and_old_ones_go(script: Script, tmp_path: Path) -> None:
    old = tmp_path / "ipex-portal-20200101T000000Z.dump"
    old.touch()
    nobody = "postgres://nobody@127.0.0.1:1/none"
    said = script("backup", tmp_path, DATABASE_URL=nobody)
    assert (said.returncode, "no backup was written" in said.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == [old], "the last good one stays while no new one is made"
    assert script("backup", tmp_path).returncode == 0
    assert old not in list(tmp_path.iterdir())
