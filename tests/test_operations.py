"""What monitoring asks: alive, ready, busy."""

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_a_working_portal_says_ok_and_nothing_else(address: str) -> None:
    answer = Client().get(address)
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert not answer.cookies


def test_without_its_database_the_portal_is_alive_but_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise DatabaseError("connection refused")

    monkeypatch.setattr(connection, "cursor", gone)
    assert Client().get("/healthz").status_code == 200
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"not ready: database")


def test_metrics_exist_only_for_whoever_has_the_token(settings: Any) -> None:
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    settings.METRICS_TOKEN = "only-for-monitoring"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    answer = Client().get("/metrics", headers={"Authorization": "Bearer only-for-monitoring"})
    assert answer.status_code == 200
    assert "ipex_notes_waiting 0.0" in answer.content.decode()
