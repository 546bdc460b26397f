"""Finding somebody by name, and putting right whom a call is about. Names and numbers travel in bodies, never in addresses."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from crmwindow import came_through, finding, learned, lookup, number_adding, outbox, presentation, problems
from crmwindow.answers import context_of, leg_or_404, matches_answer, uuid_of
from crmwindow.models import Call, Leg
from crmwindow.sessions import AgentRequest, agent_view
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError

SECONDS = 2.0


@require_GET
@agent_view
def find(request: AgentRequest, call: uuid.UUID) -> HttpResponse:
    """The search in the place of the card. `add`: for somebody who is to get the number."""
    leg = leg_or_404(request, call)
    return _panel(request, leg, "found", purpose="add" if "add" in request.GET else "about")


@require_POST
@agent_view
def names(request: AgentRequest) -> HttpResponse:
    """Who begins like this, while the agent types."""
    leg = leg_or_404(request, request.POST.get("call", ""))
    text = request.POST.get("q", "").strip()[:100]
    shown: dict[str, Any] = {"text": text, "purpose": request.POST.get("purpose", "")}
    if finding.is_long_enough(text):
        try:
            found = finding.by_name(request.agent, text, budget=Budget(SECONDS))
        except DataverseError as error:
            shown["problem"] = problems.finding(error)
        else:
            listed = [presentation.match_of(leg, match) for match in found.matches]
            shown |= {"names": listed, "more": found.more, "failed": found.failed, "asked": True}
    context = context_of(request) | {"call": presentation.call_of(leg)} | shown
    return render(request, "crmwindow/_names.html", context)


@require_POST
@agent_view
def about(request: AgentRequest) -> HttpResponse:
    """The call and its notes are about this record, which need not hold the number."""
    leg = leg_or_404(request, request.POST.get("call", ""))
    table, record_id = _record(request.POST.get("record", ""))
    try:
        finding.take_for(leg=leg, table=table, record_id=record_id, budget=Budget(SECONDS))
    except DataverseError as error:
        return _panel(request, leg, "found", purpose="about", problem=problems.finding(error), status=422)
    return _card(request, leg)


@require_GET
@agent_view
def number(request: AgentRequest, call: uuid.UUID) -> HttpResponse:
    """Where in that record the number could go, and what stands there now."""
    leg = leg_or_404(request, call)
    table, record_id = _record(request.GET.get("record", ""))
    return _number_panel(request, leg, table, record_id)


@require_POST
@agent_view
def number_add(request: AgentRequest) -> HttpResponse:
    """Write it there; then that record is the caller, also next time."""
    leg = leg_or_404(request, request.POST.get("call", ""))
    table, record_id = _record(request.POST.get("record", ""))
    column = request.POST.get("column", "")
    seen = request.POST.get(f"seen-{column}", "")
    try:
        number_adding.add(leg=leg, table=table, record_id=record_id, column=column, seen=seen)
    except number_adding.NotAdded as refusal:
        problem = problems.not_added(refusal)
    except DataverseError as error:
        problem = problems.finding(error)
    else:
        return _card(request, leg)
    return _number_panel(request, leg, table, record_id, problem=problem, status=422)


@require_POST
@agent_view
def forget(request: AgentRequest) -> HttpResponse:
    """The choice remembered for this number counts no longer."""
    leg = leg_or_404(request, request.POST.get("call", ""))
    learned.revoke(leg)
    outbox.tell([leg.agent_id])
    return _card(request, leg, listed="list" in request.POST)


def _number_panel(
    request: AgentRequest, leg: Leg, table: str, record_id: uuid.UUID, *, status: int = 200, problem: Any = None
) -> HttpResponse:
    if leg.call.caller != Call.Caller.NUMBER:
        raise Http404
    try:
        record = number_adding.read(leg, table=table, record_id=record_id, budget=Budget(SECONDS))
    except DataverseError as error:
        failed = problem or problems.finding(error)
        return _panel(request, leg, "adding", problem=failed, status=422, wanted=f"{table}:{record_id}")
    shown = {"record": record, "match": presentation.match_of(leg, finding.shown(record.hit, leg))}
    return _panel(request, leg, "adding", problem=problem, status=status, **shown)


def _panel(request: AgentRequest, leg: Leg, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
    context = context_of(request) | {"call": came_through.with_path(presentation.call_of(leg), leg)} | more
    return render(request, f"crmwindow/finding.html#{name}", context, status=status)


def _card(request: AgentRequest, leg: Leg, *, listed: bool = False) -> HttpResponse:
    leg.refresh_from_db()
    leg.agent = request.agent
    found = lookup.found(leg, budget=Budget(SECONDS))
    return matches_answer(request, leg, presentation.matches_of(leg, found, listed=listed), focus=True)


def _record(text: str) -> tuple[str, uuid.UUID]:
    table, _colon, record_id = text.partition(":")
    known = uuid_of(record_id)
    if known is None:
        raise Http404
    return table, known
