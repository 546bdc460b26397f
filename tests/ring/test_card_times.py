"""From the exchange's event to the painted card: what is measured, by whom, and what nobody can spoil."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crmwindow import card_times, lookup, outbox, tallies, timings, upkeep
from crmwindow.card_times import Times
from crmwindow.hub import _AGE
from crmwindow.models import Asked, CardTiming, Leg, Outbox
from tenants import support_trace
from tenants.models import Agent, Tenant
from tenants.stopwatch import Watch
from tests.ring.conftest import Window

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _counted_from_nought() -> Iterator[None]:
    tallies._counts.clear()
    yield
    tallies._counts.clear()


def card_of(jana: Agent, *, at: Any = None, ring: int | None = None, path: str = "index", unique_id: str = "") -> Any:
    """A card of jana's that took that long."""
    from crmwindow.models import Call

    call = Call.objects.create(
        tenant=jana.tenant, unique_id=unique_id or f"t{Call.objects.count()}", started_at=timezone.now()
    )
    leg = Leg.objects.create(call=call, agent=jana)
    parts = {"told_ms": 0, "pushed_ms": 0, "painted_ms": ring} if ring is not None else {}
    return CardTiming.objects.create(leg=leg, tenant=jana.tenant, at=at or timezone.now(), path=path, **parts)


# -- every step --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_each_step_has_its_time_and_the_window_adds_the_last_ones(
    jana: Agent, window: Window, exchange: Callable[..., Any]
) -> None:
    told = exchange("Ringing", "777123456", "9.1")
    ends = time.monotonic() + 20
    while not CardTiming.objects.exists() and time.monotonic() < ends:
        time.sleep(0.02)
    reported = window.act("painted", call=told.json()["call"], pushed="4", fetched="30", painted="90")

    timing = CardTiming.objects.get()
    assert reported.status_code == 204
    assert (timing.leg.agent, timing.tenant, timing.path) == (jana, jana.tenant, "live")
    steps = [timing.told_ms, timing.committed_ms, timing.begun_ms, timing.candidates_ms, timing.answered_ms]
    assert None not in steps
    assert steps[0] <= steps[1] <= steps[4]
    assert set(timing.tables_ms) == {"account", "contact", "lead"}
    assert (timing.pushed_ms, timing.fetched_ms, timing.painted_ms) == (4, 30, 90)
    assert timing.ring_ms == timing.told_ms + 4 + 90
    while lookup._running and time.monotonic() < ends:
        time.sleep(0.02)


def test_a_card_is_reported_once(jana: Agent, window: Window, exchange: Callable[..., Any]) -> None:
    call = exchange("Ringing", "777123456", "9.2").json()["call"]
    window.act("painted", call=call, pushed="4", fetched="30", painted="90")
    assert window.act("painted", call=call, pushed="1", fetched="1", painted="1").status_code == 204
    assert CardTiming.objects.values_list("painted_ms", flat=True).get() == 90


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"painted": "-1"},
        {"painted": "9" * 30},
        {"painted": "700000"},  # more than ten minutes
        {"painted": "1.5"},
        {"painted": "٣"},
        {"painted": "20", "fetched": "30"},  # painted before it was there
    ],
)
def test_a_report_that_cannot_be_is_refused(
    jana: Agent, window: Window, exchange: Callable[..., Any], values: dict[str, str]
) -> None:
    call = exchange("Ringing", "777123456", "9.3").json()["call"]
    assert window.act("painted", call=call, **values).status_code == 400
    assert not CardTiming.objects.exists()


def test_nobody_reports_about_somebody_elses_call_or_from_another_site(
    jana: Agent, window: Window, exchange: Callable[..., Any], eve: Agent, open_window: Callable[..., Window]
) -> None:
    call = exchange("Ringing", "777123456", "9.4").json()["call"]
    eves = open_window(eve, signed_in=False)
    assert eves.act("painted", call=call, painted="90").status_code == 404
    window.defaults["HTTP_ORIGIN"] = "https://elsewhere.example"
    assert window.act("painted", call=call, painted="90").status_code == 403
    assert not CardTiming.objects.exists()


def test_either_half_may_come_first(jana: Agent) -> None:
    leg = card_of(jana).leg
    CardTiming.objects.all().delete()
    leg.agent = jana
    timings.painted(leg, pushed=2, fetched=10, painted=50)
    came = timings.Arrival()
    came.told = came.received + 0.02
    watch = Watch()
    watch.labels["path"] = "index"
    timings.keep(leg, watch, came, readable=True)
    timing = CardTiming.objects.get()
    assert (timing.path, timing.ring_ms) == ("index", 72)


def test_the_way_to_the_stream_is_measured_by_the_databases_clock(jana: Agent) -> None:
    outbox.tell([jana.pk])
    age = Outbox.objects.values_list(_AGE, flat=True).get()
    assert timedelta(0) <= age < timedelta(seconds=5)


def test_times_go_with_their_call(jana: Agent) -> None:
    timing = card_of(jana, ring=100)
    timing.leg.call.delete()
    assert not CardTiming.objects.exists()


# -- what an answer took -----------------------------------------------------------------------------------------------


def test_agents_and_holders_of_keys_hear_what_an_answer_took_and_strangers_do_not(
    jana: Agent, window: Window, exchange: Callable[..., Any]
) -> None:
    told = exchange("Ringing", "777123456", "9.5")
    shown = window.ask("state")
    for answer in (told, shown):
        steps = [step.partition(";")[0].strip() for step in answer.headers["Server-Timing"].split(",")]
        assert (steps[0], steps[-1]) == ("db", "total")
    call = told.json()["call"]
    assert "lookup;dur=" in window.ask("matches", call).headers["Server-Timing"]
    assert "crm;dur=" in window.ask("history", call).headers["Server-Timing"]
    code = jana.tenant.instance.code
    for stranger in (
        Client().post("/api/v1/events", {"EventName": "NewCall"}, content_type="application/json"),
        Client().get(f"/window/{code}/"),
        Client().get("/window/", {"ticket": "no such"}),
        Client().get("/portal/"),
    ):
        assert "Server-Timing" not in stranger.headers


# -- figures -----------------------------------------------------------------------------------------------------------


def test_percentiles_are_by_nearest_rank_and_each_customers_own(jana: Agent, eve: Agent) -> None:
    for ring in range(1, 101):
        card_of(jana, ring=ring * 10)
    card_of(jana, ring=9999, path="")  # nothing could be read
    card_of(jana)  # nobody was looking
    card_of(jana, ring=9999, at=timezone.now() - timedelta(days=2))
    card_of(eve, ring=70)
    since, both = timezone.now() - timedelta(days=1), [jana.tenant_id, eve.tenant_id]
    assert card_times.of(both, since=since) == {
        jana.tenant_id: Times(100, 500, 950), eve.tenant_id: Times(1, 70, 70)
    }  # fmt: skip
    assert card_times.together(both, since=since) == Times(101, 500, 950)
    assert card_times.together([], since=since) == Times()


def test_hours_come_in_their_order(jana: Agent) -> None:
    hour = timezone.now().replace(minute=30)
    for ago, ring in ((1, 300), (3, 100), (2, 200), (2, 150)):
        card_of(jana, ring=ring, at=hour - timedelta(hours=ago))
    since = timezone.now() - timedelta(hours=12)
    assert card_times.by_hour([jana.tenant_id], since=since) == {jana.tenant_id: [100, 200, 300]}


# -- the sums of all processes -----------------------------------------------------------------------------------------


def test_what_processes_count_is_added_up(jana: Agent) -> None:
    for _process in range(2):
        tallies.card("index", 120)
        tallies.asked("GET", "contacts", 200, 0.08)
        tallies.asked("GET", "contacts", 429, 0.01)
        tallies.flush()
    assert tallies.sums("card") == {"index 125": (2, 0.24)}
    assert {label: count for label, (count, _) in tallies.sums("dataverse").items()} == {"ok": 2, "throttled": 2}


def test_what_could_not_be_added_is_added_the_next_time(jana: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DatabaseError

    def away(*_values: Any) -> None:
        raise DatabaseError("away")

    tallies.add("lookup", "live", 0.5)
    with monkeypatch.context() as patch:
        patch.setattr(tallies, "_add_to_sum", away)
        with pytest.raises(DatabaseError):
            tallies.flush()
    tallies.flush()
    assert tallies.sums("lookup") == {"live": (1, 0.5)}


# -- the support trace -------------------------------------------------------------------------------------------------


def test_without_a_trace_nothing_is_kept_of_what_was_asked(
    jana: Agent, window: Window, exchange: Callable[..., Any]
) -> None:
    call = exchange("Ringing", "777123456", "9.6").json()["call"]
    window.ask("matches", call)
    assert not Asked.objects.exists()


def test_a_trace_tells_what_was_asked_but_no_number_name_or_id(
    acme: Tenant, jana: Agent, window: Window, exchange: Callable[..., Any], ivana: Any
) -> None:
    support_trace.switch_on(acme, hours=1, by=ivana)
    call = exchange("Ringing", "777123456", "9.7").json()["call"]
    window.ask("matches", call)
    window.ask("history", call)
    asked = list(Asked.objects.filter(leg__call__code=call).order_by("pk"))
    shapes = " ".join(each.shape for each in asked)
    assert {each.shape.partition("?")[0] for each in asked} >= {"contacts", "accounts", "leads", "phonecalls"}
    assert all((each.method, each.status) == ("GET", 200) for each in asked)
    assert "startswith(mobilephone,'…')" in shapes
    for secret in ("777", "123456", "Horáková", str(Leg.objects.get().shown_id), "Bearer"):
        assert secret not in shapes


def test_a_trace_ends_by_itself_and_what_it_kept_goes(acme: Tenant, jana: Agent, ivana: Any, time_machine: Any) -> None:
    with pytest.raises(support_trace.NotForThatLong):
        support_trace.switch_on(acme, hours=25, by=ivana)
    assert not acme.is_traced
    support_trace.switch_on(acme, hours=24, by=ivana)
    leg = card_of(jana).leg
    Asked.objects.create(leg=leg, at=timezone.now(), method="GET", shape="contacts", status=200, ms=80)
    time_machine.move_to(timezone.now() + timedelta(hours=25), tick=False)
    assert not Tenant.objects.get(pk=acme.pk).is_traced
    time_machine.move_to(timezone.now() + timedelta(days=7), tick=False)
    upkeep.tidy()
    assert not Asked.objects.exists()
    assert [(entry.act, entry.actor) for entry in acme.audit.filter(act__startswith="trace")] == [("trace.on", "ivana")]
