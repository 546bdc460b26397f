"""Secrets at rest: bound to their row and column, readable with the right key only, and rotated."""

import base64
import subprocess
import sys
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from crmwindow.models import Call, CallState, Note
from tenants import rotation
from tenants.fields import CannotDecrypt, Sealed, seal
from tenants.keys import parse_keys
from tenants.models import Agent, Instance, SystemAccount, Tenant

KEY = base64.b64encode(b"k" * 32).decode()
OLD, NEW = {"t1": b"k" * 32}, {"t2": b"n" * 32, "t1": b"k" * 32}


@pytest.fixture
def account(instance: Instance) -> SystemAccount:
    return SystemAccount.objects.create(instance=instance, client_id=uuid.UUID(int=1), client_secret="h8Q~hush")


def stored(row: Any, column: str) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM "{row._meta.db_table}" WHERE id = %s', [row.pk])
        return bytes(cursor.fetchone()[0])


def test_a_secret_is_read_back(account: SystemAccount) -> None:
    assert SystemAccount.objects.get().client_secret == "h8Q~hush"
    assert b"hush" not in stored(account, "client_secret")


def test_saving_something_else_does_not_touch_it(account: SystemAccount) -> None:
    before = stored(account, "client_secret")
    row = SystemAccount.objects.get()
    row.sign_in_error = "AADSTS7000222"
    row.save()
    assert stored(account, "client_secret") == before


def test_nothing_readable_lies_in_the_database(acme: Tenant, jana: Agent, account: SystemAccount) -> None:
    """Neither secrets nor numbers nor notes, in any table."""
    from django.utils import timezone

    now = timezone.now()
    call = Call.objects.create(
        tenant=acme, unique_id="1", number="+420777123456", started_at=now, state=CallState.ENDED
    )
    Note.objects.create(call=call, author=jana, text="Volal kvůli čerpadlu", edited_at=now)
    jana.token_cache = '{"RefreshToken": "eyJ-refresh"}'
    jana.save()
    dump = b""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                dump += b"|".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row)
    assert [text for text in ("hush", "777123456", "čerpadlu", "eyJ-refresh") if text.encode() in dump] == []


def test_a_value_moved_to_another_row_does_not_open(account: SystemAccount, beta: Tenant) -> None:
    other = SystemAccount.objects.create(instance=beta.instance, client_id=uuid.UUID(int=2))
    SystemAccount.objects.filter(pk=other.pk).update(client_secret=Sealed(stored(account, "client_secret")))
    with pytest.raises(CannotDecrypt):
        SystemAccount.objects.get(pk=other.pk).client_secret


def test_a_value_moved_to_another_column_does_not_open(account: SystemAccount) -> None:
    SystemAccount.objects.update(second_client_secret=Sealed(stored(account, "client_secret")))
    with pytest.raises(CannotDecrypt):
        SystemAccount.objects.get().second_client_secret


def test_a_value_moved_to_another_table_does_not_open(account: SystemAccount, jana: Agent) -> None:
    sealed = seal(account, "token_cache", "tokens")
    Agent.objects.filter(pk=jana.pk).update(token_cache=sealed, code=account.code)
    with pytest.raises(CannotDecrypt):
        Agent.objects.get(pk=jana.pk).token_cache


@pytest.mark.parametrize("at", [0, 2, 6, -1])
def test_an_altered_value_does_not_open(account: SystemAccount, at: int) -> None:
    value = bytearray(stored(account, "client_secret"))
    value[at] ^= 1
    SystemAccount.objects.update(client_secret=Sealed(bytes(value)))
    with pytest.raises(CannotDecrypt):
        SystemAccount.objects.get().client_secret


def test_another_key_of_the_same_name_does_not_open(account: SystemAccount, settings: Any) -> None:
    settings.FIELD_KEYS = {"t1": b"x" * 32}
    with pytest.raises(CannotDecrypt):
        SystemAccount.objects.get().client_secret


def test_a_key_that_is_gone_does_not_open(account: SystemAccount, settings: Any) -> None:
    settings.FIELD_KEYS = {"t2": b"k" * 32}
    with pytest.raises(CannotDecrypt):
        SystemAccount.objects.get().client_secret


# The key ring


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"a:{KEY},a:{KEY}", "stands twice"),
        ("a:" + base64.b64encode(b"k" * 31).decode(), "31 bytes"),
        ("a:" + base64.b64encode(b"k" * 33).decode(), "33 bytes"),
        ("a:not base64!", "not base64"),
        (KEY, "id:base64"),
        (f"{'x' * 17}:{KEY}", "id:base64"),
        ("", "no key"),
    ],
)
def test_a_wrong_key_ring_stops_the_process_without_quoting_a_key(text: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=why) as error:
        parse_keys(text, name="FIELD_KEYS")
    assert KEY not in str(error.value)


def test_every_entry_point_stops_at_a_duplicate_key_id() -> None:
    environment = {"SECRET_KEY": "x" * 50, "FIELD_KEYS": f"a:{KEY},a:{KEY}", "INDEX_KEYS": f"a:{KEY}", "PATH": ""}
    command = [sys.executable, "-c", "import ipexportal.settings"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "the id a stands twice" in ended.stderr


# Rotation


def rotated() -> str:
    out = StringIO()
    call_command("rotate_field_keys", stdout=out)
    return out.getvalue()


def test_rotation_seals_everything_with_the_first_key(account: SystemAccount, jana: Agent, settings: Any) -> None:
    jana.token_cache = "tokens"
    jana.save()
    settings.FIELD_KEYS = NEW
    said = rotated()
    assert "tenants.SystemAccount.client_secret: rotated 1, current 0, erased meanwhile 0, unreadable 0" in said
    assert "tenants.Agent.token_cache: rotated 1, " in said
    settings.FIELD_KEYS = {"t2": b"n" * 32}
    assert (SystemAccount.objects.get().client_secret, Agent.objects.get().token_cache) == ("h8Q~hush", "tokens")
    assert "client_secret: rotated 0, current 1, " in rotated()


def test_rotation_reaches_every_encrypted_column_of_every_app() -> None:
    columns = {f"{model._meta.label}.{column}" for model, column in rotation.encrypted_columns()}
    assert columns >= {
        "tenants.Agent.token_cache",
        "tenants.SignInAttempt.flow",
        "tenants.SystemAccount.client_secret",
        "tenants.SystemAccount.second_client_secret",
        "tenants.SystemAccount.token_cache",
        "tenants.SystemCertificate.private_key",
        "crmwindow.Call.number",
        "crmwindow.LearnedMatch.number",
        "crmwindow.Lookup.result",
        "crmwindow.Note.text",
        "crmwindow.Note.detail",
        "crmwindow.NoteRevision.text",
    }


def test_rotation_walks_in_batches(acme: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    Agent.objects.bulk_create(
        Agent(tenant=acme, name=f"A{n}", email=f"a{n}@acme.example", token_cache=f"tokens {n}") for n in range(5)
    )
    settings.FIELD_KEYS = NEW
    assert rotation.rotate(Agent, "token_cache").rotated == 5
    assert {agent.token_cache for agent in Agent.objects.all()} == {f"tokens {n}" for n in range(5)}


def test_rotation_never_overwrites_what_somebody_stores_meanwhile(
    account: SystemAccount, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FIELD_KEYS = NEW
    real = rotation.unseal

    def slow(row: Any, column: str, sealed: Sealed) -> str:
        text = real(row, column, sealed)
        settings.FIELD_KEYS = OLD  # a process that was not restarted yet stores a newer secret, with the old key
        if text == "h8Q~hush":
            SystemAccount.objects.update(client_secret=seal(account, "client_secret", "newer"))
        settings.FIELD_KEYS = NEW
        return text

    monkeypatch.setattr(rotation, "unseal", slow)
    assert rotation.rotate(SystemAccount, "client_secret").rotated == 1
    row = SystemAccount.objects.get()
    assert (row.client_secret, row.__dict__["client_secret"].key_id) == ("newer", "t2")


def test_rotation_tells_what_it_cannot_read_and_does_the_rest(
    account: SystemAccount, jana: Agent, settings: Any
) -> None:
    jana.token_cache = "tokens"
    jana.save()
    SystemAccount.objects.update(client_secret=Sealed(bytes([1, 2]) + b"zz" + b"x" * 40))
    settings.FIELD_KEYS = NEW
    with pytest.raises(CommandError, match="1"):
        rotated()
    assert Agent.objects.get().__dict__["token_cache"].key_id == "t2"
