"""Asking one customer's Dataverse through the system account, so that an answer comes in time whatever Microsoft does.

All calls of a customer share one account, and Microsoft counts per account. So each instance has a `Reader`: threads of its
own, of which a flood of calls can take no more; answers kept for some seconds and joined when two ask the same; a gate that
heeds 429 and lets nobody ask while Microsoft is down. A caller waits no longer than their budget; what comes later still
becomes the answer to the next one. All of this is the state of this process: each process learns for itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from uuid import UUID

from django.db import close_old_connections, connection
from django.utils import timezone, translation
from django.utils.translation import get_language

from crmwindow.ivr.joined import Joined
from crmwindow.ivr.watching import Nobody, Watch
from tenants import connections, entra, schema
from tenants.briefly import Briefly
from tenants.dataverse import errors
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.dataverse.gate import Gate, Held
from tenants.dataverse.metadata import Metadata, Table
from tenants.fields import Sealed
from tenants.models import Agent, Instance, SystemAccount, Tenant
from tenants.prepared import Prepared

QUESTIONS = 12
"""Of one instance worked on at once; each sends one request per table. Microsoft allows 52 requests at a time."""
REQUESTS = 40
WAITING = 120
"""Questions of one instance begun or waiting. More are refused at once: they could not be answered in time."""
ASKING_SECONDS = 8.0
"""How long Microsoft is waited for, however short the caller's own budget is."""
ANSWERS_KEPT = 10.0
OWNERS_KEPT = 600.0
ROSTER_KEPT = 30.0

logger = logging.getLogger(__name__)
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (errors.Throttled, "throttled"),
    (errors.SignInRequired, "system_account"),
    (entra.EntraMisconfigured, "system_account"),
    (errors.NotAMember, "system_account"),
    (errors.MissingPrivilege, "rights"),
    (errors.Unavailable, "microsoft"),
    (errors.UnknownName, "settings"),
    (errors.NotFound, "settings"),
    (errors.QueryTooHeavy, "microsoft"),
)
# Of search.problem_of, for tables that could not be read.
REASON_OF_PROBLEM = {
    "sign_in": "system_account",
    "not_a_member": "system_account",
    "refused": "rights",
    "throttled": "throttled",
    "drift": "settings",
    "heavy": "microsoft",
    "unavailable": "microsoft",
}


class Unanswered(Exception):
    """There is no answer, because of `reason`: a word of the documentation (docs/ivr.md)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def reason_of(error: errors.DataverseError) -> str:
    error = error.because if isinstance(error, Held) else error
    return next((word for kind, word in _REASONS if isinstance(error, kind)), "microsoft")


class Reader:
    """The threads, the memory and the gate of one instance."""

    def __init__(self, account: int = 0) -> None:
        self.account = account
        self.gate = Gate()
        self.questions = ThreadPoolExecutor(QUESTIONS, thread_name_prefix="ivr")
        self.requests = ThreadPoolExecutor(REQUESTS, thread_name_prefix="ivr-request")
        self.answers: Joined[object] = Joined(ANSWERS_KEPT)
        self.owners: Joined[object] = Joined(OWNERS_KEPT)
        self.roster: Joined[object] = Joined(ROSTER_KEPT)

    def ask[T](
        self,
        key: Hashable,
        work: Callable[[Budget], T],
        *,
        wait: Budget,
        keep: bool = True,
        meanwhile: Callable[[], object] | None = None,
    ) -> T:
        """What `work` answers, in a thread of this instance; joined with others who ask `key`. Raises Unanswered.

        `work` gets a budget of its own, longer than the caller's. With `keep` its answer serves for some seconds. `meanwhile`
        is done while others work.
        """
        future, is_mine = self.answers.claim(key, keep=keep)
        if is_mine:
            self._begin(key, work, keep=keep)
        if meanwhile:
            meanwhile()
        release_connection()
        return _result(future, wait)  # type: ignore[return-value]  # a key always stands for the same kind of answer

    def all_of[T](self, questions: Iterable[Callable[[], T]]) -> list[T]:
        """Asked at once, the last in the caller's own thread: changing to another and back takes its time."""
        *others, last = questions
        asked = [self.requests.submit(each) for each in others]
        answer = last()
        return [*(each.result() for each in asked), answer]

    def close(self) -> None:
        self.questions.shutdown(wait=False)
        self.requests.shutdown(wait=False)

    def _begin[T](self, key: Hashable, work: Callable[[Budget], T], *, keep: bool) -> None:
        if self.answers.running > WAITING:
            self.answers.give_up(key, Unanswered("busy"))
            return
        waiting = Budget(ASKING_SECONDS)
        task = partial(_in_thread, get_language() or "cs", lambda: work(_unless_late(waiting)))
        try:
            self.questions.submit(self.answers.settle, key, task, keep=keep)
        except RuntimeError:  # closed this moment, for the account was changed
            self.answers.give_up(key, Unanswered("busy"))


def _unless_late(waiting: Budget) -> Budget:
    """A fresh budget, unless the question has waited so long that nobody can be waiting for it any more."""
    if waiting.left() < ASKING_SECONDS / 2:
        raise Unanswered("busy")
    return Budget(ASKING_SECONDS)


def _in_thread[T](language: str, work: Callable[[], T]) -> T:
    try:
        with translation.override(language):
            return work()
    finally:
        close_old_connections()


def _result[T](future: Future[T], wait: Budget) -> T:
    try:
        return future.result(wait.left())
    except NotYet:
        raise Unanswered("slow") from None
    except Unanswered:
        raise
    except errors.DataverseError as error:
        raise Unanswered(reason_of(error)) from error
    except Exception:
        logger.exception("A question of the voice menu broke off.")
        raise Unanswered("error") from None


def release_connection() -> None:
    """Others need it more while we wait for Microsoft."""
    if not connection.in_atomic_block:
        close_old_connections()


_readers: dict[UUID, Reader] = {}
_making = Lock()


def reader_of(account: SystemAccount) -> Reader:
    """Begun anew when the account, its secrets or its address changed: what was refused before is worth a try then."""
    code, mark = account.instance.code, _mark(account)
    with _making:
        reader = _readers.get(code)
        if reader is None or reader.account != mark:
            if reader:
                reader.close()
            _readers[code] = reader = Reader(mark)
        return reader


def _mark(account: SystemAccount) -> int:
    secrets = (value for name, value in account.__dict__.items() if isinstance(value, Sealed) and name != "token_cache")
    return hash((account.pk, account.client_id, account.instance.url, *map(bytes, secrets)))


def forget() -> None:
    """Nothing is remembered of anybody."""
    for code in list(_readers):
        if reader := _readers.pop(code, None):
            reader.close()


# -- who is asked ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """What the exchange needs to call somebody."""

    email: str
    login: str
    line: str


@dataclass(frozen=True, slots=True)
class Roster:
    """The customer's agents, to find who owns a record. Keys of `by_email` are lower-case."""

    by_user: dict[str, Person]
    by_email: dict[str, Person]


@dataclass(frozen=True, slots=True)
class Desk:
    """One customer's system account at work: all that is needed to ask, read in the caller's own thread."""

    account: SystemAccount
    instance: Instance
    reader: Reader
    client: Client
    roster: Roster
    watch: Watch

    @property
    def country(self) -> str:
        return self.instance.tenant.country

    def sign_in(self, budget: Budget) -> None:
        """Once, before several threads want the token. The gate hears when that is refused. Raises DataverseError."""
        if held := self.reader.gate.held:
            raise held
        try:
            entra.token_for(self.account, budget=budget)
        except errors.DataverseError as error:
            with self.reader.gate.passing():
                raise error from None

    def metadata(self, budget: Budget) -> Metadata:
        """As known, however old: nobody waits for a renewal. Read now when nothing is known."""
        known = connections.known_metadata(self.instance)
        if known is None:
            return connections.metadata(self.instance, self.client, budget)
        if _is_old(self.instance):
            with suppress(RuntimeError):  # closed this moment, for the account was changed
                self.reader.questions.submit(_renew, self)
        return known

    def table(self, name: str, budget: Budget) -> Table:
        """One table by its name as typed. What is not known yet is asked for. Raises NotFound when there is none."""
        known = self.metadata(budget).find(name)
        if known is None and not _was_just_read(self.instance):
            known = connections.metadata(self.instance, self.client, budget, refresh=True).find(name)
        return known or Metadata.load(self.client, [name], budget).table(name)


_accounts: Briefly[SystemAccount] = Briefly()


_ACCOUNT = Prepared(
    lambda tenant: (
        SystemAccount.objects.filter(instance__tenant=tenant)
        .select_related("instance__tenant")
        .defer("instance__metadata")[:1]
    )
)


def desk_of(tenant: Tenant, *, watch: Watch | None = None, reader: Reader | None = None) -> Desk:
    """Raises Unanswered when the customer has no system account. A `reader` of one's own remembers nothing."""
    account = _accounts.of(tenant.pk, partial(_ACCOUNT.first, tenant=tenant))
    if account is None:
        raise Unanswered("no_system_account")
    instance = account.instance
    if known := connections.known_metadata(instance):
        schema.of(instance, known)  # from the database, while we are in a thread that has a connection
    reader = reader or reader_of(account)
    watch = watch or Nobody()
    on_request = None if isinstance(watch, Nobody) else watch.asked
    client = connections.client_for(account, gate=reader.gate, on_request=on_request)
    return Desk(account, instance, reader, client, _roster_of(tenant, reader), watch)


def _roster_of(tenant: Tenant, reader: Reader) -> Roster:
    future, is_mine = reader.roster.claim("roster")
    if is_mine:
        reader.roster.settle("roster", lambda: _read_roster(tenant))
    roster = future.result()
    assert isinstance(roster, Roster)
    return roster


_ROSTER = Prepared(
    lambda tenant: (
        Agent.objects.filter(tenant=tenant).order_by("pk").values_list("systemuser_id", "email", "upn", "login", "line")
    )
)


def _read_roster(tenant: Tenant) -> Roster:
    by_user: dict[str, Person] = {}
    by_email: dict[str, Person] = {}
    for user, email, upn, login, line in _ROSTER.rows(tenant=tenant):
        person = Person(email, login, line)
        if user:
            by_user[str(user)] = person
        by_email |= {address.lower(): person for address in (upn, email) if address}
    return Roster(by_user, by_email)


def _is_old(instance: Instance) -> bool:
    read_at = instance.metadata_read_at
    return read_at is None or read_at < timezone.now() - connections.METADATA_FOR


def _was_just_read(instance: Instance) -> bool:
    read_at = instance.metadata_read_at
    return read_at is not None and (timezone.now() - read_at).total_seconds() < 60


def _renew(desk: Desk) -> None:
    try:
        connections.metadata(desk.instance, desk.client, Budget(ASKING_SECONDS))
    except errors.DataverseError:
        pass  # the old copy serves on
    finally:
        close_old_connections()
