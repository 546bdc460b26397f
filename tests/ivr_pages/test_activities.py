"""Voice menus leave tasks and phone calls in the CRM; nobody is looked for, or recognised, in them."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from crmwindow import writing
from crmwindow.models import CrmWrite
from ipexportal.sandbox import Sandbox, demo_data, directory
from tenants import api_keys, needed_rights
from tenants.models import ApiKey, Instance, Tenant
from tests.ivr_pages.conftest import COMPLAINT, PIN, Browser, words
from tests.ivr_pages.test_simulator import answer_in

pytestmark = pytest.mark.django_db
CALL_BACK = COMPLAINT | {
    "title": "Call back",
    "name": "zavolat",
    "entity": "task",
    "variable": ["text", "until"],
    "target": ["Description", "ScheduledEnd"],
    "constant_column": ["Subject", "PriorityCode"],
    "constant": ["Zavolat zpět", "2"],
    "caller_column": "RegardingObjectId",
}
ACTIVITIES = ["appointment", "phonecall", "task"]


def offered(page: Any) -> list[str]:
    """Logical names of the activities among the tables to choose from."""
    chosen = re.search(r'<select[^>]*name="entity".*?</select>', page.content.decode(), re.DOTALL)
    assert chosen
    return sorted({*ACTIVITIES, "activitypointer"} & set(re.findall(r'<option value="(\w+)"', chosen[0])))


def test_a_row_may_be_written_into_every_activity_that_people_make(browser: Browser) -> None:
    assert offered(browser.get("new", kind="write")) == ACTIVITIES


@pytest.mark.parametrize("kind", ["lookup", "verify", "identify"])
def test_nobody_is_looked_for_in_activities(browser: Browser, kind: str) -> None:
    assert offered(browser.get("new", kind=kind)) == []


def test_an_activity_identifies_nobody(browser: Browser, acme: Tenant) -> None:
    answer = browser.save(PIN, kind="identify", entity="task", column="Subject")
    assert (answer.status_code, acme.ivr_functions.count()) == (422, 0)
    assert "There is no such table in your CRM." in words(answer)


def test_columns_of_a_task_are_offered_and_the_record_it_is_about(browser: Browser) -> None:
    html = browser.post("edit", htmx="parts", **CALL_BACK).content.decode()
    assert '<option value="ScheduledEnd" selected>' in html
    assert '<option value="RegardingObjectId" selected>' in html


def test_a_constant_that_a_task_does_not_take_is_refused(browser: Browser, acme: Tenant) -> None:
    answer = browser.save(CALL_BACK, constant=["x" * 201, "2"])
    assert (answer.status_code, acme.ivr_functions.count()) == (422, 0)
    assert "the text is longer than the 200 characters the CRM allows." in words(answer)


def test_a_task_is_tried_without_writing(browser: Browser) -> None:
    page = browser.post("try", **CALL_BACK, try_number="777 123 456", try_value_text="Prosí o zavolání")
    body = answer_in(page)["body"]
    assert (body["subject"], body["prioritycode"], body["description"]) == ("Zavolat zpět", 2, "Prosí o zavolání")
    assert "regardingobjectid_contact_task@odata.bind" in body


def test_a_caller_leaves_a_task_about_their_record(browser: Browser, acme: Tenant, microsoft: Sandbox) -> None:
    assert browser.save(CALL_BACK).status_code == 302
    write = told(acme, {"text": "Prosí o zavolání", "until": "24. 12. 2026 10:00"})
    writing.deliver(write.pk)
    write.refresh_from_db()
    assert (write.state, write.problem) == (CrmWrite.State.WRITTEN, "")
    row = microsoft.dataverse.record("task", str(write.code))
    assert row is not None
    assert (row["subject"], row["description"], row["prioritycode"]) == ("Zavolat zpět", "Prosí o zavolání", 2)
    assert row["scheduledend"] == "2026-12-24T09:00:00Z"
    assert UUID(row["regardingobjectid"]) == UUID(demo_data.record_id("contact", "Jana Horáková"))
    assert row["ownerid"] == directory.JANA.systemuser_id


def told(acme: Tenant, values: dict[str, str]) -> CrmWrite:
    """By the voice menu."""
    body = {"function": "zavolat", "unique_id": "7.task", "number": "777123456", "values": values}
    key = api_keys.create(acme, ApiKey.Scope.IVR, "tests")
    headers = {"Authorization": f"Bearer {key}"}
    answer = Client().post("/api/v1/ivr/write", body, content_type="application/json", headers=headers)
    assert answer.status_code == 202, answer.content
    return CrmWrite.objects.get(code=answer.json()["id"])


def test_all_activities_share_one_row_of_the_role_editor(browser: Browser, acme: Tenant) -> None:
    browser.save(CALL_BACK)
    rows = needed_rights.of(Instance.objects.get(tenant=acme))
    assert "task" not in {row.table for row in rows}
    why = next(row.whys for row in rows if row.table == "phonecall")
    assert "The IVR function “Call back” writes to it." in [str(each) for each in why]
