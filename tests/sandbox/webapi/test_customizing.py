"""A column's definition is changed whole, by whoever may, and counts once it is published."""

from typing import Any

import pytest

from ipexportal.sandbox.dataverse import Dataverse
from tests.sandbox.webapi.people import Person

CALL = "EntityDefinitions(LogicalName='phonecall')"
FROM = f"{CALL}/Attributes(LogicalName='from')"
CAST = f"{FROM}/Microsoft.Dynamics.CRM.LookupAttributeMetadata"
PUBLISH = {"ParameterXml": "<importexportxml><entities><entity>phonecall</entity></entities></importexportxml>"}


def definition(person: Person, level: str) -> dict[str, Any]:
    """As Microsoft's page says: what the cast gives, with its type and one value changed."""
    body = {"@odata.type": "Microsoft.Dynamics.CRM.LookupAttributeMetadata", **person.get(CAST).data}
    return body | {"RequiredLevel": {**body["RequiredLevel"], "Value": level}}


def level(person: Person) -> Any:
    return person.get(FROM).data["RequiredLevel"]["Value"]


def test_what_was_put_counts_when_it_is_published(writing_alice: Person) -> None:
    assert writing_alice.ask("PUT", FROM, body=definition(writing_alice, "Recommended")).status == 204
    assert level(writing_alice) == "ApplicationRequired"
    assert writing_alice.post("PublishXml", PUBLISH).status == 204
    assert level(writing_alice) == "Recommended"


def test_publishing_another_table_publishes_nothing_of_this_one(writing_alice: Person) -> None:
    writing_alice.ask("PUT", FROM, body=definition(writing_alice, "None"))
    other = {"ParameterXml": PUBLISH["ParameterXml"].replace("phonecall", "task")}
    assert writing_alice.post("PublishXml", other).status == 204
    assert level(writing_alice) == "ApplicationRequired"
    assert writing_alice.post("PublishAllXml", {}).status == 204
    assert level(writing_alice) == "None"


def test_agents_may_neither_change_nor_publish(writing_jana: Person) -> None:
    body = definition(writing_jana, "Recommended")
    code, message = writing_jana.ask("PUT", FROM, body=body).error[1:]
    assert (code, "is missing prvWriteAttribute privilege" in message) == ("0x80040220", True)
    code, message = writing_jana.post("PublishXml", PUBLISH).error[1:]
    assert (code, "is missing prvPublishCustomization privilege" in message) == ("0x80040220", True)


def test_a_fixed_level_is_not_changed(writing_alice: Person, fresh: Dataverse) -> None:
    fresh.model.change_column("phonecall", "from", level_fixed=True)
    body = definition(writing_alice, "Recommended")
    assert body["RequiredLevel"]["CanBeChanged"] is False
    assert writing_alice.ask("PUT", FROM, body=body).error[:2] == (400, "0x8004f026")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"@odata.type": None}, (400, "0x80048d19")),
        ({"@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata"}, (400, "0x80048d19")),
        ({"DisplayName": None}, (400, "0x80040203")),
        ({"RequiredLevel": {"Value": "Optional"}}, (400, "0x0")),
        ({"RequiredLevel": {"Value": "SystemRequired"}}, (400, "0x80040203")),
        ({"LogicalName": "to"}, (400, "0x80044335")),
    ],
)
def test_half_a_definition_is_refused(writing_alice: Person, change: dict[str, Any], error: tuple[int, str]) -> None:
    body = {name: value for name, value in (definition(writing_alice, "None") | change).items() if value is not None}
    assert writing_alice.ask("PUT", FROM, body=body).error[:2] == error


def test_metadata_knows_no_patch_and_publishing_no_get(writing_alice: Person) -> None:
    assert writing_alice.ask("PATCH", FROM, body={"RequiredLevel": {"Value": "None"}}).status == 405
    assert writing_alice.get("PublishXml").status == 404
    assert writing_alice.ask("PUT", FROM.replace("from", "nobody"), body={}).status == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, (400, "0x80040203")),
        ({"ParameterXml": "<importexportxml>"}, (400, "0x80040203")),
        ({"ParameterXml": PUBLISH["ParameterXml"].replace("phonecall", "fax")}, (404, "0x80041102")),
    ],
)
def test_a_request_to_publish_is_read(writing_alice: Person, body: dict[str, Any], error: tuple[int, str]) -> None:
    assert writing_alice.post("PublishXml", body).error[:2] == error
