"""An agent's open window, as its own script uses it."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.test import Client
from django.urls import reverse

from crmwindow import activity_views, answers, calls, lookup, sessions, views
from crmwindow.exchange import Event
from crmwindow.models import Call, WindowSession
from ipexportal.sandbox.visitor import pick
from tenants import sign_in
from tenants.models import Agent, ApiKey, Tenant, digest

OURS = {"HX-Request": "true", "Origin": "http://127.0.0.1:8000"}


class Window(Client):
    """One window: one cookie jar, requests as htmx makes them."""

    def __init__(self, agent: Agent | None = None, **kwargs: Any) -> None:
        super().__init__(headers=OURS, **kwargs)
        self.agent = agent

    @property
    def code(self) -> Any:
        return self.agent.tenant.instance.code

    @property
    def session(self) -> WindowSession:
        return WindowSession.objects.get(digest=digest(self.cookies[live_settings.WINDOW_COOKIE].value))

    def enter(self, **carried: str) -> Any:
        """With a ticket of the contact centre."""
        key, _text = ApiKey.make(tenant=self.agent.tenant, scope="window", by="ivana")
        key.save()
        return self.get("/window/", {"ticket": sessions.issue_ticket(agent=self.agent, by=key), **carried})

    def sign_in(self, upn: str = "") -> None:
        """At the stand-in's Microsoft, in a top-level window with its own cookies."""
        attempt = sign_in.new_attempt(instance=self.agent.tenant.instance, agent=self.agent, frame=self.session.digest)
        popup = Client()
        to_microsoft = popup.get(f"/window/sign-in/{attempt.code}/").headers["Location"]
        popup.get(pick(to_microsoft, upn or self.agent.email).replace("http://127.0.0.1:8000", ""))
        self.agent.refresh_from_db()

    def ask(self, name: str, *args: Any, **query: Any) -> Any:
        return self.get(reverse(f"window:{name}", args=[self.code, *args]), query)

    def act(self, name: str, *args: Any, **values: Any) -> Any:
        return self.post(reverse(f"window:{name}", args=[self.code, *args]), values)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not make the stand-in look slow."""
    for module in (views, answers, lookup, activity_views):
        monkeypatch.setattr(module, "SECONDS", 15.0)


@pytest.fixture
def open_window(client: Client) -> Callable[..., Window]:
    def opened(agent: Agent, *, signed_in: bool = True) -> Window:
        window = Window(agent)
        window.enter()
        if signed_in:
            window.sign_in()
        return window

    return opened


@pytest.fixture
def jana_window(jana: Agent, open_window: Callable[..., Window]) -> Window:
    return open_window(jana)


_unique_ids = itertools.count(1)


@pytest.fixture
def ring() -> Callable[..., Call]:
    """The exchange says that it rings at an agent; `states` follow in their order."""

    def rings(agent: Agent, number: str, *states: str, unique_id: str = "", **more: str) -> Call:
        code = unique_id or f"1795012371.{next(_unique_ids)}"
        call = None
        for name in ("Ringing", *states):
            event = Event(name=name, unique_id=code, sender=number, to="224000000", line=agent.line,
                          login=agent.login, direction="incoming", **{"queue": "Servis", **more})  # fmt: skip
            call = calls.receive(event, tenant=agent.tenant)
        assert call is not None
        return call

    return rings


def text_of(html: Any) -> str:
    """What a reader sees of an answer, as one line."""
    content = html.content.decode() if hasattr(html, "content") else html
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content)).strip()


@pytest.fixture
def acme_outcomes(acme: Tenant) -> list[str]:
    acme.outcomes = ["Vyřešeno", "Volat zpět"]
    acme.save()
    return acme.outcomes
