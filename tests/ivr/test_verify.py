"""Does the caller know what the CRM knows?"""

from collections.abc import Callable

import pytest

from crmwindow.models import IvrAttempts, IvrFunction, IvrStep
from ipexportal import sandbox as stand_in
from tenants import connections
from tenants.dataverse.budget import Budget
from tenants.models import AuditEntry, SystemAccount
from tests.ivr.conftest import Menu

pytestmark = pytest.mark.django_db
Person = Callable[..., str]
Asked = Callable[[], list[str]]


def test_the_right_pin_verifies_the_caller(menu: Menu, pin: IvrFunction, person: Person) -> None:
    petra = person(mobilephone="601000201", nnn_pin="4711")
    assert menu.verify("601000201", " 4711 ") == {"result": "verified"}
    step = IvrStep.objects.get()
    assert (step.result, step.badge, step.record_table, str(step.record_id)) == ("verified", True, "contact", petra)


@pytest.mark.parametrize("value", ["4712", "", "471", "4711 4711", "%", "*", "4711\u0000", "４７１１"])
def test_anything_else_is_refused(menu: Menu, pin: IvrFunction, person: Person, value: str) -> None:
    person(mobilephone="601000202", nnn_pin="4711")
    assert menu.verify("601000202", value) == {"result": "refused"}


def test_an_empty_column_never_agrees(menu: Menu, pin: IvrFunction, person: Person) -> None:
    person(mobilephone="601000203", nnn_pin=None)
    person(mobilephone="601000204", nnn_pin="   ")
    for number in ("601000203", "601000204"):
        for value in ("", " ", "None", "null"):
            assert menu.verify(number, value, unique_id=number + value) in ({"result": "refused"}, {"result": "locked"})
    assert not IvrStep.objects.filter(result="verified").exists()


def test_another_callers_pin_is_refused(menu: Menu, pin: IvrFunction, person: Person) -> None:
    person(mobilephone="601000205", nnn_pin="1111")
    person(mobilephone="601000206", nnn_pin="2222")
    assert menu.verify("601000205", "2222") == {"result": "refused"}


def test_people_of_one_number_are_told_apart_by_their_pin(menu: Menu, pin: IvrFunction, person: Person) -> None:
    person(telephone1="601000207", nnn_pin="1111")
    second = person(telephone1="601000207", nnn_pin="2222")
    assert menu.verify("601000207", "2222") == {"result": "verified"}
    assert str(IvrStep.objects.get().record_id) == second


def test_too_many_people_of_one_number_say_nothing(menu: Menu, pin: IvrFunction, person: Person) -> None:
    for place in range(9):
        person(telephone1="601000208", nnn_pin=f"111{place}")
    assert menu.verify("601000208", "1111") == {"result": "refused"}


@pytest.mark.parametrize(
    ("comparison", "value", "result"),
    [
        ("exact", "ab-12 34", "refused"),
        ("exact", "AB-12 34", "verified"),
        ("spaces", "AB1234", "verified"),
        ("spaces", "A B–1 2-34", "verified"),
        ("spaces", "ab1234", "refused"),
        ("case", "ab1234", "verified"),
        ("case", "ab1235", "refused"),
    ],
)
def test_how_values_are_compared(
    menu: Menu, pin: IvrFunction, person: Person, comparison: str, value: str, result: str
) -> None:
    IvrFunction.objects.update(comparison=comparison)
    person(mobilephone="601000209", nnn_pin="AB-12 34")
    assert menu.verify("601000209", value) == {"result": result}


@pytest.mark.parametrize(
    ("value", "second", "result"),
    [
        ("4711", "Novák", "verified"),
        ("4711", "", "refused"),
        ("4712", "Novák", "refused"),
        ("4711", "Novak", "refused"),
    ],
)
def test_a_second_value_has_to_fit_as_well(
    menu: Menu, pin: IvrFunction, person: Person, value: str, second: str, result: str
) -> None:
    IvrFunction.objects.update(second_column="lastname")
    person(mobilephone="601000210", nnn_pin="4711", lastname="Novák")
    assert menu.verify("601000210", value, second=second) == {"result": result}


def test_an_inactive_record_verifies_nobody(
    menu: Menu, pin: IvrFunction, person: Person, microsoft: stand_in.Sandbox
) -> None:
    gone = person(mobilephone="601000211", nnn_pin="4711")
    microsoft.dataverse.store.update("contact", gone, {"statecode": 1})
    assert menu.verify("601000211", "4711") == {"result": "refused"}


def test_no_record_an_empty_column_and_a_wrong_value_ask_the_same(
    menu: Menu, pin: IvrFunction, person: Person, asked: Asked
) -> None:
    person(mobilephone="601000212", nnn_pin="4711")
    person(mobilephone="601000213", nnn_pin=None)
    told = {}
    for number in ("601000212", "601000213", "604218330"):
        asked()
        assert menu.verify(number, "0000") == {"result": "refused"}
        told[number] = asked()
    assert set(map(tuple, told.values())) == {("GET contacts", "GET contacts(…)")}


def test_every_refusal_takes_its_time(
    menu: Menu, pin: IvrFunction, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("crmwindow.ivr.verifying.FLOOR_SECONDS", 60.0)
    monkeypatch.setattr("crmwindow.ivr.verifying.sleep", slept.append)
    person(mobilephone="601000214", nnn_pin="4711")
    person(mobilephone="601000215", nnn_pin=None)
    for number in ("601000214", "601000215", "604218330", "anonymous"):
        menu.verify(number, "0000")
    assert [seconds > 0 for seconds in slept] == [True] * 4
    menu.verify("601000214", "4711")
    assert len(slept) == 4


def test_nothing_of_the_value_is_kept(
    menu: Menu, pin: IvrFunction, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    person(mobilephone="601000216", nnn_pin="80918091")
    answers = [menu.ask("verify", body) for body in (
        {"number": "601000216", "value": "70817081", "function": "pin", "unique_id": "1"},
        {"number": "601000216", "value": "80918091", "function": "pin", "unique_id": "1"},
        {"number": "601000216", "value": ["70817081"], "function": "pin", "unique_id": "1"},
        {"number": "601000216", "value": "70817081" * 100, "function": "pin", "unique_id": "1"},
    )]  # fmt: skip
    assert [answer.status_code for answer in answers] == [200, 200, 422, 422]
    rows = [list(model._default_manager.values()) for model in (IvrStep, IvrAttempts, AuditEntry)]
    told = caplog.text + str(rows) + "".join(answer.content.decode() for answer in answers)
    assert [secret for secret in ("70817081", "80918091") if secret in told] == []


def test_a_column_that_is_gone_is_a_matter_of_settings(
    menu: Menu, pin: IvrFunction, person: Person, wrong_names: None
) -> None:
    person(mobilephone="601000217", nnn_pin="4711")
    IvrFunction.objects.update(column="nnn_zrusena")
    assert menu.verify("601000217", "4711") == {"result": "unavailable", "reason": "settings"}
    assert not IvrAttempts.objects.filter(wrong__gt=0).exists()


def test_a_function_that_is_off_or_of_another_kind(menu: Menu, pin: IvrFunction) -> None:
    body = {"number": "777123456", "value": "1", "function": "pin", "unique_id": "1"}
    IvrFunction.objects.update(kind="write")
    assert menu.ask("verify", body).status_code == 422
    IvrFunction.objects.update(kind="verify", enabled=False)
    off = menu.ask("verify", body)
    unknown = menu.ask("verify", body | {"function": "neznam"})
    assert (off.status_code, off.json()) == (404, unknown.json())


# -- identify ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def serial(pin: IvrFunction) -> IvrFunction:
    pin.kind, pin.name, pin.entity, pin.column = "identify", "serial", "nnn_myLead", "nnn_serial"
    pin.save()
    return pin


def _lead(person: Person, **columns: str) -> str:
    return person(entity_set="nnn_myleads", **columns)


def test_a_value_that_one_record_has_identifies_it(menu: Menu, serial: IvrFunction, person: Person) -> None:
    lead = _lead(person, nnn_serial="SN-2026-0001", nnn_contactname="Kotel")
    assert menu.verify("604218330", "SN-2026-0001", function="serial") == {"result": "identified"}
    step = IvrStep.objects.get()
    assert (step.result, step.badge, step.record_table, str(step.record_id)) == (
        "identified", False, "nnn_mylead", lead
    )  # fmt: skip


def test_a_value_of_two_records_identifies_none(menu: Menu, serial: IvrFunction, person: Person) -> None:
    for _ in range(2):
        _lead(person, nnn_serial="SN-2026-0002", nnn_contactname="Kotel")
    assert menu.verify("604218330", "SN-2026-0002", function="serial") == {"result": "refused"}


def test_a_short_value_asks_for_nothing_and_is_refused(
    menu: Menu, serial: IvrFunction, account: SystemAccount, person: Person, asked: Asked
) -> None:
    _lead(person, nnn_serial="SN-0003", nnn_contactname="Kotel")
    connections.metadata(account.instance, connections.client_for(account), Budget(10), refresh=True)
    asked()
    assert menu.verify("604218330", "SN-0003", function="serial") == {"result": "refused"}
    short = asked()
    assert menu.verify("604218330", "SN-9999-9999", function="serial") == {"result": "refused"}
    assert short == asked() == ["GET nnn_myleads"]


def test_spaces_do_not_matter_when_a_record_is_identified(menu: Menu, serial: IvrFunction, person: Person) -> None:
    IvrFunction.objects.update(comparison="case")
    _lead(person, nnn_serial="SN20260004", nnn_contactname="Kotel")
    assert menu.verify("604218330", "sn 2026-0004", function="serial") == {"result": "identified"}


def test_a_withheld_number_may_identify_a_record(menu: Menu, serial: IvrFunction, person: Person) -> None:
    _lead(person, nnn_serial="SN-2026-0005", nnn_contactname="Kotel")
    assert menu.verify("anonymous", "SN-2026-0005", function="serial") == {"result": "identified"}
