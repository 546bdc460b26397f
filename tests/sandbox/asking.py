"""Requests that several of these tests send."""

from typing import Any

import requests

from ipexportal.sandbox import Sandbox


def whoami(box: Sandbox, headers: dict[str, str]) -> requests.Response:
    return requests.get(f"{box.origin}/api/data/v9.2/WhoAmI", headers=headers)


def switch(box: Sandbox, act: str, **values: Any) -> requests.Response:
    return requests.post(f"{box.origin}/_sandbox/{act}", json=values)


def note(identifier: str) -> dict[str, Any]:
    return {"activityid": identifier, "subject": "Hovor", "directioncode": False}
