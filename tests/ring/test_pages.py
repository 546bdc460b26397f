"""Where the figures are shown: to alice, to ivana, to monitoring."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crmwindow import tallies
from crmwindow.models import Asked, Call, Lookup, Note
from tenants.models import Agent, CheckRun, Tenant
from tests.ring.test_card_times import card_of
from tests.signed_in import browser_of
from tests.window.conftest import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def alices(alice: User) -> Client:
    return browser_of(alice)


@pytest.fixture
def ivanas(ivana: User) -> Client:
    return browser_of(ivana)


def note(jana: Agent, state: str, **values: Any) -> Note:
    now = timezone.now()
    call = card_of(jana, ring=100).leg.call
    known = {"revision": 1, "edited_at": now, "queued_at": now, "text": "Zavolat"}
    return Note.objects.create(call=call, author=jana, state=state, **known | values)


# -- the customer's admin ----------------------------------------------------------------------------------------------


def test_a_new_customer_sees_what_will_stand_there(acme: Tenant, alices: Client) -> None:
    text = text_of(alices.get(reverse("status", args=[acme.code])))
    assert "There is nothing to measure yet." in text
    assert "notes lost 0" in text
    assert "They have not run yet." in text


def test_alice_sees_how_soon_cards_are_there_and_what_became_of_notes(
    acme: Tenant, jana: Agent, eve: Agent, alices: Client
) -> None:
    for ring in (100, 120, 900):
        card_of(jana, ring=ring)
    card_of(jana, ring=50, at=timezone.now() - timedelta(days=3))
    card_of(eve, ring=1)
    Call.objects.filter(tenant=acme).update(known=True)
    Call.objects.filter(pk__in=Call.objects.filter(tenant=acme).values("pk")[:1]).update(known=False)
    note(jana, "written", written_revision=1, written_at=timezone.now())
    note(jana, "queued", next_try_at=timezone.now())
    CheckRun.objects.create(instance=acme.instance, by="nightly", finished_at=timezone.now())
    text = text_of(alices.get(reverse("status", args=[acme.code])))
    assert "half of the cards, last day 100 ms 95 of 100 cards, last day 900 ms" in text
    assert "Measured on 6 cards of the last 7 days." in text
    assert "Everything is in order." in text
    assert "notes lost 0" in text


def test_lost_is_counted_not_claimed(acme: Tenant, jana: Agent, alices: Client) -> None:
    note(jana, "written", revision=3, written_revision=2, written_at=timezone.now(), next_try_at=None)
    text = text_of(alices.get(reverse("status", args=[acme.code])))
    assert "notes lost 1" in text


def test_a_microsoft_that_does_not_answer_is_told(acme: Tenant, jana: Agent, alices: Client) -> None:
    for problem in ("", "unavailable"):
        leg = card_of(jana).leg
        Lookup.objects.create(leg=leg, finished_at=timezone.now(), problem=problem)
    text = text_of(alices.get(reverse("status", args=[acme.code])))
    assert "In the last hour it was asked for 2 callers. 1 question stayed without an answer." in text
    assert "Does not always answer" in text


@pytest.mark.parametrize("cards", [1, 3])
def test_the_page_asks_the_same_however_much_there_is(
    acme: Tenant, jana: Agent, alices: Client, cards: int, django_assert_num_queries: Any
) -> None:
    for _card in range(cards):
        note(jana, "queued")
    address = reverse("status", args=[acme.code])
    alices.get(address)
    with django_assert_num_queries(15):
        alices.get(address)


# -- support -----------------------------------------------------------------------------------------------------------


def test_ivana_traces_a_customer_for_some_hours_and_it_is_told(acme: Tenant, ivanas: Client) -> None:
    switch, page = (reverse(f"admin:tenants_tenant_{name}", args=[acme.pk]) for name in ("trace_switch", "trace"))
    assert "It is off." in text_of(ivanas.get(page))
    for refused in ("", "-1", "25", "999999", "x", "٣"):
        ivanas.post(switch, {"hours": refused})
        assert not Tenant.objects.get(pk=acme.pk).is_traced
    assert ivanas.post(switch, {"hours": "8"}).status_code == 302
    traced = Tenant.objects.get(pk=acme.pk)
    assert timedelta(hours=7) < traced.traced_until - timezone.now() <= timedelta(hours=8)
    assert "It is on until" in text_of(ivanas.get(page))
    assert "Support trace switched on" in text_of(ivanas.get(reverse("admin:tenants_tenant_changes", args=[acme.pk])))
    ivanas.post(switch, {"hours": "0"})
    assert not Tenant.objects.get(pk=acme.pk).is_traced


@pytest.mark.parametrize("cards", [1, 3])
def test_a_calls_steps_stand_there_and_what_was_asked(
    acme: Tenant, jana: Agent, ivanas: Client, cards: int, django_assert_num_queries: Any
) -> None:
    for number in range(cards):
        timing = card_of(jana, ring=120 + number)
        now = timezone.now()
        Asked.objects.create(leg=timing.leg, at=now, method="GET", shape="contacts?$top=…", status=200, ms=81)
    page = reverse("admin:tenants_tenant_trace", args=[acme.pk])
    ivanas.get(page)
    with django_assert_num_queries(14):
        text = text_of(ivanas.get(page))
    assert "81&nbsp;ms · 200 GET contacts?$top=…" in text
    assert "120&nbsp;ms in the browser: card painted" in text


def test_a_customers_admin_cannot_trace(acme: Tenant, alices: Client) -> None:
    switch = reverse("admin:tenants_tenant_trace_switch", args=[acme.pk])
    assert alices.post(switch, {"hours": "8"}).status_code == 302
    assert not Tenant.objects.get(pk=acme.pk).is_traced


def test_the_cockpit_shows_how_soon_cards_are_there(acme: Tenant, jana: Agent, ivanas: Client) -> None:
    for ring in (140, 150, 160):
        card_of(jana, ring=ring)
    card_of(jana, ring=90, at=timezone.now() - timedelta(hours=2))
    html = ivanas.get(reverse("admin:index")).content.decode()
    assert "160&nbsp;ms" in html
    assert '<polyline points="1.0,14.0 55.0,2.0">' in html


# -- monitoring --------------------------------------------------------------------------------------------------------


def test_monitoring_reads_what_is_true_over_all_processes(
    acme: Tenant, jana: Agent, settings: Any, client: Client
) -> None:
    tallies._counts.clear()
    settings.METRICS_TOKEN = "only-for-monitoring"
    for ring in (120, 180, 6000):
        tallies.card("index", ring)
    tallies.asked("GET", "contacts", 200, 0.08)
    tallies.asked("GET", "contacts", 0, 2.0)
    tallies.add("lookup", "index", 0.1)
    note(jana, "queued", next_try_at=timezone.now() - timedelta(minutes=2))
    lines = (
        client.get("/metrics", headers={"Authorization": "Bearer only-for-monitoring"}).content.decode().splitlines()
    )
    for line in (
        'ipex_ring_to_card_seconds_bucket{le="0.125",path="index"} 1.0',
        'ipex_ring_to_card_seconds_bucket{le="0.2",path="index"} 2.0',
        'ipex_ring_to_card_seconds_bucket{le="+Inf",path="index"} 3.0',
        'ipex_ring_to_card_seconds_count{path="live"} 0.0',
        'ipex_dataverse_request_seconds_count{outcome="ok"} 1.0',
        'ipex_dataverse_request_seconds_sum{outcome="no_answer"} 2.0',
        'ipex_lookup_seconds_count{path="index"} 1.0',
        'ipex_notes{state="queued"} 1.0',
        "ipex_streams 0.0",
        "ipex_jobs_queued 0.0",
    ):
        assert line in lines
    age = next(float(line.split()[1]) for line in lines if line.startswith("ipex_job_age_seconds "))
    assert age >= 120
    ours = [line for line in lines if line.startswith("ipex_")]
    assert {word for word in ("acme", "Acme", "jana", "777") if any(word in line for line in ours)} == set()


def test_the_pages_link_to_each_other(acme: Tenant, alices: Client) -> None:
    assert (
        reverse("status", args=[acme.code])
        in alices.get(reverse("portal:operation", args=[acme.code])).content.decode()
    )
