"""Acme's system account and alice's own Microsoft connection: real tokens over the real protocol."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from ipexportal.sandbox import Sandbox, directory
from ipexportal.sandbox.visitor import pick
from tenants import connections, entra, microsoft_connections, schema
from tenants.models import Instance, MicrosoftConnection, SystemAccount

_identities: dict[tuple[str, str], entra.Identity] = {}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    connections._read.clear()
    schema._kept.clear()


@pytest.fixture
def from_and_to(microsoft: Sandbox) -> Iterator[Callable[..., None]]:
    """`from_and_to("Recommended")` sets both; afterwards they are as Microsoft delivers them."""

    def act(level: str, *, fixed: bool = False) -> None:
        for column in ("from", "to"):
            microsoft.dataverse.require("phonecall", column, level)
            microsoft.dataverse.model.change_column("phonecall", column, level_fixed=fixed)

    act("ApplicationRequired")
    yield act
    act("ApplicationRequired")


@pytest.fixture
def identity_of(instance: Instance) -> Callable[[str], entra.Identity]:
    """What comes of somebody's sign-in at Microsoft's page."""

    def act(upn: str) -> entra.Identity:
        key = (instance.url, upn)
        if key not in _identities:
            flow, address = entra.begin(instance)
            query: dict[str, Any] = dict(parse_qsl(urlsplit(pick(address, upn)).query))
            _identities[key] = entra.redeem(instance, flow, query)
        return _identities[key]

    return act


@pytest.fixture
def connection(instance: Instance, alice: User, identity_of: Callable[[str], entra.Identity]) -> MicrosoftConnection:
    """Alice has connected her own Microsoft account."""
    return microsoft_connections.connect(instance, user=alice, identity=identity_of("alice@acme.example"))


@pytest.fixture
def system(instance: Instance) -> SystemAccount:
    account = SystemAccount(instance=instance, client_id=UUID(directory.SYSTEM_CLIENT_ID))
    account.save()
    account.client_secret = directory.SYSTEM_CLIENT_SECRET
    account.save()
    return account
