"""Real processes and a PostgreSQL that can crash. Nothing that was accepted may be lost, and nothing doubled.

Run by: python -m ipexportal.throwaway --durable pytest tests/faults --override-ini addopts=
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipexportal.sandbox import Sandbox
from ipexportal.throwaway import FOLDER, Server
from tests.machines.conftest import (
    Machines,
    bob,
    environment,
    exchange,
    jana,
    open_window,
    where_machines_live,
)
from tests.machines.units import free_port, site

__all__ = ["bob", "exchange", "jana", "open_window", "where_machines_live"]


class Database:
    """The server, and the tests' own connection, which does not outlive a crash of it."""

    def __init__(self) -> None:
        self.server = Server(Path(os.environ[FOLDER]))

    def crash(self) -> None:
        self.server.crash()

    def stop(self) -> None:
        self.server.stop("fast")

    def start(self) -> None:
        for attempt in range(5):  # its children may still be dying
            try:
                self.server.start()
                return
            except subprocess.CalledProcessError:
                if attempt == 4:
                    raise


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture(scope="module")
def machines(where_machines_live: None, sandbox: Sandbox, tmp_path_factory: Any) -> Iterator[Machines]:
    """One web process, which serves the streams as well, and one for jobs."""
    given = environment(sandbox, PORTAL_URL=f"http://127.0.0.1:{free_port()}")
    with site(given, tmp_path_factory.mktemp("faults")) as running:
        one = Machines(running, web=1, jobs=1)
        one.addresses["stream"] = one.addresses["web"]
        yield one


@pytest.fixture(autouse=True)
def _all_run(machines: Machines) -> None:
    machines.start_again()
