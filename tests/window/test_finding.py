"""Finding somebody by name, adding the number to their record, saying what the note is about, forgetting a choice."""

import itertools
import re
from uuid import UUID

import pytest
from django.urls import reverse

from crmwindow import finding, finding_views, number_adding
from crmwindow.models import LearnedMatch, Leg
from tenants import connections
from tenants.dataverse.budget import Budget
from tests.window.conftest import text_of

_numbers = itertools.count(604_310_100)


@pytest.fixture(autouse=True)
def more_patience(monkeypatch):
    for module in (finding_views, number_adding):
        monkeypatch.setattr(module, "SECONDS", 15.0)


@pytest.fixture
def crm(jana, jana_window, microsoft):
    """Jana's own rights in the CRM, to make and to look at records."""
    client = connections.client_for(jana)

    class Crm:
        def person(self, first, last, **columns):
            answer = client.create("contacts", {"firstname": first, "lastname": last, **columns}, budget=Budget(15))
            return f"contact:{answer.record_id}"

        def read(self, record):
            table, record_id = record.split(":")
            return microsoft.dataverse.record(table, record_id)

        def change(self, record, **columns):
            client.update("contacts", record.split(":")[1], columns, budget=Budget(15))

    return Crm()


@pytest.fixture
def stranger() -> str:
    return str(next(_numbers))


def names_in(answer):
    return re.findall(r'class="option-name">([^<]+)<', answer.content.decode())


def places_in(answer):
    found = re.findall(
        r'name="column" value="(\w+)" required\s*(checked)?.*?place-value">([^<]*)<', answer.content.decode()
    )
    return {name: (bool(checked), value) for name, checked, value in found}


def step(answer):
    return re.search(r'data-matches="(\w+)"', answer.content.decode())[1]


def add(window, call, record, column, seen=""):
    values = {"call": str(call.code), "record": record, "column": column, f"seen-{column}": seen}
    return window.act("number_add", **values)


# -- the search --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["horák", "Jana Hor", "hor jan", "HORÁKOVÁ JANA"])
def test_a_person_is_found_by_the_beginnings_of_their_names_in_any_order(typed, jana, jana_window, ring):
    answer = jana_window.act("names", call=str(ring(jana, "604111000").code), q=typed)
    assert "Jana Horáková" in names_in(answer)


def test_companies_and_leads_are_found_at_once(jana, jana_window, ring):
    call = str(ring(jana, "604111000").code)
    assert names_in(jana_window.act("names", call=call, q="stavby mor")) == ["Stavby Morava s.r.o."]
    assert names_in(jana_window.act("names", call=call, q="kavár")) == ["Lucie Marková"]


def test_each_table_is_asked_once_and_never_with_a_leading_wildcard(jana, jana_window, ring, microsoft):
    call = str(ring(jana, "604111000").code)
    jana_window.act("names", call=call, q="elektro vys")
    asked = list(microsoft._application.requests)[-4:]
    names = [each for each in asked if "startswith" in each.query]
    assert sorted(each.path.rpartition("/")[2] for each in names) == ["accounts", "contacts", "leads"]
    assert not any("contains(" in each.query or "startswith(name,'%25" in each.query for each in names)


@pytest.mark.parametrize("typed", ["", "ho", " h o ", "--"])
def test_two_letters_ask_nobody(typed, jana, jana_window, ring, monkeypatch):
    monkeypatch.setattr(finding, "by_name", pytest.fail)
    answer = jana_window.act("names", call=str(ring(jana, "604111000").code), q=typed)
    assert (answer.status_code, names_in(answer)) == (200, [])


@pytest.mark.parametrize("typed", ["%%%", "'''", "x' or 1 eq 1", "<b>tag</b>", "😀😀😀", "a" * 5000, "[a-z]%_"])
def test_odd_text_finds_nothing_and_breaks_nothing(typed, jana, jana_window, ring):
    answer = jana_window.act("names", call=str(ring(jana, "604111000").code), q=typed)
    assert (answer.status_code, names_in(answer)) == (200, [])
    assert "<b>" not in answer.content.decode()


def test_own_records_come_before_others_and_inactive_ones_last(crm, jana, jana_window, ring):
    for first in ("Adam", "Beata"):
        crm.person(first, "Pořadový")
    gone = crm.person("Cyril", "Pořadový")
    crm.change(gone, statecode=1, statuscode=2)
    answer = jana_window.act("names", call=str(ring(jana, "604111000").code), q="Pořadový")
    assert names_in(answer)[-1] == "Cyril Pořadový"
    assert re.findall(r'class="option (inactive)?"', answer.content.decode())[-1] == "inactive"


def test_more_than_twenty_ask_to_type_more(crm, jana, jana_window, ring):
    for number in range(21):
        crm.person(f"Osoba{number:02}", "Hromadný")
    answer = jana_window.act("names", call=str(ring(jana, "604111000").code), q="Hromadný")
    assert len(names_in(answer)) == 20
    seen = text_of(answer)
    assert "Type more of the name" in seen or "Napište víc" in seen or "Napište" in seen


def test_a_table_that_fails_does_not_hide_the_others(jana, jana_window, ring, microsoft):
    call = str(ring(jana, "604111000").code)
    microsoft.control.fault("unavailable", path=r"/leads\?", count=None)
    answer = jana_window.act("names", call=call, q="stavby mor")
    assert names_in(answer) == ["Stavby Morava s.r.o."]
    assert 'class="field-help"' in answer.content.decode()


def test_microsoft_down_is_said(jana, jana_window, ring, microsoft):
    call = str(ring(jana, "604111000").code)
    microsoft.control.microsoft("down")
    answer = jana_window.act("names", call=call, q="stavby")
    assert 'class="banner warn notice"' in answer.content.decode()


def test_bob_finds_only_what_bob_may_read(bob, open_window, ring):
    answer = open_window(bob).act("names", call=str(ring(bob, "604111000").code), q="alfa s")
    assert names_in(answer) == []


# -- adding the number -------------------------------------------------------------------------------------------------


def test_the_unknown_card_offers_the_search(jana, jana_window, ring, stranger):
    answer = jana_window.ask("matches", ring(jana, stranger).code)
    assert step(answer) == "unknown"
    assert 'id="find-name"' in answer.content.decode()


def test_what_stands_in_each_column_is_shown_and_a_free_one_for_mobiles_proposed(
    crm, jana, jana_window, ring, stranger
):
    petr = crm.person("Petr", "Sloupec", telephone1="585 100 200")
    answer = jana_window.ask("number", ring(jana, stranger).code, record=petr)
    places = places_in(answer)
    assert places["mobilephone"][0] is True
    assert "585 100 200" in places["telephone1"][1]
    assert places["telephone1"][0] is False


def test_the_number_is_written_to_one_column_and_the_caller_is_found_by_it_next_time(
    crm, jana, jana_window, ring, stranger
):
    nela = crm.person("Nela", "Přidaná", telephone1="585 100 201")
    call = ring(jana, stranger, "Answered")
    before = crm.read(nela)
    answer = add(jana_window, call, nela, "mobilephone")
    assert step(answer) == "one"
    assert "Nela Přidaná" in text_of(answer)
    after = crm.read(nela)
    changed = {
        name for name in after if after[name] != before.get(name) and name not in {"modifiedon", "versionnumber"}
    }
    assert (after["mobilephone"], changed - {"modifiedby"}) == (f"+420{stranger}", {"mobilephone"})
    call.refresh_from_db()
    assert f"contact:{call.regarding_id}" == nela
    assert str(LearnedMatch.objects.get(agent=jana).record_id) == nela.split(":")[1]
    again = jana_window.ask("matches", ring(jana, stranger).code)
    assert step(again) == "one"
    assert "Nela Přidaná" in text_of(again)


def test_a_double_click_writes_once(crm, jana, jana_window, ring, stranger, microsoft):
    nela = crm.person("Nela", "Dvojitá")
    call = ring(jana, stranger)
    answers = [add(jana_window, call, nela, column) for column in ("mobilephone", "telephone1")]
    assert [step(answer) for answer in answers] == ["one", "one"]
    row = crm.read(nela)
    assert (row["mobilephone"], row.get("telephone1")) == (f"+420{stranger}", None)


def test_a_filled_column_is_replaced_only_over_what_the_agent_saw(crm, jana, jana_window, ring, stranger):
    nela = crm.person("Nela", "Přepsaná", mobilephone="777 000 001", telephone1="585 000 001")
    call = ring(jana, stranger)
    silent = add(jana_window, call, nela, "mobilephone")
    assert (silent.status_code, crm.read(nela)["mobilephone"]) == (422, "777 000 001")
    assert "777 000 001" in places_in(silent)["mobilephone"][1]
    assert step(add(jana_window, call, nela, "mobilephone", seen="777 000 001")) == "one"
    assert crm.read(nela)["mobilephone"] == f"+420{stranger}"


def test_somebody_else_changes_the_record_between_reading_and_writing(
    crm, jana, jana_window, ring, stranger, monkeypatch
):
    nela = crm.person("Nela", "Souběžná")
    call = ring(jana, stranger)
    write = number_adding._write

    def late(client, shown_as, record, *rest):
        crm.change(nela, mobilephone="777 000 002")
        write(client, shown_as, record, *rest)

    monkeypatch.setattr(number_adding, "_write", late)
    answer = add(jana_window, call, nela, "mobilephone")
    assert (answer.status_code, crm.read(nela)["mobilephone"]) == (422, "777 000 002")
    assert 'role="alert"' in answer.content.decode()


def test_a_lost_answer_is_cleared_up_by_looking(crm, jana, jana_window, ring, stranger, microsoft):
    nela = crm.person("Nela", "Ztracená")
    call = ring(jana, stranger)
    microsoft.control.fault("reset_after_write", method="PATCH", path="contacts", count=1)
    assert step(add(jana_window, call, nela, "mobilephone")) == "one"
    assert crm.read(nela)["mobilephone"] == f"+420{stranger}"


def test_a_missing_right_is_a_sentence_and_nothing_changes(crm, jana, jana_window, ring, stranger, microsoft):
    nela = crm.person("Nela", "Zakázaná")
    call = ring(jana, stranger)
    microsoft.control.fault("missing_privilege", privilege="prvWriteContact", upn="jana@acme.example")
    answer = add(jana_window, call, nela, "mobilephone")
    assert (answer.status_code, crm.read(nela).get("mobilephone")) == (422, None)
    assert "prvWriteContact" in text_of(answer)
    assert LearnedMatch.objects.count() == 0


def test_microsoft_down_says_so_in_the_place_of_the_columns_and_offers_to_try_again(
    crm, jana, jana_window, ring, stranger, microsoft
):
    nela = crm.person("Nela", "Nečitelná")
    call = ring(jana, stranger)
    microsoft.control.microsoft("down")
    answer = jana_window.ask("number", call.code, record=nela)
    microsoft.control.microsoft("running")
    assert answer.status_code == 422
    again = re.search(r'hx-get="([^"]+/number/[^"]+)"', answer.content.decode())[1]
    assert places_in(jana_window.get(again))["mobilephone"][0] is True


def test_microsoft_down_while_adding_keeps_the_form_or_says_so(crm, jana, jana_window, ring, stranger, microsoft):
    nela = crm.person("Nela", "Nedostupná")
    call = ring(jana, stranger)
    microsoft.control.microsoft("down")
    answer = add(jana_window, call, nela, "mobilephone")
    microsoft.control.microsoft("running")
    assert (answer.status_code, crm.read(nela).get("mobilephone")) == (422, None)


def test_only_searched_columns_can_be_written(crm, jana, jana_window, ring, stranger):
    nela = crm.person("Nela", "Podvržená")
    call = ring(jana, stranger)
    for column in ("lastname", "ownerid", "fax", "", "nnn_pin", "mobilephone eq null"):
        assert add(jana_window, call, nela, column).status_code == 422
    assert crm.read(nela)["lastname"] == "Podvržená"


def test_records_that_are_none_are_404(jana, jana_window, ring, stranger):
    call = str(ring(jana, stranger).code)
    for record in ("", "contact", "contact:x", "contact:1 or 1 eq 1"):
        assert jana_window.act("number_add", call=call, record=record).status_code == 404
        assert jana_window.act("about", call=call, record=record).status_code == 404
    strangers = [f"systemuser:{UUID(int=1)}", f"contact:{UUID(int=1)}"]
    assert [jana_window.act("about", call=call, record=each).status_code for each in strangers] == [422, 422]


# -- what the note is about --------------------------------------------------------------------------------------------


def test_the_note_is_about_a_record_found_by_name_that_does_not_hold_the_number(crm, jana, jana_window, ring):
    call = ring(jana, "777123456", "Answered")
    jana_window.ask("matches", call.code)
    other = crm.person("Otto", "Jiný")
    answer = jana_window.act("about", call=str(call.code), record=other)
    assert step(answer) == "one"
    assert "Otto Jiný" in text_of(answer)
    call.refresh_from_db()
    assert f"contact:{call.regarding_id}" == other
    assert LearnedMatch.objects.count() == 0
    drawn_again = jana_window.get(reverse("window:shell", args=[jana_window.code]))
    assert "Otto Jiný" in text_of(drawn_again)
    listed = jana_window.ask("matches", call.code, list="1")
    assert set(names_in(listed)) == {"Jana Horáková", "Otto Jiný"}


def test_a_note_already_written_is_pointed_to_the_other_record(crm, jana, jana_window, ring, microsoft):
    from crmwindow import notes
    from crmwindow.models import Note

    call = ring(jana, "777123456", "Answered")
    jana_window.ask("matches", call.code)
    jana_window.act("note_send", call=str(call.code), text="Ptá se na termín.")
    notes.sweep()
    note = Note.objects.get(call=call)
    other = crm.person("Otto", "Přesměrovaný")
    jana_window.act("about", call=str(call.code), record=other)
    note.refresh_from_db()
    if note.next_try_at:
        notes.deliver(note.pk)
    row = microsoft.dataverse.record("phonecall", str(note.code))
    assert str(row["regardingobjectid"]) == other.split(":")[1]


def test_a_withheld_call_can_be_about_somebody_and_about_nobody_again(crm, jana, jana_window, ring):
    call = ring(jana, "anonymous", "Answered")
    found = crm.person("Skrytá", "Volající")
    assert step(jana_window.act("about", call=str(call.code), record=found)) == "one"
    shell = text_of(jana_window.get(reverse("window:shell", args=[jana_window.code])))
    assert "Skrytá Volající" in shell
    nobody = jana_window.act("choose", call=str(call.code), record="nobody")
    assert "Skrytá Volající" not in text_of(nobody)
    call.refresh_from_db()
    assert call.regarding_id is None
    assert jana_window.ask("number", call.code, record=found).status_code == 404


# -- the remembered choice ---------------------------------------------------------------------------------------------


def test_a_forgotten_choice_leaves_the_order_as_it_was_before(jana, jana_window, ring):
    first = ring(jana, "224551111", "Answered", "Hangup")
    before = jana_window.ask("matches", first.code)
    last = re.search(r'value="(contact:[0-9a-f-]+)" data-confirm="[^"]*Martin', before.content.decode())[1]
    jana_window.act("choose", call=str(first.code), record=last, remember="on")
    second = ring(jana, "224551111", "Answered")
    remembered = jana_window.ask("matches", second.code)
    assert names_in(remembered)[0] == "Martin Kříž"
    assert reverse("window:forget", args=[jana_window.code]) in remembered.content.decode()
    after = jana_window.act("forget", call=str(second.code), list="1")
    assert names_in(after) == names_in(before)
    assert LearnedMatch.objects.count() == 0


def test_bob_keeps_his_choice_when_jana_forgets_hers(jana, bob, jana_window, open_window, ring):
    for agent, window in ((jana, jana_window), (bob, open_window(bob))):
        call = ring(agent, "224551111", unique_id="77.7")
        card = window.ask("matches", call.code).content.decode()
        record = re.search(r'value="(contact:[0-9a-f-]+)"', card) or re.search(
            r'"record": "(contact:[0-9a-f-]+)"', card
        )
        if record:
            window.act("choose", call=str(call.code), record=record[1], remember="on")
    bobs = LearnedMatch.objects.filter(agent=bob).count()
    jana_window.act("forget", call=str(call.code))
    assert LearnedMatch.objects.filter(agent=jana).count() == 0
    assert LearnedMatch.objects.filter(agent=bob).count() == bobs


# -- what to know before speaking --------------------------------------------------------------------------------------


def test_do_not_phone_stands_as_words_beside_the_name(crm, jana, jana_window, ring, stranger):
    crm.person("Nela", "Nevolat", mobilephone=f"+420 {stranger}", donotphone=True)
    answer = jana_window.ask("matches", ring(jana, stranger).code)
    tags = re.findall(r'class="tag warn">(?:<svg.*?</svg>)?([^<]+)<', answer.content.decode(), re.S)
    assert [tag.strip() for tag in tags] in (["Do not phone"], ["Nevolat"])


def test_somebody_without_flags_has_no_tag_of_warning(jana, jana_window, ring):
    assert "tag warn" not in jana_window.ask("matches", ring(jana, "777123456").code).content.decode()


def test_a_call_of_jana_is_nothing_to_bob(jana, bob, jana_window, open_window, ring):
    call = ring(jana, "777123456")
    window = open_window(bob)
    for name in ("names", "about", "number_add", "forget"):
        assert window.act(name, call=str(call.code), q="horák", record=f"contact:{UUID(int=1)}").status_code == 404
    assert window.ask("find", call.code).status_code == 404
    assert Leg.objects.get(call=call, agent=jana).nobody is False
