"""Who is calling: one match, several, none, and Microsoft away. Against the stand-in over HTTP."""

import re

import pytest

from crmwindow.models import Leg
from tenants.models import CustomEntity
from tests.window.conftest import text_of


def step(answer) -> str:
    return re.search(r'data-matches="(\w+)"', answer.content.decode())[1]


@pytest.fixture
def own_table(instance):
    CustomEntity.objects.create(
        instance=instance,
        label="Servis",
        table="nnn_myLead",
        id_column="nnn_myLeadId",
        phone_columns=["nnn_myPhone1"],
        last_name="nnn_contactName",
    )


def test_the_only_match_is_shown_with_name_company_and_reason(jana, jana_window, ring):
    answer = jana_window.ask("matches", ring(jana, "777123456").code)
    assert step(answer) == "one"
    seen = text_of(answer)
    assert "Jana Horáková" in seen
    assert "Stavby Morava s.r.o." in seen


def test_open_in_crm_leads_to_the_record_in_the_instances_own_app(jana, jana_window, ring, microsoft):
    answer = jana_window.ask("matches", ring(jana, "777123456").code)
    link = re.search(r'class="button primary hit" href="([^"]+)"', answer.content.decode())[1]
    assert link.startswith(f"{microsoft.origin}/main.aspx?appid=")
    assert "etn=contact" in link


def test_four_records_are_listed_and_the_note_is_not_touched(own_table, jana, jana_window, ring):
    answer = jana_window.ask("matches", ring(jana, "224551111").code)
    assert step(answer) == "many"
    names = re.findall(r'class="option-name">([^<]+)<', answer.content.decode())
    assert set(names) == {"Petr Dvořák", "Alena Kučerová", "Porucha rozvaděče R4", "Martin Kříž"}
    assert names[-1] == "Martin Kříž"  # inactive, so last
    assert "note-text" not in answer.content.decode()


def test_jana_chooses_one_of_several(jana, jana_window, ring):
    call = ring(jana, "224551111")
    several = jana_window.ask("matches", call.code).content.decode()
    alena = re.search(r'value="(contact:[0-9a-f-]+)" data-confirm="[^"]*Alena Kučerová"', several)[1]
    answer = jana_window.act("choose", call=str(call.code), record=alena)
    assert step(answer) == "one"
    assert "Alena Kučerová" in text_of(answer)
    assert f"contact:{Leg.objects.get(call=call).shown_id}" == alena


def test_a_remembered_choice_comes_first_next_time(jana, jana_window, ring):
    first = ring(jana, "224551111", "Answered", "Hangup")
    several = jana_window.ask("matches", first.code).content.decode()
    porucha = re.search(r'value="(nnn_mylead:[0-9a-f-]+)"', several)
    alena = re.search(r'value="(contact:[0-9a-f-]+)" data-confirm="[^"]*Alena', several)[1]
    jana_window.act("choose", call=str(first.code), record=alena, remember="on")
    again = jana_window.ask("matches", ring(jana, "224551111").code).content.decode()
    names = re.findall(r'class="option-name">([^<]+)<', again) or [again]
    assert "Alena Kučerová" in names[0]
    assert porucha is None or porucha[1] != alena


def test_none_of_them_offers_to_create_one(jana, jana_window, ring):
    call = ring(jana, "224551111")
    jana_window.ask("matches", call.code)
    answer = jana_window.act("choose", call=str(call.code), record="nobody")
    assert step(answer) == "unknown"


def test_a_record_the_look_up_did_not_find_cannot_be_chosen(jana, jana_window, ring):
    call = ring(jana, "224551111")
    jana_window.ask("matches", call.code)
    forged = jana_window.act("choose", call=str(call.code), record="contact:11111111-2222-3333-4444-555555555555")
    silly = jana_window.act("choose", call=str(call.code), record="contact:x' or 1 eq 1")
    assert (forged.status_code, silly.status_code) == (404, 404)


def test_bob_and_jana_see_different_cards_in_one_call(jana, bob, open_window, ring):
    ring(jana, "602111222", unique_id="5.5")
    call = ring(bob, "602111222", unique_id="5.5")
    janas, bobs = open_window(jana), open_window(bob)
    assert "Alfa s.r.o." in text_of(janas.ask("matches", call.code))
    assert step(bobs.ask("matches", call.code)) == "unknown"


def test_nothing_new_is_answered_with_204(jana, jana_window, ring, microsoft):
    call = ring(jana, "777123456")
    jana_window.ask("matches", call.code)
    assert jana_window.ask("matches", call.code, seen="one.1.0.0").status_code == 204


def test_microsoft_down_says_so_and_offers_to_try_again(jana, jana_window, ring, microsoft):
    call = ring(jana, "777123456")
    microsoft.control.microsoft("down")
    try:
        answer = jana_window.ask("matches", call.code)
    finally:
        microsoft.control.microsoft("running")
    assert step(answer) == "failed"
    assert "+420 777 123 456" in text_of(answer)
    assert "again=1" in answer.content.decode()
    again = jana_window.ask("matches", call.code, again="1")
    assert "Jana Horáková" in text_of(again)


def test_the_last_calls_come_in_their_own_slot(jana, jana_window, ring):
    call = ring(jana, "777123456")
    jana_window.ask("matches", call.code)
    answer = jana_window.ask("history", call.code)
    assert answer.status_code == 200
    assert 'id="history"' in answer.content.decode()


def test_the_extra_fields_come_in_their_own_slot(jana, jana_window, ring):
    call = ring(jana, "777123456")
    jana_window.ask("matches", call.code)
    assert 'id="details"' in jana_window.ask("details", call.code).content.decode()


def test_the_strip_names_the_second_caller(jana, jana_window, ring):
    assert "Jana Horáková" in text_of(jana_window.ask("who", ring(jana, "777123456").code))


def test_when_microsoft_comes_back_the_window_finds_the_name_by_itself(jana, jana_window, ring, microsoft):
    call = ring(jana, "777123456")
    microsoft.control.microsoft("down")
    try:
        failed = jana_window.ask("matches", call.code).content.decode()
    finally:
        microsoft.control.microsoft("running")
    poll = re.search(r'id="looking-on" hx-get="([^"]+)"', failed)[1]
    assert "Jana Horáková" in text_of(jana_window.get(poll))
