"""The second look at isolation, below the pages: no address reads a row of Beta's when it is asked by Acme's people.

Every query runs once more, as it was, and its rows are searched for what only Beta's rows have.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from crmwindow.models import Leg, Note, WindowSession
from tenants import api_keys
from tenants.models import Agent, Instance, Membership, Tenant
from tests.isolation.addresses import PORTAL, WINDOW, Row
from tests.isolation.conftest import World
from tests.isolation.test_every_address import ask

pytestmark = pytest.mark.django_db
OF_ACME = {"window": (WINDOW, ("bob", "jana")), "portal": (PORTAL, ("alice",))}


def marks_of(tenant: Tenant) -> set[str]:
    """Codes and digests: long, random, and of this customer only."""
    rows: list[Any] = [tenant, tenant.instance, *tenant.api_keys.all()]
    for model in (Agent, Note, Leg):
        path = {"Agent": "tenant", "Note": "author__tenant", "Leg": "agent__tenant"}[model.__name__]
        rows += model._default_manager.filter(**{path: tenant})
    marks = {str(row.code).replace("-", "") for row in rows if hasattr(row, "code")}
    marks |= {row.digest for row in WindowSession.objects.filter(agent__tenant=tenant)}
    return marks | set(tenant.api_keys.values_list("digest", flat=True))


@contextmanager
def rows_read() -> Iterator[list[tuple[str, str]]]:
    """(statement, all that it read): each SELECT is asked twice, once for the page and once for us."""
    read: list[tuple[str, str]] = []

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith("SELECT") and not many:
            own = connection.create_cursor()  # below the wrapper, so that this is not watched
            own.execute(sql, params)
            read.append((sql, _as_text(own.fetchall())))
            own.close()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield read


def _as_text(rows: Any) -> str:
    return str(rows).replace("-", "")


@pytest.mark.parametrize(("table", "people"), OF_ACME.values(), ids=OF_ACME)
def test_no_row_of_betas_is_read_for_acmes_people(world: World, table: dict[str, Row], people: tuple[str, ...]) -> None:
    api_keys.create(world.eve.tenant, "events", "otto")
    betas = marks_of(world.eve.tenant)
    assert len(betas) >= 5
    seen: dict[tuple[str, str], str] = {}
    asked = 0
    for who in people:
        for name in table:
            with rows_read() as read:
                ask(world.clients[who], name, world)
            asked += len(read)
            for sql, rows in read:
                if any(mark in rows for mark in betas):
                    seen[who, name] = sql
    assert seen == {}
    assert asked > 100


def test_the_watch_would_see_it(world: World) -> None:
    with rows_read() as read:
        list(Tenant.objects.all())
        list(Instance.objects.filter(tenant=world.jana.tenant))
        list(Membership.objects.all())
    betas = marks_of(world.eve.tenant)
    assert [any(mark in rows for mark in betas) for _sql, rows in read] == [True, False, False]
