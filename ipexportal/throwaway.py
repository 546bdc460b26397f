"""A PostgreSQL server of one's own, gone afterwards: for benchmarks and for the suite's second run.

    python -m ipexportal.throwaway COMMAND …      runs the command with DATABASE_URL set

Needs PostgreSQL's programs (Debian: postgresql). PostgreSQL refuses to run as root, so root hands it to another account.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

SETTINGS = ("max_connections=200", "shared_buffers=256MB", "track_commit_timestamp=on")
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NoPostgreSQL(Exception):
    """PostgreSQL's programs are not on this machine."""


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[str]:
    """Start one; gives its DATABASE_URL. `durable`: it writes to the disk as one in production. Raises NoPostgreSQL."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="throwaway-"))
    account = _account()
    if account:
        shutil.chown(folder, account.pw_uid, account.pw_gid)

    def run(program: str, *arguments: str, check: bool = True) -> None:
        command = [f"{programs}/{program}", "-D", f"{folder}/data", *arguments]
        owner = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, cwd=folder, **owner)  # type: ignore[call-overload]

    port = _free_port()
    settings = [*SETTINGS, *(() if durable else QUICK)]
    settings += [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}"]
    try:
        run("initdb", "-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", " ".join(f"-c {setting}" for setting in settings), "start")
        try:
            yield f"postgres://portal@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop", check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> str:
    found = shutil.which("initdb")
    folders = [str(Path(found).parent)] if found else sorted(glob("/usr/lib/postgresql/*/bin"))
    if not folders:
        raise NoPostgreSQL("PostgreSQL is not installed (Debian: apt-get install postgresql).")
    return folders[-1]


def _account() -> pwd.struct_passwd | None:
    """Whose the server is when we are root; None: our own."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgreSQL("PostgreSQL does not run as root, and there is no account to hand it to.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    with postgresql() as url:
        return subprocess.run(sys.argv[1:], env={**os.environ, "DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
