"""The agent's list of the day, notes that wait, and how the window should behave. Each view: guard, load, act, answer."""

from __future__ import annotations

from typing import Any, get_args

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from crmwindow import card, coming_up, day, notes, presentation, problems
from crmwindow.answers import context_of, leg_or_404
from crmwindow.sessions import AgentRequest, agent_view
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError
from tenants.models import Agent

SECONDS = 2.0
FILTERS: tuple[card.DayFilter, ...] = get_args(card.DayFilter.__value__)


@require_GET
@agent_view
def the_day(request: AgentRequest) -> HttpResponse:
    """In the place of the card, which stays as it is underneath. `seen`: answer only with news."""
    shown = _day(request)
    if request.GET.get("seen") == shown.seen:
        return HttpResponse(status=204)
    return _panel(request, shown)


@require_GET
@agent_view
def day_lines(request: AgentRequest) -> HttpResponse:
    """The beginnings of today's notes that are in the CRM only. Without an answer the list says the rest."""
    try:
        found = day.lines(request.agent, budget=Budget(SECONDS))
    except DataverseError:
        return HttpResponse(status=204)
    return render(request, "crmwindow/day.html#lines", {"lines": found})


@require_POST
@agent_view
def write_now(request: AgentRequest) -> HttpResponse:
    """A note that waits is tried at once, unless Microsoft asked us to wait."""
    leg = leg_or_404(request, request.POST.get("call", ""))
    note = presentation.note_of(leg)
    if note is None:
        raise Http404
    problem = None
    try:
        day.write_now(agent=request.agent, note=note)
    except day.TooEarly as early:
        problem = problems.too_early(early.at)
    except notes.TextProblem as wrong:
        problem = card.Problem(title=wrong.sentence, tone="bad")
    return _panel(request, _day(request), problem=problem, status=409 if problem else 200)


def _day(request: AgentRequest) -> card.Day:
    wanted = request.GET.get("filter") or request.POST.get("filter", "")
    chosen: card.DayFilter = next((each for each in FILTERS if each == wanted), "all")
    now = request.GET.get("shown") or request.POST.get("shown", "")
    return day.of(request.agent, chosen=chosen, now=now[:36])


def _panel(request: AgentRequest, shown: card.Day, *, status: int = 200, problem: Any = None) -> HttpResponse:
    context = context_of(request) | {"day": shown, "problem": problem}
    return render(request, "crmwindow/day.html", context, status=status)


@require_GET
@agent_view
def settings(request: AgentRequest) -> HttpResponse:
    """When a card comes up, and every key of the window."""
    return _settings(request)


@require_POST
@agent_view
def quiet(request: AgentRequest) -> HttpResponse:
    wanted = request.POST.get("quiet", "")
    if wanted not in Agent.Quiet.values:
        raise Http404
    coming_up.choose_quiet(agent=request.agent, quiet=Agent.Quiet(wanted))
    return _settings(request, saved=True)


def _settings(request: AgentRequest, *, saved: bool = False) -> HttpResponse:
    modes = [(value, label, value == request.agent.quiet) for value, label in Agent.Quiet.choices]
    context = context_of(request) | {"modes": modes, "saved": saved}
    return render(request, "crmwindow/settings.html", context)
