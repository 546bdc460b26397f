"""What the window asks for. Each view: guard, load, act, answer. presentation.py gives shapes, problems.py sentences."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.csp import build_policy
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_POST

from crmwindow import calls, card, coming_up, lookup, one_record, presentation, problems, records, sessions
from crmwindow.answers import context_of, leg_or_404, matches_answer, uuid_of
from crmwindow.exchange import MalformedEvent
from crmwindow.ivr import path
from crmwindow.models import CallState, Leg, Opening
from crmwindow.presentation import matches_of, state_of
from crmwindow.sessions import AgentRequest, WindowRequest, agent_view, shell_view
from tenants import limits
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError
from tenants.models import Agent, digest

SECONDS = 2.0
OPENING_SECONDS = 20
CARRIED = ("number", "direction", "unique_id")

# -- the way in --------------------------------------------------------------------------------------------------------


@require_GET
@never_cache
def enter(request: HttpRequest) -> HttpResponse:
    """A ticket becomes a session, once; whoever comes later with the same ticket continues theirs or signs in."""
    text = request.GET.get("ticket", "")
    if not text:
        return _message(request, problems.no_ticket(), status=404)
    ticket, good = sessions.ticket_for(text)
    if ticket is None:
        limits.spend("wrong_ticket", limits.address_of(request))
        return _message(request, problems.unknown_ticket(), status=404)
    agent = ticket.agent
    instance = agent.tenant.instance
    good = good and agent.window and instance.is_proven
    carried = {name: request.GET[name] for name in CARRIED if name in request.GET}
    address = reverse("window:shell", args=[instance.code]) + (f"?{urlencode(carried)}" if carried else "")
    response = HttpResponseRedirect(address, status=303)
    response.headers["Referrer-Policy"] = "no-referrer"
    if good:
        sessions.start_session(response, instance=instance, agent=agent)
    elif _is_somebody_elses(request, agent):
        sessions.end_session(response)
    sessions.allow_framing(response, instance)
    return response


def _is_somebody_elses(request: HttpRequest, agent: Agent) -> bool:
    """This browser's window belongs to a colleague, so a worn-out ticket of `agent` must not continue it."""
    cookie = request.COOKIES.get(settings.WINDOW_COOKIE, "")
    session = sessions.session_from_cookie(cookie, agent.tenant.instance.code)
    return session is not None and session.agent_id not in {None, agent.pk}


def _message(request: HttpRequest, problem: card.Problem, *, status: int) -> HttpResponse:
    """A page without cookie or control, so that whoever frames it gains nothing; it says why there is no window."""
    response = render(request, "crmwindow/message.html", {"problem": problem}, status=status)
    policy: dict[str, Any] = {**settings.SECURE_CSP, "frame-ancestors": ["*"]}
    response.headers["Content-Security-Policy"] = build_policy(policy)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.xframe_options_exempt = True
    return response


@require_GET
@gzip_page
@shell_view
def window(request: WindowRequest) -> HttpResponse:
    """The page itself. It creates nothing: a call in its address is opened by the page's own POST.

    Safe to compress: its cookie is partitioned, so no foreign page can ask for it and weigh the answers.
    """
    agent = request.window.agent
    leg, others = coming_up.choose_shown(agent, None, busy=False) if agent else (None, [])
    state = state_of(agent, leg, others) if agent else _nobodys(request)
    context = (
        context_of(request)
        | (_known_matches(leg) if leg else {})
        | {
            "state": state,
            "live": agent is not None,
            "origins": " ".join(request.window.instance.tenant.embedding_origins),
        }
    )
    response = render(request, "crmwindow/window.html", context)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _nobodys(request: WindowRequest) -> card.State:
    proven = request.window.instance.is_proven
    return presentation.nobodys_state(problem=None if proven else problems.not_proven())


def no_stream(request: HttpRequest) -> HttpResponse:
    """The stream is answered by the raw ASGI app. Behind a server without it, 204 tells the browser not to come back."""
    return HttpResponse(status=204)


# -- the state ---------------------------------------------------------------------------------------------------------


@require_GET
@agent_view
def state(request: AgentRequest) -> HttpResponse:
    """The present state as parts to put in place. `shown`, `body`, `strip`, `note`: what the window shows already; `busy`:
    they write, `typing`: right now; `kept`: they chose what is shown."""
    legs = calls.in_sight(request.agent)
    return _state(request, _shown_before(request, legs), legs)


@require_GET
@agent_view
def show_call(request: AgentRequest, call: uuid.UUID) -> HttpResponse:
    """The agent wants to see this call: from the strip, or from the list of the day."""
    leg = leg_or_404(request, call)
    others = [other for other in coming_up.choose_shown(request.agent, leg, busy=True)[1] if other.pk != leg.pk]
    return parts(request, leg, others, before=None)


@require_POST
@agent_view
def open_call(request: AgentRequest) -> HttpResponse:
    """A call from the window's own address or from the page around it."""
    try:
        call = calls.open_by_agent(
            agent=request.agent,
            number=request.POST.get("number", ""),
            direction=request.POST.get("direction", ""),
            unique_id=request.POST.get("unique_id", ""),
        )
    except MalformedEvent as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    before = _shown_before(request)
    leg = calls.leg_of(request.agent, call.code)
    if leg is None or not coming_up.comes_up(request.agent, leg):
        return _state(request, before)
    live = coming_up.choose_shown(request.agent, leg, busy=True)[1]
    return parts(request, leg, live, before=before)


@require_POST
@agent_view
def close(request: AgentRequest) -> HttpResponse:
    """Done with this card; what was written to it goes out."""
    leg = leg_or_404(request, request.POST.get("call", ""))
    calls.close_card(leg)
    return _state(request, None)


def _state(request: AgentRequest, before: Leg | None, legs: list[Leg] | None = None) -> HttpResponse:
    strip = request.GET.get("strip", "") if "kept" in request.GET else None
    wanted = None if _was_closed_elsewhere(request, before) else before
    leg, others = coming_up.choose_shown(request.agent, wanted, busy="busy" in request.GET, strip=strip, legs=legs)
    return parts(request, leg, others, before=before)


def _was_closed_elsewhere(request: AgentRequest, before: Leg | None) -> bool:
    """In another window of this agent; here it goes as well, unless they are typing or have opened it to look at."""
    return before is not None and before.closed_at is not None and not {"kept", "typing"} & set(request.GET)


def parts(request: AgentRequest, leg: Leg | None, others: list[Leg], *, before: Leg | None) -> HttpResponse:
    """The call bar always; strip, body and dock only when they are about something else than what is on the screen."""
    state = state_of(request.agent, leg, others)
    same = leg is not None and before is not None and leg.pk == before.pk
    parts: dict[str, Any] = {
        "with_strip": request.GET.get("strip") != state.strip_key,
        "with_body": request.GET.get("body") != state.body_key,
        "with_dock": not same,
        "with_text": request.GET.get("note") != str(state.note.revision),
    }
    if leg and (parts["with_body"] or parts["with_dock"]):
        parts |= _known_matches(leg)
    return render(request, "crmwindow/state.html", context_of(request) | parts | {"state": state, "oob": True})


def _known_matches(leg: Leg) -> dict[str, Any]:
    """What the CRM said about this call is drawn at once when it is here already; nobody is asked for it now."""
    shown = presentation.known_matches(leg)
    return {"matches": shown} if shown and shown.step in {"one", "many"} else {}


def _shown_before(request: AgentRequest, legs: Iterable[Leg] = ()) -> Leg | None:
    code = uuid_of(request.GET.get("shown") or request.POST.get("shown", ""))
    if code is None:
        return None
    return next((leg for leg in legs if leg.call.code == code), None) or calls.leg_of(request.agent, code)


# -- what Microsoft knows ----------------------------------------------------------------------------------------------


@require_GET
@agent_view
def matches(request: AgentRequest, call: uuid.UUID) -> HttpResponse:
    """Who has this number. `seen`: answer only with news; `list`: all of them again; `again`: ask anew."""
    leg = leg_or_404(request, call)
    steps = path.steps_of(leg.call)  # while Microsoft is asked
    found = lookup.found(leg, budget=Budget(SECONDS))
    if "again" in request.GET or ("seen" in request.GET and _is_worth_another_try(leg, found)):
        lookup.retry(leg)
        found = lookup.found(leg, budget=Budget(SECONDS))
    shown = matches_of(leg, found, listed="list" in request.GET)
    if request.GET.get("seen") == shown.seen:
        return HttpResponse(status=204)
    return matches_answer(request, leg, shown, steps=steps)


def _is_worth_another_try(leg: Leg, found: lookup.Found) -> bool:
    """Looking on while the caller is on the line: only what passes by itself, so nobody is asked in vain."""
    return leg.state < CallState.ENDED and found.state == "failed" and found.problem in {"unavailable", "throttled"}


@require_GET
@agent_view
def who(request: AgentRequest, call: uuid.UUID) -> HttpResponse:
    """The name in the strip of a second call."""
    leg = leg_or_404(request, call)
    found = matches_of(leg, lookup.found(leg, budget=Budget(SECONDS)))
    match = found.chosen or next(iter(found.found), None)
    context = {"call": presentation.call_of(leg), "match": match}
    return render(request, "crmwindow/_strip_who.html", context)


@require_GET
@agent_view
def details(request: AgentRequest, call: uuid.UUID) -> HttpResponse:
    leg = leg_or_404(request, call)
    table, record_id = _record(leg)
    try:
        rows = one_record.details(leg, table=table, record_id=record_id, budget=Budget(SECONDS))
    except DataverseError as error:
        shown = card.Details(problem=problems.of(error))
    else:
        shown = card.Details(fields=tuple(card.Field(label=name, value=text, link=link) for name, text, link in rows))
    return _slot(request, "details", leg, shown)


@require_GET
@agent_view
def history(request: AgentRequest, call: uuid.UUID) -> HttpResponse:
    leg = leg_or_404(request, call)
    table, record_id = _record(leg)
    try:
        rows = one_record.history(leg, table=table, record_id=record_id, budget=Budget(SECONDS))
    except DataverseError as error:
        shown = card.History(problem=problems.of_a_part(error))
    else:
        shown = presentation.history_of(leg, rows, table, record_id)
    return _slot(request, "history", leg, shown)


def _record(leg: Leg) -> tuple[str, uuid.UUID]:
    record = presentation.record_of(leg)
    if record is None:
        raise Http404
    return record


def _slot(request: AgentRequest, name: str, leg: Leg, shown: object) -> HttpResponse:
    context = context_of(request) | {"call": presentation.call_of(leg), name: shown}
    return render(request, f"crmwindow/slots.html#{name}", context)


@require_POST
@agent_view
def choose(request: AgentRequest) -> HttpResponse:
    """Who is calling: one of the matches, or nobody of them."""
    leg = leg_or_404(request, request.POST.get("call", ""))
    record = request.POST.get("record", "")
    table, _colon, record_id = record.partition(":")
    if record == "nobody":
        lookup.none_of_them(leg)
    elif known := uuid_of(record_id):
        _chosen(leg, table, known, remember="remember" in request.POST)
    else:
        raise Http404
    leg.refresh_from_db()
    return matches_answer(request, leg, matches_of(leg, lookup.found(leg, budget=Budget(SECONDS))), focus=True)


def _chosen(leg: Leg, table: str, record_id: uuid.UUID, *, remember: bool) -> None:
    try:
        lookup.choose(leg, table=table, record_id=record_id, remember=remember)
    except lookup.NotAMatch as error:
        raise Http404 from error


@require_POST
@agent_view
def create(request: AgentRequest) -> HttpResponse:
    """One click makes one record; the tab that the click opened waits for it under `code`."""
    leg = leg_or_404(request, request.POST.get("call", ""))
    typed = {name: request.POST.get(name, "").strip()[:200] for name in ("first_name", "last_name", "company")}
    try:
        records.create(leg=leg, table=request.POST.get("table", ""), code=request.POST.get("code", ""), **typed)
    except records.NotCreated as refusal:
        shown = matches_of(leg, lookup.found(leg, budget=Budget(SECONDS)))
        return matches_answer(
            request, leg, shown, status=422, focus=True, typed=typed, problem=problems.not_created(refusal)
        )
    leg.refresh_from_db()
    return matches_answer(request, leg, matches_of(leg, lookup.found(leg, budget=Budget(SECONDS))), focus=True)


@require_GET
@never_cache
def opening(request: HttpRequest, code: str) -> HttpResponse:
    """The tab of a new record, at top level and without a cookie: waits, then goes to the record and nowhere else."""
    row = Opening.objects.select_related("agent__tenant__instance").filter(digest=digest(code)).first()
    counted = request.GET.get("n", "")
    tries = int(counted) if re.fullmatch("[0-9]{1,3}", counted) else 0
    if row and row.problem:
        return _opening(request, problem=problems.opening_failed())
    if row and (row.used_at or row.expires_at < timezone.now()):
        return _opening(request, problem=problems.opening_used(), status=410)
    if row and row.created and Opening.objects.filter(pk=row.pk, used_at=None).update(used_at=timezone.now()):
        return _to_crm(row)
    if tries >= OPENING_SECONDS:
        return _opening(request, problem=problems.opening_late(), status=410)
    return _opening(request, tries=tries + 1)


def _opening(
    request: HttpRequest, *, problem: card.Problem | None = None, tries: int = 0, status: int = 200
) -> HttpResponse:
    response = render(request, "crmwindow/opening.html", {"problem": problem, "tries": tries}, status=status)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _to_crm(row: Opening) -> HttpResponse:
    """Only ever to the instance's own host."""
    instance = row.agent.tenant.instance
    address = records.deep_link(instance, row.table, row.record_id)
    if urlsplit(address).netloc != urlsplit(instance.url).netloc:
        raise Http404
    response = HttpResponseRedirect(address)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
