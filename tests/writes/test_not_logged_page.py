"""The customer's admin sees what is not in the CRM, why, and tries it again; no names, no texts, no whole numbers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crmwindow import not_logged
from crmwindow.models import Call, CrmWrite, IvrFunction, Note
from ipexportal.sandbox import Sandbox
from tenants.models import Agent, SystemAccount, Tenant
from tests.writes.conftest import deliver, stored

pytestmark = pytest.mark.django_db
State = CrmWrite.State


@pytest.fixture
def browser(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def page(browser: Client, tenant: Tenant, **query: Any) -> Any:
    answer = browser.get(f"/portal/{tenant.code}/not-logged/", query)
    assert answer.status_code == 200
    return answer


def refused_note(author: Agent, problem: str = "missing_privilege", text: str = "tajný text") -> Note:
    call = Call.objects.create(
        tenant=author.tenant,
        unique_id=f"n{Note.objects.count()}",
        started_at=timezone.now(),
        number="+420777123456",
        number_blind="x",
        caller=Call.Caller.NUMBER,
    )
    note = Note(call=call, author=author, text=text, revision=1, edited_at=timezone.now(), problem=problem)
    note.state, note.queued_at, note.detail = Note.State.REFUSED, timezone.now(), "prvCreateActivity"
    note.save()
    return note


def test_nothing_is_missing_at_first(browser: Client, acme: Tenant) -> None:
    assert page(browser, acme).context["lines"] == []


def test_a_refused_note_a_missed_call_and_a_write_stand_there_with_their_reasons(
    browser: Client,
    acme: Tenant,
    jana: Agent,
    miss: Callable[..., Call],
    ask: Callable[..., Any],
    complaint: IvrFunction,
    account: SystemAccount,
) -> None:
    refused_note(jana)
    deliver(stored(ask("complaint", staff="tajná hodnota")))
    miss()
    CrmWrite.objects.filter(kind="missed").update(state=State.NO_ACCOUNT)
    answer = page(browser, acme)
    shown = {(line.what, line.whose, line.number, line.acts) for line in answer.context["lines"]}
    assert shown == {
        ("note", jana.name, "+420 777 ••• 456", "admin"),
        ("ivr", "Stížnost", "+420 777 ••• 456", "admin"),
        ("missed", "", "+420 777 ••• 456", "admin"),
    }
    html = answer.content.decode()
    for secret in ("tajn", "777123456", "777 123 456", "Horáková"):
        assert secret not in html
    assert "prvCreateActivity" in html


def test_filters_count_and_choose(browser: Client, acme: Tenant, jana: Agent, miss: Callable[..., Call]) -> None:
    refused_note(jana)
    refused_note(jana, "conflict")
    miss()
    for query, number in (({}, 3), ({"what": "note"}, 2), ({"acts": "agent"}, 1), ({"what": "missed"}, 1),
                          ({"what": "ivr"}, 0), ({"acts": "admin"}, 2), ({"what": "<", "acts": "'"}, 3)):  # fmt: skip
        found = page(browser, acme, **query)
        assert (len(found.context["lines"]), found.context["found"].count) == (number, number)
    assert page(browser, acme, page="x").status_code == 200


def test_what_is_on_its_way_is_not_listed(
    browser: Client, acme: Tenant, miss: Callable[..., Call], account: SystemAccount
) -> None:
    miss()
    assert page(browser, acme).context["lines"] == []
    CrmWrite.objects.update(queued_at=timezone.now() - timedelta(minutes=5))
    assert len(page(browser, acme).context["lines"]) == 1


def test_a_row_is_tried_again(
    browser: Client,
    acme: Tenant,
    ask: Callable[..., Any],
    complaint: IvrFunction,
    account: SystemAccount,
    microsoft: Sandbox,
) -> None:
    write = stored(ask("complaint", topic="again"))
    microsoft.control.fault("missing_privilege", privilege="prvCreateLead")
    deliver(write)
    microsoft.control.reset()
    row = page(browser, acme).context["lines"][0]
    answer = browser.post(f"/portal/{acme.code}/not-logged/again/", {"row": row.key, "what": "ivr"})
    assert (answer.status_code, answer["Location"]) == (302, f"/portal/{acme.code}/not-logged/?what=ivr")
    assert deliver(write).state == State.WRITTEN


def test_all_are_tried_again_but_what_only_the_author_can_mend(browser: Client, acme: Tenant, jana: Agent) -> None:
    refused, conflict = refused_note(jana), refused_note(jana, "conflict")
    browser.post(f"/portal/{acme.code}/not-logged/again/", {"row": "all"})
    refused.refresh_from_db()
    conflict.refresh_from_db()
    assert (refused.state, conflict.state) == (Note.State.QUEUED, Note.State.REFUSED)


@pytest.mark.parametrize("row", ["", "write", "write:x", "note:'--", "x" * 9_000, f"write:{UUID(int=0)}"])
def test_a_row_that_is_not_there_changes_nothing(browser: Client, acme: Tenant, row: str) -> None:
    assert browser.post(f"/portal/{acme.code}/not-logged/again/", {"row": row}).status_code == 302


def test_betas_admin_cannot_try_acmes_rows(client: Client, otto: User, acme: Tenant, beta: Tenant, jana: Agent) -> None:
    note = refused_note(jana)
    client.force_login(otto)
    assert client.get(f"/portal/{acme.code}/not-logged/").status_code == 404
    client.post(f"/portal/{beta.code}/not-logged/again/", {"row": f"note:{note.code}"})
    note.refresh_from_db()
    assert note.state == Note.State.REFUSED


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_asks_the_same_number_of_questions(
    browser: Client, acme: Tenant, jana: Agent, miss: Callable[..., Call], rows: int
) -> None:
    for _row in range(rows):
        refused_note(jana)
        miss()
    page(browser, acme)
    with CaptureQueriesContext(connection) as asked:
        assert len(page(browser, acme).context["lines"]) == 2 * rows
    assert len(asked) == QUERIES


QUERIES = 10


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+420777123456", "+420 777 ••• 456"),
        ("+421905123456", "+421 905 ••• 456"),
        ("+12025550123", "••• 123"),
        ("nonsense here", "••• ere"),
        ("", "•••"),
        ("112", "•••"),
    ],
)
def test_numbers_are_masked(number: str, shown: str) -> None:
    masked = not_logged.masked_number(number, "CZ")
    assert masked.count("•••") == 1
    assert sum(char.isdigit() for char in masked) <= len(number) - 3 or not number.startswith("+")
    assert masked[:4] == shown[:4]
