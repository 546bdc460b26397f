"""What is planned about the record on the card, in a slot with a time-out of its own."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from crmwindow import activities, card, presentation, problems, records
from crmwindow.answers import context_of, leg_or_404
from crmwindow.models import Leg
from crmwindow.sessions import AgentRequest, agent_view
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError

SECONDS = 2.0
ROWS = 4


@require_GET
@agent_view
def planned(request: AgentRequest, call: uuid.UUID) -> HttpResponse:
    leg = leg_or_404(request, call)
    record = presentation.record_of(leg)
    if record is None:
        raise Http404
    try:
        found = activities.open_about(leg, record_id=record[1], budget=Budget(SECONDS))
    except DataverseError as error:
        shown = card.Activities(problem=problems.of_a_part(error))
    else:
        shown = _shown(leg, found, *record)
    context = context_of(request) | {"call": presentation.call_of(leg), "activities": shown}
    return render(request, "crmwindow/slots.html#activities", context)


def _shown(leg: Leg, found: list[activities.Activity], table: str, record_id: uuid.UUID) -> card.Activities:
    instance = leg.agent.tenant.instance
    more = records.deep_link(instance, table, record_id) if len(found) > ROWS else ""
    return card.Activities(planned=tuple(_activity(leg, each) for each in found[:ROWS]), more=more)


def _activity(leg: Leg, each: activities.Activity) -> card.Activity:
    kind: Any = each.kind
    return card.Activity(
        kind=kind,
        subject=each.subject,
        due_at=each.due_at,
        overdue=each.is_overdue,
        owner=each.owner,
        link=records.deep_link(leg.agent.tenant.instance, each.kind, each.activity_id),
    )
