"""When a card comes up: when it rings, when jana answers, or only when she opens it."""

import re
from typing import Any

import pytest

from crmwindow.models import Outbox
from tenants.models import Agent
from tests.window.conftest import Window, text_of


@pytest.fixture
def quiet(jana, jana_window: Window):
    """Jana's window after she has chosen."""

    def quiet(mode: str) -> Window:
        assert jana_window.act("quiet", quiet=mode).status_code == 200
        jana.refresh_from_db()
        return jana_window

    return quiet


def shown(answer: Any) -> tuple[str, str]:
    tag = re.search(r'<header id="bar"[^>]*>', answer.content.decode())[0]
    return tuple(re.search(f'{name}="([^"]*)"', tag)[1] for name in ("data-call", "data-call-state"))  # type: ignore[return-value]


def in_strip(answer: Any) -> list[str]:
    return re.findall(r'<section class="strip" data-call="([^"]+)"', answer.content.decode())


def test_jana_chooses_in_the_window_and_all_her_windows_hear_of_it(jana, jana_window):
    before = Outbox.objects.filter(agent=jana).count()
    answer = jana_window.act("quiet", quiet="answer")
    assert "Saved." in text_of(answer)
    assert "The card appears here when you answer." in text_of(jana_window.ask("state"))
    assert Agent.objects.get(pk=jana.pk).quiet == Agent.Quiet.ON_ANSWER
    assert Outbox.objects.filter(agent=jana).count() == before + 1
    assert re.search(r'value="answer" checked', jana_window.ask("settings").content.decode())


def test_a_mode_that_does_not_exist_changes_nothing(jana, jana_window):
    assert jana_window.act("quiet", quiet="never").status_code == 404
    assert jana_window.act("quiet").status_code == 404
    assert Agent.objects.get(pk=jana.pk).quiet == Agent.Quiet.ON_RING


def test_bobs_choice_is_not_janas(bob, jana, open_window):
    open_window(bob, signed_in=False).act("quiet", quiet="hand")
    assert Agent.objects.get(pk=jana.pk).quiet == Agent.Quiet.ON_RING


def test_on_answer_a_ringing_call_is_a_line_and_its_card_comes_when_she_picks_up(jana, quiet, ring):
    window = quiet("answer")
    call = ring(jana, "777123456", unique_id="1.1")
    ringing = window.ask("state")
    assert shown(ringing) == ("", "idle")
    assert in_strip(ringing) == [str(call.code)]
    ring(jana, "777123456", "Answered", unique_id="1.1")
    answered = window.ask("state", shown="")
    assert shown(answered) == (str(call.code), "answered")
    assert in_strip(answered) == []


def test_on_answer_a_missed_call_leaves_the_window_waiting_and_is_listed(jana, quiet, ring):
    window = quiet("answer")
    ring(jana, "605000001", "Hangup")
    parts = window.ask("state")
    assert shown(parts) == ("", "idle")
    assert "+420 605 000 001, nobody answered" in text_of(parts)


def test_on_answer_the_card_of_the_last_call_stays_while_the_next_rings(jana, quiet, ring):
    window = quiet("answer")
    first = ring(jana, "777123456", "Answered", "Hangup")
    second = ring(jana, "602111222", unique_id="2.2")
    parts = window.ask("state", shown=str(first.code))
    assert shown(parts)[0] == str(first.code)
    assert in_strip(parts) == [str(second.code)]
    ring(jana, "602111222", "Answered", unique_id="2.2")
    assert shown(window.ask("state", shown=str(first.code)))[0] == str(second.code)


def test_by_hand_no_card_comes_up_until_jana_opens_it_and_then_it_stays(jana, quiet, ring):
    window = quiet("hand")
    call = ring(jana, "777123456", "Answered", unique_id="3.3")
    parts = window.ask("state")
    assert shown(parts) == ("", "idle")
    assert in_strip(parts) == [str(call.code)]
    assert shown(window.ask("call", call.code))[0] == str(call.code)
    ring(jana, "777123456", "Hangup", unique_id="3.3")
    assert shown(window.ask("state", shown=str(call.code))) == (str(call.code), "ended")


def test_by_hand_a_call_of_the_page_around_the_window_is_a_line_too(jana, quiet):
    window = quiet("hand")
    parts = window.act("open", number="777123456", direction="incoming", unique_id="9.9")
    assert shown(parts) == ("", "idle")
    assert len(in_strip(parts)) == 1


def test_on_answer_a_call_of_whose_answer_nobody_tells_comes_up(jana, quiet):
    window = quiet("answer")
    parts = window.act("open", number="777123456", direction="incoming", unique_id="9.9")
    assert shown(parts)[0] != ""


def test_the_page_itself_honours_the_choice(jana, quiet, ring):
    window = quiet("hand")
    call = ring(jana, "777123456", "Answered")
    page = window.ask("shell")
    assert shown(page) == ("", "idle")
    assert in_strip(page) == [str(call.code)]


def test_on_ring_stays_as_it_was(jana, quiet, ring):
    window = quiet("ring")
    call = ring(jana, "777123456")
    assert shown(window.ask("state")) == (str(call.code), "ringing")
