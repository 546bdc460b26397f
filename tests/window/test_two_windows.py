"""jana has the window open twice: both show the same, and what is half typed in either is kept."""

import re
from uuid import uuid4

import pytest

from crmwindow.models import FollowUpDraft, Note
from tests.window.conftest import text_of


@pytest.fixture(autouse=True)
def in_english(jana):
    jana.language = "en"
    jana.save()


@pytest.fixture
def call(jana, jana_window, ring):
    return ring(jana, "777123456", "Answered")


def save(window, call, text, page, seen):
    values = {"call": str(call.code), "text": text, "page": page, "turn": "1", "seen": str(seen), "touched": "text"}
    return window.act("note", **values)


def test_a_save_says_which_revision_the_note_has_now(jana_window, call):
    assert save(jana_window, call, "první", "one", 0).headers["Note-Revision"] == "1"
    assert save(jana_window, call, "první a dál", "one", 1).headers["Note-Revision"] == "2"


def test_the_state_brings_the_text_to_a_window_that_has_not_seen_it(jana_window, call):
    save(jana_window, call, "psáno v první", "one", 0)
    behind = jana_window.ask("state", shown=str(call.code), note="0").content.decode()
    assert "<template data-now>psáno v první</template>" in behind
    up_to_date = jana_window.ask("state", shown=str(call.code), note="1").content.decode()
    assert "<template data-now>" not in up_to_date


def test_both_windows_are_offered_what_the_other_typed_and_it_can_be_given_up(jana_window, call):
    save(jana_window, call, "první okno", "one", 0)
    answer = save(jana_window, call, "druhé okno", "two", 0)
    assert re.findall(r'data-aside="(\w+)"', answer.content.decode()) == ["one"]
    assert "Typed in your other window" in text_of(answer)
    assert Note.objects.get().text == "druhé okno"
    answer = jana_window.act("note_aside", call=str(call.code), other="one")
    assert "data-aside=" not in answer.content.decode()
    assert (Note.objects.get().text, Note.objects.get().aside) == ("druhé okno", "")


def test_a_late_beginning_is_answered_with_what_the_note_says(jana_window, call):
    save(jana_window, call, "začátek a konec", "two", 0)
    answer = save(jana_window, call, "začátek", "one", 0)
    assert "Note-Revision" not in answer.headers
    assert "<template data-now>začátek a konec</template>" in answer.content.decode()


@pytest.mark.parametrize("values", [{"seen": "x"}, {"seen": "9" * 40}, {"touched": "everything"}, {"page": "x" * 500}])
def test_nonsense_from_a_page_harms_nothing(jana_window, call, values):
    answer = jana_window.act("note", call=str(call.code), text="text", **{"page": "one", "turn": "1"} | values)
    assert (answer.status_code, Note.objects.get().text) == (200, "text")


def test_a_card_closed_in_one_window_leaves_the_other_unless_they_type_there(jana, jana_window, ring):
    call = ring(jana, "777123456", "Answered", "Hangup")
    jana_window.act("close", call=str(call.code))
    gone = jana_window.ask("state", shown=str(call.code)).content.decode()
    assert 'data-call-state="idle"' in gone
    for reason in ("typing", "kept"):
        stays = jana_window.ask("state", shown=str(call.code), **{reason: "1"}).content.decode()
        assert f'data-call="{call.code}"' in stays


def test_the_bar_and_the_card_say_whom_the_call_is_about(jana_window, jana, ring):
    call = ring(jana, "224551111", "Answered")
    listed = jana_window.ask("matches", call.code).content.decode()
    record = re.findall(r'name="record" value="([^"]+)"', listed)[1]
    chosen = jana_window.act("choose", call=str(call.code), record=record).content.decode()
    state = jana_window.ask("state", shown=str(call.code)).content.decode()
    assert re.findall(r'data-about="([^"]*)"', chosen) == [record]
    assert re.findall(r'data-about="([^"]*)"', state)[0] == record


# -- a task that is only begun -----------------------------------------------------------------------------------------


def begin(window, call, form, **typed):
    return window.act("follow_up_draft", **{"call": str(call.code), "form": form, "page": "one", "turn": "1", **typed})


def test_a_half_typed_task_stands_under_the_note_and_is_gone_on_with(jana_window, call):
    form = str(uuid4())
    assert begin(jana_window, call, form, subject="Poslat na", description="se sle").status_code == 204
    assert "Begun: Poslat na" in text_of(jana_window.ask("state", shown=str(call.code)))
    for query in ({"begun": form}, {}):  # by its button, and by T
        shown = jana_window.ask("follow_up_form", call.code, **query).content.decode()
        assert (f'value="{form}"' in shown, 'value="Poslat na"' in shown, ">se sle</textarea>" in shown) == (True,) * 3


def test_an_overtaken_save_of_it_changes_nothing_and_planning_ends_it(jana_window, call):
    form = str(uuid4())
    begin(jana_window, call, form, subject="Poslat nabídku", turn="2")
    begin(jana_window, call, form, subject="Pos", turn="1")
    assert "Begun: Poslat nabídku" in text_of(jana_window.ask("state", shown=str(call.code)))
    jana_window.act("follow_up", call=str(call.code), form=form, subject="Poslat nabídku", when="2033-01-03T09:00")
    begin(jana_window, call, form, subject="Poslat nabídku", turn="3")  # it was on its way
    assert not FollowUpDraft.objects.exists()


def test_it_is_given_up_with_one_click_and_is_encrypted(jana_window, call):
    form = str(uuid4())
    begin(jana_window, call, form, subject="Tajný úkol")
    assert "Tajný".encode() not in bytes(FollowUpDraft.objects.values_list("values", flat=True).get())
    answer = jana_window.act("follow_up_discard", call=str(call.code), form=form)
    assert ("data-done" in answer.content.decode(), FollowUpDraft.objects.exists()) == (True, False)


def test_the_way_through_the_menu_has_its_place_in_the_finder(jana_window, call):
    for query in ({}, {"add": "1"}):
        panel = jana_window.ask("find", call.code, **query).content.decode()
        assert panel.count('id="path"') == panel.count('id="verified"') == 1
