"""Whatever jana types is kept, and says where it has got to."""

import pytest

from crmwindow.models import Note
from tests.window.conftest import text_of


@pytest.fixture
def call(jana, jana_window, ring):
    return ring(jana, "777123456", "Answered")


def test_a_note_is_saved_as_it_is_typed(jana_window, call):
    answer = jana_window.act("note", call=str(call.code), text="Ptá se na termín.", outcome="")
    assert answer.status_code == 200
    assert 'data-status="draft"' in answer.content.decode()
    assert Note.objects.get().text == "Ptá se na termín."


def test_line_ends_emoji_and_markup_come_back_as_typed(jana, jana_window, call):
    typed = "První řádek\ndruhý <b>řádek</b> 🙂 </textarea>"
    jana_window.act("note", call=str(call.code), text=typed)
    page = jana_window.ask("shell").content.decode()
    assert "druhý &lt;b&gt;řádek&lt;/b&gt; 🙂 &lt;/textarea&gt;</textarea>" in page


def test_a_note_longer_than_the_crm_allows_stays_with_its_surplus_counted(jana_window, call):
    answer = jana_window.act("note", call=str(call.code), text="x" * 5000)
    assert answer.status_code == 422
    assert 'data-surplus="3000"' in answer.content.decode()
    assert len(Note.objects.get().text) == 5000


def test_control_characters_are_named_and_the_text_is_kept(jana_window, call):
    answer = jana_window.act("note/send".replace("/", "_"), call=str(call.code), text="zvoní\x07")
    assert answer.status_code == 422
    assert "U+0007" in text_of(answer)
    assert Note.objects.get().text == "zvoní\x07"


def test_an_outcome_the_customer_did_not_define_is_not_kept(jana_window, call, acme_outcomes):
    jana_window.act("note", call=str(call.code), text="a", outcome="Vymyšleno")
    assert Note.objects.get().outcome == ""
    jana_window.act("note", call=str(call.code), text="a", outcome="Volat zpět")
    assert Note.objects.get().outcome == "Volat zpět"


def test_the_note_is_written_by_the_button(jana_window, call):
    jana_window.ask("matches", call.code)
    jana_window.act("note_send", call=str(call.code), text="Zavolat zítra.")
    note = Note.objects.get()
    assert note.state in {Note.State.QUEUED, Note.State.WRITTEN}


def test_without_a_sign_in_the_note_waits_and_says_so(jana, open_window, ring):
    window = open_window(jana, signed_in=False)
    call = ring(jana, "777123456", "Answered")
    answer = window.act("note_send", call=str(call.code), text="Zavolat zítra.")
    assert answer.status_code == 200
    assert Note.objects.get().state == Note.State.QUEUED
    assert Note.objects.get().text == "Zavolat zítra."


def test_nobody_saves_to_a_call_of_somebody_else(bob, open_window, call):
    answer = open_window(bob, signed_in=False).act("note", call=str(call.code), text="cizí")
    assert answer.status_code == 404
    assert not Note.objects.exists()


def test_a_code_that_is_none_is_not_found(jana_window, call):
    assert jana_window.act("note", call="%00", text="x").status_code == 404
    assert jana_window.act("note", call="", text="x").status_code == 404
