"""What is typed into the note: saved, written to the CRM, and settled where there are two versions of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from crmwindow import card, notes, presentation, problems
from crmwindow.answers import context_of, leg_or_404
from crmwindow.models import Leg, Note
from crmwindow.sessions import AgentRequest, agent_view
from crmwindow.views import SECONDS, parts
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError, NotFound


@require_POST
@agent_view
def save_note(request: AgentRequest) -> HttpResponse:
    leg = leg_or_404(request, request.POST.get("call", ""))
    return _saved(request, leg, send=False)


@require_POST
@agent_view
def send_note(request: AgentRequest) -> HttpResponse:
    """Save what was typed and write it to the CRM now."""
    leg = leg_or_404(request, request.POST.get("call", ""))
    return _saved(request, leg, send=True)


def _saved(request: AgentRequest, leg: Leg, *, send: bool) -> HttpResponse:
    outcome = request.POST.get("outcome") or request.POST.get("other_outcome", "")
    known = outcome if outcome in {each.code for each in presentation.outcomes_of(request.agent)} else ""
    text = request.POST.get("text", "")
    window, status = _window(request), 200
    try:
        note = notes.save_draft(leg=leg, text=text, outcome=known, window=window)
        if send:
            notes.queue(note, page=window.page)
    except notes.TextProblem:
        status = 422  # it is stored all the same
    kept = presentation.note_of(leg)
    if kept is None or notes.is_text_of(kept, text):
        answer = _note_state(request, presentation.note_card(leg, kept), status=status)
        answer.headers["Note-Revision"] = str(kept.revision if kept else 0)
        return answer
    return _note_state(request, presentation.note_card(leg, kept), status=status, with_text=True)


def _window(request: AgentRequest) -> notes.Window:
    """Which page saves, how manieth time, what it had seen, and what was changed there since."""
    page, turn, seen = (request.POST.get(name, "") for name in ("page", "turn", "seen"))
    touched = request.POST.get("touched", "text outcome").split()
    return notes.Window(
        page=page[:40],
        turn=int(turn) if _is_turn(turn) else 0,
        seen=int(seen) if _is_turn(seen) else None,
        touched=frozenset(touched),
    )


def _is_turn(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


@require_POST
@agent_view
def keep_note(request: AgentRequest) -> HttpResponse:
    """Two versions of a note: the agent says which one stays."""
    leg, note = _note(request)
    with suppress(NotFound):  # settled already, by the first of two clicks
        if request.POST.get("keep") == "theirs":
            notes.keep_theirs(note)
        else:
            notes.keep_mine(note)
    return parts(request, leg, [], before=None)


@require_POST
@agent_view
def load_note(request: AgentRequest) -> HttpResponse:
    """Fetch a text that is in the CRM only, so that its author can go on with it."""
    leg, note = _note(request)
    try:
        notes.load(note, budget=Budget(SECONDS))
    except DataverseError as error:
        shown = replace(presentation.note_card(leg, note), troubled=True, reason=problems.of(error).title)
        return _note_state(request, shown, status=409, oob=True)
    return parts(request, leg, [], before=None)


@require_POST
@agent_view
def discard_aside(request: AgentRequest) -> HttpResponse:
    """The agent gives up what another window of theirs held of the note."""
    leg, note = _note(request)
    notes.discard(note, page=request.POST.get("other", "")[:40])
    return _note_state(request, presentation.note_card(leg, presentation.note_of(leg)), oob=True)


def _note(request: AgentRequest) -> tuple[Leg, Note]:
    leg = leg_or_404(request, request.POST.get("call", ""))
    note = presentation.note_of(leg)
    if note is None:
        raise Http404
    return leg, note


def _note_state(
    request: AgentRequest, note: card.Note, *, status: int = 200, oob: bool = False, with_text: bool = False
) -> HttpResponse:
    context = context_of(request) | {"note": note, "oob": oob, "with_text": with_text}
    return render(request, "crmwindow/_note_state.html", context, status=status)
