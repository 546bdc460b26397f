"""What our database is asked between the exchange's event and the card: nothing that need not be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crmwindow import lookup
from crmwindow.models import Leg, Lookup
from tenants.models import Agent
from tests.ring.conftest import Window

pytestmark = pytest.mark.django_db
BESIDE = ("SAVEPOINT", "pg_notify")


@contextmanager
def asked() -> Iterator[list[str]]:
    """The statements, without those that begin and end transactions, and without PostgreSQL's word to the listeners."""
    told: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield told
    told += [each["sql"] for each in captured if not any(word in each["sql"] for word in BESIDE)]


def look_up(leg: Leg, prepared: Lookup) -> None:
    """As its thread does with what the event hands over, in this one."""
    row = lookup._claimed(leg, prepared)
    assert row is not None
    lookup._carry_out(leg, row)


def handed_over(unique_id: str) -> tuple[Leg, Lookup]:
    leg = Leg.objects.select_related("call", "agent__tenant__instance", "lookup").get(call__unique_id=unique_id)
    leg.call.tenant = leg.agent.tenant
    return leg, leg.lookup


def test_from_the_event_to_the_card(jana: Agent, window: Window, exchange: Callable[..., Any]) -> None:
    exchange("Ringing", "605333444", "8.1")  # what a process reads once
    window.ask("state")
    look_up(*handed_over("8.1"))
    exchange("Hangup", "605333444", "8.1")

    with asked() as of_the_event:
        exchange("Ringing", "777123456", "9.1")
    leg, prepared = handed_over("9.1")
    with asked() as of_the_state:
        window.ask("state")
    with asked() as of_the_look_up:
        look_up(leg, prepared)
    with asked() as of_the_card:
        card = window.ask("matches", leg.call.code)

    assert "Jana Horáková" in card.content.decode()
    answered = next(at for at, sql in enumerate(of_the_look_up) if sql.startswith('UPDATE "crmwindow_lookup"'))
    counts = [len(of_the_event), len(of_the_state), answered + 1, len(of_the_card)]
    assert counts == [9, 8, 1, 5], "\n".join(map(str, (of_the_event, of_the_state, of_the_look_up, of_the_card)))


def test_a_call_that_is_new_has_no_parts_to_be_read(jana: Agent, exchange: Callable[..., Any]) -> None:
    with asked() as of_a_new_call:
        exchange("NewCall", "777123456", "9.2", login="")
    assert [sql for sql in of_a_new_call if 'FROM "crmwindow_leg"' in sql] == []


def test_a_card_with_a_name_does_not_count_the_number(
    jana: Agent, window: Window, exchange: Callable[..., Any]
) -> None:
    call = exchange("Ringing", "777123456", "9.3").json()["call"]
    window.ask("matches", call)
    with asked() as of_a_known_card:
        window.ask("matches", call)
    assert [sql for sql in of_a_known_card if sql.startswith("SELECT COUNT")] == []
