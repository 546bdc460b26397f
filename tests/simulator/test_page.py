"""The Communicator's page: whose it is, what it may load, what its buttons answer."""

import json

import pytest
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from crmwindow.models import Call, Leg, Lookup
from crmwindow.search import SearchResult
from ipexportal.simulator.people import CALLERS, DESKS
from ipexportal.urls import urlpatterns as portals
from tenants.fields import seal
from tenants.models import Agent
from tests.simulator.conftest import Portal

urlpatterns = [path("", include("ipexportal.simulator.urls")), *portals]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.usefixtures("hosts")]


@pytest.fixture
def hosts(settings: object) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", ".localhost"]  # type: ignore[attr-defined]


def communicator(host: str = "localhost:8000") -> Client:
    return Client(headers={"Host": host})


def stand_in(portal: Portal) -> None:
    portal.mock.get("https://login.microsoftonline.com/_sandbox/state", json={"microsoft": "running"})


def test_the_page_is_jana_s_and_names_every_caller(client: Client, portal: Portal) -> None:
    stand_in(portal)
    page = communicator().get("/", headers={"Accept-Language": "en"}).content.decode()
    assert "Communicator simulator: Jana Nováková" in page
    assert page.count("data-caller=") == len(CALLERS)


def test_each_agent_has_a_communicator_on_a_site_of_its_own(portal: Portal) -> None:
    stand_in(portal)
    page = communicator("bob.localhost:8000").get("/", headers={"Accept-Language": "en"}).content.decode()
    assert "Communicator simulator: Bob Beneš" in page
    assert 'href="http://klara.localhost:8000/"' in page
    assert len({desk.host for desk in DESKS}) == len(DESKS)


def test_on_the_portal_s_own_address_it_would_not_be_cross_site_so_it_moves(portal: Portal) -> None:
    answer = communicator("127.0.0.1:8000").get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://localhost:8000/")


def test_the_page_may_frame_the_portal_and_nothing_else(portal: Portal) -> None:
    stand_in(portal)
    policy = communicator().get("/").headers["Content-Security-Policy"]
    assert "frame-src http://127.0.0.1:8000;" in policy + ";"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_prepared_caller_rings(portal: Portal) -> None:
    stand_in(portal)
    answer = communicator().post(
        "/simulator/act/", json.dumps({"act": "caller", "caller": "alfa"}), content_type="application/json"
    )
    assert answer.json()["phone"]["state"] == "ringing"
    assert portal.events[-1]["From"] == "602111222"
    hang_up(portal)


def hang_up(portal: Portal) -> None:
    communicator().post("/simulator/act/", json.dumps({"act": "hang_up"}), content_type="application/json")


def test_a_number_is_sent_as_an_exchange_sends_it(portal: Portal) -> None:
    asked = json.dumps({"act": "ring", "number": " 777 123\u00a0456 "})
    communicator().post("/simulator/act/", asked, content_type="application/json")
    assert portal.events[-1]["From"] == "777123456"
    hang_up(portal)


@pytest.mark.parametrize(
    "asked",
    [
        '{"act": "ring", "number": ""}',
        '{"act": "ring", "number": 5}',
        '{"act": "sing"}',
        '{"act": "caller", "caller": "nobody"}',
        '{"act": "transfer", "to": "nobody"}',
        '{"act": "answer"}',
        "[]",
        "not json",
    ],
)
def test_what_the_phone_cannot_do_is_one_sentence(portal: Portal, asked: str) -> None:
    answer = communicator().post("/simulator/act/", asked, content_type="application/json")
    assert answer.status_code == 409
    assert answer.json()["error"].endswith(".")
    assert portal.events == []


def test_another_site_cannot_press_the_buttons(portal: Portal) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"Host": "localhost:8000"})
    answer = strict.post("/simulator/act/", '{"act": "answer"}', content_type="application/json")
    assert answer.status_code == 403


def test_microsoft_is_switched_through_its_own_control(portal: Portal) -> None:
    switch = portal.mock.post("https://login.microsoftonline.com/_sandbox/microsoft", json={})
    answer = communicator().post("/simulator/microsoft/", '{"mode": "down"}', content_type="application/json")
    assert answer.json() == {"microsoft": "down"}
    assert [call.request.body for call in switch.calls] == [b'{"mode": "down"}']


def test_a_state_that_microsoft_does_not_have_is_refused(portal: Portal) -> None:
    answer = communicator().post("/simulator/microsoft/", '{"mode": "drunk"}', content_type="application/json")
    assert answer.status_code == 400


def test_the_window_opens_with_a_ticket_for_the_desk_s_own_agent(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATOR_WINDOW_KEY", "ipx_window_key")
    given = {"url": "http://127.0.0.1:8000/window/?ticket=x", "expires_in": 60}
    asked = portal.mock.post("http://127.0.0.1:8000/api/v1/window-tickets", json=given, status=201)
    answer = communicator("klara.localhost:8000").post("/simulator/window/", "{}", content_type="application/json")
    assert (answer.status_code, answer.json()) == (201, given)
    assert asked.calls[0].request.body == b'{"login": "klara.simkova"}'
    assert asked.calls[0].request.headers["Authorization"] == "Bearer ipx_window_key"


@pytest.mark.django_db
def test_what_happened_is_told_once(portal: Portal) -> None:
    stand_in(portal)
    communicator().post("/simulator/act/", '{"act": "caller", "caller": "lucie"}', content_type="application/json")
    rows = communicator().get("/simulator/state/").json()["rows"]
    assert [row["event"] for row in rows[-2:]] == ["NewCall", "Ringing"]
    assert communicator().get(f"/simulator/state/?since={rows[-1]['number']}").json()["rows"] == []
    hang_up(portal)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("problem", "told"),
    [("", ("found", "No record has this number")), ("unavailable", ("not found out", "Microsoft is not responding."))],
)
def test_nobody_and_not_found_out_are_told_apart(
    portal: Portal, jana: Agent, problem: str, told: tuple[str, str]
) -> None:
    stand_in(portal)
    communicator().post("/simulator/act/", '{"act": "caller", "caller": "lucie"}', content_type="application/json")
    unique_id = portal.events[-1]["UniqueId"]
    call = Call.objects.create(
        tenant=jana.tenant, unique_id=unique_id, caller="number", number="+420605333444", started_at=timezone.now()
    )
    Agent.objects.filter(pk=jana.pk).update(login=portal.events[-1]["Login"])
    leg = Leg.objects.create(call=call, agent=jana)
    row = Lookup.objects.create(leg=leg, problem=problem, finished_at=timezone.now())
    Lookup.objects.filter(pk=row.pk).update(result=seal(row, "result", json.dumps(SearchResult().to_dict())))

    answer = Client(headers={"Host": "localhost:8000", "Accept-Language": "en"}).get("/simulator/state/")
    rows = [row for row in answer.json()["rows"] if row["event"] in {"found", "not found out"}]
    assert [(row["event"], row["what"]) for row in rows[-1:]] == [told]
    hang_up(portal)


def test_without_demo_there_is_no_simulator(settings: object) -> None:
    assert "simulator" not in json.dumps([str(pattern) for pattern in portals])
