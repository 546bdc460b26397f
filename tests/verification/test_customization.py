"""Phone Call's From and To: alice makes them recommended through her own connection."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from ipexportal.sandbox import Sandbox
from tenants import connections, customization, entra, microsoft_connections
from tenants.customization import CannotChange, Change
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError, Unavailable
from tenants.models import AuditEntry, MicrosoftConnection

REQUIRED = {"from": "ApplicationRequired", "to": "ApplicationRequired"}
RECOMMENDED = {"from": "Recommended", "to": "Recommended"}

pytestmark = pytest.mark.usefixtures("from_and_to")


def levels(connection: MicrosoftConnection) -> dict[str, str]:
    found = customization.levels(connections.client_for(connection), Budget(5))
    return {column: level.value for column, level in found.items()}


def writes(microsoft: Sandbox) -> list[tuple[str, str]]:
    return [
        (seen.method, seen.path.rpartition("/")[2])
        for seen in microsoft.requests
        if seen.method in ("PUT", "POST") and seen.side == "dataverse"
    ]


def trace() -> tuple[Any, Any]:
    entry = AuditEntry.objects.get(act="phonecall.from_to_relaxed")
    return entry.before, entry.after


def test_they_become_recommended_and_published(
    connection: MicrosoftConnection, alice: User, microsoft: Sandbox
) -> None:
    assert levels(connection) == REQUIRED
    assert customization.relax(connection, by=alice) == Change(REQUIRED, RECOMMENDED)
    assert levels(connection) == RECOMMENDED
    assert writes(microsoft) == [
        ("PUT", "Attributes(LogicalName='from')"), ("PUT", "Attributes(LogicalName='to')"), ("POST", "PublishXml"),
    ]  # fmt: skip
    assert trace() == (REQUIRED, {**RECOMMENDED, "complete": True})


def test_the_whole_definition_goes_back(connection: MicrosoftConnection, alice: User, microsoft: Sandbox) -> None:
    customization.relax(connection, by=alice)
    sent = json.loads(next(seen.body for seen in microsoft.requests if seen.method == "PUT"))
    read = connections.client_for(connection).get(
        "EntityDefinitions(LogicalName='phonecall')/Attributes(LogicalName='from')/Microsoft.Dynamics.CRM.LookupAttributeMetadata",
        budget=Budget(5),
    ).data or {}  # fmt: skip
    assert sent.pop("@odata.type") == "Microsoft.Dynamics.CRM.LookupAttributeMetadata"
    assert sent == {name: value for name, value in read.items() if name != "@odata.context"}


def test_what_is_not_required_is_left_alone(
    connection: MicrosoftConnection, alice: User, microsoft: Sandbox, from_and_to: Callable[..., None]
) -> None:
    from_and_to("None")
    assert customization.relax(connection, by=alice).after == {"from": "None", "to": "None"}
    assert writes(microsoft) == []
    assert AuditEntry.objects.filter(act="phonecall.from_to_relaxed").count() == 0


def test_a_level_fixed_by_a_managed_solution_is_refused(
    connection: MicrosoftConnection, alice: User, microsoft: Sandbox, from_and_to: Callable[..., None]
) -> None:
    from_and_to("ApplicationRequired", fixed=True)
    with pytest.raises(CannotChange, match=r"does not let the required level of phonecall\.from, phonecall\.to"):
        customization.relax(connection, by=alice)
    assert writes(microsoft) == []


def test_whoever_is_no_customizer_is_refused_with_the_rights(
    connection: MicrosoftConnection, alice: User, microsoft: Sandbox, identity_of: Callable[[str], entra.Identity]
) -> None:
    klaras = microsoft_connections.connect(connection.instance, user=alice, identity=identity_of("klara@acme.example"))
    with pytest.raises(CannotChange, match="lacks prvWriteAttribute, prvPublishCustomization"):
        customization.relax(klaras, by=alice)
    assert writes(microsoft) == []


def test_nobody_uses_somebody_elses_connection(connection: MicrosoftConnection, ivana: User) -> None:
    with pytest.raises(CannotChange, match="Somebody else connected"):
        customization.relax(connection, by=ivana)


def test_a_change_that_broke_off_is_audited_and_completed_by_doing_it_again(
    connection: MicrosoftConnection, alice: User, microsoft: Sandbox
) -> None:
    microsoft.control.fault("unavailable", path="PublishXml", count=9)
    with pytest.raises(Unavailable):
        customization.relax(connection, by=alice)
    assert levels(connection) == REQUIRED
    assert trace() == (REQUIRED, {"complete": False, "error": "Unavailable 503 0x80040216"})
    microsoft.control.clear()
    assert customization.relax(connection, by=alice).after == RECOMMENDED


def test_a_right_taken_meanwhile_stops_it(connection: MicrosoftConnection, alice: User, microsoft: Sandbox) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvPublishCustomization", upn="alice@acme.example")
    with pytest.raises((CannotChange, DataverseError), match="prvPublishCustomization"):
        customization.relax(connection, by=alice)
