"""Several reads in one request, as clients send them when an address grows long."""

import re
from typing import Any

import pytest

from tests.sandbox.webapi.people import Person

CONTENT_TYPE = "multipart/mixed;boundary=one"


def part(line: str, *headers: str, kind: str = "application/http") -> str:
    about = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    return "\r\n".join([about + line, *headers, "", ""])


def batch(jana: Person, *parts: str, **headers: str) -> Any:
    body = "".join(f"\r\n--one\r\n{each}" for each in parts) + "\r\n--one--\r\n"
    return jana.ask("POST", "$batch", body=body.encode(), content_type=CONTENT_TYPE, **headers)


def test_each_is_answered_in_its_place(jana: Person) -> None:
    answer = batch(
        jana,
        part("GET contacts?$select=fullname&$filter=mobilephone%20eq%20'777%20123%20456' HTTP/1.1"),
        part("GET http://127.0.0.1:8010/api/data/v9.2/WhoAmI HTTP/1.1", "Accept: application/json"),
    )
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert re.findall(r"^HTTP/1.1 (.+)\r$", answer.text, re.MULTILINE) == ["200 OK", "200 OK"]
    assert answer.text.index("Jana Horáková") < answer.text.index("OrganizationId")


def test_preferences_belong_to_the_inner_request(jana: Person) -> None:
    wish = 'Prefer: odata.include-annotations="*"'
    whose = "GET contacts?$select=_ownerid_value&$top=1 HTTP/1.1"
    assert "FormattedValue" in batch(jana, part(whose, wish)).text
    assert "FormattedValue" not in batch(jana, part(whose)).text


def test_the_first_mistake_ends_it_unless_the_others_are_wanted(jana: Person) -> None:
    parts = (part("GET contact HTTP/1.1"), part("GET WhoAmI HTTP/1.1"))
    assert batch(jana, *parts).text.count("HTTP/1.1 ") == 1
    assert batch(jana, *parts, prefer="odata.continue-on-error").text.count("HTTP/1.1 ") == 2


@pytest.mark.parametrize(
    ("piece", "status"),
    [
        (part("POST contacts HTTP/1.1"), 501),
        (part("", kind="multipart/mixed;boundary=two"), 501),
        ("", 501),
    ],
)
def test_what_it_does_not_know_is_said(jana: Person, piece: str, status: int) -> None:
    assert batch(jana, piece).error[0] == status


def test_a_batch_without_a_boundary_or_without_requests_is_refused(jana: Person) -> None:
    assert jana.ask("POST", "$batch", body=b"x").error[:2] == (400, "0x80060891")
    assert batch(jana).error[:2] == (400, "0x80060891")
