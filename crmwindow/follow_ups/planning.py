"""A follow-up task from the agent's click until it is handed over for delivery.

queued ── delivery ──► written, or refused ── the agent changes it ──► queued
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmwindow import delivering, outbox
from crmwindow.follow_ups import task
from crmwindow.models import FollowUp, FollowUpDraft, Leg
from crmwindow.notes import text as texts
from tenants import connections
from tenants.fields import seal
from tenants.models import Agent
from tenants.prepared import Prepared

FARTHEST = timedelta(days=3660)
LATE = timedelta(minutes=1)
"""A time chosen just before it passed is still good."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the agent filled in. `due_at` is None when no time can be read from it."""

    subject: str
    due_at: datetime | None
    description: str = ""


class Mistakes(Exception):
    """It cannot be planned like that. `by_field` maps subject, when or description to a sentence for the agent."""

    def __init__(self, by_field: dict[str, str]) -> None:
        super().__init__("The task cannot be planned like that.")
        self.by_field = by_field


def plan(*, leg: Leg, form: UUID, wanted: Wanted) -> FollowUp:
    """One form makes one task, however often it is sent. Raises Mistakes."""
    due_at = _checked(leg.agent, wanted)
    now = timezone.now()
    new = FollowUp(call=leg.call, author=leg.agent, form=form, due_at=due_at, queued_at=now, next_try_at=now)
    new.subject, new.description = _tidy(wanted.subject), _tidy(wanted.description)
    with transaction.atomic():
        FollowUp.objects.bulk_create([new], ignore_conflicts=True)
        FollowUpDraft.objects.filter(author=leg.agent_id, form=form).delete()
        row = FollowUp.objects.get(author=leg.agent, form=form)
        if row.code == new.code:
            outbox.tell([leg.agent_id])
            deliver_after_commit(row.pk)
    return row


def change(row: FollowUp, wanted: Wanted) -> None:
    """One that was refused goes out again, as it is now. Raises Mistakes."""
    due_at = _checked(row.author, wanted)
    now = timezone.now()
    texts_now = {name: seal(row, name, _tidy(getattr(wanted, name))) for name in ("subject", "description")}
    with transaction.atomic():
        refused = FollowUp.objects.filter(pk=row.pk, state=FollowUp.State.REFUSED)
        queued = {"state": FollowUp.State.QUEUED, "queued_at": now, "next_try_at": now, "problem": "", "detail": b""}
        if refused.update(due_at=due_at, tries=0, **texts_now, **queued):
            outbox.tell([row.author_id])
            deliver_after_commit(row.pk)


def discard(row: FollowUp) -> None:
    """The agent gives up one that was refused."""
    with transaction.atomic():
        FollowUp.objects.filter(pk=row.pk, state=FollowUp.State.REFUSED).delete()
        outbox.tell([row.author_id])


def _tidy(text: str) -> str:
    return texts.normalised(text).strip()


def _checked(agent: Agent, wanted: Wanted) -> datetime:
    """The time it is due. Raises Mistakes."""
    metadata = connections.known_metadata(agent.tenant.instance)
    found = {
        "subject": _mistake_in(_tidy(wanted.subject), task.limit(metadata, "subject"), needed=True),
        "when": _mistake_in_time(wanted.due_at),
        "description": _mistake_in(_tidy(wanted.description), task.limit(metadata, "description")),
    }
    mistakes = {name: sentence for name, sentence in found.items() if sentence}
    if mistakes or wanted.due_at is None:
        raise Mistakes(mistakes)
    return wanted.due_at


def _mistake_in(text: str, limit: int, *, needed: bool = False) -> str:
    if needed and not text:
        return _("Say what is to be done.")
    problem = texts.problem_of(text, limit)
    if problem is None:
        return ""
    if problem.kind == "characters":
        return problem.sentence
    sentence = ngettext(
        "This is %(surplus)d character longer than the CRM allows.",
        "This is %(surplus)d characters longer than the CRM allows.",
        problem.surplus,
    )
    return sentence % {"surplus": problem.surplus}


def _mistake_in_time(due_at: datetime | None) -> str:
    if due_at is None:
        return _("Choose a day and a time.")
    if due_at < timezone.now() - LATE:
        return _("This time has passed. Choose a later one.")
    return _("This is too far away. Choose an earlier day.") if due_at > timezone.now() + FARTHEST else ""


# ── around it ────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_call(leg: Leg) -> list[FollowUp]:
    """What this agent planned after this call, in that order."""
    return _OF_CALL.rows(call=leg.call_id, author=leg.agent_id)


_OF_CALL = Prepared(lambda call, author: FollowUp.objects.filter(call=call, author=author).order_by("pk"))


def regard(leg: Leg) -> None:
    """It was said whom the call is about: tasks written about nobody get that record."""
    with transaction.atomic():
        for pk in _ABOUT_NOBODY.rows(call=leg.call_id):
            FollowUp.objects.filter(pk=pk).update(next_try_at=timezone.now())
            deliver_after_commit(pk)


_ABOUT_NOBODY = Prepared(
    lambda call: FollowUp.objects.filter(
        Q(written_about=None) | ~Q(left_out=""), call=call, state=FollowUp.State.WRITTEN
    ).values_list("pk", flat=True)
)


def after_sign_in(agent: Agent) -> None:
    """Everything that waited for it goes out."""
    waiting = FollowUp.objects.filter(author=agent, state=FollowUp.State.QUEUED)
    with transaction.atomic():
        waiting.update(next_try_at=timezone.now())
        for pk in waiting.values_list("pk", flat=True):
            deliver_after_commit(pk)


def sweep() -> None:
    """Every minute: what no job hurried."""
    now = timezone.now()
    due = FollowUp.objects.filter(delivering.is_free(now), next_try_at__lte=now).exclude(state=FollowUp.State.REFUSED)
    for pk in due.order_by("next_try_at").values_list("pk", flat=True)[:500]:
        deliver_after_commit(pk)


def deliver_after_commit(pk: int) -> None:
    from crmwindow import tasks  # jobs know the verbs, not the other way round

    transaction.on_commit(lambda: tasks.deliver_follow_up(pk))


def unwritten(agent: Agent) -> QuerySet[FollowUp]:
    """Tasks of this agent that are not in the CRM yet, newest first, with their calls."""
    rows = FollowUp.objects.filter(~Q(state=FollowUp.State.WRITTEN), author=agent)
    return rows.select_related("call").order_by("-queued_at")
