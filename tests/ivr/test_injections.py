"""Strange values and configured names of voice menus, seen from Microsoft's side: only quoted literals, nothing else read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from crmwindow.models import CrmWrite, IvrFunction
from ipexportal import sandbox as stand_in
from ipexportal.sandbox.server import Seen
from tests.ivr.conftest import PATIENCE_MS, Menu
from tests.writes.conftest import deliver, post, stored

pytestmark = pytest.mark.django_db
Person = Callable[..., str]
Journal = Callable[[], list[Seen]]

HOSTILE = [
    "' or 1 eq 1",
    "x') or (nnn_pin ne '",
    "x') or contains(nnn_pin,'",
    "\u2019 or 1 eq 1 or \u2019",
    "x&$expand=ownerid($select=domainname)",
    "x&$apply=groupby((nnn_pin))",
    "x?fetchXml=<fetch><entity name=\"systemuser\"/></fetch>",
    "<fetch><entity name='systemuser'><all-attributes/></entity></fetch>",
    "'/></filter><link-entity name='systemuser'/>",
    "%27%20or%201%20eq%201",
    "%2527 or 1 eq 1",
    "x\u0000' or 1 eq 1",
    "x)/$value",
    "x)/Microsoft.Dynamics.CRM.WhoAmI()",
    "../systemusers?$top=1",
    "@p1&@p1='a'",
    '"]) or Microsoft.Dynamics.CRM.In(PropertyName="nnn_pin',
    "x\r\nHost: evil.example",
]  # fmt: skip
NAMES = [each for each in HOSTILE if "\0" not in each]  # PostgreSQL cannot store one, so nothing is called so
LITERAL = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"")
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
READ = {"accounts", "contacts", "leads", "nnn_myleads"}


@pytest.fixture
def journal(microsoft: stand_in.Sandbox) -> Journal:
    """What came to Dataverse since the last time, with queries and bodies."""

    def journal() -> list[Seen]:
        seen = [one for one in microsoft._application.requests if one.side == "dataverse"]
        microsoft._application.forget_requests()
        return seen

    return journal


def shape(seen: Seen) -> tuple[str, ...]:
    """A request without what stands in quotes: a value that stayed a value leaves no trace in it."""
    place = GUID.sub("…", unquote(seen.path).removeprefix("/api/data/v9.2/"))
    asked = [f"{name}={LITERAL.sub('…', value)}" for name, value in parse_qsl(seen.query, keep_blank_values=True)]
    return (seen.method, place, *asked)


def tables(seen: list[Seen]) -> set[str]:
    return {shape(one)[1].partition("(")[0] for one in seen}


def options(seen: list[Seen]) -> set[str]:
    return {name for one in seen for name, _value in parse_qsl(one.query, keep_blank_values=True)}


@pytest.fixture
def serial(pin: IvrFunction) -> IvrFunction:
    pin.kind, pin.name, pin.entity, pin.column, pin.attempts = "identify", "serial", "nnn_myLead", "nnn_serial", 999
    pin.save()
    return pin


@pytest.mark.parametrize("value", HOSTILE)
def test_a_serial_number_is_one_literal_of_one_question(
    menu: Menu, serial: IvrFunction, person: Person, journal: Journal, value: str
) -> None:
    person(entity_set="nnn_myleads", nnn_serial="SN-00000001", nnn_contactname="Kotel")
    assert menu.verify("604218330", "SN-7777-0001", function="serial") == {"result": "refused"}
    usual = {shape(one) for one in journal()}
    assert menu.verify("604218330", value, function="serial") == {"result": "refused"}
    seen = journal()
    assert {shape(one) for one in seen} <= usual
    held = [text for one in seen for text in LITERAL.findall(dict(parse_qsl(one.query)).get("$filter", ""))]
    assert all(text.count("'") % 2 == 0 for text in held if text.startswith("'"))


@pytest.mark.parametrize("value", HOSTILE)
def test_a_pin_is_compared_here_and_never_sent(
    menu: Menu, pin: IvrFunction, person: Person, journal: Journal, value: str
) -> None:
    IvrFunction.objects.update(attempts=999, second_column="jobtitle")
    person(mobilephone="+420604218377", nnn_pin="4711", jobtitle="Účetní")
    assert menu.verify("604218377", value, second=value) == {"result": "refused"}
    seen = journal()
    assert tables(seen) <= READ
    said = [unquote(one.path + one.query) + one.body for one in seen]
    assert not [text for text in said if value in text or unquote(value) in text]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("digits", ["", "604218330"])
def test_a_callers_number_is_sent_as_digits_or_not_at_all(
    menu: Menu, pin: IvrFunction, journal: Journal, value: str, digits: str
) -> None:
    journal()
    for answer in (
        menu.ask("lookup", {"number": (digits + value)[:100]}),
        menu.ask("verify", {"number": (digits + value)[:100], "value": "1", "function": "pin", "unique_id": "1"}),
    ):
        assert answer.status_code in {200, 422}
        assert list(answer.json()) == ["error"] or answer.json()["result"] in {"not_found", "refused"}
    seen = journal()
    assert tables(seen) <= READ
    assert options(seen) <= {"$filter", "$select", "$top", "$orderby"}
    known = {"PropertyName", "PropertyValues"}
    for one in seen:
        bare = LITERAL.sub("…", dict(parse_qsl(one.query)).get("$filter", ""))
        words = set(re.findall(r"[A-Za-z_$@%<][\w$@%<]*", bare)) - known
        assert not words & {"systemuser", "$expand", "$apply", "fetchXml", "nnn_pin", "WhoAmI", "$value"}


@pytest.mark.parametrize("number", [1, True, 12.5])
def test_a_value_of_another_type_is_a_sentence(menu: Menu, serial: IvrFunction, number: Any, journal: Journal) -> None:
    journal()
    body = {"number": "604218330", "unique_id": "1.1", "function": "serial", "value": number}
    assert menu.ask("verify", body).status_code == 422
    assert journal() == []


@pytest.mark.parametrize("value", HOSTILE)
def test_an_order_number_is_a_number_or_asks_for_nothing_else(
    menu: Menu, serial: IvrFunction, journal: Journal, value: str
) -> None:
    IvrFunction.objects.update(column="nnn_myorderscount", budget_ms=PATIENCE_MS)
    menu.verify("604218330", "12345678", function="serial")
    usual = {re.sub(r"eq \d+", "eq …", "|".join(shape(one))) for one in journal()}
    for said in (value, f"12345678{value}"):
        assert menu.verify("604218330", said, function="serial") == {"result": "refused"}
    assert {re.sub(r"eq -?\d+", "eq …", "|".join(shape(one))) for one in journal()} <= usual


# -- what is configured ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["verify", "identify", "lookup"])
def test_a_configured_name_never_gets_into_a_question(
    menu: Menu, pin: IvrFunction, journal: Journal, name: str, kind: str, wrong_names: None
) -> None:
    """Beyond what the forms take: as if an older import had left it."""
    for field in ("column", "second_column", "entity"):
        whole = {"column": "nnn_pin", "second_column": "", "entity": "Contact", field: name[:100]}
        IvrFunction.objects.update(kind=kind, attempts=999, **whole)
        journal()
        body = {"number": "604218330", "unique_id": "1.1", "function": "pin"}
        answer = menu.ask(
            "lookup" if kind == "lookup" else "verify", body | ({} if kind == "lookup" else {"value": "1" * 8})
        )
        assert answer.status_code == 200
        assert answer.json()["result"] in {"unavailable", "refused", "not_found"}
        seen = journal()
        assert {table for table in tables(seen) if "Definitions" not in table} <= READ
        bare = [LITERAL.sub("…", unquote(f"{one.path}?{one.query}")) for one in seen]
        assert not [text for text in bare if name in text or unquote(name) in text]


@pytest.fixture
def complaint(pin: IvrFunction) -> IvrFunction:
    pin.kind, pin.name, pin.entity, pin.column, pin.daily_cap = "write", "complaint", "lead", "", 9999
    pin.columns, pin.constants = {"topic": "subject", "text": "description"}, {"firstname": "IVR"}
    pin.save()
    return pin


def written(menu: Menu, unique_id: str, **values: Any) -> CrmWrite:
    body = {"function": "complaint", "unique_id": unique_id, "number": "604218330", "values": values}
    return deliver(stored(post(menu.key, body)))


@pytest.mark.parametrize("value", HOSTILE)
def test_a_written_value_is_one_property_of_one_row(
    menu: Menu, complaint: IvrFunction, journal: Journal, value: str
) -> None:
    journal()
    written(menu, "7.1", topic="A", text="B")
    usual = journal()
    row = written(menu, f"7.2{value}"[:60].replace("\u0000", ""), topic=value[:40], text=value)
    seen = journal()
    if row.state == CrmWrite.State.REFUSED:  # the CRM cannot store it
        assert (row.problem, [one for one in seen if one.method != "GET"]) == ("values", [])
        return
    assert row.state == CrmWrite.State.WRITTEN
    assert {shape(one) for one in seen} <= {shape(one) for one in usual}
    sent = [json.loads(one.body) for one in seen if one.body]
    assert {tuple(sorted(each)) for each in sent} <= {tuple(sorted(json.loads(one.body))) for one in usual if one.body}
    assert [(each["subject"], each["description"]) for each in sent] == [
        (value[:40].replace("\r", ""), value.replace("\r", ""))
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_variable_of_another_name_is_refused(menu: Menu, complaint: IvrFunction, journal: Journal, name: str) -> None:
    body = {"function": "complaint", "unique_id": "7.3", "number": "604218330", "values": {name: "x"}}
    answer = post(menu.key, body)
    assert (answer.status_code, list(answer.json())) == (422, ["error"])
    assert journal() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_or_column_of_another_name_is_never_sent(
    menu: Menu, complaint: IvrFunction, journal: Journal, name: str
) -> None:
    journal()
    for change in ({"columns": {"topic": name}}, {"constants": {name: "1"}}, {"caller_column": name[:100]}):
        whole = {"columns": {"topic": "subject"}, "constants": {}, "caller_column": ""}
        IvrFunction.objects.update(**whole | change)
        row = written(menu, f"7.4{next(iter(change))}", topic="x")
        assert (row.state, row.problem) == (CrmWrite.State.REFUSED, "values")
    assert [one.method for one in journal() if one.method != "GET"] == []
