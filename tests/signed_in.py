"""Agents who have signed in with Microsoft: once per person and sandbox over the real protocol, then from memory.

And portal users whose session says how they came in.
"""

import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from ipexportal.sandbox import directory
from ipexportal.sandbox.visitor import pick
from tenants import connections, entra
from tenants.dataverse.budget import Budget
from tenants.dataverse.metadata import Metadata
from tenants.models import Agent

plain_force_login = Client.force_login
_tables: dict[tuple[str, ...], Metadata] = {}
_identities: dict[tuple[str, str], entra.Identity] = {}


def sign_in(agent: Agent) -> Agent:
    """As if the agent had come back from Microsoft's page; the tokens are real."""
    user = directory.USERS[agent.email]
    instance = agent.tenant.instance
    key = (instance.url, agent.email)
    if key not in _identities:
        flow, address = entra.begin(instance)
        query: dict[str, Any] = dict(parse_qsl(urlsplit(pick(address, agent.email)).query))
        _identities[key] = entra.redeem(instance, flow, query)
    identity = _identities[key]
    agent.directory_id, agent.object_id = identity.directory_id, identity.object_id
    agent.systemuser_id = user.systemuser_id or None
    agent.token_cache, agent.token_expires_at = identity.cache, identity.expires_at
    agent.signed_in_at, agent.sign_in_error = timezone.now(), ""
    agent.token_version += 1
    agent.save()
    agent.refresh_from_db()
    return agent


def know_tables(agent: Agent) -> Metadata:
    """As if somebody had looked something up within the hour: the instance's tables are known. Read once per sandbox."""
    instance = agent.tenant.instance
    key = (instance.url, *connections.tables(instance)[0])
    if key not in _tables:
        _tables[key] = connections.metadata(instance, connections.client_for(agent), Budget(15))
    connections.keep(instance, _tables[key])
    return _tables[key]


def forget() -> None:
    """The tokens given so far were ended."""
    _identities.clear()


def browser_of(user: User) -> Client:
    """In English, signed in to the portal."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def came_by(client: Client, user: User, *ways: str) -> Client:
    """A portal session of `user` who came in by these ways: code, password, microsoft, mfa (the second factor)."""
    plain_force_login(client, user)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": way, "at": time.time()} for way in ways]
    session[f"{AUTHENTICATION_METHODS_SESSION_KEY}_user"] = str(user.pk)
    session.save()
    return client
