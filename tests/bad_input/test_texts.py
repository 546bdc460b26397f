"""Notes that are too long or hold what the CRM cannot store: kept as typed, with one sentence, and written once mended."""

from collections.abc import Callable
from typing import Any

import pytest

from crmwindow.models import Note
from ipexportal.sandbox import Sandbox
from tests.window.conftest import Window, text_of

pytestmark = pytest.mark.django_db(transaction=True)
TOO_LONG = "The note is 3000 characters longer than the CRM allows. It stays saved here."


@pytest.fixture
def call(window: Window, hook: Callable[..., Any]) -> str:
    answer = hook({"EventName": "Answered", "From": "605333444", "Login": "jana", "UniqueId": "2.1"})
    return str(answer.json()["call"])


def in_crm(microsoft: Sandbox) -> dict[str, Any] | None:
    row = microsoft.dataverse.record("phonecall", str(Note.objects.get().code))
    return dict(row) if row else None


def test_five_thousand_characters_stay_a_draft_and_the_surplus_is_said(
    window: Window, call: str, microsoft: Sandbox
) -> None:
    for address in ("note", "note_send"):
        answer = window.act(address, call=call, text="č" * 5000)
        assert answer.status_code == 422
        assert TOO_LONG in text_of(answer)
        assert 'data-surplus="3000"' in answer.content.decode()
    note = Note.objects.get()
    assert (note.state, note.text) == (Note.State.DRAFT, "č" * 5000)
    assert in_crm(microsoft) is None
    assert "č" * 5000 in window.ask("shell").content.decode()  # also after the page was loaded anew


def test_shortened_it_goes_out(window: Window, call: str, microsoft: Sandbox) -> None:
    window.act("note_send", call=call, text="č" * 5000)
    assert window.act("note_send", call=call, text="č" * 2000).status_code == 200
    assert Note.objects.get().state == Note.State.WRITTEN
    assert in_crm(microsoft)["description"] == "č" * 2000


def test_the_hang_up_neither_cuts_nor_sends_it(
    window: Window, call: str, hook: Callable[..., Any], microsoft: Sandbox
) -> None:
    window.act("note", call=call, text="x" * 2001)
    hook({"EventName": "Hangup", "Login": "jana", "UniqueId": "2.1", "Reason": "Normal Clearing"})
    hook({"EventName": "Answered", "From": "604218330", "Login": "jana", "UniqueId": "2.2"})
    window.act("close", call=call)
    note = Note.objects.get()
    assert (note.state, len(note.text)) == (Note.State.DRAFT, 2001)
    assert in_crm(microsoft) is None


def test_an_emoji_counts_as_the_crm_counts_it(window: Window, call: str, microsoft: Sandbox) -> None:
    over = window.act("note_send", call=call, text="😀" * 1000 + "!")
    assert over.status_code == 422
    assert "The note is 1 character longer than the CRM allows. It stays saved here." in text_of(over)
    assert window.act("note_send", call=call, text="😀" * 1000).status_code == 200
    assert in_crm(microsoft)["description"] == "😀" * 1000


def test_control_characters_are_named_and_the_rest_goes_out_without_them(
    window: Window, call: str, microsoft: Sandbox
) -> None:
    refused = window.act("note_send", call=call, text="Zvonek \x07 a konec \x1b 😀")
    assert refused.status_code == 422
    assert "The CRM cannot store these characters: U+0007, U+001B. Delete them, the rest stays." in text_of(refused)
    assert Note.objects.get().text == "Zvonek \x07 a konec \x1b 😀"
    assert window.act("note_send", call=call, text="Zvonek a konec 😀").status_code == 200
    assert in_crm(microsoft)["description"] == "Zvonek a konec 😀"


def test_what_looks_like_mark_up_or_a_formula_is_only_text(window: Window, call: str, microsoft: Sandbox) -> None:
    typed = "</textarea><script>alert(1)</script> {{ 7*7 }} ' OR 1=1 -- %00 \\ \t konec"
    window.act("note_send", call=call, text=typed)
    assert in_crm(microsoft)["description"] == typed
    assert "<script>alert" not in window.ask("shell").content.decode()


def test_half_a_character_does_not_stop_the_rest(window: Window, call: str, microsoft: Sandbox) -> None:
    answer = window.post(
        f"/window/{window.code}/note/send/",
        f"call={call}&text=p%C5%99ed%ED%A0%BDpo",  # a lone surrogate, as no encoding allows it
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 200
    kept = in_crm(microsoft)["description"]
    assert (kept[:3], kept[-2:]) == ("pře", "po"[-2:])
