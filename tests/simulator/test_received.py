"""What the developers' page tells of the exchange: kinds and facts, never a whole number."""

import json

import pytest

from ipexportal.simulator.received import _told, masked


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("777123456", "777 ••• 456"),
        ("+420777123456", "+420777 ••• 456"),
        ("163", "163"),
        ("anonymous", "anonymous"),
        ("", ""),
    ],
)
def test_a_number_is_masked_and_a_line_is_not(number: str, shown: str) -> None:
    assert masked(number) == shown


def test_of_a_webhook_only_the_documented_keys_are_told() -> None:
    body = {"EventName": "Ringing", "From": "777123456", "Line": "444", "Secret": "777123456", "Queue": ""}
    assert _told(json.dumps(body).encode()) == ("Ringing", "From 777 ••• 456 · Line 444")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", b"7"])
def test_what_is_no_event_is_told_as_such(body: bytes) -> None:
    assert _told(body)[0] == "?"


def test_what_is_too_long_is_cut() -> None:
    event, detail = _told(json.dumps({"EventName": "x" * 999, "Queue": "y" * 999, "Line": {"a": 1}}).encode())
    assert (len(event), len(detail)) == (60, len("Line {'a': 1} · Queue ") + 60)
