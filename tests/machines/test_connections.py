"""A process's connections to PostgreSQL: what they keep, and what becomes of them when PostgreSQL goes its own ways."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import NotSupportedError, connection, transaction

from tenants.models import Agent
from tenants.prepared import Prepared
from tests.machines.conftest import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("where_machines_live")]


@pytest.fixture
def operator() -> Iterator[psycopg.Connection]:
    """Somebody else at the same database, who migrates it and ends connections."""
    with psycopg.connect(database_url(), autocommit=True) as theirs:
        yield theirs


def test_a_question_that_comes_again_is_planned_once(jana: Agent) -> None:
    by_line = Prepared(lambda line: Agent.objects.filter(line=line))
    for line in ("444", "445", "444"):
        assert by_line.rows(line=line) == ([jana] if line == jana.line else [])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
            ' WHERE statement LIKE \'%%FROM "tenants_agent"%%"line" = ($1)%%\''
        )
        assert cursor.fetchall() == [(3,)]


@pytest.fixture
def wider_lines(operator: psycopg.Connection) -> Iterator[Any]:
    yield lambda: operator.execute("ALTER TABLE tenants_agent ALTER COLUMN line TYPE varchar(99)")
    width = Agent._meta.get_field("line").max_length
    operator.execute(f"ALTER TABLE tenants_agent ALTER COLUMN line TYPE varchar({width})")


def test_a_migration_that_widens_a_column_meanwhile_is_not_noticed(jana: Agent, wider_lines: Any) -> None:
    by_login = Prepared(lambda login: Agent.objects.filter(login=login))
    assert by_login.rows(login=jana.login) == [jana]
    wider_lines()
    assert [by_login.rows(login=jana.login) for _ in range(2)] == [[jana], [jana]]


def test_in_a_transaction_it_fails_once(jana: Agent, wider_lines: Any) -> None:
    by_login = Prepared(lambda login: Agent.objects.filter(login=login))
    assert by_login.rows(login=jana.login) == [jana]
    wider_lines()
    with pytest.raises(NotSupportedError), transaction.atomic():
        by_login.rows(login=jana.login)
    with transaction.atomic():
        assert by_login.rows(login=jana.login) == [jana]


def test_a_connection_that_postgresql_ended_in_the_pool_is_given_to_nobody(
    jana: Agent, operator: psycopg.Connection
) -> None:
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            ((pid,),) = cursor.fetchall()
        connection.close()  # back to the pool
        operator.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert Agent.objects.get() == jana


def test_a_connection_that_is_fine_is_not_asked_each_time(jana: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    asked: list[object] = []
    monkeypatch.setattr(
        psycopg.Connection, "execute", lambda _connection, query: asked.append(query)
    )  # as psycopg asks
    for _ in range(5):
        assert Agent.objects.get() == jana
        connection.close()
    assert asked == []
