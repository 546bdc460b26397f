"""How far each customer is on the way to going live, and who has to act next. The cockpit and the check-list ask here.

`of` reads what is known of any number of customers in a fixed number of queries; everything else follows from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from tenants import verification
from tenants.models import (
    Agent,
    CheckResult,
    CheckRun,
    CustomEntity,
    DisplayField,
    Instance,
    Invitation,
    Membership,
    MicrosoftConnection,
    SystemAccount,
    Tenant,
)
from tenants.verification import Row

Who = Literal["customer", "ipex", "agents", "microsoft", "nobody"]
WHO = {
    "customer": gettext_lazy("Customer"),
    "ipex": gettext_lazy("IPEX"),
    "agents": gettext_lazy("Agents"),
    "microsoft": gettext_lazy("Microsoft"),
    "nobody": gettext_lazy("nobody"),
}
SECRET_SOON, SECRET_NOW = 60, 14
"""Days before the end of a secret from which it is amber, and red."""
FOUND_BAD = (CheckResult.State.FAILED, CheckResult.State.WARNING)


class Stage:
    """Where a customer stands. The words are `STAGES`."""

    NEW, WAITING, READY, LIVE, TROUBLE = "new", "waiting", "ready", "live", "trouble"


STAGES = {
    Stage.NEW: gettext_lazy("New"),
    Stage.WAITING: gettext_lazy("Waiting for the customer"),
    Stage.READY: gettext_lazy("Ready"),
    Stage.LIVE: gettext_lazy("Live"),
    Stage.TROUBLE: gettext_lazy("Trouble"),
}
PHASES = (
    gettext_lazy("Registered"),
    gettext_lazy("Instance confirmed"),
    pgettext_lazy("phase of a customer", "Set-up"),
    gettext_lazy("Pilot"),
    gettext_lazy("In operation"),
)


class State:
    """Of a step: done; now (the first open one that is required); open; optional; skipped; unverified; trouble."""

    DONE, NOW, OPEN, OPTIONAL = "done", "now", "open", "optional"
    SKIPPED, UNVERIFIED, TROUBLE = "skipped", "unverified", "trouble"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the check-list. `needs` is who can take it: anybody, customizer, directory_admin."""

    key: str
    state: str
    required: bool = True
    needs: str = "anybody"


@dataclass(frozen=True, slots=True)
class Blocker:
    """What stands in the way: the cause in a few words, who must act, and since when that is known."""

    cause: str
    who: Who
    since: datetime | None = None

    @property
    def whose(self) -> str:
        return str(WHO[self.who])


@dataclass(frozen=True, slots=True)
class Agents:
    """`enabled` have the window, `signed_in` of these use it; `listed` also counts those without."""

    listed: int = 0
    enabled: int = 0
    signed_in: int = 0
    stuck: int = 0
    waiting_since: datetime | None = None
    last_call_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is read of one customer. `bad` are the results of the last checks that are red or amber."""

    tenant: Tenant
    instance: Instance | None
    account: SystemAccount | None
    agents: Agents
    fields: int = 0
    entities: int = 0
    members: int = 0
    invited_at: datetime | None = None
    connected: bool = False
    checked_at: datetime | None = None
    bad: tuple[Row, ...] = field(default=())
    unverified: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Progress:
    """What follows from the facts of one customer."""

    facts: Facts
    steps: tuple[Step, ...]
    stage: str
    phase: int
    blocker: Blocker

    @property
    def stage_word(self) -> str:
        return str(STAGES[self.stage])

    @property
    def phase_word(self) -> str:
        return str(PHASES[self.phase - 1])

    @property
    def agents(self) -> Agents:
        return self.facts.agents

    @property
    def secret_days(self) -> int | None:
        """Days until the system account's last secret ends; None without one, or when its end is not known."""
        return secret_days(self.facts.account)

    @property
    def failed_check(self) -> Row | None:
        """The required one that failed, else the latest other."""
        failed = [row for row in self.facts.bad if row.result.state == CheckResult.State.FAILED]
        return next((row for row in failed if row.result.required), failed[0] if failed else None)

    def step(self, key: str) -> Step:
        return next(step for step in self.steps if step.key == key)

    @property
    def missing(self) -> list[Step]:
        """Required steps that are still open, going live itself excepted."""
        return [step for step in self.steps if step.required and step.state != State.DONE and step.key != "live"]


def of(tenants: Iterable[Tenant]) -> dict[int, Progress]:
    """By primary key. `tenants` come with `select_related("instance__system_account")`, else each costs queries."""
    rows = list(tenants)
    return {facts.tenant.pk: _progress(facts) for facts in _facts(rows)}


def of_one(tenant: Tenant) -> Progress:
    rows = Tenant.objects.select_related("instance__system_account", "implementer").filter(pk=tenant.pk)
    return of(rows)[tenant.pk]


def secret_days(account: SystemAccount | None) -> int | None:
    ends = [day for day in _secret_ends(account) if day]
    return (max(ends) - timezone.localdate()).days if ends else None


def _secret_ends(account: SystemAccount | None) -> list[date | None]:
    if account is None:
        return []
    return [account.secret_expires_on, account.second_secret_expires_on, account.certificate_expires_on]


# Reading


def _facts(tenants: list[Tenant]) -> list[Facts]:
    keys = [tenant.pk for tenant in tenants]
    agents = _agents(keys)
    more = {row["pk"]: row for row in _counts(keys)}
    checks = _checks(keys)
    found = []
    for tenant in tenants:
        instance = getattr(tenant, "instance", None)
        bad, unverified, checked_at = checks.get(tenant.pk, ((), frozenset(), None))
        counted = {name: value for name, value in more[tenant.pk].items() if name != "pk"}
        found.append(
            Facts(
                tenant=tenant,
                instance=instance,
                account=getattr(instance, "system_account", None),
                agents=agents.get(tenant.pk, Agents()),
                checked_at=checked_at,
                bad=bad,
                unverified=unverified,
                **counted,
            )
        )
    return found


def _agents(keys: list[int]) -> dict[int, Agents]:
    on = Q(window=True)
    inside = on & ~Q(token_cache=b"") & Q(sign_in_error="", object_id__isnull=False)
    stuck = on & (~Q(sign_in_error="") | ~Q(refused_with=""))
    rows = Agent.objects.filter(tenant__in=keys).order_by().values("tenant_id")
    rows = rows.annotate(
        listed=Count("pk"),
        enabled=Count("pk", filter=on),
        signed_in=Count("pk", filter=inside),
        stuck=Count("pk", filter=stuck),
        last_call_at=Max("last_call_at"),
    )
    waiting = _waiting_since(keys, on & ~inside)
    found: dict[int, Agents] = {}
    for row in rows:
        values: dict[str, Any] = {name: value for name, value in row.items() if name != "tenant_id"}
        found[row["tenant_id"]] = Agents(**values, waiting_since=waiting.get(row["tenant_id"]))
    return found


def _waiting_since(keys: list[int], waiting: Q) -> Mapping[int, datetime]:
    """When the first e-mail went to somebody who has not signed in."""
    rows = Agent.objects.filter(waiting, tenant__in=keys, mail__sent_at__isnull=False).order_by()
    return dict(rows.values("tenant_id").annotate(at=Min("mail__sent_at")).values_list("tenant_id", "at"))


def _counts(keys: list[int]) -> Iterable[dict[str, Any]]:
    def number(rows: Any, path: str) -> Subquery:
        counted = rows.filter(**{path: OuterRef("pk")}).order_by().values(path).annotate(n=Count("pk")).values("n")
        return Subquery(counted)

    invitations = Invitation.objects.open().filter(tenant=OuterRef("pk")).order_by("created_at")
    connections = MicrosoftConnection.objects.filter(instance__tenant=OuterRef("pk"))
    rows = Tenant.objects.filter(pk__in=keys).order_by()
    for row in rows.values("pk").annotate(
        fields=number(DisplayField.objects, "instance__tenant"),
        entities=number(CustomEntity.objects, "instance__tenant"),
        members=number(Membership.objects.filter(user__is_active=True), "tenant"),
        invited_at=Subquery(invitations.values("created_at")[:1]),
        connected=Exists(connections),
    ):
        yield row | {name: row[name] or 0 for name in ("fields", "entities", "members")}


def _checks(keys: list[int]) -> dict[int, tuple[tuple[Row, ...], frozenset[str], datetime | None]]:
    """Of each customer's last finished run: what is red or amber, which checks could not be made, and when it was."""
    newest = CheckRun.objects.filter(instance=OuterRef("instance"), finished_at__isnull=False).order_by("-pk")
    runs = CheckRun.objects.filter(instance__tenant__in=keys, pk=Subquery(newest.values("pk")[:1]))
    when = {pk: (tenant, at) for pk, tenant, at in runs.values_list("pk", "instance__tenant", "finished_at")}
    rows: dict[int, list[CheckResult]] = {pk: [] for pk in when}
    results = CheckResult.objects.filter(run__in=list(when)).exclude(state=CheckResult.State.PASSED)
    for result in results.order_by(F("required").desc(), "pk"):
        rows[result.run_id].append(result)
    return {
        when[pk][0]: (
            tuple(verification.rows(each for each in results if each.state in FOUND_BAD)),
            frozenset(each.key for each in results if each.state == CheckResult.State.NOT_VERIFIED),
            when[pk][1],
        )
        for pk, results in rows.items()
    }


# Concluding


def _progress(facts: Facts) -> Progress:
    steps = _with_now(_steps(facts))
    phase = _phase(facts, steps)
    blocker = _blocker(facts, steps)
    return Progress(facts, tuple(steps), _stage(facts, phase), phase, blocker)


def _steps(facts: Facts) -> list[Step]:
    instance, agents = facts.instance, facts.agents
    proven = bool(instance and instance.is_proven)
    consented = proven and bool((instance and instance.consented_at) or facts.connected or agents.signed_in)
    return [
        Step("eligibility", State.DONE if instance else State.OPEN),
        Step("instance", _checked_state(facts, proven, "address", "directory", "proof", "app"), needs="customizer"),
        Step("consent", State.DONE if consented else State.OPEN, needs="directory_admin"),
        _optional(facts, "fields", bool(facts.fields), "fields"),
        Step("from_to", _from_to(facts), required=False, needs="customizer"),
        _optional(facts, "leads", bool(instance and instance.leads)),
        _optional(facts, "own_table", bool(facts.entities), "creating", "activities"),
        Step("people", State.DONE if agents.enabled else State.OPEN),
        _optional(facts, "system_account", facts.account is not None, "secret", "org_read", needs="directory_admin"),
        Step("live", State.DONE if facts.tenant.went_live_at else State.OPEN),
    ]


def _checked_state(facts: Facts, done: bool, *keys: str) -> str:
    """Of a step that was taken: what the checks that belong to it say."""
    if not done:
        return State.UNVERIFIED if facts.instance else State.OPEN
    if any(row.result.key in keys and row.result.state == CheckResult.State.FAILED for row in facts.bad):
        return State.TROUBLE
    return State.UNVERIFIED if facts.unverified & set(keys) - {"app"} else State.DONE


def _optional(facts: Facts, key: str, taken: bool, *checks: str, needs: str = "anybody") -> Step:
    if not taken:
        skipped = key in facts.tenant.skipped_steps
        return Step(key, State.SKIPPED if skipped else State.OPTIONAL, required=False, needs=needs)
    failed = any(row.result.key in checks and row.result.state == CheckResult.State.FAILED for row in facts.bad)
    verified = facts.checked_at is not None and not facts.unverified & set(checks)
    state = State.TROUBLE if failed else State.DONE if verified else State.UNVERIFIED
    return Step(key, state, required=False, needs=needs)


def _from_to(facts: Facts) -> str:
    if any(row.result.key == "from_to" for row in facts.bad):
        return State.OPEN
    if facts.checked_at is None or "from_to" in facts.unverified:
        return State.SKIPPED if "from_to" in facts.tenant.skipped_steps else State.UNVERIFIED
    return State.DONE


def _with_now(steps: list[Step]) -> list[Step]:
    """The first required step that is not done is the one to take now."""
    first = next((step for step in steps if step.required and step.state in {State.OPEN, State.UNVERIFIED}), None)
    return [
        Step(step.key, State.NOW, step.required, step.needs) if step is first and step.state == State.OPEN else step
        for step in steps
    ]


def _phase(facts: Facts, steps: list[Step]) -> int:
    """1 registered, 2 instance confirmed, 3 being set up, 4 pilot, 5 in operation."""
    if facts.tenant.went_live_at:
        return 5
    if not (facts.instance and facts.instance.is_proven):
        return 1
    if facts.agents.signed_in:
        return 4
    return 3 if facts.agents.listed or facts.fields or facts.entities else 2


def _stage(facts: Facts, phase: int) -> str:
    if phase >= 4 and (_broken(facts) or _secret_is_over(facts)):
        return Stage.TROUBLE
    if phase == 5:
        return Stage.LIVE
    if phase == 4 or (phase == 3 and facts.agents.enabled and not _broken(facts)):
        return Stage.READY
    return Stage.NEW if facts.instance is None else Stage.WAITING


def _broken(facts: Facts) -> list[Row]:
    return [row for row in facts.bad if row.result.required and row.result.state == CheckResult.State.FAILED]


def _secret_is_over(facts: Facts) -> bool:
    days = secret_days(facts.account)
    return days is not None and days < 0


def _blocker(facts: Facts, steps: list[Step]) -> Blocker:
    return (
        _no_instance(facts)
        or _a_failed_check(facts)
        or _secret(facts)
        or _nobody_enabled(facts)
        or _not_signed_in(facts)
        or _not_live(facts)
        or Blocker("", "nobody")
    )


def _no_instance(facts: Facts) -> Blocker | None:
    tenant, instance = facts.tenant, facts.instance
    if instance is None:
        if not facts.members and not facts.invited_at:
            return Blocker(_("Invite the customer's admin"), "ipex", tenant.created_at)
        return Blocker(_("The address of the CRM is missing"), "customer", facts.invited_at or tenant.created_at)
    if instance.is_proven:
        return None
    if not facts.members and not facts.invited_at:
        return Blocker(_("Confirm the instance, or invite the customer's admin"), "ipex", instance.created_at)
    return Blocker(_("The instance is not confirmed yet"), "customer", instance.created_at)


def _a_failed_check(facts: Facts) -> Blocker | None:
    broken = _broken(facts)
    if not broken:
        return None
    row = broken[0]
    who: Who = "ipex" if row.said.acts == "ipex" else "microsoft" if row.said.acts == "nobody" else "customer"
    return Blocker(row.said.title, who, row.result.since)


def _secret(facts: Facts) -> Blocker | None:
    days = secret_days(facts.account)
    if days is None or days > SECRET_NOW:
        return None
    return Blocker(
        _("The secret or certificate has expired") if days < 0 else _("The secret or certificate expires soon"),
        "customer",
    )


def _nobody_enabled(facts: Facts) -> Blocker | None:
    if facts.agents.enabled:
        return None
    since = facts.instance.proven_at if facts.instance else None
    if facts.agents.listed:
        return Blocker(_("Nobody has the window switched on"), "ipex", since)
    return Blocker(_("Nobody is chosen to use the window"), "customer", since)


def _not_signed_in(facts: Facts) -> Blocker | None:
    waiting = facts.agents.enabled - facts.agents.signed_in
    if not waiting or (facts.tenant.went_live_at and facts.agents.signed_in):
        return None
    sentence = ngettext("%(n)d agent has not signed in", "%(n)d agents have not signed in", waiting) % {"n": waiting}
    return Blocker(sentence, "agents", facts.agents.waiting_since)


def _not_live(facts: Facts) -> Blocker | None:
    if facts.tenant.went_live_at:
        return None
    return Blocker(_("Ready to go live"), "customer", facts.checked_at)
