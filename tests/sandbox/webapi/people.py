"""People asking the sandbox's Web API directly, without a server in between."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ipexportal.sandbox.dataverse import Dataverse
from ipexportal.sandbox.directory import User
from ipexportal.sandbox.http import Request

ORIGIN = "http://127.0.0.1:8010"
BASE = f"{ORIGIN}/api/data/v9.2"
ALL_ANNOTATIONS = 'odata.include-annotations="*"'
FORMATTED = "OData.Community.Display.V1.FormattedValue"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def data(self) -> Any:
        return json.loads(self.text)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.data["value"]

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and message."""
        return self.status, self.data["error"]["code"], self.data["error"]["message"]


@dataclass(frozen=True)
class Person:
    dataverse: Dataverse
    user: User

    def ask(self, method: str, path: str, query: str = "", body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = Request(method, f"/api/data/v9.2/{path}", query, sent, content, ORIGIN)
        answer = self.dataverse.handle(request, self.user)
        return Answer(answer.status, dict(answer.headers), answer.body.decode())

    def get(self, path: str, query: str = "", **headers: str) -> Answer:
        return self.ask("GET", path, query, **headers)

    def post(self, path: str, body: Any, query: str = "", **headers: str) -> Answer:
        return self.ask("POST", path, query, body, **headers)

    def patch(self, path: str, body: Any, query: str = "", **headers: str) -> Answer:
        return self.ask("PATCH", path, query, body, **headers)

    def find(self, entity_set: str, select: str, condition: str) -> list[Any]:
        """The one selected column of the rows that meet a condition, sorted."""
        answer = self.get(entity_set, f"$select={select}&$filter={quote(condition)}")
        assert answer.status == 200, answer.text
        return sorted(row[select] for row in answer.rows)
