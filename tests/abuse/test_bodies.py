"""Whatever a stranger sends, it is refused with a sentence, in bounded memory and time."""

import asyncio
import io
import json
import tracemalloc
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from ipexportal import bodies
from tenants import api_keys
from tenants.models import Agent, SystemAccount, Tenant

MEGABYTE = 1024 * 1024
CHUNK = b"x" * 65_536


class Endless:
    """Somebody who sends and sends, in chunks, announcing `length` or nothing; what the server answers."""

    def __init__(self, length: int | None = None, path: str = "/accounts/login/") -> None:
        headers = [(b"host", b"testserver"), (b"content-type", b"application/octet-stream")]
        headers += [(b"content-length", str(length).encode())] if length is not None else []
        self.scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
        self.sent = 0
        self.answer: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.sent += len(CHUNK)
        return {"type": "http.request", "body": CHUNK, "more_body": True}

    async def send(self, message: dict[str, Any]) -> None:
        self.answer.append(message)

    def meets(self, application: bodies.Application) -> int:
        asyncio.run(application(self.scope, self.receive, self.send))
        return int(self.answer[0]["status"])


async def reads_all(scope: bodies.Scope, receive: bodies.Receive, send: bodies.Send) -> None:
    """As Django does: everything first, and silence when the visitor goes."""
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 200, "headers": []})


def test_a_length_that_is_too_long_is_refused_unread() -> None:
    visitor = Endless(bodies.LONGEST + 1)
    assert (visitor.meets(bodies.no_longer(reads_all)), visitor.sent) == (413, 0)
    assert visitor.answer[1]["body"] == b"A request has at most 4 MB."


def test_a_body_without_a_length_ends_at_the_limit() -> None:
    visitor = Endless(path="/api/v1/events")
    assert visitor.meets(bodies.no_longer(reads_all)) == 413
    assert visitor.sent <= bodies.LONGEST + len(CHUNK)
    assert json.loads(visitor.answer[1]["body"]) == {"error": "A request has at most 4 MB."}


def test_a_length_that_lies_ends_at_the_limit() -> None:
    visitor = Endless(length=10)
    assert (visitor.meets(bodies.no_longer(reads_all)), visitor.sent <= bodies.LONGEST + len(CHUNK)) == (413, True)


@pytest.mark.django_db(transaction=True)
def test_the_whole_server_takes_no_endless_body(acme: Tenant) -> None:
    from ipexportal.asgi import application

    tracemalloc.start()
    visitor = Endless()
    status = visitor.meets(application)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status == 413
    assert most < 30 * MEGABYTE


# -- each kind of thing that can be pasted or uploaded -----------------------------------------------------------------


def deflated(size: int) -> bytes:
    """A ZIP of a few kB that becomes `size` bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("people.csv", b"a" * size)
    return file.getvalue()


DEEP = "[" * 100_000
BOMBS: dict[str, bytes] = {
    "zip": deflated(50 * MEGABYTE),
    "nested": DEEP.encode(),
    "nulls": b"\0" * 100_000,
    "one long line": b"x" * 1_900_000,
    "only commas": b"," * 1_000_000,
    "not UTF-8": bytes(range(128, 256)) * 1000,
    "billion laughs": b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>',
}


@pytest.fixture
def alices(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_file_of_people_that_is_none_is_refused(alices: Client, acme: Tenant, bomb: str) -> None:
    file = SimpleUploadedFile("people.csv", BOMBS[bomb], content_type="text/csv")
    answer = alices.post(reverse("portal:people_import", args=[acme.code]), {"file": file})
    assert (answer.status_code in {200, 413, 422}, Agent.objects.count()) == (True, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_certificate_that_is_none_is_refused(alices: Client, acme: Tenant, bomb: str) -> None:
    file = SimpleUploadedFile("own.pfx", BOMBS[bomb][:200_000])
    form = {"client_id": "22222222-aaaa-4bbb-8ccc-000000000002", "proof": "own", "certificate_file": file}
    answer = alices.post(reverse("portal:ivr_save", args=[acme.code]), form)
    assert (answer.status_code, SystemAccount.objects.count()) == (422, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("text", [DEEP, "a" * 1_000_000, "a = " * 50_000, "\0" * 1000, "[[a]]\n" * 20_000])
def test_pasted_text_that_is_no_table_is_refused(alices: Client, acme: Tenant, text: str) -> None:
    answer = alices.post(reverse("portal:own_table_save", args=[acme.code]), {"text": text})
    assert answer.status_code in {413, 422}
    assert acme.instance.custom_entities.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["token", "events", "window-tickets", "ivr/lookup", "ivr/verify", "ivr/write"])
@pytest.mark.parametrize("body", [DEEP, '{"a":' * 50_000, "9" * 20_000, "NaN", '"' + "\\u0000" * 9 + '"', "[]", ""])
def test_no_json_breaks_the_api(acme: Tenant, path: str, body: str) -> None:
    scope = "ivr" if path.startswith("ivr") else "window" if path.startswith("window") else "events"
    key = "" if path == "token" else api_keys.create(acme, scope, "ivana")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = Client().post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)
    assert answer.status_code in ({401} if path == "token" else {413, 422})
    assert set(answer.json()) == {"error"}


@pytest.mark.django_db
def test_a_form_of_ten_thousand_fields_is_refused(alices: Client, acme: Tenant) -> None:
    fields = {f"field{number}": "x" for number in range(2_000)}
    answer = alices.post(reverse("portal:operation_save", args=[acme.code]), fields)
    assert answer.status_code == 413
