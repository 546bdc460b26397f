"""What the voice menu learned about a call, for the agent who takes it. Values that were compared are not among it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crmwindow import outbox
from crmwindow.blind import blind, blinds
from crmwindow.models import Call, IvrFunction, IvrStep, Leg
from tenants.models import Tenant
from tenants.prepared import Prepared, PreparedInsert

Kind = IvrFunction.Kind
MOST = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One stop on the caller's way. `tone`: "ok", "bad" or ""; `answers` are (what was asked, what the caller said)."""

    title: str
    text: str
    kind: str
    result: str
    tone: str
    at: datetime
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Badge:
    """The caller is verified: `text` is short, `how` a sentence."""

    text: str
    how: str
    at: datetime


def note(
    *,
    tenant: Tenant,
    kind: str,
    result: str,
    function: IvrFunction | None = None,
    unique_id: str = "",
    number: str = "",
    reason: str = "",
    record: tuple[str, str] | None = None,
    answers: Mapping[str, str] | None = None,
    milliseconds: int = 0,
) -> IvrStep:
    """Remember what a function answered, and tell the agents on whose cards the call is. `number` is E.164 or ""."""
    step = IvrStep(
        tenant=tenant,
        function=function if function and function.pk else None,
        unique_id=unique_id[:128],
        number=number,
        number_blind=blind(tenant, number) if number else "",
        name=function.name if function else "",
        title=function.title if function else "",
        kind=kind,
        result=result,
        reason=reason,
        badge=bool(function and function.badge and result == "verified"),
        record_table=record[0] if record else "",
        record_id=UUID(record[1]) if record else None,
        answers=json.dumps(dict(answers), ensure_ascii=False) if answers else "",
        milliseconds=milliseconds,
        at=timezone.now(),
    )
    if not step.unique_id or not _is_told(step):
        _add(step)
        return step
    with transaction.atomic(savepoint=False):
        _add(step)
        outbox.tell(_on_whose_cards(step))
    return step


_add = PreparedInsert(IvrStep)


def _on_whose_cards(step: IvrStep) -> Iterable[int]:
    return _ON_CARDS.rows(tenant=step.tenant_id, unique_id=step.unique_id)


_ON_CARDS = Prepared(
    lambda tenant, unique_id: (
        Leg.objects.open().filter(call__tenant=tenant, call__unique_id=unique_id).values_list("agent", flat=True)
    )
)


def of(call: Call, *, steps: list[IvrStep] | None = None) -> list[Step]:
    """The caller's way through the menu, in order; several tries of one function are one step."""
    rows = [row for row in (steps_of(call) if steps is None else steps) if _is_told(row)]
    tries = (list(group) for _key, group in groupby(rows, key=lambda row: (row.function_id, row.name, row.kind)))
    return [step for group in tries for step in _told(group)][-MOST:]


def badge(call: Call, record: tuple[str, UUID] | None = None, *, steps: list[IvrStep] | None = None) -> Badge | None:
    """Is the caller verified: within this very call, from this very number. `record` is whom the card shows: who was
    verified as somebody else has no badge there.
    """
    rows = [row for row in (steps_of(call) if steps is None else steps) if row.badge and row.result == "verified"]
    fits = [row for row in rows if record is None or row.record_id is None or _record_of(row) == record]
    if not fits:
        return None
    title = _title(fits[-1])
    how = _("The voice menu compared what the caller entered with the CRM: %(title)s.") % {"title": title}
    is_pin = re.search(r"(?<![a-z])pin(?![b-df-z])", f"{title} {fits[-1].name}", re.IGNORECASE)
    return Badge(_("Verified by PIN") if is_pin else _("Verified"), how, fits[-1].at)


def steps_of(call: Call) -> list[IvrStep]:
    """The rows of this call, and of the number it came from: who takes a call over by another number takes no badge with it."""
    if not call.unique_id or call.private_to_id:
        return []
    rows = _STEPS.rows(tenant=call.tenant_id, unique_id=call.unique_id)
    known = set(blinds(call.tenant, call.number)) if call.caller == Call.Caller.NUMBER else {""}
    return [row for row in rows if row.number_blind in known]


_STEPS = Prepared(
    lambda tenant, unique_id: IvrStep.objects.filter(tenant=tenant, unique_id=unique_id).order_by("at", "pk")
)


def _record_of(row: IvrStep) -> tuple[str, UUID | None]:
    return row.record_table, row.record_id


def _is_told(row: IvrStep) -> bool:
    """A look-up that only asked who calls is no stop on anybody's way."""
    return row.kind != Kind.LOOKUP or bool(row.title)


def _title(row: IvrStep) -> str:
    return row.title or row.name or str(row.get_kind_display())


def _told(group: list[IvrStep]) -> Iterator[Step]:
    if group[0].kind in {Kind.VERIFY, Kind.IDENTIFY}:
        yield _tried(group)
    else:
        yield from (_step(row, *_outcome(row)) for row in group)


def _tried(group: list[IvrStep]) -> Step:
    """`PIN: agrees on the 2nd try`."""
    last = group[-1]
    tries = sum(row.result in {"refused", "verified", "identified"} for row in group)
    if last.result in {"verified", "identified"}:
        return _step(last, _agreed(tries), "ok")
    if last.result == "refused":
        text = ngettext("does not agree, %(tries)d try", "does not agree, %(tries)d tries", tries) % {"tries": tries}
        return _step(last, text, "bad")
    return _step(last, *_outcome(last))


def _agreed(tries: int) -> str:
    return _("agrees") if tries < 2 else _("agrees at try %(tries)d") % {"tries": tries}


def _outcome(row: IvrStep) -> tuple[str, str]:
    words: dict[str, tuple[str, str]] = {
        "found": (_("found"), ""),
        "ambiguous": (_("several records"), ""),
        "not_found": (_("not found"), ""),
        "locked": (_("locked after wrong values"), "bad"),
        "unavailable": (_("the CRM did not answer"), "bad"),
    }
    return words.get(row.result, ("", ""))


def _step(row: IvrStep, text: str, tone: str) -> Step:
    return Step(_title(row), text, row.kind, row.result, tone, row.at, tuple(_answers(row)))


def _answers(row: IvrStep) -> Iterator[tuple[str, str]]:
    stored: Any = json.loads(row.answers) if row.answers else {}
    yield from ((str(name), str(said)) for name, said in stored.items() if str(said).strip())
