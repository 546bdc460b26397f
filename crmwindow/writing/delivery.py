"""One attempt to bring a row into the customer's CRM through the system account, exactly once.

The row's GUID there is its `code`, so a create that is repeated is refused (412) instead of doubled; whatever the answer, the
record is read, and only what was read counts as written. `sent_at` remembers that it may be there: then it is looked for before
anything is planned again. Rows of one call go in the order in which they came. No transaction is open while Microsoft is asked.

Source: Microsoft, "Perform conditional operations using the Web API", "Assign table rows", "Service protection API limits".
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from crmwindow import delivering
from crmwindow.delivering import SECONDS, LostLease, Verdict
from crmwindow.models import CrmWrite
from crmwindow.writing import accepting, jobs, owners, planning, tables
from crmwindow.writing.owners import Owner
from crmwindow.writing.planning import Plan, Unwritable
from crmwindow.writing.tables import Reader
from tenants import connections
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.metadata import PARTIES, Table
from tenants.entra import EntraMisconfigured
from tenants.fields import seal
from tenants.models import Instance, SystemAccount

State = CrmWrite.State
PATIENT_TRIES = 5
"""After so many a table that never answers is left out when the caller's record is looked for."""
NOT_PROVEN_PAUSE = timedelta(minutes=10)

logger = logging.getLogger(__name__)


def deliver(pk: int) -> None:
    """One attempt, if the row is due and nobody is at it. Never raises for what Dataverse does."""
    lease = jobs.take_lease(pk, timezone.now())
    if lease is None:
        return
    rows = CrmWrite.objects.select_related("tenant", "function__tenant", "call__tenant")
    attempt = _Attempt(rows.get(pk=pk), lease)
    try:
        attempt.run()
    except LostLease:
        logger.info("A write to a CRM was taken over by another delivery.")
        return
    except Unwritable as refusal:
        attempt.refuse(refusal.problem, refusal.detail)
    except errors.DataverseError as error:
        attempt.failed(error)
    except Exception:
        logger.exception("A write to a CRM broke off.")
        attempt.wait(Verdict("error"), delivering.pause(errors.Unavailable(), attempt.write.tries))
    jobs.hurry_the_next(attempt.write, timezone.now())


def sweep() -> None:
    """Every minute: find what no job hurried, and what waited for a system account that is there now."""
    now = timezone.now()
    accepting.release_those_without_account(now)
    for pk in jobs.due(now).order_by("next_try_at").values_list("pk", flat=True)[: jobs.AT_ONCE]:
        jobs.deliver_after_commit(pk)


class _Attempt:
    def __init__(self, write: CrmWrite, lease: datetime) -> None:
        self.write, self.lease = write, lease
        self.may_be_there = write.sent_at is not None
        self.budget = Budget(SECONDS)

    def run(self) -> None:
        instance = Instance.objects.filter(tenant=self.write.tenant).select_related("tenant").first()
        account = SystemAccount.objects.filter(instance=instance).select_related("instance__tenant").first()
        if instance is None or account is None:
            self._progress(state=State.NO_ACCOUNT, problem="", lease_until=None)
            return
        if not instance.is_proven:
            self.wait(Verdict("not_proven"), NOT_PROVEN_PAUSE)
            return
        client = connections.client_for(account)
        try:
            self._carry_out(tables.read(account.instance, client, self.budget))
        except errors.UnknownName:
            self._carry_out(tables.read(account.instance, client, self.budget, refresh=True))

    def _carry_out(self, reader: Reader) -> None:
        if self.may_be_there and self._is_there(reader, reader.table(self.write.table)):
            self._written()
            return
        plan = planning.of(self.write, reader, patient=self.write.tries < PATIENT_TRIES)
        self._write_for_somebody(reader, plan)
        self._written()

    def _is_there(self, reader: Reader, table: Table) -> bool:
        try:
            self._read(reader, table)
        except errors.NotFound:
            self.may_be_there = False
        return self.may_be_there

    def _read(self, reader: Reader, table: Table) -> dict[str, Any]:
        path = odata.query(odata.record(table.entity_set, self.write.code), select=[table.id_column])
        return reader.client.get(path, budget=self.budget).data or {}

    # -- creating --

    def _write_for_somebody(self, reader: Reader, plan: Plan) -> None:
        """For the best owner whom Dataverse takes; last for the account itself, whose refusal is about the row."""
        record, several = plan.record, bool(plan.caller.others)
        rule = plan.rule if plan.has_owner else ""
        for owner in owners.candidates(reader, plan.table, rule=rule, record=record, several=several):
            try:
                self._create(reader, plan, owner)
                return
            except errors.DataverseError as error:
                if not owner.id or not owners.speaks_of_owner(error):
                    raise

    def _create(self, reader: Reader, plan: Plan, owner: Owner) -> None:
        self._progress(
            sent_at=timezone.now(),
            table=plan.table.logical_name,
            record_table=plan.record.table if plan.record else "",
            record_id=UUID(plan.record.record_id) if plan.record else None,
            owner_id=owner.id,
            owner_kind=owner.kind,
            owner_why=" ".join(owner.why)[:100],
        )
        body = plan.body_for(owner)

        def create() -> None:
            self.may_be_there = True
            delivering.create_once(
                reader.client,
                instance=reader.instance,
                table=plan.table,
                record_id=self.write.code,
                body=body,
                parties=PARTIES,
                budget=self.budget,
            )

        try:
            delivering.create_and_read(create, lambda: self._read(reader, plan.table))
        except errors.DataverseError as error:
            if not isinstance(error, errors.Unavailable):
                self.may_be_there = False  # it was refused, and reading it found nothing
            raise

    # -- afterwards --

    def _written(self) -> None:
        self._progress(
            state=State.WRITTEN,
            written_at=timezone.now(),
            content=b"",
            problem="",
            detail=b"",
            next_try_at=None,
            lease_until=None,
        )

    def failed(self, error: errors.DataverseError) -> None:
        verdict = _verdict_of(error)
        if verdict.final:
            self.refuse(verdict.problem, _about(error))
            return
        pause = delivering.pause(error, self.write.tries)
        if isinstance(error, EntraMisconfigured):
            pause = timedelta(seconds=delivering.LONGEST_PAUSE)
        self.wait(verdict, pause)
        if isinstance(error, errors.Throttled):
            _hold_all(self.write, timezone.now() + pause)

    def refuse(self, problem: str, detail: Any) -> None:
        """Somebody has to act first; it stays in the list until then."""
        sealed = seal(self.write, "detail", json.dumps(detail) if detail else "")
        self._leave(state=State.REFUSED, problem=problem, detail=sealed, next_try_at=None)

    def wait(self, verdict: Verdict, pause: timedelta) -> None:
        self._leave(problem=verdict.problem, next_try_at=timezone.now() + pause, tries=self.write.tries + 1)

    def _leave(self, **values: Any) -> None:
        sent_at = self.write.sent_at if self.may_be_there else None
        mine = CrmWrite.objects.filter(pk=self.write.pk, lease_until=self.lease)
        mine.update(lease_until=None, sent_at=sent_at, **values)

    def _progress(self, **values: Any) -> None:
        """Write down what is done. Raises LostLease."""
        if not CrmWrite.objects.filter(pk=self.write.pk, lease_until=self.lease).update(**values):
            raise LostLease
        for name, value in values.items():
            setattr(self.write, name, value)


def _hold_all(write: CrmWrite, until: datetime) -> None:
    """Microsoft counts requests per user, and all of this customer's rows are written by one."""
    others = CrmWrite.objects.filter(tenant=write.tenant_id, state=State.QUEUED, next_try_at__lt=until)
    others.filter(delivering.is_free(timezone.now())).update(next_try_at=until, problem="throttled")


_MORE_VERDICTS: tuple[tuple[type[errors.DataverseError], Verdict], ...] = (
    (EntraMisconfigured, Verdict("account")),
    (errors.AlreadyExists, Verdict("duplicate", final=True)),
    (errors.UnknownName, Verdict("drift", final=True)),
)


def problem_and_detail(error: errors.DataverseError) -> tuple[str, dict[str, Any]]:
    """A short word and what its sentence names."""
    return _verdict_of(error).problem, _about(error)


def _verdict_of(error: errors.DataverseError) -> Verdict:
    if isinstance(error, errors.NotFound) and error.table:
        return Verdict("no_table", final=True)
    known = next((verdict for kind, verdict in _MORE_VERDICTS if isinstance(error, kind)), None)
    return known or delivering.verdict_of(error)


def _about(error: errors.DataverseError) -> dict[str, Any]:
    """Names and codes for the sentence; nothing a customer's row could be recognised by."""
    privilege = error.privilege if isinstance(error, errors.MissingPrivilege) else ""
    name = error.name if isinstance(error, errors.UnknownName) else ""
    column = error.column if isinstance(error, errors.TooLong) else ""
    table = error.table if isinstance(error, errors.NotFound | errors.MissingPrivilege) else ""
    told = {"privilege": privilege, "name": name or column, "table": table, "code": error.code}
    return {key: value for key, value in told.items() if value}
