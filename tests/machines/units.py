"""Processes started from the very files in `deploy/systemd`: their command, their Environment, their signals.

What systemd itself does (accounts, name spaces, limits) is beyond this; `systemd-analyze verify` reads that.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
INSTALLED = "/opt/ipex-portal"
WAIT = 150.0  # seconds; a machine may have other things to do
Settings = Mapping[str, str]


def read(name: str) -> dict[str, list[str]]:
    """The [Service] of a unit: each key with its values in order."""
    section, found = "", dict[str, list[str]]()
    for line in (UNITS / name).read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            key, _equals, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


class Unit:
    """One process of a unit; `instance` is what stands after the @. Its output is in `log`."""

    def __init__(self, name: str, instance: object, environment: Settings, log: Path) -> None:
        self.service, self.instance, self.log = read(f"{name}.service"), str(instance), log
        # As systemd does it: the file comes after Environment=
        self.environment = {"PATH": os.environ["PATH"], **self._own(), **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def _own(self) -> dict[str, str]:
        words = [word for line in self.service.get("Environment", []) for word in shlex.split(line)]
        return dict(word.split("=", 1) for word in words)

    def commands(self) -> list[list[str]]:
        def expanded(word: str) -> str:
            word = word.replace("%i", self.instance).replace(INSTALLED, str(ROOT))
            return re.sub(r"\$\{(\w+)\}", lambda match: self.environment[match[1]], word)

        return [[expanded(word) for word in shlex.split(line)] for line in self.service["ExecStart"]]

    def start(self) -> "Unit":
        [command] = self.commands()
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell gives it to what it starts behind
            signal.signal(signal.SIGINT, signal.default_int_handler)  # systemd lets its processes ignore none
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=log, stderr=log)
        return self

    def run(self) -> None:
        """A oneshot."""
        for command in self.commands():
            subprocess.run(command, env=self.environment, cwd=ROOT, check=True, capture_output=True, timeout=WAIT)

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def kill(self) -> None:
        """As a crash: without a chance to finish anything."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """As `systemctl stop`. It must need less than systemd gives it, and not have to cut anybody off."""
        assert self.process
        self.process.send_signal(getattr(signal, self.service.get("KillSignal", ["SIGTERM"])[0]))
        self.process.wait(timeout=float(self.service["TimeoutStopSec"][0]))
        assert "graceful shutdown exceeded" not in self.log.read_text()

    def end(self) -> None:
        """After the test, however it went."""
        if self.process and self.process.poll() is None:
            with suppress(subprocess.TimeoutExpired, AssertionError):
                self.stop()
            self.process.kill()
            self.process.wait()


class Site:
    """Some processes of one portal, on this machine as if on several."""

    def __init__(self, environment: Settings, folder: Path) -> None:
        self.environment, self.folder = environment, folder
        self.units: list[Unit] = []

    def start(self, name: str, instance: object) -> Unit:
        unit = Unit(f"ipex-portal-{name}@", instance, self.environment, self.folder / f"{name}-{instance}.log")
        self.units.append(unit.start())
        return unit

    def oneshot(self, name: str) -> None:
        Unit(f"ipex-portal-{name}", "", self.environment, self.folder / f"{name}.log").run()

    def serve(self, name: str) -> tuple[Unit, str]:
        """A server on a free port, not yet ready, and its address."""
        port = free_port()
        return self.start(name, port), f"http://127.0.0.1:{port}"

    def end(self) -> None:
        for unit in self.units:
            if unit.process and unit.process.poll() is None:
                unit.process.terminate()
        for unit in self.units:
            unit.end()


@contextmanager
def site(environment: Settings, folder: Path) -> Iterator[Site]:
    running = Site(environment, folder)
    try:
        yield running
    except BaseException:
        for log in sorted(folder.glob("*.log")):
            print(f"== {log.name}\n{log.read_text(errors='replace')[-3000:]}")
        raise
    finally:
        running.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str, **options: Any) -> None:
    """Wait until it answers ok."""
    ends = monotonic() + WAIT
    while monotonic() < ends:
        with suppress(requests.RequestException):
            if requests.get(f"{address}/readyz", timeout=5, **options).ok:
                return
        sleep(0.05)
    raise AssertionError(f"Nothing answers at {address}.")
