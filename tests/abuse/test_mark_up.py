"""Whatever stands in the customer's CRM or was typed by an agent: the window shows it letter by letter, and it does nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from crmwindow import day_views, finding_views, follow_up_views, number_adding
from crmwindow.models import Call, Note
from ipexportal.sandbox import Sandbox, directory
from tenants import schema
from tenants.models import Agent, CustomEntity, DisplayField, Tenant
from tests.abuse.mark_up import aliens, shows
from tests.window.conftest import Window, jana_window, open_window, patience, ring

__all__ = ["jana_window", "open_window", "patience", "ring"]

pytestmark = pytest.mark.django_db
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "'><svg onload=alert(1)>",
    'x" onmouseover="alert(1)" y="',
    "</textarea><!-- </template>",
    "{{ 7777777|add:7777777 }}{% debug %}",
    "javascript:alert(1)//",
    "&lt;b&gt;&quot; onclick=&quot;x",
]
_numbers = itertools.count(604_320_100)


@dataclass
class Hostile:
    """A caller of whom every text is the stranger's, and whose record has calls and plans with such texts."""

    text: str
    number: str
    contact: str
    account: str


@pytest.fixture(autouse=True)
def more_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (day_views, finding_views, follow_up_views, number_adding):
        monkeypatch.setattr(module, "SECONDS", 15.0, raising=False)


@pytest.fixture(params=HOSTILE)
def caller(request: pytest.FixtureRequest, acme: Tenant, microsoft: Sandbox) -> Iterator[Hostile]:
    text, number = request.param, str(next(_numbers))
    store, contact, account = microsoft.dataverse.store, str(uuid4()), str(uuid4())
    configured(acme, text)
    klara = directory.KLARA.systemuser_id
    renamed = store.get("systemuser", klara, ["fullname"]) or {}
    store.update("systemuser", klara, {"fullname": text})
    owned = {"ownerid": klara, "ownerid__type": "systemuser", "statecode": 0, "statuscode": 1}
    about = {"regardingobjectid": contact, "regardingobjectid__type": "contact", **owned}
    made = [
        ("account", {"accountid": account, "name": text, "websiteurl": "javascript:alert(1)", **owned}),
        ("contact", {"contactid": contact, "firstname": text[:50], "lastname": text[:50], "fullname": text,
                     "jobtitle": text, "websiteurl": "javascript:alert(1)", "mobilephone": f"+420{number}",
                     "parentcustomerid": account, "parentcustomerid__type": "account", **owned}),
        ("phonecall", {"activityid": str(uuid4()), "subject": text, "description": text, "directioncode": 0,
                       "createdon": "2031-01-01T08:00:00Z", **about}),
        ("task", {"activityid": str(uuid4()), "subject": text, "scheduledend": "2026-01-01T00:00:00Z", **about}),
    ]  # fmt: skip
    for table, row in made:
        store.insert(table, [row])
    yield Hostile(text, number, contact, account)
    for table, row in made:
        store.delete(table, next(iter(row.values())))
    store.update("systemuser", klara, renamed)
    schema.forget(acme.instance)


def configured(acme: Tenant, text: str) -> None:
    """What alice may have typed, and, beyond what the forms take, what an old import may have left."""
    acme.outcomes, acme.name = [text, "Vyřešeno"], text
    acme.save()
    CustomEntity.objects.create(
        instance=acme.instance, label=text, table="nnn_myLead", id_column="nnn_myLeadId",
        phone_columns=["nnn_myPhone1"], last_name="nnn_contactName",
    )  # fmt: skip
    for place, (name, link) in enumerate(
        [("jobtitle", "https://acme.example/{value}?of={id}"), ("websiteurl", "javascript:{value}"), ("fullname", "")]
    ):
        DisplayField.objects.create(
            instance=acme.instance, position=place, entity="Contact", identifier=name, label=text, link=link
        )
    schema.forget(acme.instance)


def asked(window: Window, caller: Hostile, call: Call) -> dict[str, Any]:
    """Every answer of the window that tells of this caller, by its place."""
    code = call.code
    found = {"card": window.ask("matches", code)}
    found |= {part: window.ask(part, code) for part in ("details", "history", "activities", "who", "call", "find")}
    found |= {"task": window.ask("follow_up_form", code), "shell": window.ask("shell"), "state": window.ask("state")}
    found["number"] = window.ask("number", code, record=f"contact:{caller.contact}")
    found["names"] = window.act("names", call=str(code), q=caller.text)
    return found


def test_a_callers_texts_do_nothing_anywhere_in_the_window(
    caller: Hostile, jana: Agent, jana_window: Window, ring: Callable[..., Call]
) -> None:
    call = ring(jana, caller.number, queue=caller.text)
    other = ring(jana, caller.number)  # so that one of them stands in the strip
    answers = asked(jana_window, caller, call)
    assert {place: answer.status_code for place, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert {place: aliens(answer) for place, answer in answers.items()} == {place: [] for place in answers}
    seen = {place for place in answers if shows(answers[place], caller.text)}
    assert {"card", "details", "history", "activities", "who", "task", "number"} <= seen
    assert aliens(jana_window.ask("who", other.code)) == []


def test_several_callers_to_choose_from_do_nothing(
    caller: Hostile, jana: Agent, jana_window: Window, ring: Callable[..., Call], microsoft: Sandbox
) -> None:
    second = str(uuid4())
    row = {"contactid": second, "lastname": caller.text[:50], "fullname": caller.text, "statecode": 0, "statuscode": 1}
    microsoft.dataverse.store.insert("contact", [row | {"mobilephone": f"+420{caller.number}"}])
    call = ring(jana, caller.number)
    several = jana_window.ask("matches", call.code)
    assert 'data-matches="many"' in several.content.decode()
    nobody = jana_window.act("choose", call=str(call.code), record="nobody")
    chosen = jana_window.act("choose", call=str(call.code), record=f"contact:{caller.contact}", remember="on")
    microsoft.dataverse.store.delete("contact", second)
    assert [aliens(answer) for answer in (several, nobody, chosen)] == [[], [], []]
    assert (shows(several, caller.text), shows(chosen, caller.text)) == (True, True)


def test_what_jana_types_does_nothing_in_note_task_and_day(
    caller: Hostile, jana: Agent, jana_window: Window, ring: Callable[..., Call], microsoft: Sandbox
) -> None:
    call = ring(jana, caller.number, "Answered")
    code = str(call.code)
    jana_window.ask("matches", code)
    microsoft.control.fault("unavailable", path="/phonecalls", count=None)
    noted = jana_window.act("note_send", call=code, text=caller.text, outcome=caller.text)
    form = jana_window.act("follow_up", call=code, form=str(uuid4()), subject=caller.text, description=caller.text)
    typed = {"when": "other", "day": "2036-05-04", "clock": "10:00", "subject": caller.text}
    task = jana_window.act("follow_up", call=code, form=str(uuid4()), **typed)
    ring(jana, caller.number, "Hangup", unique_id=call.unique_id)
    waiting = [jana_window.ask("day"), jana_window.ask("day", filter="waiting"), jana_window.ask("day_lines")]
    note = Note.objects.get()
    note.state, note.problem, note.detail = Note.State.REFUSED, "", caller.text
    note.save()
    answers = [noted, form, task, *waiting, jana_window.ask("day", filter="waiting"), jana_window.ask("call", code)]
    assert [aliens(answer) for answer in answers] == [[] for _answer in answers]
    assert shows(waiting[0], caller.text)


def test_what_was_typed_for_a_new_record_comes_back_as_text(
    jana: Agent, jana_window: Window, ring: Callable[..., Call], microsoft: Sandbox
) -> None:
    call = ring(jana, str(next(_numbers)))
    jana_window.ask("matches", call.code)
    microsoft.control.fault("unavailable", path="/contacts", count=None)
    text = " ".join(HOSTILE)[:100]
    typed = {"first_name": text, "last_name": text, "company": text, "table": "contact", "code": "c" * 22}
    answer = jana_window.act("create", call=str(call.code), **typed)
    microsoft.control.reset()
    assert (aliens(answer), shows(answer, text)) == ([], True)
    for text in HOSTILE:
        assert (text, aliens(jana_window.act("names", call=str(call.code), q=text))) == (text, [])
