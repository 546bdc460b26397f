"""The machine API against its own OpenAPI: bodies nobody thought of get no 500 and no answer that is not described."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from crmwindow.models import IvrFunction
from ipexportal.wsgi import application
from tenants import api_keys
from tenants.dataverse.metadata import Metadata
from tenants.models import Agent, ApiKey, SystemAccount, Tenant
from tests.ivr.conftest import account, metadata, nothing_remembered

__all__ = ["account", "metadata", "nothing_remembered"]

pytestmark = pytest.mark.django_db
IVR = ("lookup", "verify", "write")
SCOPES = {"events": "events", "window-tickets": "window", "lookup": "ivr", "verify": "ivr", "write": "ivr"}


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """As Django's own test client does: the test's transaction outlives its requests."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def keys(acme: Tenant) -> dict[str, str]:
    return {scope: api_keys.create(acme, ApiKey.Scope(scope), "tests") for scope in ("events", "window", "ivr")}


@pytest.fixture
def description(acme: Tenant, account: SystemAccount, metadata: Metadata, jana: Agent, keys: dict[str, str]) -> Any:
    for name, kind in (("kdo", "lookup"), ("pin", "verify"), ("zapis", "write")):
        IvrFunction.objects.create(
            tenant=acme, name=name, kind=kind, entity="contact", column="nnn_pin", columns={"text": "description"}
        )
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("path", ["token", "events", "window-tickets", "ivr/lookup", "ivr/verify", "ivr/write"])
def test_every_answer_is_as_described(description: Any, keys: dict[str, str], path: str, mode: GenerationMode) -> None:
    operation = description[f"/api/v1/{path}"]["POST"]
    scope = SCOPES.get(path.rpartition("/")[2])
    headers = {"Authorization": f"Bearer {keys[scope]}"} if scope else {}

    # Some rules no schema tells (exactly one of login, line and e-mail): a valid body may be refused, in a described way
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def every_answer(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    every_answer()


def test_every_address_of_the_api_is_tried(description: Any) -> None:
    tried = {f"/api/v1/{path}" for path in ("token", "events", "window-tickets", *(f"ivr/{each}" for each in IVR))}
    assert {path.partition(" ")[2] for path in map(_label, description.get_all_operations())} == tried


def _label(operation: Any) -> str:
    label: str = operation.ok().label
    return label
