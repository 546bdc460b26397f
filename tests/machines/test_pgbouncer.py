"""PgBouncer in transaction mode between the portal and PostgreSQL; those who LISTEN go past it."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from ipexportal.sandbox import Sandbox
from tenants.models import Agent
from tests.machines.browser import until
from tests.machines.conftest import Exchange, Machines, OpenWindow, database_url, environment, once_in_the_crm
from tests.machines.units import free_port, site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def pgbouncer(where_machines_live: None, tmp_path_factory: Any) -> Iterator[int]:
    """Its port. It refuses to be root, as PostgreSQL does."""
    folder, port, given = tmp_path_factory.mktemp("pgbouncer"), free_port(), connection.settings_dict
    (folder / "users").write_text(f'"{given["USER"]}" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={given['PORT']}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users\n"
        "pool_mode = transaction\ndefault_pool_size = 4\nignore_startup_parameters = extra_float_digits,options\n"
    )
    command = [shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        for path in (folder, *folder.iterdir()):
            os.chown(path, account.pw_uid, account.pw_gid)
        for parent in folder.parents[:2]:
            parent.chmod(parent.stat().st_mode | 0o011)
        command += ["--user=postgres"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _answers(port))
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def _through(port: int) -> str:
    given = connection.settings_dict
    return f"postgres://{given['USER']}@127.0.0.1:{port}/{given['NAME']}"


def _answers(port: int) -> bool:
    try:
        psycopg.connect(_through(port), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="module")
def machines(pgbouncer: int, sandbox: Sandbox, tmp_path_factory: Any) -> Iterator[Machines]:
    given = environment(
        sandbox,
        PORTAL_URL=f"http://127.0.0.1:{free_port()}",
        DATABASE_URL=_through(pgbouncer),
        STREAM_DATABASE_URL=database_url(),
    )
    with site(given, tmp_path_factory.mktemp("machines")) as running:
        one = Machines(running, web=1, jobs=1)
        one.addresses["stream"] = one.addresses["web"]
        yield one


def test_a_call_and_its_note_go_through_a_pool_of_four(
    machines: Machines, exchange: Exchange, open_window: OpenWindow, jana: Agent, microsoft: Sandbox
) -> None:
    window = open_window(jana)
    typed = {}
    for number in range(8):  # more often than psycopg waits before it would prepare a statement
        mark = f"[71.{number}]"
        call = exchange.says("Ringing", "777123456", jana, mark[1:-1])
        exchange.says("Answered", "777123456", jana, mark[1:-1])
        window.type(call, f"{mark} přes PgBouncer", send=True)
        typed[mark] = f"{mark} přes PgBouncer"
    window.shows("777 123 456")
    for mark, text in typed.items():
        once_in_the_crm(microsoft, mark, text)
