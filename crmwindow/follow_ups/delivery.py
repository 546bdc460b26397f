"""One attempt to bring a follow-up task into Dataverse, under its author's name, exactly once.

The task's GUID is the row's `code`, which nobody but us has ever known: whatever is there under it, we made. So a create whose
answer was lost is settled by reading, and a repeated one is refused (412) instead of doubled. Afterwards the texts are erased.
No transaction is open while Microsoft is asked; the lease says who is at work, and every later UPDATE requires it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.utils import timezone

from crmwindow import delivering, linking, outbox
from crmwindow.delivering import LEASE, SECONDS, LostLease
from crmwindow.follow_ups import planning, task
from crmwindow.models import Call, FollowUp
from tenants import connections
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.metadata import Metadata
from tenants.fields import seal

READ_BACK = ("subject", "scheduledend", "_regardingobjectid_value", "_createdby_value")
ANY_VERSION = "*"

logger = logging.getLogger(__name__)


def deliver(pk: int) -> None:
    """One attempt, if the task is due and nobody is at it. Never raises for what Dataverse does."""
    lease = _take_lease(pk)
    if lease is None:
        return
    rows = FollowUp.objects.select_related("call", "author__tenant__instance")
    row = rows.defer("author__tenant__instance__metadata").get(pk=pk)
    attempt = _Attempt(row, lease)
    try:
        attempt.run()
    except LostLease:
        logger.info("A follow-up task was taken over by another delivery.")
    except errors.DataverseError as error:
        _failed(attempt, error)
    except Exception:
        logger.exception("The delivery of a follow-up task broke off.")
        _failed(attempt, errors.Unavailable())


def _take_lease(pk: int) -> datetime | None:
    now = timezone.now()
    due = FollowUp.objects.filter(delivering.is_free(now), pk=pk, next_try_at__lte=now)
    lease = now + LEASE
    return lease if due.exclude(state=FollowUp.State.REFUSED).update(lease_until=lease) else None


class _Attempt:
    def __init__(self, row: FollowUp, lease: datetime) -> None:
        self.row, self.lease = row, lease
        self.instance = row.author.tenant.instance
        self.budget = Budget(SECONDS)

    def run(self) -> None:
        self.client = connections.client_for(self.row.author)
        metadata = connections.metadata(self.instance, self.client, self.budget)
        try:
            if metadata.find(task.TASK) is None:
                raise errors.UnknownName("Tasks were not read with the other tables.")
            self._carry_out(metadata)
        except errors.UnknownName:
            self._carry_out(connections.metadata(self.instance, self.client, self.budget, refresh=True))

    def _carry_out(self, metadata: Metadata) -> None:
        table = metadata.table(task.TASK)
        self.path = odata.record(table.entity_set, self.row.code)
        self.columns = [name for name in READ_BACK if name in table.properties]
        if self.row.state == FollowUp.State.QUEUED:
            self._create(table.entity_set, task.body(self.row, metadata), task.regarding(self.row, metadata))
        else:
            self._add_regarding(task.regarding(self.row, metadata))

    def _create(self, entity_set: str, body: dict[str, Any], link: dict[str, Any]) -> None:
        there, left_out = self._create_linked(entity_set, body, link)
        written = {
            "state": FollowUp.State.WRITTEN,
            "created": True,
            "written_at": timezone.now(),
            "written_about": task.regarded(there),
            "left_out": left_out,
        }
        erased = {"subject": b"", "description": b"", "detail": b"", "problem": ""}
        self._finish(**written, **erased)
        outbox.tell([self.row.author_id])

    def _create_linked(self, entity_set: str, body: dict[str, Any], link: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """With the record it is about, or without it where Dataverse refuses just that; then why stands last."""
        left_out = ""
        try:
            there = self._create_as(entity_set, body)
        except (errors.MissingPrivilege, errors.NotFound) as error:
            left_out = linking.left_out_because(error, self._about())
            if not left_out:
                raise
            there = self._create_as(entity_set, {name: value for name, value in body.items() if name not in link})
        if link and not left_out and task.regarded(there) is None:
            left_out = self._link(link)  # an attempt that died had left it out
            there = self._read()
        return there, left_out

    def _create_as(self, entity_set: str, body: dict[str, Any]) -> dict[str, Any]:
        there, _lost = delivering.create_and_read(
            lambda: self.client.create(entity_set, body, record_id=str(self.row.code), budget=self.budget), self._read
        )
        return there

    def _about(self) -> linking.About | None:
        call = self.row.call
        return (call.regarding_table, call.regarding_id) if call.regarding_id else None

    def _read(self) -> dict[str, Any]:
        return self.client.get(odata.query(self.path, select=self.columns), budget=self.budget).data or {}

    def _add_regarding(self, body: dict[str, Any]) -> None:
        """It was written about nobody, and now it is known whom the call is about. A refusal leaves it as it is."""
        left_out = self._link(body) if body else ""
        self._finish(written_about=self.row.call.regarding_id, left_out=left_out)
        if left_out != self.row.left_out:
            outbox.tell([self.row.author_id])

    def _link(self, body: dict[str, Any]) -> str:
        """Why that was refused; "" when it was not, or for another reason than the record."""
        try:
            self.client.request("PATCH", self.path, json=body, if_match=ANY_VERSION, budget=self.budget)
        except (
            errors.MissingPrivilege,
            errors.NotFound,
            errors.Refused,
            errors.Closed,
            errors.VersionMismatch,
        ) as error:
            logger.info("Dataverse refused what a follow-up task should be about.")
            return linking.left_out_because(error, self._about())
        return ""

    def _finish(self, **values: Any) -> None:
        """Note it down and free the row; raises LostLease. Whom the call is about may have been said meanwhile."""
        mine = FollowUp.objects.filter(pk=self.row.pk, lease_until=self.lease)
        if not mine.update(lease_until=None, next_try_at=None, tries=0, **values):
            raise LostLease
        now_about = Call.objects.values_list("regarding_id", flat=True).get(pk=self.row.call_id)
        if values["written_about"] is None and now_about and now_about != self.row.call.regarding_id:
            FollowUp.objects.filter(pk=self.row.pk).update(next_try_at=timezone.now())
            planning.deliver_after_commit(self.row.pk)


# ── when it did not work ─────────────────────────────────────────────────────────────────────────────────────────────


def _failed(attempt: _Attempt, error: errors.DataverseError) -> None:
    verdict = delivering.verdict_of(error)
    row = attempt.row
    mine = FollowUp.objects.filter(pk=row.pk, lease_until=attempt.lease)
    if verdict.final:
        about = error.privilege if isinstance(error, errors.MissingPrivilege) else error.detail[:500]
        final = {"state": FollowUp.State.REFUSED, "problem": verdict.problem, "detail": seal(row, "detail", about)}
        mine.filter(state=FollowUp.State.QUEUED).update(**final)
        mine.update(lease_until=None, next_try_at=None)
    else:
        later = timezone.now() + delivering.pause(error, row.tries)
        mine.filter(state=FollowUp.State.QUEUED).update(problem=verdict.problem)
        mine.update(lease_until=None, next_try_at=later, tries=row.tries + 1)
    outbox.tell([row.author_id])
    if verdict.problem == "sign_in" and delivering.signed_in_meanwhile(row.author):
        planning.after_sign_in(row.author)
