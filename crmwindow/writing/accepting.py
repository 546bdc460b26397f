"""Taking in what is to be written: durably, once, and without asking Microsoft anything.

What the IVR sends is answered at once and delivered later. A missed call becomes a row when the call ends; should an agent turn
out to have taken it after all, the row is withdrawn while nothing was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.utils import timezone

from crmwindow import delivering, exchange, notes
from crmwindow.blind import blind, blinds
from crmwindow.ivr import functions, path
from crmwindow.models import Call, CrmWrite, IvrFunction
from crmwindow.notes import text as texts
from crmwindow.writing import jobs
from crmwindow.writing.values import Value
from tenants.models import SystemAccount, Tenant
from tenants.prepared import Prepared, PreparedInsert

State, Kind = CrmWrite.State, CrmWrite.Kind
SETTLED = timedelta(seconds=60)
"""After the end of a missed call: a late event may still say that somebody took it, or it may ring on elsewhere."""
SAME_WRITE = timedelta(minutes=1)
"""Without an Idempotency-Key, an equal body for the same call means the same write while it is no older than this."""
LONGEST_ON_CARD = 300


class UnknownValues(Exception):
    """The function is not set up to take values of these names."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class OtherBody(Exception):
    """The Idempotency-Key was used for something else."""


class OverCap(Exception):
    """The function has taken what it may take today."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


# ── from the IVR ─────────────────────────────────────────────────────────────────────────────────────────────────────


def accept(
    *, function: IvrFunction, number: str, unique_id: str, values: Mapping[str, Value], key: str = ""
) -> CrmWrite:
    """A row of its own, or the one that the same request made before.

    Raises UnknownValues, OtherBody, OverCap, NoSuchFunction when it was removed meanwhile, and MalformedEvent for a number
    or UniqueId no exchange could have sent.
    """
    announced = exchange.announcement(number=number, direction="incoming", unique_id=unique_id)
    if unknown := [name for name in values if name not in function.columns]:
        raise UnknownValues(unknown)
    tenant = function.tenant
    said = {"function": function.name, "unique_id": unique_id, "number": number, "values": dict(values)}
    body = json.dumps(said, sort_keys=True)
    party = exchange.party(announced.customer, outgoing=False, tenant=tenant)
    write = CrmWrite(
        tenant=tenant,
        kind=Kind.IVR,
        function=function,
        function_name=function.name,
        unique_id=announced.unique_id,
        number=party.number,
        number_blind=blind(tenant, party.number) if party.number.startswith("+") else "",
        table=function.entity.strip().lower(),
        content=json.dumps({"values": dict(values), "number": number}),
        idempotency_key=key,
        body_digest=blind(tenant, body),
    )
    try:
        return _store(write, blinds(tenant, body), values)
    except IntegrityError:  # the same key at the same moment, at another function
        if key and CrmWrite.objects.filter(tenant=tenant, idempotency_key=key).exists():
            raise OtherBody from None
        raise


def _store(write: CrmWrite, digests: list[str], values: Mapping[str, Value]) -> CrmWrite:
    function: Any = write.function
    with transaction.atomic():
        if not _LOCKED.rows(pk=function):  # one after the other
            raise functions.NoSuchFunction
        known = _known(write, digests)
        if known["before"]:
            return _before(known["before"], write.idempotency_key, digests)
        _check_cap(function, known["today"])
        write.call_id = known["call"]
        for name, value in _queued(timedelta(), has_account=known["has_account"]).items():
            setattr(write, name, value)
        _add(write)
        _note_step(function, write, values)
        jobs.deliver_after_commit(write.pk)
    return write


_add = PreparedInsert(CrmWrite)
_LOCKED = Prepared(
    lambda pk: IvrFunction.objects.select_for_update(no_key=True).filter(pk=pk).values_list("pk", flat=True)
)


def _known(write: CrmWrite, digests: list[str]) -> dict[str, Any]:
    """All that has to be known of other rows, in one statement: the same write made before, how many the function took
    today, the call, and whether there is a system account.
    """
    of = {"tenant": write.tenant, "function": write.function, "unique_id": write.unique_id, "midnight": _midnight()}
    if write.idempotency_key:
        (known,) = _KNOWN_BY_KEY.rows(**of, key=write.idempotency_key)
    else:
        (known,) = _KNOWN_BY_BODY.rows(**of, since=timezone.now() - SAME_WRITE, digests=digests)
    return dict(known)


def _around(tenant: Any, function: Any, unique_id: Any, midnight: Any, same: QuerySet[CrmWrite]) -> Any:
    today = CrmWrite.objects.filter(function=function, queued_at__gte=midnight).order_by()
    calls = Call.objects.filter(tenant=OuterRef("pk"), unique_id=unique_id, private_to=None)
    rows = Tenant.objects.filter(pk=tenant).annotate(
        before=Subquery(same.filter(tenant=OuterRef("pk")).order_by("pk").values("pk")[:1]),
        today=Subquery(today.values("function").annotate(count=Count("pk")).values("count")),
        call=Subquery(calls.order_by("pk").values("pk")[:1]),
        has_account=Exists(SystemAccount.objects.filter(instance__tenant=OuterRef("pk"))),
    )
    return rows.values("before", "today", "call", "has_account")


_KNOWN_BY_KEY = Prepared(
    lambda tenant, function, unique_id, midnight, key: _around(
        tenant, function, unique_id, midnight, CrmWrite.objects.filter(idempotency_key=key)
    )
)
_KNOWN_BY_BODY = Prepared(
    lambda tenant, function, unique_id, midnight, since, digests: _around(
        tenant, function, unique_id, midnight,
        CrmWrite.objects.filter(idempotency_key="", function=function, queued_at__gt=since, body_digest__in=digests),
    )
)  # fmt: skip


def _before(pk: int, key: str, digests: list[str]) -> CrmWrite:
    found = CrmWrite.objects.get(pk=pk)
    if key and found.body_digest not in digests:
        raise OtherBody
    return found


def _midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def _check_cap(function: IvrFunction, taken: int | None) -> None:
    if (taken or 0) >= function.daily_cap:
        left = _midnight() + timedelta(days=1) - timezone.localtime()
        raise OverCap(max(1, int(left.total_seconds())))


def _queued(pause: timedelta, *, has_account: bool) -> dict[str, Any]:
    """Waiting its turn, or for a system account to be set up."""
    now = timezone.now()
    state = State.QUEUED if has_account else State.NO_ACCOUNT
    return {"state": state, "queued_at": now, "next_try_at": now + pause}


def _note_step(function: IvrFunction, write: CrmWrite, values: Mapping[str, Value]) -> None:
    """For the agent who gets the call: what the caller said to the menu."""
    answers = {name: _in_short(value) for name, value in values.items() if value is not None}
    path.note(
        tenant=function.tenant,
        kind=function.kind,
        result="accepted",
        function=function,
        unique_id=write.unique_id,
        number=write.number if write.number_blind else "",
        answers=answers,
    )


def _in_short(value: Value) -> str:
    """The whole of it goes into the CRM."""
    text = texts.normalised(str(value))
    return text if len(text) <= LONGEST_ON_CARD else f"{text[:LONGEST_ON_CARD]}…"


# ── missed calls ─────────────────────────────────────────────────────────────────────────────────────────────────────


def missed(call: Call) -> None:
    """Nobody took it. Called whenever events say so; the row is made once and comes back after a withdrawal."""
    if not notes.is_writable(call):
        return
    has_account = SystemAccount.objects.filter(instance__tenant=call.tenant_id).exists()
    write = CrmWrite(
        tenant=call.tenant,
        kind=Kind.MISSED_CALL,
        call=call,
        unique_id=call.unique_id,
        number=call.number,
        number_blind=call.number_blind,
        table="phonecall",
        **_queued(SETTLED, has_account=has_account),
    )
    with transaction.atomic():
        CrmWrite.objects.bulk_create([write], ignore_conflicts=True)
        rows = CrmWrite.objects.filter(kind=Kind.MISSED_CALL, call=call)
        rows.filter(state=State.WITHDRAWN).update(state=write.state, next_try_at=write.next_try_at)
        jobs.deliver_after_commit(rows.values_list("pk", flat=True).get(), delay=SETTLED)


def withdraw(call: Call) -> None:
    """Somebody took it after all. What may already be in the CRM stays as it is."""
    rows = CrmWrite.objects.filter(kind=Kind.MISSED_CALL, call=call, sent_at=None).filter(
        delivering.is_free(timezone.now())
    )
    rows.filter(state__in=UNWRITTEN).update(state=State.WITHDRAWN, next_try_at=None, problem="")


# ── afterwards ───────────────────────────────────────────────────────────────────────────────────────────────────────

UNWRITTEN = (State.QUEUED, State.NO_ACCOUNT, State.REFUSED)


def unwritten(tenant: Tenant) -> QuerySet[CrmWrite]:
    return CrmWrite.objects.filter(tenant=tenant, state__in=UNWRITTEN)


def try_again(writes: QuerySet[CrmWrite]) -> int:
    """At once, unless Microsoft asked us to wait or there is still nobody to write as. Answers how many."""
    now = timezone.now()
    writable = writes.filter(tenant__instance__system_account__isnull=False)
    refused = writable.filter(state__in=[State.REFUSED, State.NO_ACCOUNT])
    waiting = writable.filter(state=State.QUEUED, next_try_at__gt=now).exclude(problem="throttled")
    keys = [*refused.values_list("pk", flat=True), *waiting.values_list("pk", flat=True)]
    with transaction.atomic():
        _release(keys, now)
    return len(keys)


def release_those_without_account(now: datetime) -> int:
    """A system account was set up: what was listed earlier goes out, as far back as calls are kept."""
    waiting = CrmWrite.objects.filter(state=State.NO_ACCOUNT, tenant__instance__system_account__isnull=False)
    released = 0
    for tenant in Tenant.objects.filter(pk__in=waiting.values("tenant")).only("pk", "retention_days"):
        since = now - timedelta(days=tenant.retention_days)
        mine = waiting.filter(tenant=tenant, queued_at__gt=since).order_by("pk")
        keys = list(mine.values_list("pk", flat=True)[: jobs.AT_ONCE])
        _release(keys, now)
        released += len(keys)
    return released


def _release(keys: list[int], now: datetime) -> None:
    for start in range(0, len(keys), jobs.AT_ONCE):
        some = CrmWrite.objects.filter(pk__in=keys[start : start + jobs.AT_ONCE], state__in=UNWRITTEN)
        some.update(state=State.QUEUED, next_try_at=now, problem="", tries=0)
    for pk in keys[: jobs.AT_ONCE]:  # the sweep finds the rest
        jobs.deliver_after_commit(pk)
