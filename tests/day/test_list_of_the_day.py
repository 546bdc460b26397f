"""Jana's calls of today and what became of each."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crmwindow import calls, notes
from crmwindow.exchange import Event
from crmwindow.models import Call, Leg, Lookup, Note
from tests.window.conftest import Window, text_of


def rows(answer: Any) -> list[str]:
    """Each listed call as a reader sees it."""
    return [text_of(row) for row in re.findall(r'<li class="[^"]*">.*?</li>', answer.content.decode(), re.DOTALL)]


def counts(answer: Any) -> dict[str, int]:
    found = re.findall(r'id="day-(all|unnoted|waiting)".*?chip-count">(\d+)<', answer.content.decode(), re.DOTALL)
    return {name: int(count) for name, count in found}


def talked(ring: Any, agent: Any, number: str, **more: str) -> Call:
    call: Call = ring(agent, number, "Answered", "Hangup", **more)
    return call


def internal(agent: Any) -> Call:
    """A colleague called, they talked, it is over."""
    call = None
    for name in ("Ringing", "Answered", "Hangup"):
        event = Event(name=name, unique_id="163.1", sender="163", login=agent.login, direction="incoming-local")
        call = calls.receive(event, tenant=agent.tenant)
    assert call is not None
    return call


def hang_up_elsewhere(agent: Any, call: Call) -> None:
    event = Event(name="Hangup", unique_id=call.unique_id, login=agent.login, reason="Answered elsewhere")
    calls.receive(event, tenant=agent.tenant)


def test_todays_calls_are_listed_newest_first_with_time_number_and_what_is_missing(jana, jana_window, ring):
    talked(ring, jana, "605000001")
    talked(ring, jana, "605000002")
    listed = rows(jana_window.ask("day"))
    assert [re.search(r"\+420 605 000 00\d", row)[0] for row in listed] == ["+420 605 000 002", "+420 605 000 001"]
    assert "add a note" in listed[0]
    assert re.search(r"\d\d?:\d\d · 0:\d\d ", listed[0])


def test_the_name_is_the_one_jana_read_and_a_number_where_nothing_is_kept(jana, jana_window, ring):
    call = talked(ring, jana, "777123456")
    jana_window.ask("matches", call.code)
    assert "Jana Horáková" in rows(jana_window.ask("day"))[0]
    Lookup.objects.all().delete()
    listed = rows(jana_window.ask("day"))[0]
    assert "+420 777 123 456" in listed
    assert "Horáková" not in listed


def test_a_name_one_agent_read_is_not_shown_to_another(jana, bob, jana_window, open_window, ring):
    call = ring(jana, "777123456", unique_id="2.1")
    ring(bob, "777123456", unique_id="2.1")
    jana_window.ask("matches", call.code)
    Lookup.objects.filter(leg__agent=bob).delete()
    listed = rows(open_window(bob, signed_in=False).ask("day"))
    assert "+420 777 123 456" in listed[0]
    assert "Horáková" not in listed[0]


def test_yesterdays_calls_are_not_of_today(jana, jana_window, ring, happened):
    happened(talked(ring, jana, "605000001"), timedelta(days=1, hours=1))
    answer = jana_window.ask("day")
    assert rows(answer) == []
    assert "Your calls of today will be listed here" in text_of(answer)


def test_the_filter_shows_only_conversations_without_a_note(jana, jana_window, ring):
    talked(ring, jana, "605000001")
    noted = talked(ring, jana, "605000002")
    ring(jana, "605000003", "Hangup")
    jana_window.act("note", call=str(noted.code), text="Domluveno.")
    answer = jana_window.ask("day", filter="unnoted")
    assert counts(answer) == {"all": 3, "unnoted": 1, "waiting": 1}
    assert ["+420 605 000 001" in row for row in rows(answer)] == [True]


def test_a_filter_nobody_offered_is_taken_for_all(jana, jana_window, ring):
    talked(ring, jana, "605000001")
    answer = jana_window.ask("day", filter="<script>", shown="'\"><b>" * 50)
    assert len(rows(answer)) == 1
    assert "<script>" not in answer.content.decode()
    assert "<b>" not in answer.content.decode()


def test_what_jana_wrote_is_the_second_line_and_hostile_text_stays_text(jana, jana_window, ring):
    call = talked(ring, jana, "605000001")
    jana_window.act("note", call=str(call.code), text="\n<img src=x onerror=alert(1)> první\ndruhý")
    answer = jana_window.ask("day").content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt; první" in answer
    assert "druhý" not in answer


def test_a_call_nobody_took_is_missed_once_for_everybody_it_rang_at_and_can_be_called_back(
    jana, bob, jana_window, open_window, ring
):
    ring(jana, "605000001", unique_id="3.1")
    ring(bob, "605000001", unique_id="3.1")
    calls.receive(Event(name="Hangup", unique_id="3.1", reason="No answer"), tenant=jana.tenant)
    for window in (jana_window, open_window(bob, signed_in=False)):
        answer = window.ask("day")
        (listed,) = rows(answer)
        assert "nobody answered" in listed.lower()
        assert 'href="tel:+420605000001"' in answer.content.decode()


def test_who_called_them_back_is_not_asked_of_the_colleague_again(jana, bob, jana_window, ring):
    ring(jana, "605000001", "Hangup")
    ring(bob, "605000001", "Answered", "Hangup")
    answer = jana_window.ask("day")
    assert "spoken to at" in rows(answer)[0]
    assert "tel:" not in answer.content.decode()


def test_a_call_a_colleague_took_says_who(jana, bob, jana_window, ring):
    call = ring(jana, "605000001", unique_id="4.1")
    ring(bob, "605000001", "Answered", unique_id="4.1")
    hang_up_elsewhere(jana, call)
    (listed,) = rows(jana_window.ask("day"))
    assert "Answered by Bob Beneš" in listed
    assert "add a note" not in listed


def test_a_call_that_never_reached_jana_is_none_of_hers(jana, jana_window):
    for name in ("NewCall", "Hangup"):
        event = Event(name=name, unique_id="5.1", sender="605000001", login=jana.login, direction="incoming")
        calls.receive(event, tenant=jana.tenant)
    assert Leg.objects.filter(agent=jana).exists()
    assert rows(jana_window.ask("day")) == []


def test_an_internal_call_wants_no_note(jana, jana_window, ring):
    internal(jana)
    answer = jana_window.ask("day")
    assert counts(answer)["unnoted"] == 0


def test_the_call_under_way_is_marked_and_counts(jana, jana_window, ring):
    call = ring(jana, "777123456", "Answered")
    jana_window.act("note", call=str(call.code), text="Rozepsáno")
    answer = jana_window.ask("day", shown=str(call.code))
    assert 'aria-current="true"' in answer.content.decode()
    assert "in progress" in rows(answer)[0]
    assert "draft" in rows(answer)[0]
    assert counts(answer) == {"all": 1, "unnoted": 0, "waiting": 0}


def test_the_list_answers_only_with_news(jana, jana_window, ring):
    talked(ring, jana, "605000001")
    seen = re.search(r"seen=(\w+)", jana_window.ask("day").content.decode())[1]
    assert jana_window.ask("day", seen=seen).status_code == 204
    talked(ring, jana, "605000002")
    assert jana_window.ask("day", seen=seen).status_code == 200


@pytest.mark.parametrize("many", [1, 3])
def test_the_list_costs_the_same_with_one_call_and_with_three(
    jana, bob, jana_window, ring, many, django_assert_num_queries
):
    for number in range(many):
        call = talked(ring, jana, f"77712345{number}")
        jana_window.act("note", call=str(call.code), text="Poznámka")
        ring(jana, f"60500000{number}", "Hangup")
        taken = ring(jana, f"60600000{number}", unique_id=f"6.{number}")
        ring(bob, f"60600000{number}", "Answered", unique_id=f"6.{number}")
        hang_up_elsewhere(jana, taken)
    with django_assert_num_queries(10):
        answer = jana_window.ask("day")
    assert counts(answer)["all"] == 3 * many


def test_texts_that_are_in_the_crm_only_are_read_there_with_janas_rights(jana, jana_window, ring, microsoft):
    call = talked(ring, jana, "777123456")
    jana_window.act("note_send", call=str(call.code), text="Termín potvrzen.\nDruhý řádek")
    note = Note.objects.get()
    notes.deliver(note.pk)
    Note.objects.filter(pk=note.pk).update(text=b"", outcome="", erased_at=timezone.now())
    answer = jana_window.ask("day")
    assert "written" in rows(answer)[0]
    assert "Termín" not in text_of(answer)
    lines = jana_window.ask("day_lines")
    assert text_of(lines) == "Termín potvrzen."
    assert f'id="line-{call.code}"' in lines.content.decode()


def test_the_list_does_without_those_texts_when_microsoft_is_away(jana, jana_window, ring, microsoft):
    call = talked(ring, jana, "605000001")
    now = timezone.now()
    Note.objects.create(call=call, author=jana, revision=1, state=Note.State.WRITTEN, edited_at=now, erased_at=now)
    microsoft.control.fault("unavailable", path="phonecalls", method="GET", count=9)
    assert jana_window.ask("day_lines").status_code == 204
    assert "written" in rows(jana_window.ask("day"))[0]


def test_more_than_two_hundred_calls_are_said_not_to_be_all(jana, jana_window, ring, monkeypatch):
    monkeypatch.setattr("crmwindow.day.CALLS", 2)
    for number in range(3):
        talked(ring, jana, f"60500000{number}")
    answer = jana_window.ask("day")
    assert len(rows(answer)) == 2
    assert "Earlier calls of today are not listed." in text_of(answer)


def test_between_calls_the_window_shows_what_is_unfinished_and_follows_what_happens(jana, jana_window, ring):
    call = talked(ring, jana, "605000001")
    jana_window.act("close", call=str(call.code))
    parts = jana_window.ask("state").content.decode()
    assert "+420 605 000 001, no note" in text_of(parts)
    key = re.search(r'data-body="([^"]+)"', parts)[1]
    assert 'id="body"' not in jana_window.ask("state", body=key).content.decode()
    jana_window.act("note", call=str(call.code), text="Doplněno.")
    assert 'id="body"' in jana_window.ask("state", body=key).content.decode()


def test_a_card_opened_from_the_list_stays_while_the_old_call_goes_on_and_leaves_for_a_new_one(jana, jana_window, ring):
    old = talked(ring, jana, "605000001")
    live = ring(jana, "777123456", "Answered")
    strip = re.search(r'data-strip="([^"]*)"', jana_window.ask("call", old.code).content.decode())[1]
    assert str(live.code) in strip
    kept = {"shown": str(old.code), "strip": strip, "kept": "1"}
    assert shown_call(jana_window.ask("state", **kept)) == str(old.code)
    new = ring(jana, "602111222")
    assert shown_call(jana_window.ask("state", **kept)) == str(new.code)


def shown_call(answer: Any) -> str:
    return re.search(r'<header id="bar"[^>]* data-call="([^"]*)"', answer.content.decode())[1]


def test_eve_sees_nothing_of_acmes_day(eve, jana, open_window, ring):
    talked(ring, jana, "605000001")
    window: Window = open_window(eve, signed_in=False)
    assert window.get(f"/window/{jana.tenant.instance.code}/day/").status_code == 401
    assert rows(window.ask("day")) == []
