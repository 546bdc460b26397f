"""A PostgreSQL server of one's own, gone afterwards: for benchmarks and for the suite's second run.

    python -m ipexportal.throwaway [--durable] COMMAND …      runs the command with DATABASE_URL set

`--durable`: what was committed survives a crash, as in production. The command finds the server in THROWAWAY_POSTGRESQL.

Needs PostgreSQL's programs (Debian: postgresql). PostgreSQL refuses to run as root, so root hands it to another account.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from time import monotonic, sleep

FOLDER = "THROWAWAY_POSTGRESQL"
SETTINGS = ("max_connections=200", "shared_buffers=256MB", "track_commit_timestamp=on")
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NoPostgreSQL(Exception):
    """PostgreSQL's programs are not on this machine."""


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL in a folder of its own."""

    folder: Path

    def make(self, port: int, settings: Iterable[str]) -> None:
        given = [
            *settings,
            f"port = {port}",
            "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{self.folder}'",
        ]
        self._run("initdb", "-U", "portal", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{each}\n" for each in given)

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", f"{self.folder}/log", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-w", "-m", mode, "stop", check=False)

    def crash(self) -> None:
        """As by kill -9, or as when the machine's power goes, except that what was written to files stays."""
        pids = self.processes()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ends = monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() for pid in pids) and monotonic() < ends:
            sleep(0.05)

    def processes(self) -> list[int]:
        """The server's and all its children's."""
        server = int((self.folder / "data" / "postmaster.pid").read_text().partition("\n")[0])
        return [server, *_children(server)]

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        account = _account()
        command = [f"{_programs()}/{program}", "-D", f"{self.folder}/data", *arguments]
        owner = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        output = {"stdout": subprocess.DEVNULL, "cwd": self.folder}
        subprocess.run(command, check=check, **output, **owner)  # type: ignore[call-overload]  # options in a dict


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[str]:
    """Start one; gives its DATABASE_URL. `durable`: it writes to the disk as one in production. Raises NoPostgreSQL."""
    with server(durable=durable) as (_running, url):
        yield url


@contextmanager
def server(*, durable: bool = False) -> Iterator[tuple[Server, str]]:
    _programs()
    running, port, account = Server(Path(tempfile.mkdtemp(prefix="throwaway-"))), _free_port(), _account()
    if account:
        shutil.chown(running.folder, account.pw_uid, account.pw_gid)
    try:
        running.make(port, [*SETTINGS, *(() if durable else QUICK)])
        running.start()
        try:
            yield running, f"postgres://portal@127.0.0.1:{port}/postgres"
        finally:
            running.stop()
    finally:
        shutil.rmtree(running.folder, ignore_errors=True)


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(FileNotFoundError, ProcessLookupError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
    return found


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
    durable, command = sys.argv[1] == "--durable", sys.argv[1:]
    with server(durable=durable) as (running, url):
        environment = {**os.environ, "DATABASE_URL": url, FOLDER: str(running.folder)}
        return subprocess.run(command[durable:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
