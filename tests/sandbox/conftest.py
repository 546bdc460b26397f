"""One stand-in for the tests of its server and its Entra: over http and over TLS, tidied up after each test."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ipexportal import sandbox as stand_in
from tests.sandbox.browser import Browser


@pytest.fixture(scope="session")
def over_tls() -> Iterator[stand_in.Sandbox]:
    with stand_in.start(tls_port=0, records=20) as running:
        yield running


@pytest.fixture
def microsoft(over_tls: stand_in.Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[stand_in.Sandbox]:
    # requests lets these two override the certificates that a caller names.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    over_tls.control.reset()
    yield over_tls
    over_tls.control.latency(0)
    while over_tls.control.state()["busy"]:  # a test that did not wait for its answer leaves one behind
        time.sleep(0.01)
    over_tls.control.reset()


@pytest.fixture
def browser(microsoft: stand_in.Sandbox) -> Iterator[Browser]:
    with Browser(microsoft) as one:
        yield one


@pytest.fixture
def bearer(browser: Browser) -> Any:
    """`bearer("jana@acme.example")` gives the headers of a signed-in person."""
    return lambda upn: {"Authorization": f"Bearer {browser.tokens(upn)['access_token']}"}
