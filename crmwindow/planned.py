"""Follow-up tasks as the window shows them: those that were made, and the form for another one."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from crmwindow import card, follow_ups, phone, records
from crmwindow.follow_ups import task
from crmwindow.models import Call, FollowUp, FollowUpDraft, Leg, Note
from tenants import connections

OTHER = "other"
USUAL = "tomorrow"


def follow_ups_of(leg: Leg) -> tuple[card.FollowUp, ...]:
    """Those that were made, then those that were only begun."""
    made = [_follow_up(leg, row) for row in follow_ups.of_call(leg)]
    return *made, *(_begun(row) for row in follow_ups.begun.of_call(leg))


def _begun(row: FollowUpDraft) -> card.FollowUp:
    subject = follow_ups.begun.values_of(row)["subject"]
    return card.FollowUp(code=str(row.form), status="begun", subject=subject)


def _follow_up(leg: Leg, row: FollowUp) -> card.FollowUp:
    status: Any = row.state
    waits_for_sign_in = row.problem == "sign_in" and not leg.agent.is_signed_in  # the body says so already
    return card.FollowUp(
        code=str(row.code),
        status=status,
        due_at=row.due_at,
        waiting_since=row.queued_at,
        troubled=bool(row.problem),
        reason="" if waits_for_sign_in else follow_ups.sentence_of(row),
        link=records.deep_link(leg.agent.tenant.instance, follow_ups.TASK, str(row.code)) if row.created else "",
    )


# ── the form ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def new(leg: Leg, match: card.Match | None) -> card.Plan:
    """Prefilled; nothing of it is kept until the agent types into it."""
    times = _times()
    usual = next((time for time in times if time.kind == USUAL), times[0])
    return _plan(
        leg,
        match,
        form=str(uuid4()),
        subject=_proposal(leg, match.name if match else "")[: task.USUAL_LIMITS["subject"]],
        when=usual.value,
        day=usual.value[:10],
        clock=usual.value[11:],
    )


def begun(leg: Leg, match: card.Match | None, row: FollowUpDraft) -> card.Plan:
    """One that was half typed, as it was left."""
    return _plan(leg, match, form=str(row.form), begun=True, **follow_ups.begun.values_of(row))


def again(leg: Leg, match: card.Match | None, row: FollowUp) -> card.Plan:
    """One that was refused, for changing."""
    due = timezone.localtime(row.due_at)
    return _plan(
        leg,
        match,
        form=str(row.form),
        subject=row.subject,
        description=row.description,
        when=OTHER,
        day=due.strftime("%Y-%m-%d"),
        clock=due.strftime("%H:%M"),
        refused=str(row.code),
        reason=follow_ups.sentence_of(row),
    )


def typed(leg: Leg, match: card.Match | None, form: UUID, sent: QueryDict, mistakes: dict[str, str]) -> card.Plan:
    """What the agent filled in, with what is wrong about it."""
    texts = {name: sent.get(name, "") for name in ("subject", "description", "when", "day", "clock")}
    return _plan(leg, match, form=str(form), begun=True, mistakes=mistakes, refused=sent.get("task", "")[:36], **texts)


def _plan(leg: Leg, match: card.Match | None, **values: object) -> card.Plan:
    metadata = connections.known_metadata(leg.agent.tenant.instance)
    limits = {name: task.limit(metadata, name) for name in task.USUAL_LIMITS}
    # The values are strings by name, which mypy cannot match to fields
    return card.Plan(times=_times(), about=match.name if match else "", limits=limits, **values)  # type: ignore[arg-type]


def _times() -> tuple[card.Time, ...]:
    proposed = follow_ups.proposed(timezone.localtime())
    # `when` writes only the three kinds; its field is a plain str
    return tuple(card.Time(kind=time.kind, at=time.at, value=time.value) for time in proposed)  # type: ignore[arg-type]


def _proposal(leg: Leg, name: str) -> str:
    """The outcome if one was chosen, and whom it is about: "Call back: Jana Horáková"."""
    outcome = Note.objects.filter(call=leg.call, author=leg.agent).values_list("outcome", flat=True).first()
    who = name or _number(leg)
    return ": ".join(part for part in (outcome or _("Call back"), who) if part)


def _number(leg: Leg) -> str:
    if leg.call.caller == Call.Caller.WITHHELD:
        return ""
    number = phone.parse(leg.call.number, leg.agent.tenant.country) if leg.call.number.startswith("+") else None
    return number.display if number else leg.call.number


def wanted(sent: QueryDict) -> follow_ups.Wanted:
    when = sent.get("when", "")
    text = f"{sent.get('day', '')}T{sent.get('clock', '')}" if when == OTHER else when
    return follow_ups.Wanted(sent.get("subject", ""), _moment(text), sent.get("description", ""))


def _moment(text: str) -> datetime | None:
    """A local time as a browser's fields send it; None when it is none."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}", text):
        return None
    try:
        return timezone.make_aware(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None
