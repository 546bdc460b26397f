"""The event stream through the raw ASGI app, with real rows, threads and, on PostgreSQL, real notifications."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.http import HttpResponse
from django.utils import timezone

from crmwindow import outbox, sessions
from crmwindow.hub import Subscriber, hub
from crmwindow.models import WindowSession
from ipexportal.asgi import application
from tenants.models import Agent, Instance

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = 5.0


class Stream:
    """One browser's EventSource."""

    def __init__(self, cookie: str, instance: str, **headers: str) -> None:
        pairs = {"cookie": f"__Host-ipex-window={cookie}", **headers}
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/window/events",
            "query_string": f"instance={instance}".encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in pairs.items()],
        }
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.leaving = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.leaving.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.heard.put_nowait(message)

    async def start(self) -> dict[str, Any]:
        self.task = asyncio.create_task(application(self.scope, self.receive, self.send))
        return await self.next()

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.heard.get(), WAIT)

    async def event(self) -> str:
        while True:
            body = (await self.next())["body"].decode()
            if "event: " in body:
                return str(body.partition("event: ")[2].partition("\n")[0])

    async def leave(self) -> None:
        self.leaving.set()
        await asyncio.wait_for(self.task, WAIT)


def run(story: Callable[[], Awaitable[None]]) -> None:
    try:
        asyncio.run(story())  # type: ignore[arg-type]
    finally:
        hub.stop()


def cookie_of(agent: Agent) -> str:
    response = HttpResponse()
    sessions.start_session(response, instance=agent.tenant.instance, agent=agent)
    return response.cookies["__Host-ipex-window"].value


@sync_to_async(thread_sensitive=False)
def do(act: Callable[[], Any]) -> None:
    with transaction.atomic():
        act()
    connections.close_all()


def test_jana_hears_what_is_told_to_jana_and_not_what_is_told_to_bob(jana: Agent, bob: Agent) -> None:
    cookie, instance = cookie_of(jana), str(jana.tenant.instance.code)

    async def story() -> None:
        stream = Stream(cookie, instance)
        assert (await stream.start())["status"] == 200
        assert await stream.event() == "state"  # on every connect: ask for your state
        await asyncio.sleep(0.3)  # the listener may still be starting, and then says so once more
        while not stream.heard.empty():
            stream.heard.get_nowait()
        await do(lambda: outbox.tell([bob.pk]))
        await do(lambda: outbox.tell([jana.pk]))
        assert await stream.event() == "state"
        await asyncio.sleep(0.2)
        assert stream.heard.empty()
        await stream.leave()

    run(story)


def test_a_disabled_agents_stream_ends_within_two_seconds(jana: Agent) -> None:
    cookie, instance = cookie_of(jana), str(jana.tenant.instance.code)

    async def story() -> None:
        stream = Stream(cookie, instance)
        await stream.start()
        assert await stream.event() == "state"
        await do(lambda: Agent.objects.filter(pk=jana.pk).update(session_epoch=jana.session_epoch + 1))
        loop = asyncio.get_running_loop()
        began = loop.time()
        while await stream.event() != "revoked":
            pass
        assert loop.time() - began < 3
        await asyncio.wait_for(stream.task, WAIT)

    run(story)


def test_a_quiet_stream_says_so_and_still_hears_what_comes_in_that_moment(
    jana: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmwindow.stream.HEARTBEAT_SECONDS", 0.05)
    cookie, instance = cookie_of(jana), str(jana.tenant.instance.code)

    async def story() -> None:
        stream = Stream(cookie, instance)
        await stream.start()
        while (await stream.next())["body"] != b":\n\n":
            pass
        await do(lambda: outbox.tell([jana.pk]))
        assert await stream.event() == "state"
        await stream.leave()
        assert hub.count == 0

    run(story)


@pytest.mark.parametrize(
    ("first", "then", "heard"),
    [
        ("quiet", "state", "state"),
        ("state", "quiet", "state"),
        ("state", "revoked", "revoked"),
        ("revoked", "state", "revoked"),
        ("state", "gone", "gone"),
        ("gone", "state", "gone"),
        ("note.a", "note.a", "note.a"),
        ("note.a", "note.b", "state"),
        ("note.a", "state", "state"),
        ("state", "note.a", "state"),
    ],
)
def test_of_two_news_in_one_moment_the_weightier_is_heard_once(first: str, then: str, heard: str) -> None:
    async def story() -> None:
        subscriber = Subscriber(agent=1, session=1, loop=asyncio.get_running_loop())
        subscriber.put(first)
        subscriber.put(then)
        assert await subscriber.news() == heard
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(subscriber.news(), 0.01)

    asyncio.run(story())  # type: ignore[arg-type]


def test_an_expired_session_stands_no_more_and_one_of_nobody_yet_does(jana: Agent, bob: Agent) -> None:
    jana_cookie, bob_cookie = cookie_of(jana), cookie_of(bob)
    now = timezone.now()
    janas, bobs = WindowSession.objects.get(agent=jana), WindowSession.objects.get(agent=bob)
    nobodys = sessions.start_session(HttpResponse(), instance=jana.tenant.instance, agent=None)
    every = [janas.pk, bobs.pk, nobodys.pk, 999_999]
    assert jana_cookie != bob_cookie
    assert sessions.live_among(every) == {janas.pk, bobs.pk, nobodys.pk}
    WindowSession.objects.filter(pk=bobs.pk).update(expires_at=now)
    assert sessions.live_among(every) == {janas.pk, nobodys.pk}
    Instance.objects.filter(pk=jana.tenant.instance.pk).update(proven_at=None)
    assert sessions.live_among(every) == {nobodys.pk}


@pytest.mark.parametrize("cookie", ["", "invented"])
def test_without_a_session_the_stream_says_so_and_ends(jana: Agent, cookie: str) -> None:
    instance = str(jana.tenant.instance.code)

    async def story() -> None:
        stream = Stream(cookie, instance)
        await stream.start()
        assert await stream.event() == "revoked"
        await asyncio.wait_for(stream.task, WAIT)

    run(story)


def test_another_site_may_not_listen(jana: Agent) -> None:
    cookie, instance = cookie_of(jana), str(jana.tenant.instance.code)

    async def story() -> None:
        stream = Stream(cookie, instance, sec_fetch_site="cross-site")
        assert (await stream.start())["status"] == 403

    run(story)


def test_eves_cookie_opens_no_stream_of_acme(jana: Agent, eve: Agent) -> None:
    cookie, instance = cookie_of(eve), str(jana.tenant.instance.code)

    async def story() -> None:
        stream = Stream(cookie, instance)
        await stream.start()
        assert await stream.event() == "revoked"

    run(story)
