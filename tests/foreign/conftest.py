"""A sandbox, a signed-in person, and DynamicsWebApi in a Node process beside."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ipexportal import sandbox as stand_in
from tests.sandbox.browser import Browser

HERE = Path(__file__).parent


class Refused(Exception):
    """What the foreign client made of an error answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message = status, code, message


@dataclass
class Client:
    """DynamicsWebApi as one person."""

    process: subprocess.Popen[str]
    server: str
    token: str
    options: dict[str, Any]

    def __call__(self, call: str, **request: Any) -> Any:
        asked = {"call": call, "request": request, "server": self.server, "token": self.token, "options": self.options}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise Refused(**answer["error"])
        return answer["value"]


@pytest.fixture(scope="session")
def microsoft() -> Iterator[stand_in.Sandbox]:
    with stand_in.start() as running:
        yield running


@pytest.fixture(scope="session")
def node() -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    process = subprocess.Popen(
        ["node", "client.mjs"],
        cwd=HERE,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="session")
def client_of(microsoft: stand_in.Sandbox, node: subprocess.Popen[str]) -> Callable[..., Client]:
    def sign_in(upn: str, **options: Any) -> Client:
        with Browser(microsoft) as browser:
            return Client(node, microsoft.origin, browser.tokens(upn)["access_token"], options)

    return sign_in


@pytest.fixture(scope="session")
def jana(client_of: Callable[..., Client]) -> Client:
    return client_of("jana@acme.example")
