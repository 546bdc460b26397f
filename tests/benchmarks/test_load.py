"""What the load benchmark concludes from what it measured, and that it still reads the window as a browser would."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpResponse
from django.test import Client

from crmwindow.models import Note
from ipexportal.benchmarks import Void, conversation, machine, percentile
from ipexportal.benchmarks.conversation import CARD, LOADS_ITSELF, NOTE, SHOWN, Exchange, Times
from ipexportal.benchmarks.gauges import Sample, Stretch, connections_bound
from ipexportal.benchmarks.seats import Seat
from ipexportal.benchmarks.wire import Answer, Wire
from tenants import api_keys
from tenants.models import Agent
from tests.window.conftest import Window

IDLE = Sample(
    at=0.0,
    cpu=dict.fromkeys(("web", "jobs", "sandbox", "caller", "database"), 0.0),
    pss_kb={"web": 100_000, "jobs": 80_000},
    busy=(0.0, 0.0),
    connections=10,
    sessions_at_work=0,
    threads=40,
)


def stretch(*, busy: float = 10.0, sessions: int = 0, **cpu: float) -> Stretch:
    """Ten seconds on two cores."""
    later = replace(IDLE, at=10.0, cpu=IDLE.cpu | cpu, busy=(busy, 20.0), sessions_at_work=2 * sessions)
    return Stretch([IDLE, later], {"web": 1, "jobs": 1, "sandbox": 1, "caller": 1})


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (stretch(web=9.5, jobs=5.0, busy=20.0), "web CPU"),
        (stretch(jobs=9.0), "job CPU"),
        (stretch(sandbox=8.9, web=8.0), "sandbox"),
        (stretch(web=7.0, database=6.0, sandbox=5.0, busy=19.0), "web CPU (all cores of the machine are taken)"),
        (stretch(web=5.0, sessions=5), "database"),
        (stretch(web=2.0), "waiting (threads or connections)"),
    ],
)
def test_what_gave_in_is_what_had_no_more_to_give(measured: Stretch, said: str) -> None:
    assert measured.saturated_by() == said


def test_growth_is_the_slope_of_the_memory() -> None:
    samples = [replace(IDLE, at=float(at), pss_kb={"web": 102_400 + 1024 * at, "jobs": 80_000}) for at in range(60)]
    grown = Stretch(samples, {})
    assert grown.growth_mb_per_minute("web") == 60.0
    assert grown.growth_mb_per_minute("jobs") == 0.0


def test_connections_have_a_bound_known_beforehand(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", {"pool": {"max_size": 16}})
    settings.HUEY = settings.HUEY | {"consumer": {"workers": 4}}
    assert connections_bound(jobs=1, benchmark=4) == 16 + 2 + (16 + 1 + 4) + 4


def test_a_percentile_of_few_is_still_one() -> None:
    assert percentile([], 99) == 0
    assert percentile([7.0], 99) == 7.0
    assert percentile([1.0, 2.0, 3.0], 50) == 2.0


def test_too_few_open_files_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _which: (1024, 1024))
    with pytest.raises(Void, match="2000 windows need 2200 open files, but this account may open 1024"):
        machine.allow_files(2000)


@pytest.mark.django_db
def test_the_window_is_read_as_a_browser_reads_it(jana_window: Window, jana, ring) -> None:
    call = ring(jana, "777123456")
    state = jana_window.ask("state").content.decode()
    assert SHOWN["shown"].search(state)[1] == str(call.code)
    assert SHOWN["body"].search(state)[1]
    assert SHOWN["strip"].search(state)
    matches = jana_window.ask("matches", call.code).content.decode()
    assert CARD.search(matches)[1] == "one"
    loads = {part: when for part, _path, when in LOADS_ITSELF.findall(state + matches)}
    assert {"history", "activities"} <= set(loads)
    assert set(loads.values()) == {"load"}
    saved = jana_window.act("note", call=str(call.code), text="Zájem", page="load", turn=1).content.decode()
    assert NOTE.search(saved)[1] == "draft"


class InProcess(Wire):
    """The portal without a network between: every change is heard of at once."""

    def __init__(self, window: Window) -> None:
        super().__init__("http://127.0.0.1:1")
        self.window, self.seat = window, Seat(window.agent, "", self)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._answer(path, lambda: self.window.get(path))

    async def form(self, path: str, values: Mapping[str, str], **headers: str) -> Answer:
        answer = await self._answer(path, lambda: self.window.post(path, values))
        self.seat.hear("state", time.time())
        return answer

    async def post(self, path: str, body: bytes, kind: str, **headers: str) -> Answer:
        answer = await self._answer(path, lambda: Client().post(path, body, content_type=kind, headers=headers))
        self.seat.hear("state", time.time())
        return answer

    async def _answer(self, path: str, ask: Callable[[], HttpResponse]) -> Answer:
        def in_thread() -> HttpResponse:
            try:
                return ask()
            finally:
                connections.close_all()

        response = await sync_to_async(in_thread, thread_sensitive=False)()
        return Answer(response.status_code, {}, response.content, time.time(), 0.01)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("number", "known", "wrong"),
    [
        ("777123456", True, {}),
        ("777000999", False, {}),
        ("777000998", True, {"call: the card of a known number said unknown": 1}),
    ],
)
def test_a_call_is_lived_from_the_ring_to_the_written_note(
    jana_window: Window, jana: Agent, monkeypatch: pytest.MonkeyPatch, number: str, known: bool, wrong: dict[str, int]
) -> None:
    for pause in ("RING_SECONDS", "TYPING_SECONDS", "WRAP_UP_SECONDS"):
        monkeypatch.setattr(conversation, pause, 0.0)
    key = api_keys.create(jana.tenant, "events", "ivana")
    wire, times, address = InProcess(jana_window), Times(), f"/window/{jana_window.code}/"

    async def story() -> None:
        window = conversation.Window(address, wire.seat, times)
        await window.open()
        await Exchange([wire], key, times).call(window, number, known=known)
        window.close()

    asyncio.run(story())
    assert dict(times.errors) == wrong
    if not wrong:
        assert {"webhook", "state", "matches", "card", "note saved", "note sent", "note delivered"} <= set(times.steps)
        assert len(times.steps["webhook"]) == 5
        note = Note.objects.get(author=jana)
        assert (note.state, note.revision >= 3) == (Note.State.WRITTEN, True)


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nahoj!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nah\r\n3\r\noj!\r\n0\r\n\r\n",
    ],
)
def test_an_answer_is_read_by_its_length_or_in_chunks_over_one_connection(sent: bytes) -> None:
    connections = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(sent)

    async def story() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        wire = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert [(await wire.get("/")).text for _ in range(2)] == ["ahoj!", "ahoj!"]
        assert len(connections) == 1
        wire.close()
        connections[0].close()
        server.close()

    asyncio.run(story())
