"""jana plans a task after a call, in the dock, and sees what became of it."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from crmwindow import activity_views, follow_ups, one_record
from crmwindow.models import FollowUp, Leg, Note
from ipexportal.sandbox.demo_data import record_id
from tests.window.conftest import text_of

TOMORROW = (timezone.localtime() + timedelta(days=1)).strftime("%Y-%m-%dT09:00")


@pytest.fixture(autouse=True)
def in_english(jana):
    jana.language = "en"
    jana.save()


@pytest.fixture
def call(jana, jana_window, ring):
    return ring(jana, "777123456", "Answered")


def send(window, call, **typed):
    usual = {"form": str(uuid4()), "subject": "Poslat nabídku", "when": TOMORROW}
    return window.act("follow_up", **{"call": str(call.code), **usual, **typed})


def value_of(answer, name):
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    return found[1] if found else None


def test_the_form_is_prefilled_with_the_outcome_and_the_name(jana_window, call, acme_outcomes):
    jana_window.ask("matches", call.code)
    assert value_of(jana_window.ask("follow_up_form", call.code), "subject") == "Call back: Jana Horáková"
    jana_window.act("note", call=str(call.code), text="", outcome="Vyřešeno")
    answer = jana_window.ask("follow_up_form", call.code)
    assert value_of(answer, "subject") == "Vyřešeno: Jana Horáková"
    assert "the task belongs to: Jana Horáková." in text_of(answer)


def test_before_anybody_is_found_the_number_stands_for_the_name(jana_window, call):
    answer = jana_window.ask("follow_up_form", call.code)
    assert value_of(answer, "subject").replace("\xa0", " ") == "Call back: +420 777 123 456"
    assert "without a record" in text_of(answer)


def test_sending_it_makes_a_task_and_the_note_is_back(jana_window, call, microsoft):
    jana_window.ask("matches", call.code)
    answer = send(jana_window, call, subject="Poslat ceník", description="i slevy")
    assert answer.status_code == 200
    assert 'id="follow-up"' in answer.content.decode()
    assert "<form" not in answer.content.decode()
    row = FollowUp.objects.get()
    assert (row.subject, row.description, timezone.localtime(row.due_at).hour) == ("Poslat ceník", "i slevy", 9)
    follow_ups.deliver(row.pk)
    there = microsoft.dataverse.record("task", str(row.code))
    assert (there["subject"], there["regardingobjectid"]) == ("Poslat ceník", record_id("contact", "Jana Horáková"))
    page = jana_window.ask("shell").content.decode()
    assert f"etn=task&amp;id={row.code}" in page
    assert "Task for" in text_of(page)


def test_a_double_click_makes_one(jana_window, call):
    form = str(uuid4())
    assert [send(jana_window, call, form=form).status_code for _ in range(2)] == [200, 200]
    assert FollowUp.objects.count() == 1


def test_another_time_is_a_day_and_a_clock(jana_window, call):
    send(jana_window, call, when="other", day="2031-05-02", clock="14:30")
    assert timezone.localtime(FollowUp.objects.get().due_at).isoformat() == "2031-05-02T14:30:00+02:00"


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"subject": "   "}, "subject", "Say what is to be done."),
        ({"subject": "x" * 201}, "subject", "1 character longer than the CRM allows"),
        ({"subject": "zvoní\x07"}, "subject", "U+0007"),
        ({"description": "y" * 5000}, "description", "3000 characters longer than the CRM allows"),
        ({"when": ""}, "when", "Choose a day and a time."),
        ({"when": "other", "day": "2026-02-31", "clock": "10:00"}, "when", "Choose a day and a time."),
        ({"when": "other", "day": "", "clock": ""}, "when", "Choose a day and a time."),
        ({"when": "2001-01-01T09:00"}, "when", "This time has passed."),
        ({"when": "9999-12-31T23:59"}, "when", "too far away"),
    ],
)
def test_a_mistake_is_said_under_its_field_and_what_was_typed_stays(jana_window, call, typed, field, sentence):
    answer = send(jana_window, call, **({"description": "beze ztráty"} | typed))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert f'id="plan-{field}-mistake"' in page
    assert typed.get("description", "beze ztráty") in page
    assert not FollowUp.objects.exists()


def test_markup_in_a_task_is_text(jana_window, call):
    answer = send(jana_window, call, subject='"><script>alert(1)</script>', when="")
    assert "<script>" not in answer.content.decode()


def test_without_a_sign_in_it_waits_and_says_so(jana, open_window, ring):
    window = open_window(jana, signed_in=False)
    call = ring(jana, "777123456", "Answered")
    answer = send(window, call, subject="Počká")
    row = FollowUp.objects.get()
    follow_ups.deliver(row.pk)
    row.refresh_from_db()
    assert (answer.status_code, row.state, row.problem, row.subject) == (200, "queued", "sign_in", "Počká")
    assert "waiting since" in text_of(window.ask("state"))


def test_a_refused_one_is_opened_again_changed_or_discarded(jana_window, call, microsoft):
    jana_window.ask("matches", call.code)
    microsoft.control.fault("missing_privilege", privilege="prvCreateActivity", upn="jana@acme.example")
    send(jana_window, call, subject="Nejde")
    row = FollowUp.objects.get()
    follow_ups.deliver(row.pk)
    assert "prvCreateActivity" in text_of(jana_window.ask("shell"))
    again = jana_window.ask("follow_up_form", call.code, task=str(row.code))
    assert (value_of(again, "subject"), value_of(again, "task")) == ("Nejde", str(row.code))
    microsoft.control.clear()
    assert send(jana_window, call, task=str(row.code), subject="Už jde").status_code == 200
    follow_ups.deliver(row.pk)
    assert microsoft.dataverse.record("task", str(row.code))["subject"] == "Už jde"
    assert jana_window.ask("follow_up_form", call.code, task=str(row.code)).status_code == 404
    refused = FollowUp.objects.create(call=row.call, author=row.author, form=uuid4(), state="refused",
                                      due_at=timezone.now(), queued_at=timezone.now(), subject="Zahodit")  # fmt: skip
    assert jana_window.act("follow_up_discard", call=str(call.code), task=str(refused.code)).status_code == 200
    assert list(FollowUp.objects.values_list("pk", flat=True)) == [row.pk]


def test_nobody_plans_after_an_internal_call(jana, jana_window, ring):
    call = ring(jana, "445", "Answered")
    assert jana_window.ask("follow_up_form", call.code).status_code == 404
    assert send(jana_window, call).status_code == 404


def test_nobody_opens_a_colleague_s_task(jana_window, bob, open_window, call, ring):
    send(jana_window, call)
    row = FollowUp.objects.get()
    FollowUp.objects.update(state="refused")
    bobs = open_window(bob, signed_in=False)
    own = ring(bob, "777123456", "Answered")
    assert bobs.ask("follow_up_form", own.code, task=str(row.code)).status_code == 404
    assert bobs.act("follow_up_discard", call=str(own.code), task=str(row.code)).status_code == 404


def test_rubbish_for_a_form_is_not_found(jana_window, call):
    assert send(jana_window, call, form="' OR 1=1").status_code == 404
    assert send(jana_window, call, task="nonsense").status_code == 404


def test_a_task_that_is_not_in_the_crm_is_unfinished_business_of_the_day(jana, jana_window, ring):
    call = ring(jana, "777123456", "Answered")
    jana_window.act("note_send", call=str(call.code), text="Zapsáno.")
    send(jana_window, call)
    ring(jana, "777123456", "Answered", "Hangup", unique_id=call.unique_id)
    jana_window.act("close", call=str(call.code))
    FollowUp.objects.update(state="refused")
    Note.objects.update(state="written", written_revision=1)
    assert "task not written" in text_of(jana_window.ask("day"))
    assert "task not written" in text_of(jana_window.ask("state"))
    FollowUp.objects.update(state="written")
    assert "task not written" not in text_of(jana_window.ask("day"))


# -- what is planned about the record ----------------------------------------------------------------------------------


def test_what_is_open_about_the_record_is_listed_with_the_late_one_marked(jana_window, call, monkeypatch):
    monkeypatch.setattr(activity_views, "ROWS", 50)  # other tests may have planned more
    jana_window.ask("matches", call.code)
    page = text_of(jana_window.ask("activities", call.code))
    assert "overdue Poslat nabídku na prodloužení smlouvy" in page
    assert "Prohlídka čerpadla" in page
    assert "without a date" in page
    assert "· Klára Šimková" in page


def test_a_logged_call_that_was_left_open_is_nothing_to_do(jana_window, call, microsoft):
    jana_window.ask("matches", call.code)
    log = {"subject": "Příchozí hovor", "regardingobjectid": record_id("contact", "Jana Horáková"), "statecode": 0,
           "regardingobjectid__type": "contact", "ownerid": record_id("x", "y")}  # fmt: skip
    microsoft.dataverse.store.insert("phonecall", [
        log | {"activityid": str(uuid4()), "subject": "Zapsaný hovor"},
        log | {"activityid": str(uuid4()), "subject": "Zmeškaný hovor", "scheduledend": "2026-01-01T00:00:00Z"},
    ])  # fmt: skip
    page = text_of(jana_window.ask("activities", call.code))
    assert "Zapsaný hovor" not in page
    assert "overdue Zmeškaný hovor" in page
    microsoft.dataverse.store.delete("phonecall", log.get("activityid", ""))


def test_it_fails_by_itself_and_offers_another_try(jana_window, call, microsoft):
    jana_window.ask("matches", call.code)
    microsoft.control.fault("unavailable", path="activitypointers", count=None)
    answer = jana_window.ask("activities", call.code)
    assert (answer.status_code, "Try again" in text_of(answer)) == (200, True)
    assert "Try again" not in text_of(jana_window.ask("history", call.code))


def test_who_may_not_read_activities_is_told_so(jana_window, call, microsoft):
    jana_window.ask("matches", call.code)
    microsoft.control.fault("missing_privilege", privilege="prvReadActivity", upn="jana@acme.example")
    assert "Your role may not read these records" in text_of(jana_window.ask("activities", call.code))


def test_last_calls_tell_direction_who_took_them_and_which_nobody_took(jana_window, call, microsoft, monkeypatch):
    monkeypatch.setattr(one_record, "HISTORY_ROWS", 50)  # other tests may have written to her as well
    jana_window.ask("matches", call.code)
    missed = {"activityid": str(uuid4()), "subject": "Zmeškaný hovor", "directioncode": 0, "statecode": 0,
              "regardingobjectid": record_id("contact", "Jana Horáková"), "regardingobjectid__type": "contact",
              "createdon": "2031-01-01T08:00:00Z", "scheduledend": "2031-01-01T08:00:00Z",
              "ownerid": str(Leg.objects.get().agent.systemuser_id), "ownerid__type": "systemuser"}  # fmt: skip
    microsoft.dataverse.store.insert("phonecall", [missed])
    page = text_of(jana_window.ask("history", call.code))
    microsoft.dataverse.store.delete("phonecall", missed["activityid"])
    assert "Missed 1 Jan 2031 Zmeškaný hovor" in page
    assert "Incoming" in page
    assert "Outgoing" in page
    assert "· Klára Šimková" in page
