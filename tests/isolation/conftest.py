"""Two customers with calls, notes and sign-ins of their own, so that something could leak; and who tries the addresses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from crmwindow import calls, lookup, notes
from crmwindow.models import Call, FollowUp, LearnedMatch, Leg, Note, Opening
from tenants import activation, api_keys, consent, invitations, sign_in
from tenants.dataverse.budget import Budget
from tenants.models import Agent, ApiKey, SignInAttempt, digest
from tests import signed_in
from tests.window.conftest import OURS, Window, patience, ring

__all__ = ["patience", "ring"]

JANAS_NOTE = "Chce vrátit zálohu za kotel"
EVES_NOTE = "Reklamuje dodávku šroubů"
ACMES = ("+420777123456", "777 123 456", "Horáková", "Stavby Morava", JANAS_NOTE, "Jana Nov", "9001.1", "Porucha")
BETAS = ("905111222", "905 111 222", EVES_NOTE, "Eve Ciz", "9002.2", "Beta", "Košice")


@dataclass
class World:
    """What there is to be seen: jana's call with its caller and note, eve's call with hers; and everybody's browser."""

    jana: Agent
    bob: Agent
    eve: Agent
    call: Call
    eves_call: Call
    attempt: SignInAttempt
    tab: str
    clients: dict[str, Any]
    refused_task: FollowUp
    headers = OURS

    @property
    def code(self) -> UUID:
        return self.jana.tenant.instance.code

    @cached_property
    def invitation_link(self) -> str:
        """The token of an open invitation to Acme."""
        invitation = invitations.invite(tenant=self.jana.tenant, email="alena@acme.example", by="ivana")
        return invitations.link(invitation).split("/")[-2]

    @property
    def personal_link(self) -> str:
        """The token of bob's activation e-mail."""
        return activation.link(self.bob).split("/")[-2]

    @property
    def consent_link(self) -> str:
        """The token of the address that alice sends to the admin of Acme's directory."""
        return consent.token(self.jana.tenant.instance)

    def told_to(self, who: str, text: str) -> set[str]:
        """Which of the words about these calls, other than about their own, `who` reads in `text`."""
        own: dict[str, tuple[str, ...]] = {
            "jana": ACMES,
            "eve": ("Eve Ciz",),
            "alice": ("Jana Nov",),
            "ivana": ("Jana Nov",),
        }
        return {word for word in (*ACMES, *BETAS) if word in text} - set(own.get(who, ()))

    def rows(self) -> list[Any]:
        """Everything that a request about a call could change."""
        return [
            list(model._default_manager.order_by("pk").values())
            for model in (Call, Leg, Note, FollowUp, LearnedMatch, Opening, Agent)
        ]


@pytest.fixture
def world(
    jana: Agent, bob: Agent, eve: Agent, alice: User, otto: User, ivana: User, ring: Callable[..., Call]
) -> World:
    jana = signed_in.sign_in(jana)
    signed_in.know_tables(jana)
    call = ring(jana, "777123456", "Answered", unique_id="9001.1", queue="Porucha")
    eves_call = ring(eve, "+421905111222", "Answered", unique_id="9002.2", queue="Košice")
    lookup.found(_leg(jana, call), budget=Budget(15))
    notes.save_draft(leg=_leg(jana, call), text=JANAS_NOTE)
    notes.save_draft(leg=_leg(eve, eves_call), text=EVES_NOTE)
    clients = {"anonymous": Client(headers=OURS), "jana": _window(jana), "bob": _window(bob), "eve": _window(eve)}
    clients |= {"alice": _portal(alice), "otto": _portal(otto), "ivana": _portal(ivana)}
    frame = clients["jana"].session.digest
    attempt = sign_in.new_attempt(instance=jana.tenant.instance, agent=jana, frame=frame)
    tab, task = _waiting_tab(jana, call), _refused_task(jana, call)
    return World(jana, bob, eve, call, eves_call, attempt, tab, clients, task)


def _refused_task(agent: Agent, call: Call) -> FollowUp:
    now = timezone.now()
    refused = {"state": FollowUp.State.REFUSED, "problem": "refused", "due_at": now, "queued_at": now}
    return FollowUp.objects.create(call=call, author=agent, form=uuid4(), subject=JANAS_NOTE, **refused)


def _leg(agent: Agent, call: Call) -> Leg:
    leg = calls.leg_of(agent, call.code)
    assert leg
    return leg


def _window(agent: Agent) -> Window:
    window = Window(agent)
    window.enter()
    return window


def _portal(user: User) -> Client:
    portal = Client(headers=OURS)
    portal.force_login(user)
    return portal


def _waiting_tab(agent: Agent, call: Call) -> str:
    """The address of a tab that waits for a new record of this agent."""
    code = "janas-tab-0000000000000000"
    until = timezone.now() + timedelta(minutes=1)
    Opening.objects.create(
        digest=digest(code), agent=agent, call=call, table="contact", record_id=UUID(int=7), expires_at=until
    )
    return code


@pytest.fixture
def events_key(world: World) -> str:
    return api_keys.create(world.jana.tenant, ApiKey.Scope.EVENTS, "tests")


@pytest.fixture
def betas_key(world: World) -> str:
    return api_keys.create(world.eve.tenant, ApiKey.Scope.EVENTS, "tests")
