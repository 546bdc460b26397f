"""Everything a caller, a menu or a configuration may send: one sentence or a plain "no", and nothing gets into a query."""

from collections.abc import Callable
from typing import Any

import pytest

from crmwindow.models import IvrAttempts, IvrFunction, IvrStep
from ipexportal import sandbox as stand_in
from tests.ivr.conftest import PATIENCE_MS, Menu

pytestmark = pytest.mark.django_db
Person = Callable[..., str]

HOSTILE = [
    "' or 1 eq 1 or nnn_serial eq '",
    "x') or (statecode eq 0",
    "' or contains(nnn_serial,'') or '",
    "SN-00000%",
    "________",
    "<fetch><entity name='contact'><all-attributes/></entity></fetch>",
    "%27%20or%201%20eq%201",
    "12345678&$filter=statecode eq 0",
    "12345678#fragment",
    "12345678?$top=1",
    "../../systemusers",
    "SN\u0000SN\u0000SN",
    "SN\r\nHost: evil\r\n",
    "\ud83d\ude00" * 4,
    "\u202e87654321",
    '{"$ne": null}',
    "9" * 400,
]


@pytest.fixture
def serial(pin: IvrFunction) -> IvrFunction:
    pin.kind, pin.name, pin.entity, pin.column, pin.attempts = "identify", "serial", "nnn_myLead", "nnn_serial", 99
    pin.save()
    return pin


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_reaches_beyond_its_literal(menu: Menu, serial: IvrFunction, value: str, person: Person) -> None:
    """The stand-in parses every filter by Microsoft's grammar, and the suite's own reader looks for names in it."""
    person(entity_set="nnn_myleads", nnn_serial="SN-00000001", nnn_contactname="Kotel")
    assert menu.verify("604218330", value, function="serial") == {"result": "refused"}


@pytest.mark.parametrize("value", HOSTILE)
def test_no_number_reaches_a_query_as_it_is(menu: Menu, pin: IvrFunction, value: str) -> None:
    if len(value) <= 100:
        assert menu.lookup(value)["result"] == "not_found"
        assert menu.verify(value, "4711") == {"result": "refused"}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000,
        {}, {"number": None}, {"number": 777123456}, {"number": ["777123456"]}, {"number": {"a": 1}},
        {"number": "777123456", "unique_id": 1}, {"number": "777123456", "function": None},
        {"number": "777123456", "surplus": "x"}, {"number": "7" * 10_000}, {"number": "777123456", "unique_id": "1" * 129},
        {"number": "777123456", "function": "f" * 10_000},
    ],
)  # fmt: skip
def test_a_malformed_look_up_is_one_sentence(menu: Menu, body: Any) -> None:
    answer = menu.ask("lookup", body)
    assert (answer.status_code, list(answer.json())) == (422, ["error"])
    assert not IvrStep.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"value": 4711}, {"value": None}, {"value": ["4711"]}, {"value": "x" * 10_240}, {"second": 1},
        {"second": "x" * 10_240}, {"unique_id": ""}, {"unique_id": None}, {"function": ""}, {"function": 1}, {"more": 1},
    ],
)  # fmt: skip
def test_a_malformed_verification_is_one_sentence_and_no_attempt(
    menu: Menu, pin: IvrFunction, change: dict[str, Any]
) -> None:
    body = {"number": "777123456", "unique_id": "1.1", "function": "pin", "value": "4711"} | change
    answer = menu.ask("verify", body)
    assert (answer.status_code, list(answer.json())) == (422, ["error"])
    assert not IvrAttempts.objects.exists()


@pytest.mark.parametrize("name", ["neznam", "pin'", "../pin", "pin\u0000", "PIN", "ověření", "pin "])
def test_a_function_of_another_name_is_not_there(menu: Menu, pin: IvrFunction, name: str) -> None:
    body = {"number": "777123456", "unique_id": "1.1", "function": name, "value": "4711"}
    assert menu.ask("verify", body).status_code == 404


@pytest.mark.parametrize(
    "name", ["nnn_pin eq null or statecode", "nnn_pin,lastname", "$expand", "contactid)/x(", "' '"]
)
def test_a_configured_name_that_is_no_column_is_never_sent(
    menu: Menu, pin: IvrFunction, name: str, asked: Callable[[], list[str]]
) -> None:
    for kind, function in (("verify", "pin"), ("identify", "pin")):
        IvrFunction.objects.update(kind=kind, column=name)
        asked()
        assert menu.verify("604218330", "12345678", function=function)["reason"] == "settings"
        assert [one for one in asked() if "(…)" in one and "Definitions" not in one] == []


def test_a_unique_id_may_be_anything_short(menu: Menu, pin: IvrFunction) -> None:
    for unique_id in ("'; drop table", "\u0000", "😀", " "):
        body = {"number": "604218330", "unique_id": unique_id, "function": "pin", "value": "1"}
        assert menu.ask("verify", body).status_code == 200
        assert menu.ask("lookup", {"number": "604218330", "unique_id": unique_id}).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer ipx_ivr_wrong", "Basic eDp5", "Digest x"])
def test_without_a_key_nobody_is_asked(
    menu: Menu, authorization: str, asked: Callable[[], list[str]], microsoft: stand_in.Sandbox
) -> None:
    asked()
    for what in ("lookup", "verify"):
        answer = menu.ask(what, {"number": "777123456"}, Authorization=authorization)
        assert (answer.status_code, list(answer.json())) == (401, ["error"])
    assert asked() == []


def test_a_whole_number_is_compared_as_one(menu: Menu, pin: IvrFunction, person: Person) -> None:
    IvrFunction.objects.update(
        kind="identify", entity="nnn_myLead", column="nnn_myorderscount", budget_ms=PATIENCE_MS, attempts=99
    )
    person(entity_set="nnn_myleads", nnn_myorderscount=12345678, nnn_contactname="Kotel")
    told = [
        menu.verify("604218330", value)["result"]
        for value in ("12345678", "12345679", "9" * 30, "1234567x", "-1234567")
    ]
    assert told == ["identified", "refused", "refused", "refused", "refused"]
