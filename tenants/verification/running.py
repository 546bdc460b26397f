"""Run all checks at once, inside one budget, and hand over each result when it is there.

The database is asked before and after, in the caller's thread; the threads only ask Microsoft. First the address and who
looks, then everything that needs a token, then what needs metadata or rights, which are read once for all checks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Literal

from tenants import connections, entra, schema
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client, Me
from tenants.dataverse.errors import DataverseError, SignInRequired
from tenants.dataverse.metadata import Metadata
from tenants.models import MicrosoftConnection, SystemAccount
from tenants.verification import checks, rights
from tenants.verification.checks import Look
from tenants.verification.plan import Plan
from tenants.verification.results import Found, Result, State, from_error, not_verified

logger = logging.getLogger(__name__)

Stage = Literal["", "probe", "client", "metadata", "rights"]
Holder = SystemAccount | MicrosoftConnection
THREADS = 10
TOKEN_SHARE = 0.4  # of the budget, at most, for finding somebody who can look


@dataclass(frozen=True, slots=True)
class Check:
    """One check to run. `stage` is what it needs before it can begin."""

    key: str
    subject: str
    required: bool
    stage: Stage
    act: Callable[[Look], Found]

    def result(self, found: Found) -> Result:
        return Result(self.key, self.subject, self.required, found.state, found.why, found.evidence)

    def run(self, look: Look) -> Result:
        try:
            return self.result(self.act(look))
        except DataverseError as error:
            return self.result(from_error(error))
        except Exception:  # one check that fails must not hide the others
            logger.exception("The check %s failed", self.key)
            return self.result(not_verified("broken"))


def _made_elsewhere(look: Look) -> Found:
    raise AssertionError("made by _who_looks")


ADDRESS = Check("address", "", True, "", checks.address)
TOKEN = Check("token", "", True, "", _made_elsewhere)
ORGANIZATION = Check("organization", "", True, "", _made_elsewhere)


def planned(plan: Plan) -> list[Check]:
    """All checks that apply to this configuration, in the order shown, but the first: `address`, `token`, `organization`."""
    index = plan.instance.index
    found = [
        Check("directory", "", True, "probe", checks.directory),
        Check("proof", "", True, "", checks.proof),
        Check("version", "", False, "client", checks.version),
        Check("app", "", True, "client", checks.app),
        *_per_table("table", plan.tables, True, "metadata", checks.table),
        *_per_table("columns", plan.searched, True, "metadata", checks.columns),
        *_per_table("fields", plan.shown, False, "metadata", checks.fields),
        *_per_table("creating", plan.creatable, False, "metadata", checks.creating),
        *_per_table("activities", plan.own, False, "metadata", checks.activities),
        *_per_table("tracking", plan.searched if index else (), False, "metadata", checks.tracking),
        Check("from_to", "", False, "client", checks.from_to),
        Check("agents", "", False, "", checks.agents),
    ]
    if plan.systemusers:
        found.append(Check("agents_rights", "", True, "rights", checks.agents_rights))
    if plan.account is not None:
        found += _per_table("org_read", plan.searched, index, "rights", checks.org_read)
        found += _per_table(
            "system_rights", tuple(each.table for each in plan.needed), False, "rights", checks.system_rights
        )
        found.append(Check("secret", "", True, "", checks.secret))
    return found


def _per_table(
    key: str, tables: tuple[str, ...], required: bool, stage: Stage, act: Callable[[Look, str], Found]
) -> list[Check]:
    def about(table: str) -> Callable[[Look], Found]:
        return lambda look: act(look, table)

    return [Check(key, table, required, stage, about(table)) for table in dict.fromkeys(tables)]


def run(look: Look, holders: list[Holder]) -> Iterator[Result]:
    """The results as they come. Never raises; what had no time is "not verified"."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="checks")
    try:
        yield from _Run(look, pool).results(holders)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Run:
    def __init__(self, look: Look, pool: ThreadPoolExecutor) -> None:
        self.look, self.pool = look, pool
        self.waiting = planned(look.plan)
        self.under_way: dict[Future[Result], Check] = {}
        self.reading: dict[Future[None], Stage] = {}

    def results(self, holders: list[Holder]) -> Iterator[Result]:
        address = ADDRESS.run(self.look)
        yield address
        if address.state == State.FAILED:  # nothing is fetched from, and no token sent to, what is no instance
            nowhere = not_verified("address_first")
            yield from [check.result(nowhere) for check in (TOKEN, ORGANIZATION, *self._take("probe"))]
            yield from self._give_up("client", "metadata", "rights", found=nowhere)
            self._begin("")
            yield from self._collect()
            return
        self._begin("")
        self._begin("probe")
        yield from self._who_looks(holders)
        if self.look.client is None or self.look.me is None:
            yield from self._give_up("client", "metadata", "rights", found=self.look.why_not)
        else:
            self._ask(self.look.client, self.look.me)
        yield from self._collect()

    # who looks

    def _who_looks(self, holders: list[Holder]) -> list[Result]:
        """The first of the holders that gets a token and is a member looks; told is what became of the very first."""
        said: list[Result] = []
        for holder in holders:
            found = self._try(holder)
            said = said or found
            if self.look.client is not None:
                break
        return said or [TOKEN.result(self.look.why_not), ORGANIZATION.result(self.look.why_not)]

    def _try(self, holder: Holder) -> list[Result]:
        look = self.look
        through = "system" if isinstance(holder, SystemAccount) else "connection"
        budget = look.budget.at_most(look.budget.left() * TOKEN_SHARE)
        try:
            client = Client(origin=look.plan.instance.url, token=_fixed(_token(holder, budget)))
        except DataverseError as error:
            look.why_not = from_error(error)
            refused = checks.token_refused(look, error, through=through)
            return [TOKEN.result(refused), ORGANIZATION.result(look.why_not)]
        try:
            me: Me | DataverseError = client.whoami(budget=budget)
        except DataverseError as error:
            me, look.why_not = error, from_error(error)
        if isinstance(me, Me):
            look.client, look.me, look.through = client, me, through
        given = checks.token_given(look, holder)
        answer = checks.organization(look, me, through=through)
        return [TOKEN.result(given), ORGANIZATION.result(answer)]

    # what is asked

    def _ask(self, client: Client, me: Me) -> None:
        look, plan, budget = self.look, self.look.plan, self.look.budget

        def read_metadata() -> None:
            names = [*connections.STANDARD_TABLES, *plan.tables, *plan.shown]
            look.metadata = Metadata.load(client, names, budget, optional=names, fresh=True)

        more = [each.table for each in plan.needed] if look.through == "system" else []

        def read_rights() -> None:
            look.rights = rights.read(client, me.user_id, [*plan.tables, *more], budget)

        self.reading[self.pool.submit(read_metadata)] = "metadata"
        if any(check.stage == "rights" for check in self.waiting):
            self.reading[self.pool.submit(read_rights)] = "rights"
        self._begin("client")

    def _begin(self, stage: Stage) -> None:
        for check in self._take(stage):
            self.under_way[self.pool.submit(check.run, self.look)] = check

    def _take(self, stage: Stage) -> list[Check]:
        taken = [check for check in self.waiting if check.stage == stage]
        self.waiting = [check for check in self.waiting if check.stage != stage]
        return taken

    def _give_up(self, *stages: Stage, found: Found) -> list[Result]:
        return [check.result(found) for stage in stages for check in self._take(stage)]

    def _collect(self) -> Iterator[Result]:
        while self.under_way or self.reading:
            pending: set[Future[Any]] = {*self.under_way, *self.reading}
            done = wait(pending, timeout=self.look.budget.left(), return_when=FIRST_COMPLETED).done
            if not done:
                break
            for future in done & self.reading.keys():
                yield from self._was_read(self.reading.pop(future), future.exception())
            for future in done & self.under_way.keys():
                del self.under_way[future]
                yield future.result()
        late = not_verified("no_time")
        yield from [check.result(late) for check in self.under_way.values()]
        yield from self._give_up("client", "metadata", "rights", found=late)

    def _was_read(self, stage: Stage, error: BaseException | None) -> list[Result]:
        if isinstance(error, Exception):
            if not isinstance(error, DataverseError):
                logger.error("Reading %s for checks failed", stage, exc_info=error)
            return self._give_up(stage, found=from_error(error))
        if self.look.metadata is not None and stage == "metadata":
            self.look.schema = _schema(self.look.plan, self.look.metadata)
        self._begin(stage)
        return []


def _schema(plan: Plan, metadata: Metadata) -> schema.Schema:
    """In the caller's thread: it reads the configuration. What was just read serves everybody from now on."""
    if not set(connections.STANDARD_TABLES) & set(metadata.missing):
        connections.keep(plan.instance, metadata)
    schema.forget(plan.instance)
    return schema.of(plan.instance, metadata)


def _token(holder: Holder, budget: Budget) -> str:
    """Always a fresh one: whether a stored one is still good says nothing about the secret."""
    if isinstance(holder, MicrosoftConnection):
        connections.note_use(holder)
    return entra.token_for(holder, budget=budget, force=True)


def _fixed(text: str) -> Callable[[bool], str]:
    """One token for the whole run, so that no thread has to ask the database for another."""

    def token(force: bool) -> str:
        if force:
            raise SignInRequired
        return text

    return token
