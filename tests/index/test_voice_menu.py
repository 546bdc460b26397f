"""The voice menu and missed calls ask the index, and their answers tell how right it was."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crmwindow import candidates, index, writing
from crmwindow.ivr import asking
from crmwindow.models import CallCandidates, CrmWrite, IvrFunction, IvrStep, Leg
from ipexportal.sandbox.demo_data import record_id
from tenants import api_keys, connections, entra
from tenants.dataverse.budget import Budget
from tenants.models import Agent, ApiKey, Instance, SystemAccount
from tests.index.conftest import Crm
from tests.writes.conftest import miss as _miss

Ring = Callable[..., Leg]
Asked = Callable[[], list[str]]
Ask = Callable[..., Any]
ALFA = record_id("account", "Alfa s.r.o.")
TABLES = ("accounts", "contacts", "leads")
miss = _miss


class AtOnce(Executor):
    """In the caller's own thread, which has the test's connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **options))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def post(
    built: Instance, system: SystemAccount, jana: Agent, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> Callable[..., tuple[Any, list[str]]]:
    """Acme's voice menu asks: the answer, and the tables that Dataverse was asked for."""
    from tests.signed_in import know_tables

    know_tables(jana)
    monkeypatch.setattr(asking, "ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr(asking, "close_old_connections", lambda: None)
    monkeypatch.setattr("crmwindow.search.close_old_connections", lambda: None)
    monkeypatch.setattr("crmwindow.ivr.verifying.close_old_connections", lambda: None)
    monkeypatch.setattr("crmwindow.ivr.verifying.FLOOR_SECONDS", 0.0)
    monkeypatch.setattr("crmwindow.ivr.functions.BUDGET_MS", 15_000)
    entra.token_for(SystemAccount.objects.get(pk=system.pk), budget=Budget(10))
    key = api_keys.create(built.tenant, ApiKey.Scope.IVR, "tests")

    def post(what: str, **body: str) -> tuple[Any, list[str]]:
        asked()
        headers = {"Authorization": f"Bearer {key}"}
        answer = Client().post(f"/api/v1/ivr/{what}", body, content_type="application/json", headers=headers)
        assert answer.status_code == 200, answer.content
        asking.forget()
        return answer.json(), sorted(path for path in asked() if path.startswith(TABLES))

    return post


@pytest.fixture
def ask(post: Ask) -> Ask:
    """It looks somebody up."""
    return lambda number, unique_id="": post("lookup", number=number, unique_id=unique_id)


@pytest.fixture
def verify(post: Ask, built: Instance) -> Ask:
    """It asks for the PIN of a contact."""
    budget = {"budget_ms": 15_000, "attempts": 100}
    IvrFunction.objects.create(
        tenant=built.tenant, name="pin", kind="verify", entity="contact", column="nnn_pin", **budget
    )
    return lambda number, value: post("verify", number=number, value=value, function="pin", unique_id="7.pin")


def test_the_answer_tells_that_the_index_was_right_about_the_call(
    ask: Ask, built: Instance, jana: Agent, ring: Ring
) -> None:
    candidates.shared(ring(jana, "602111222", UniqueId="7.menu").call, built, "+420602111222")
    answer, tables = ask("602111222", "7.menu")
    assert (answer["id"], tables) == (ALFA, [f"accounts({ALFA})"])
    assert CallCandidates.objects.get().outcome == "found"


def test_another_number_or_call_is_asked_for_itself(ask: Ask, built: Instance, jana: Agent, ring: Ring) -> None:
    candidates.shared(ring(jana, "604218330", UniqueId="7.menu").call, built, "+420604218330")
    for unique_id in ("7.menu", "7.other", ""):
        answer, tables = ask("602111222", unique_id)
        assert (answer["id"], tables) == (ALFA, [f"accounts({ALFA})"])
    assert CallCandidates.objects.get().outcome == ""


def test_a_record_that_only_the_crm_knew_counts_as_the_indexs_mistake_in_the_voice_menu_too(
    ask: Ask, built: Instance, jana: Agent, ring: Ring, crm: Crm
) -> None:
    candidates.shared(ring(jana, "777000987", UniqueId="7.menu").call, built, "+420777000987")
    crm.put(lastname="Novější", mobilephone="777000987")
    answer, tables = ask("777000987", "7.menu")
    assert (answer["name"], tables) == ("Novější", ["accounts", "contacts", "leads"])
    assert index.standing(built).error_rate == 100.0


def test_a_missed_calls_record_is_found_by_the_index(
    built: Instance, system: SystemAccount, jana: Agent, miss: Callable[..., Any], asked: Asked
) -> None:
    call = miss("602111222")
    CrmWrite.objects.update(next_try_at=timezone.now())
    connections.client_for(system).whoami(budget=Budget(10))
    asked()
    writing.deliver(CrmWrite.objects.get(call=call).pk)
    write = CrmWrite.objects.get(call=call)
    assert (write.state, write.problem, str(write.record_id)) == ("written", "", ALFA)
    assert [path for path in asked() if path.startswith(TABLES)] == [f"accounts({ALFA})"]
    assert CallCandidates.objects.get(call=call).records == [["account", ALFA]]


def test_a_right_pin_takes_one_request_and_every_refusal_two(
    verify: Ask, crm: Crm, sync: Callable[[], None], jana: Agent
) -> None:
    petra = crm.put(mobilephone="777000987", nnn_pin="4711")
    sync()
    assert verify("777000987", "4711") == ({"result": "verified"}, [f"contacts({petra})"])
    assert verify("777000987", "4712") == ({"result": "refused"}, [f"contacts({petra})"] * 2)
    answer, tables = verify("604218330", "4711")
    assert (answer, [path.partition("(")[0] for path in tables]) == ({"result": "refused"}, ["contacts"] * 2)


def test_a_record_that_no_longer_holds_the_number_verifies_nobody(
    verify: Ask, crm: Crm, sync: Callable[[], None], microsoft: Any
) -> None:
    changed, retired = (crm.put(mobilephone=number, nnn_pin="4711") for number in ("777000987", "777000988"))
    sync()
    crm.change(changed, mobilephone="777000999")
    microsoft.dataverse.store.update("contact", retired, {"statecode": 1})
    assert [verify(number, "4711")[0] for number in ("777000987", "777000988")] == [{"result": "refused"}] * 2


def test_people_of_one_number_are_told_apart_by_their_pin_with_the_index_too(
    verify: Ask, crm: Crm, sync: Callable[[], None]
) -> None:
    for pin in ("1111", "2222"):
        crm.put(telephone1="777000987", nnn_pin=pin)
    second = crm.made[-1][1]
    sync()
    assert verify("777000987", "2222")[0] == {"result": "verified"}
    assert str(IvrStep.objects.get().record_id) == second
