"""Several windows of one agent: whose text is the note, and that none of both is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from crmwindow import notes
from crmwindow.models import Leg, Note, Outbox
from crmwindow.notes import Window
from tenants.models import Agent

Talk = Callable[..., Leg]


@pytest.fixture(autouse=True)
def _warm(metadata: Any) -> Any:
    with translation.override("en"):
        yield


class Page:
    """One window of the note: what its field says, and what it has seen."""

    def __init__(self, leg: Leg, name: str) -> None:
        self.leg, self.name, self.turn, self.seen, self.text, self.outcome = leg, name, 0, 0, "", ""

    def look(self) -> None:
        """The push has brought the present state."""
        note = Note.objects.get()
        self.seen, self.text, self.outcome = note.revision, note.text, note.outcome

    def type(self, text: str, *, outcome: str | None = None) -> Note:
        touched = {"text"} if text != self.text else set()
        if outcome is not None:
            touched.add("outcome")
            self.outcome = outcome
        self.text, self.turn = text, self.turn + 1
        window = Window(self.name, self.turn, self.seen, frozenset(touched))
        note = notes.save_draft(leg=self.leg, text=text, outcome=self.outcome, window=window)
        note.refresh_from_db()
        if note.text == text:
            self.seen = note.revision
        return note


def held(note: Note) -> list[tuple[str, str]]:
    return [(each.page, each.text) for each in notes.state_of(note).asides]


@pytest.fixture
def pages(jana: Agent, talk: Talk) -> tuple[Page, Page]:
    leg = talk(jana)
    return Page(leg, "one"), Page(leg, "two")


def test_a_window_that_saw_it_goes_on_with_it(pages: tuple[Page, Page]) -> None:
    one, two = pages
    one.type("Čerpadlo")
    two.look()
    note = two.type("Čerpadlo hlučí")
    assert (note.text, held(note)) == ("Čerpadlo hlučí", [])
    one.look()
    note = one.type("Hlučí")  # deleting is typing as well
    assert (note.text, held(note)) == ("Hlučí", [])


def test_of_two_typed_at_once_the_later_is_the_note_and_the_other_is_kept(pages: tuple[Page, Page]) -> None:
    one, two = pages
    one.type("Chce nabídku")
    note = two.type("Volat v pátek")
    assert (note.text, held(note)) == ("Volat v pátek", [("one", "Chce nabídku")])
    note = one.type("Chce nabídku na čerpadlo")
    assert (note.text, held(note)) == ("Chce nabídku na čerpadlo", [("two", "Volat v pátek")])
    note = two.type("Volat v pátek ráno")
    assert (note.text, held(note)) == ("Volat v pátek ráno", [("one", "Chce nabídku na čerpadlo")])


def test_a_third_window_takes_nothing_away_either(pages: tuple[Page, Page]) -> None:
    one, two = pages
    three = Page(one.leg, "three")
    one.type("první")
    two.type("druhé")
    note = three.type("třetí")
    assert (note.text, held(note)) == ("třetí", [("two", "druhé"), ("one", "první")])


def test_what_is_taken_over_is_kept_no_longer(pages: tuple[Page, Page]) -> None:
    one, two = pages
    one.type("první")
    two.type("druhé")
    note = two.type("druhé\npervní první")
    assert (note.text, held(note)) == ("druhé\npervní první", [])


def test_what_is_given_up_is_gone(pages: tuple[Page, Page]) -> None:
    one, two = pages
    one.type("první")
    note = two.type("druhé")
    notes.discard(note, page="one")
    note.refresh_from_db()
    assert (note.text, note.aside, held(note)) == ("druhé", "", [])


def test_an_older_beginning_that_arrives_late_replaces_nothing(pages: tuple[Page, Page]) -> None:
    """The save of a page that was left arrives after the new page has gone on."""
    one, two = pages
    one.type("Chce")
    two.look()
    two.type("Chce nabídku do pátku")
    note = one.type("Chce nabídku")
    assert (note.text, held(note)) == ("Chce nabídku do pátku", [])


def test_an_outcome_chosen_in_one_window_survives_typing_in_the_other(pages: tuple[Page, Page]) -> None:
    one, two = pages
    one.type("", outcome="Vyřešeno")
    note = two.type("Píše vedle")
    assert (note.text, note.outcome, held(note)) == ("Píše vedle", "Vyřešeno", [])
    note = one.type("", outcome="Volat zpět")
    assert (note.text, note.outcome, held(note)) == ("Píše vedle", "Volat zpět", [])


def test_the_other_windows_hear_of_it_and_the_same_again_is_no_news(pages: tuple[Page, Page], jana: Agent) -> None:
    one, _two = pages
    before = Outbox.objects.filter(agent=jana).count()
    one.type("Čerpadlo")
    one.type("Čerpadlo")
    told = Outbox.objects.filter(agent=jana).order_by("pk")[before:]
    assert [row.kind for row in told] == ["note.one"]


def test_that_a_note_goes_out_only_the_other_windows_hear(pages: tuple[Page, Page], jana: Agent) -> None:
    one, _two = pages
    note = one.type("Čerpadlo")
    before = Outbox.objects.filter(agent=jana).count()
    notes.queue(note, page="one")
    notes.queue(note)
    told = Outbox.objects.filter(agent=jana).order_by("pk")[before:]
    assert [row.kind for row in told] == ["note.one", "state"]


def test_what_is_kept_aside_is_encrypted_and_survives_the_erasing_of_the_text(pages: tuple[Page, Page]) -> None:
    one, two = pages
    one.type("tajné první")
    note = two.type("druhé")
    raw = Note.objects.values_list("aside", flat=True).get()
    assert "tajné".encode() not in bytes(raw)
    Note.objects.filter(pk=note.pk).update(text=b"", state=Note.State.WRITTEN)
    note.refresh_from_db()
    assert held(note) == [("one", "tajné první")]
