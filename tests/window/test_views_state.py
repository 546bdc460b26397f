"""What jana's window shows as calls come and go."""

import re

from crmwindow.models import Call, Leg
from tests.window.conftest import Window, text_of


def test_between_calls_the_window_waits(jana_window):
    page = jana_window.ask("shell")
    assert page.status_code == 200
    assert "Waiting for a call" in text_of(page) or "Čekáme na hovor" in text_of(page)


def test_a_ringing_call_shows_its_number_queue_and_line_at_once(jana, jana_window, ring):
    call = ring(jana, "777123456")
    parts = jana_window.ask("state")
    assert bar(parts) == {"data-call": str(call.code), "data-call-state": "ringing"}
    assert "+420 777 123 456" in text_of(parts)
    assert "Servis" in text_of(parts)


def bar(answer) -> dict[str, str]:
    tag = re.search(r'<header id="bar"[^>]*>', answer.content.decode())[0]
    return dict(re.findall(r'(data-call|data-call-state)="([^"]*)"', tag))


def ids(answer) -> set[str]:
    return set(re.findall(r'id="(bar|strip|body|dock|note-state|note-text)"', answer.content.decode()))


def test_the_note_of_the_shown_call_is_never_drawn_again(jana, jana_window, ring):
    call = ring(jana, "777123456", "Answered")
    parts = jana_window.ask("state", shown=str(call.code))
    assert ids(parts) == {"bar", "strip", "body", "note-state"}


def test_picking_up_leaves_the_body_alone(jana, jana_window, ring):
    call = ring(jana, "777123456", unique_id="1.1")
    key = re.search(r'data-body="([^"]+)"', jana_window.ask("state").content.decode())[1]
    ring(jana, "777123456", "Answered", unique_id="1.1")
    parts = jana_window.ask("state", shown=str(call.code), body=key, strip="")
    assert bar(parts)["data-call-state"] == "answered"
    assert ids(parts) == {"bar", "note-state"}


def test_a_second_call_waits_in_the_strip(jana, jana_window, ring):
    first = ring(jana, "777123456", "Answered")
    second = ring(jana, "602111222")
    parts = jana_window.ask("state", shown=str(first.code))
    assert bar(parts)["data-call"] == str(first.code)
    assert f'<section class="strip" data-call="{second.code}"' in parts.content.decode()


def test_the_second_call_can_be_shown(jana, jana_window, ring):
    first = ring(jana, "777123456", "Answered")
    second = ring(jana, "602111222")
    parts = jana_window.ask("call", second.code)
    assert bar(parts)["data-call"] == str(second.code)
    assert f'class="strip" data-call="{first.code}"' in parts.content.decode()
    assert "dock" in ids(parts)


def test_the_card_of_an_ended_call_stays_until_the_next_one_rings(jana, jana_window, ring):
    ended = ring(jana, "777123456", "Answered", "Hangup")
    assert bar(jana_window.ask("state", shown=str(ended.code)))["data-call"] == str(ended.code)
    next_one = ring(jana, "602111222")
    assert bar(jana_window.ask("state", shown=str(ended.code)))["data-call"] == str(next_one.code)


def test_while_jana_writes_a_note_the_next_call_waits_in_the_strip(jana, jana_window, ring):
    ended = ring(jana, "777123456", "Answered", "Hangup")
    next_one = ring(jana, "602111222")
    parts = jana_window.ask("state", shown=str(ended.code), busy="1")
    assert bar(parts)["data-call"] == str(ended.code)
    assert f'class="strip" data-call="{next_one.code}"' in parts.content.decode()


def test_a_call_a_colleague_answered_says_so_in_the_strip(jana, bob, jana_window, ring):
    ring(jana, "777123456", unique_id="7.7")
    ring(bob, "777123456", "Answered", unique_id="7.7")
    call = Call.objects.get(unique_id="7.7")
    ring_away(jana, ring)
    parts = jana_window.ask("state", shown=str(call.code))
    assert bar(parts)["data-call-state"] == "idle"
    assert "Bob Beneš" in text_of(parts)


def ring_away(agent, ring) -> None:
    from crmwindow import calls
    from crmwindow.exchange import Event

    calls.receive(
        Event(name="Hangup", unique_id="7.7", login=agent.login, line=agent.line, reason="Answered elsewhere"),
        tenant=agent.tenant,
    )


def test_closing_a_card_goes_back_to_waiting(jana, jana_window, ring):
    call = ring(jana, "777123456", "Answered", "Hangup")
    parts = jana_window.act("close", call=str(call.code))
    assert bar(parts)["data-call-state"] == "idle"
    assert Leg.objects.get(call=call).closed_at is not None


def test_a_withheld_number_is_not_looked_up(jana, jana_window, ring):
    ring(jana, "anonymous")
    body = jana_window.ask("state").content.decode()
    assert "/matches/" not in body


def test_a_call_given_in_the_address_is_opened_by_a_post_and_never_by_a_get(jana, jana_window):
    jana_window.get(f"/window/{jana_window.code}/", {"number": "777123456", "unique_id": "9.9"})
    assert Call.objects.count() == 0
    parts = jana_window.act("open", number="777123456", direction="incoming", unique_id="9.9")
    assert bar(parts)["data-call"] == str(Call.objects.get(unique_id="9.9").code)


def test_a_number_that_could_not_come_from_an_exchange_gets_one_sentence(jana_window):
    answer = jana_window.act("open", number="7" * 500)
    assert answer.status_code == 400
    assert len(answer.content.decode()) < 200


def test_bob_does_not_find_janas_call(jana, bob, open_window, ring):
    private = ring(jana, "777123456")
    window = open_window(bob, signed_in=False)
    assert window.ask("call", private.code).status_code == 404
    assert window.act("note", call=str(private.code), text="x").status_code == 404


def test_eve_does_not_get_into_acmes_window(eve, jana, open_window):
    window = open_window(eve, signed_in=False)
    answer = window.get(f"/window/{jana.tenant.instance.code}/state/")
    assert answer.status_code == 401


def test_a_form_of_another_site_is_refused(jana, jana_window, ring):
    call = ring(jana, "777123456")
    address = f"/window/{jana_window.code}/close/"
    foreign = jana_window.post(address, {"call": str(call.code)}, headers={"Origin": "https://evil.example"})
    plain = jana_window.post(address, {"call": str(call.code)}, headers={"HX-Request": ""})
    assert (foreign.status_code, plain.status_code) == (403, 403)
    assert Leg.objects.get(call=call).closed_at is None


def test_the_state_costs_the_same_with_one_call_today_and_with_three(
    jana, jana_window, ring, django_assert_num_queries
):
    for _ in range(3):
        ring(jana, "602111222", "Answered", "Hangup")
    shown = ring(jana, "777123456")
    with django_assert_num_queries(9):
        jana_window.ask("state", shown=str(shown.code))


def test_the_window_may_be_framed_by_its_tenant_only(jana_window):
    policy = jana_window.ask("shell").headers["Content-Security-Policy"]
    assert "frame-ancestors http://localhost:8000" in policy
    assert "'unsafe-inline'" not in policy


def test_unsigned_jana_sees_the_number_and_can_write(jana, open_window, ring):
    window: Window = open_window(jana, signed_in=False)
    ring(jana, "777123456")
    parts = window.ask("state")
    assert "+420 777 123 456" in text_of(parts)
    assert {"dock", "note-text"} <= ids(parts)
    assert "/sign-in/" in parts.content.decode()


def test_a_card_from_the_address_can_be_closed_though_nobody_says_it_ended(jana, jana_window):
    parts = jana_window.act("open", number="777123456", unique_id="9.9")
    assert "/close/" in parts.content.decode()


def test_a_live_call_cannot_be_closed_by_accident(jana, jana_window, ring):
    ring(jana, "777123456")
    assert "/close/" not in jana_window.ask("state").content.decode()
