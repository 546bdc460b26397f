"""Events come twice, late and in any order; a call always ends in the same state."""

import uuid
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmwindow import calls
from crmwindow.models import Call, Leg
from tenants.models import Agent, Tenant

RING_ALL = [
    ("NewCall", {}),
    ("Ringing", {"Login": "jana", "Queue": "Obchod"}),
    ("Ringing", {"Login": "bob", "Queue": "Obchod"}),
    ("Answered", {"Login": "jana"}),
    ("Hangup", {"Login": "bob", "Reason": "Answered elsewhere"}),
    ("Hangup", {"Login": "jana", "Reason": "Normal Clearing"}),
    ("CDR", {}),
]
STORIES = [
    RING_ALL,
    RING_ALL[:-2],  # still talking
    [*RING_ALL[:3], ("Hangup", {"Reason": "No user response"})],  # missed
    [
        ("Ringing", {"Login": "jana"}),
        ("Hangup", {"Login": "jana", "Reason": "No user response"}),
        ("Ringing", {"Login": "bob"}),
    ],
    [("Ringing", {"Login": "jana"}), ("Answered", {"Login": "jana"}), ("AttendedTransfer", {"Login": "bob"})],
    [
        ("Ringing", {"Login": "jana"}),
        ("Answered", {"Login": "jana"}),
        ("AttendedTransfer", {"Login": "bob"}),
        ("Hangup", {"Login": "jana", "Reason": "Normal Clearing"}),
        ("Hangup", {"Login": "bob", "Reason": "Normal Clearing"}),
    ],
    [  # outgoing; some events say less than others
        ("NewCall", {"Direction": "outgoing", "From": "444", "To": "602111222"}),
        ("Ringing", {"Direction": "outgoing", "From": "444", "To": "602111222", "Login": "jana"}),
        ("Answered", {"From": "444", "To": "602111222", "Direction": "", "Login": "jana"}),
        ("Hangup", {"From": "", "To": "", "Direction": "", "Login": "jana", "Reason": "Normal Clearing"}),
    ],
    [  # an agent we do not know takes it
        ("Ringing", {"Login": "jana"}),
        ("Answered", {"Line": "999"}),
        ("Hangup", {"Login": "jana", "Reason": "Answered elsewhere"}),
        ("Hangup", {"Line": "999", "Reason": "Normal Clearing"}),
    ],
    [  # the same agent on two devices
        ("Ringing", {"Login": "jana"}),
        ("Answered", {"Login": "jana"}),
        ("Hangup", {"Login": "jana", "Reason": "Answered elsewhere"}),
    ],
]


def play(tenant: Tenant, events: list[tuple[str, dict[str, str]]]) -> dict[str, Any]:
    """The state of a fresh call after these events, without its times."""
    unique_id = uuid.uuid4().hex
    usual = {"From": "777123456", "To": "222333444", "Direction": "incoming", "UniqueId": unique_id}
    for name, values in events:
        calls.receive(calls.read_event({**usual, "EventName": name, **values}, tenant), tenant=tenant)
    call = Call.objects.get(unique_id=unique_id)
    legs = {
        leg.agent.login: (leg.state, leg.elsewhere, bool(leg.answered_at), bool(leg.ended_at))
        for leg in Leg.objects.filter(call=call).select_related("agent")
    }
    facts = (call.state, call.missed, call.direction, call.caller, call.number, call.reason, call.queue)
    return {"call": facts, "answered": bool(call.answered_at), "ended": bool(call.ended_at), "legs": legs}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_any_order_and_repetition_ends_in_the_same_state(
    acme: Tenant, jana: Agent, bob: Agent, data: st.DataObject
) -> None:
    story = data.draw(st.sampled_from(STORIES))
    repeated = data.draw(st.lists(st.sampled_from(story), max_size=4, unique_by=str))
    shuffled = data.draw(st.permutations([*story, *repeated]))

    assert play(acme, shuffled) == play(acme, story)
