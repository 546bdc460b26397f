"""What the voice menu learned is on the card of whoever takes the call, and nowhere else."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone, translation

from crmwindow import calls, came_through, presentation, upkeep
from crmwindow.ivr import path
from crmwindow.models import Call, IvrFunction, IvrStep, Leg, Outbox
from tenants.models import Agent, Tenant
from tests.ivr.conftest import Menu
from tests.window.conftest import Window

pytestmark = pytest.mark.django_db
Person = Callable[..., str]
NUMBER = "+420777123456"


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def ring(acme: Tenant) -> Callable[..., Call]:
    def ring(agent: Agent, number: str = "777123456", unique_id: str = "7.1", **more: str) -> Call:
        body = {"EventName": "Ringing", "UniqueId": unique_id, "From": number, "Login": agent.login, **more}
        call = calls.receive(calls.read_event(body, acme), tenant=acme)
        assert call
        return call

    return ring


@pytest.fixture
def step(acme: Tenant, pin: IvrFunction) -> Callable[..., IvrStep]:
    def step(result: str, **more: Any) -> IvrStep:
        values = {"tenant": acme, "kind": "verify", "function": pin, "unique_id": "7.1", "number": NUMBER}
        return path.note(**values | {"result": result} | more)

    return step


def told(call: Call) -> list[tuple[str, str, str]]:
    return [(each.title, each.text, each.tone) for each in path.of(call)]


def test_several_tries_are_one_stop(step: Callable[..., IvrStep], ring: Callable[..., Call], jana: Agent) -> None:
    for result in ("refused", "verified"):
        step(result)
    assert told(ring(jana)) == [("Ověření PINem", "agrees at try 2", "ok")]


def test_the_whole_way(step: Callable[..., IvrStep], ring: Callable[..., Call], jana: Agent, acme: Tenant) -> None:
    complaint = IvrFunction.objects.create(tenant=acme, name="reklamace", title="Reklamace", kind="write")
    step("found", kind="lookup", function=None)
    step("refused")
    step("locked")
    step("accepted", kind="write", function=complaint, answers={"Číslo zakázky": "OB-2291", "Poznámka": ""})
    call = ring(jana)
    assert [each.title for each in path.of(call)] == ["Ověření PINem", "Reklamace"]
    assert path.of(call)[1].answers == (("Číslo zakázky", "OB-2291"),)
    assert path.badge(call) is None


def test_the_badge_belongs_to_the_call_the_number_and_the_record(
    step: Callable[..., IvrStep], ring: Callable[..., Call], jana: Agent
) -> None:
    petra = ("contact", UUID(int=7))
    step("verified", record=("contact", str(petra[1])))
    call = ring(jana)
    badge = path.badge(call)
    assert badge
    assert badge.text == "Verified by PIN"
    assert path.badge(call, petra)
    assert path.badge(call, ("contact", UUID(int=8))) is None
    assert path.badge(ring(jana, unique_id="7.2")) is None
    assert path.badge(ring(jana, "604218330", unique_id="7.3")) is None
    Call.objects.filter(pk=call.pk).update(number_blind="other")
    step("verified", number="+420604218330", unique_id="7.3")
    assert path.badge(Call.objects.get(unique_id="7.3"))


def test_a_function_without_a_badge_gives_none(
    step: Callable[..., IvrStep], ring: Callable[..., Call], jana: Agent
) -> None:
    IvrFunction.objects.update(badge=False)
    step("verified", function=IvrFunction.objects.get())
    assert path.badge(ring(jana)) is None


def test_another_customers_steps_are_not_ours(
    step: Callable[..., IvrStep], ring: Callable[..., Call], jana: Agent, beta: Tenant
) -> None:
    step("verified", tenant=beta, function=None)
    call = ring(jana)
    assert (path.of(call), path.badge(call)) == ([], None)


def test_a_private_card_shows_no_way(step: Callable[..., IvrStep], jana: Agent) -> None:
    """Anybody may put a UniqueId into their own window's address."""
    step("verified")
    call = calls.open_by_agent(agent=jana, number="777123456", direction="incoming", unique_id="7.1")
    assert (path.of(call), path.badge(call)) == ([], None)


def test_it_is_on_the_card_and_comes_while_it_rings(
    menu: Menu, pin: IvrFunction, ring: Callable[..., Call], jana: Agent, person: Person
) -> None:
    person(mobilephone="601000401", nnn_pin="4711")
    window = Window(jana)
    window.enter()
    call = ring(jana, "601000401")
    Outbox.objects.all().delete()
    assert menu.verify("601000401", "4711", unique_id="7.1") == {"result": "verified"}
    assert [row.agent for row in Outbox.objects.all()] == [jana]
    page = window.get(reverse("window:state", args=[jana.tenant.instance.code]), {"shown": str(call.code)})
    text = page.content.decode()
    assert 'class="tag ok verified"' in text
    assert '<li class="stop ok">Ověření PINem' in text
    assert "4711" not in text


def test_somebody_else_on_the_card_has_no_badge(
    step: Callable[..., IvrStep], ring: Callable[..., Call], jana: Agent
) -> None:
    step("verified", record=("contact", str(UUID(int=7))))
    leg = Leg.objects.get(call=ring(jana))
    shown = came_through.with_path(presentation.call_of(leg), leg)
    assert shown.verified
    leg.shown_table, leg.shown_id = "contact", UUID(int=8)
    assert came_through.with_path(presentation.call_of(leg), leg).verified is None
    leg.shown_id, leg.nobody = None, True
    assert came_through.with_path(presentation.call_of(leg), leg).verified is None


def test_the_number_is_sealed_and_steps_go_with_the_calls_of_their_time(
    step: Callable[..., IvrStep], acme: Tenant
) -> None:
    row = step("found")
    assert IvrStep.objects.get().number == NUMBER
    assert b"777123456" not in bytes(row.__dict__["number"])
    with time_machine.travel(timezone.now() + timedelta(days=acme.retention_days - 1)):
        upkeep.tidy()
        assert IvrStep.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(days=acme.retention_days + 1)):
        upkeep.tidy()
        assert not IvrStep.objects.exists()
