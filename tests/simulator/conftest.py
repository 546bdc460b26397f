"""A portal that only listens: what the simulated exchange posts is kept in order."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from ipexportal.simulator import exchange as module
from ipexportal.simulator.exchange import Exchange


class Portal:
    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(call.request.body or "") for call in self.mock.calls]

    @property
    def story(self) -> list[tuple[str, str]]:
        return [(event["EventName"], event["Login"] or event.get("Reason", "")) for event in self.events]


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    for name in ("ANSWERED_ELSEWHERE_AFTER", "HANDED_OVER_AFTER", "SECOND_CALL_AFTER", "THEY_ANSWER_AFTER"):
        monkeypatch.setattr(module, name, 0.0)
    monkeypatch.setenv("SIMULATOR_EVENTS_KEY", "ipx_events_key")
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post("http://127.0.0.1:8000/api/v1/events", json={"call": None}, status=202)
        yield Portal(mock)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()
