"""A task that its author has begun to fill in: kept as it is typed, until the task is planned or given up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crmwindow import outbox
from crmwindow.models import FollowUp, FollowUpDraft, Leg
from crmwindow.notes.windows import Window
from tenants.fields import seal
from tenants.prepared import Prepared

FIELDS = ("subject", "description", "when", "day", "clock")
LONGEST = 20_000


def of_call(leg: Leg) -> list[FollowUpDraft]:
    """What this agent has begun after this call, oldest first."""
    return _OF_CALL.rows(call=leg.call_id, author=leg.agent_id)


_OF_CALL = Prepared(lambda call, author: FollowUpDraft.objects.filter(call=call, author=author).order_by("pk"))


def keep(*, leg: Leg, form: UUID, values: Mapping[str, str], window: Window) -> None:
    """Whatever was typed. A save that was overtaken, or came after the task was planned, changes nothing."""
    text = json.dumps({name: values.get(name, "")[:LONGEST] for name in FIELDS}, ensure_ascii=False)
    with transaction.atomic():
        if FollowUp.objects.filter(author=leg.agent_id, form=form).exists():
            return
        new = FollowUpDraft(call=leg.call, author=leg.agent, form=form, edited_at=timezone.now())
        FollowUpDraft.objects.bulk_create([new], ignore_conflicts=True)
        row = FollowUpDraft.objects.select_for_update(no_key=True).get(author=leg.agent_id, form=form)
        if row.typed_page == window.page and window.turn < row.typed_turn:
            return
        seen = {"typed_page": window.page, "typed_turn": window.turn, "edited_at": timezone.now()}
        FollowUpDraft.objects.filter(pk=row.pk).update(**{"values": seal(row, "values", text)}, **seen)
        if row.code == new.code:
            outbox.tell([leg.agent_id])


def values_of(row: FollowUpDraft) -> dict[str, str]:
    """`FIELDS` as they were typed."""
    found: dict[str, str] = json.loads(row.values) if row.values else {}
    return {name: found.get(name, "") for name in FIELDS}


def forget(leg: Leg, form: UUID) -> None:
    """It was planned, or its author gives it up."""
    with transaction.atomic():
        if FollowUpDraft.objects.filter(author=leg.agent_id, form=form).delete()[0]:
            outbox.tell([leg.agent_id])
