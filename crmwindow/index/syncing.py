"""Brings a customer's index up to date: everything once, then what changed, page by page.

A page is applied together with the link to the next one, so whoever is killed in between goes on where the last page ended.
No transaction is held while Microsoft is asked. Source: Microsoft, "Use change tracking to synchronize data with external
systems".
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from crmwindow import blind
from crmwindow.index import lease, numbers
from crmwindow.index.reading import Entry, entries
from crmwindow.models import CallCandidates, IndexState, NumberIndex
from crmwindow.search import problem_of
from tenants import connections, entra, schema
from tenants.dataverse import errors, odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Answer, Client
from tenants.dataverse.metadata import Metadata
from tenants.models import Instance, SystemAccount
from tenants.schema import SearchTable

PAGE = 5_000
PAGE_SECONDS = 30.0
SECONDS = 20.0
SLICE = 15.0
"""Seconds after which a worker lets others have their turn."""
ANEW_AFTER = timedelta(minutes=10)
"""A build that was refused again as soon as it was complete is not repeated at once."""
NOT_TRACKED = ("0x80072491",)
Stage = IndexState.Stage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a generation must be made of to go on with it; anything else is a reason for a new one."""

    table: SearchTable
    key_id: str
    organization_id: UUID
    country: str

    @property
    def columns(self) -> list[str]:
        return [column.logical_name for column in self.table.phones]

    def fits(self, state: IndexState) -> bool:
        made_of = (state.key_id, state.organization_id, state.country, state.columns)
        return made_of == (self.key_id, self.organization_id, self.country, self.columns)


class _NoLongerValid(Exception):
    """Dataverse does not go on from the link it gave."""


def wanted(instance: Instance) -> bool:
    """Switched on, proven, and there is an account that reads the whole organization."""
    return instance.index and instance.is_proven and _account(instance) is not None


def _account(instance: Instance) -> SystemAccount | None:
    return getattr(instance, "system_account", None)


def due() -> list[int]:
    """Instances whose index should be looked after now: brought up to date, or removed."""
    now = timezone.now()
    on = Q(index=True, proven_at__isnull=False, system_account__isnull=False)
    free = Q(number_index=None) | Q(number_index__due_at__lte=now)
    unled = Q(number_index__lease_until=None) | Q(number_index__lease_until__lt=now)
    rows = Instance.objects.filter((on & free & unled) | (~on & Q(number_index__isnull=False)))
    return list(rows.order_by("number_index__due_at", "pk").values_list("pk", flat=True))


def hurry(instance: Instance) -> None:
    """Somebody changed what is indexed, or wants to see it done."""
    NumberIndex.objects.filter(instance=instance).update(due_at=timezone.now())


def remove(instance: Instance) -> None:
    """Everything the index knew of this customer. A worker that is at it loses its lease."""
    NumberIndex.objects.filter(instance=instance).delete()
    for state in IndexState.objects.filter(instance=instance):
        numbers.drop(state)
    CallCandidates.objects.filter(instance=instance).delete()


def sync(instance_pk: int) -> bool:
    """Bring it up to date, as far as one turn allows. True: there is more to do at once."""
    rows = Instance.objects.select_related("tenant", "system_account").defer("metadata")
    instance = rows.filter(pk=instance_pk).first()
    if instance is None:
        return False
    if not wanted(instance):
        remove(instance)
        return False
    held = lease.take(instance)
    if held is None:
        return False
    try:
        return _carry_out(instance, held)
    except lease.Lost:
        return False


def _carry_out(instance: Instance, held: lease.Lease) -> bool:
    try:
        finished = _Turn(instance, held).take()
    except errors.DataverseError as error:
        held.failed(_word(error), retry_after=error.retry_after)
        return False
    except lease.Lost:
        raise
    except Exception:
        logger.exception("The number index could not be brought up to date.")
        held.failed("error", retry_after=None)
        return False
    if not finished:
        held.interrupted()
        return True
    held.done(next_at=timezone.now() + timedelta(seconds=settings.INDEX_SYNC_SECONDS))
    return False


def _word(error: errors.DataverseError) -> str:
    if isinstance(error, entra.EntraMisconfigured | errors.SignInRequired):
        return "account"
    return "not_tracked" if error.code in NOT_TRACKED else problem_of(error)


class _Turn:
    """One worker's turn on one customer's tables."""

    def __init__(self, instance: Instance, held: lease.Lease) -> None:
        self.instance, self.held = instance, held
        self.ends = monotonic() + SLICE
        self.pages = 0
        self.client: Client = connections.client_for(instance.system_account)

    def take(self) -> bool:
        """True when all tables are up to date, as far as they can be."""
        organization = UUID(
            self.client.whoami(budget=Budget(SECONDS)).organization_id
        )  # first, so that there is a token
        metadata = connections.metadata(self.instance, self.client, Budget(SECONDS))
        key_id = next(iter(settings.INDEX_KEYS))
        tables = schema.of(self.instance, metadata).tables
        self._clear_away({each.table.logical_name for each in tables})
        failed: list[errors.DataverseError] = []
        for table in tables:
            if self.pages and monotonic() > self.ends:
                return False
            made_of = Wanted(table, key_id, organization, self.instance.tenant.country)
            try:
                if not self._table(made_of):
                    return False
            except (errors.MissingPrivilege, errors.UnknownName, errors.Refused) as error:
                self._note_problem(table, error, metadata)
                failed.append(error)
        if failed and len(failed) == len(tables):
            raise failed[0]
        return True

    def _note_problem(self, table: SearchTable, error: errors.DataverseError, metadata: Metadata) -> None:
        """This table cannot be indexed; callers are looked for in it live."""
        states = IndexState.objects.filter(instance=self.instance, table=table.table.logical_name)
        states.exclude(stage=Stage.RETIRED).update(problem=_word(error))
        if isinstance(error, errors.UnknownName):
            connections.forget_metadata(self.instance)

    def _clear_away(self, tables: set[str]) -> None:
        """What was replaced, and tables that are not searched any more."""
        states = IndexState.objects.filter(instance=self.instance)
        for state in states.filter(Q(stage=Stage.RETIRED) | ~Q(table__in=tables)):
            self._drop(state)

    def _drop(self, state: IndexState) -> None:
        with transaction.atomic():
            self.held.renew()
            numbers.drop(state)

    # one table

    def _table(self, made_of: Wanted) -> bool:
        """True when it is up to date; False when time is over."""
        states = IndexState.objects.filter(instance=self.instance, table=made_of.table.table.logical_name)
        serving = states.filter(stage=Stage.SERVING).first()
        if serving and made_of.fits(serving) and (serving.delta_link or serving.next_link):
            if not serving.next_link and serving.synced_at and serving.synced_at >= self.held.since:
                return True
            try:
                return self._pages(serving, made_of)
            except _NoLongerValid:
                if serving.next_link and serving.delta_link:  # that page is gone, the changes are not
                    IndexState.objects.filter(pk=serving.pk).update(next_link="")
                    return False
                if serving.generation > 1 and serving.started_at > timezone.now() - ANEW_AFTER:
                    raise errors.Refused("Change tracking gives links that are not accepted again.") from None
                self._forget_links(serving)
        return self._build(states.filter(stage=Stage.BUILDING).first(), serving, made_of)

    def _build(self, building: IndexState | None, serving: IndexState | None, made_of: Wanted) -> bool:
        if building and not made_of.fits(building):
            self._drop(building)
            building = None
        if building is None:
            building = self._begin(made_of)
        if not made_of.table.table.change_tracking:
            raise errors.Refused(code=NOT_TRACKED[0])
        try:
            finished = self._pages(building, made_of)
        except _NoLongerValid:
            self._drop(building)
            self._begin(made_of)
            return False
        if finished:
            self._replace(serving, building)
        return finished

    def _begin(self, made_of: Wanted) -> IndexState:
        states = IndexState.objects.filter(instance=self.instance, table=made_of.table.table.logical_name)
        last = states.aggregate(last=Max("generation"))["last"] or 0
        with transaction.atomic():
            self.held.renew()
            return IndexState.objects.create(
                instance=self.instance,
                table=made_of.table.table.logical_name,
                generation=last + 1,
                key_id=made_of.key_id,
                organization_id=made_of.organization_id,
                country=made_of.country,
                columns=made_of.columns,
            )

    def _forget_links(self, state: IndexState) -> None:
        state.next_link = state.delta_link = ""
        IndexState.objects.filter(pk=state.pk).update(next_link="", delta_link="")

    def _replace(self, old: IndexState | None, new: IndexState) -> None:
        """From one moment to the next the new generation answers; what it replaced is removed afterwards."""
        with transaction.atomic():
            self.held.renew()
            if old:
                IndexState.objects.filter(pk=old.pk).update(stage=Stage.RETIRED)
            IndexState.objects.filter(pk=new.pk).update(stage=Stage.SERVING)
        if old:
            self._drop(old)

    # pages

    def _pages(self, state: IndexState, made_of: Wanted) -> bool:
        """Apply all there are; True when the last one was among them, False when time is over."""
        makes_blind = blind.for_index(self.instance.tenant, state.key_id)
        while True:
            answer = self._asked(state, made_of)
            self.pages += 1
            rows = [row for row in answer.rows if row.get("reason") != "deleted"]
            gone = [UUID(row["id"]) for row in answer.rows if row.get("reason") == "deleted"]
            key, columns = made_of.table.table.id_column, [column.property for column in made_of.table.phones]
            found = entries(rows, key=key, columns=columns, country=state.country, blind=makes_blind)
            self._apply(state, answer, [*(UUID(row[key]) for row in rows), *gone], found)
            if not answer.next_link:
                return True
            if monotonic() > self.ends:
                return False

    def _asked(self, state: IndexState, made_of: Wanted) -> Answer:
        """The next page, with either a link to the one after it or one to later changes."""
        if not connection.in_atomic_block:
            close_old_connections()
        link = state.next_link or state.delta_link
        table = made_of.table.table
        select = (table.id_column, *(column.property for column in made_of.table.phones))
        path = link or odata.query(table.entity_set, select=select)
        try:
            answer = self.client.get(
                path, budget=Budget(PAGE_SECONDS), prefer=["odata.track-changes", f"odata.maxpagesize={PAGE}"]
            )
        except errors.DataverseError as error:
            if link and _is_about_the_link(error):
                raise _NoLongerValid from error
            raise
        if not (answer.next_link or _delta_link(answer)):
            raise errors.Refused("Dataverse gave no link to later changes.", code=NOT_TRACKED[0])
        return answer

    def _apply(self, state: IndexState, answer: Answer, records: Sequence[UUID], found: Sequence[Entry]) -> None:
        state.next_link = answer.next_link
        values: dict[str, Any] = {"next_link": answer.next_link, "problem": ""}
        if not answer.next_link:
            state.delta_link = _delta_link(answer)
            values |= {"delta_link": state.delta_link, "synced_at": timezone.now()}
        if state.stage == Stage.BUILDING:
            values["records"] = F("records") + len(records)
        with transaction.atomic():
            self.held.renew()
            numbers.replace(state, records, found)
            IndexState.objects.filter(pk=state.pk).update(**values)


def _delta_link(answer: Answer) -> str:
    return str((answer.data or {}).get("@odata.deltaLink") or "")


def _is_about_the_link(error: errors.DataverseError) -> bool:
    """An expired token (0x80044352), a page that is no longer there: anything that repeating would not change."""
    kinds = (errors.Refused, errors.NotFound, errors.UnknownName, errors.ForeignAddress)
    return isinstance(error, kinds) and error.code not in NOT_TRACKED
