"""A task after the call: the form in the dock, and what became of it."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from crmwindow import card, follow_ups, notes, planned, presentation
from crmwindow.answers import context_of, leg_or_404, uuid_of
from crmwindow.models import FollowUp, FollowUpDraft, Leg
from crmwindow.sessions import AgentRequest, agent_view


@require_GET
@agent_view
def form(request: AgentRequest, call: uuid.UUID) -> HttpResponse:
    """The form in the place of the note, which stays. `task`: the one that was refused; `begun`: that half-typed one, and
    without any the one that was typed last."""
    leg = _leg(request, call)
    if "task" in request.GET:
        return _form(request, leg, planned.again(leg, _match(leg), _refused(leg, request.GET["task"])))
    half = _half_typed(leg, request.GET.get("begun", ""))
    return _form(request, leg, planned.begun(leg, _match(leg), half) if half else planned.new(leg, _match(leg)))


def _half_typed(leg: Leg, form: str) -> FollowUpDraft | None:
    rows, code = follow_ups.begun.of_call(leg), uuid_of(form)
    wanted = next((row for row in rows if row.form == code), None)
    return wanted or max(rows, key=lambda row: row.edited_at, default=None)


@require_POST
@agent_view
def draft(request: AgentRequest) -> HttpResponse:
    """While the form is filled in: nothing of it is lost with the window."""
    leg = _leg(request, request.POST.get("call", ""))
    code, turn = uuid_of(request.POST.get("form", "")), request.POST.get("turn", "")
    if code is None:
        raise Http404
    counted = int(turn) if turn.isascii() and turn.isdigit() and len(turn) < 16 else 0
    window = notes.Window(page=request.POST.get("page", "")[:40], turn=counted)
    follow_ups.begun.keep(leg=leg, form=code, values=request.POST.dict(), window=window)
    return HttpResponse(status=204)


@require_POST
@agent_view
def create(request: AgentRequest) -> HttpResponse:
    leg = _leg(request, request.POST.get("call", ""))
    code = uuid_of(request.POST.get("form", ""))
    if code is None:
        raise Http404
    wanted = planned.wanted(request.POST)
    try:
        if request.POST.get("task"):
            follow_ups.change(_refused(leg, request.POST["task"]), wanted)
        else:
            follow_ups.plan(leg=leg, form=code, wanted=wanted)
    except follow_ups.Mistakes as mistakes:
        shown = planned.typed(leg, _match(leg), code, request.POST, mistakes.by_field)
        return _form(request, leg, shown, status=422)
    return _done(request, leg)


@require_POST
@agent_view
def discard(request: AgentRequest) -> HttpResponse:
    """The agent gives up one that was refused, or that was only begun."""
    leg = _leg(request, request.POST.get("call", ""))
    if code := uuid_of(request.POST.get("form", "")):
        follow_ups.begun.forget(leg, code)
        return _done(request, leg)
    follow_ups.discard(_refused(leg, request.POST.get("task", "")))
    return _done(request, leg)


def _leg(request: AgentRequest, code: uuid.UUID | str) -> Leg:
    """Internal calls are not written to the CRM, so nothing is planned after them either."""
    leg = leg_or_404(request, code)
    if not notes.is_writable(leg.call):
        raise Http404
    return leg


def _refused(leg: Leg, text: str) -> FollowUp:
    code = uuid_of(text)
    unwritten = (row for row in follow_ups.of_call(leg) if row.state != FollowUp.State.WRITTEN)
    row = next((row for row in unwritten if row.code == code), None)
    if row is None:
        raise Http404
    row.author = leg.agent
    return row


def _match(leg: Leg) -> card.Match | None:
    shown = presentation.known_matches(leg)
    return shown.chosen if shown else None


def _form(request: AgentRequest, leg: Leg, plan: card.Plan, *, status: int = 200) -> HttpResponse:
    context = context_of(request) | {"call": presentation.call_of(leg), "plan": plan}
    return render(request, "crmwindow/follow_up.html#form", context, status=status)


def _done(request: AgentRequest, leg: Leg) -> HttpResponse:
    shown = {"call": presentation.call_of(leg), "follow_ups": planned.follow_ups_of(leg), "oob": True}
    return render(request, "crmwindow/follow_up.html#done", context_of(request) | shown)
