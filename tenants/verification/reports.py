"""Results kept and told: since when a check is red, whether it ever was green, and what was known when nobody could look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from tenants.models import CheckResult, CheckRun, Instance
from tenants.verification import wording
from tenants.verification.results import Result, State
from tenants.verification.wording import Said

RUNS_KEPT = 60
UNDER_WAY_FOR = timedelta(seconds=90)
"""A run that has not finished by then was interrupted."""
ORDER = tuple(wording.TITLES)
GREEN = frozenset({State.PASSED, State.WARNING})


class Recorder:
    """Stores the results of one run as they come, each with what is known from the runs before."""

    def __init__(self, run: CheckRun) -> None:
        self.run = run
        rows = CheckResult.objects.filter(run__instance=run.instance).exclude(run=run).order_by("pk")
        known = ("known_state", "since", "verified_at", "last_passed_at")
        self.before = {(row["key"], row["subject"]): row for row in rows.values("key", "subject", *known)}

    def add(self, result: Result) -> CheckResult:
        before = self.before.get((result.key, result.subject), {})
        return CheckResult.objects.create(
            run=self.run,
            key=result.key,
            subject=result.subject,
            required=result.required,
            state=result.state,
            why=result.why,
            evidence=dict(result.evidence),
            **self._known(result, before),
        )

    def _known(self, result: Result, before: Mapping[str, Any]) -> dict[str, Any]:
        now = self.run.started_at
        last_passed = before.get("last_passed_at")
        if result.state == State.NOT_VERIFIED:
            names = ("known_state", "since", "verified_at", "last_passed_at")
            return {name: before[name] for name in names} if before else {}
        same = before.get("known_state") == result.state
        return {
            "known_state": result.state,
            "since": before["since"] if same else now,
            "verified_at": now,
            "last_passed_at": now if result.state in GREEN else last_passed,
        }


def finish(run: CheckRun, through: str) -> None:
    run.through, run.finished_at = through, timezone.now()
    run.save(update_fields=["through", "finished_at"])
    old = CheckRun.objects.filter(instance=run.instance).order_by("-pk").values_list("pk", flat=True)[RUNS_KEPT:]
    CheckRun.objects.filter(pk__in=list(old)).delete()


@dataclass(frozen=True, slots=True)
class Row:
    """A stored result, and what is said about it in the language that is active."""

    result: CheckResult
    said: Said

    @property
    def turned_red(self) -> bool:
        """It failed, and once did not: something that worked was broken."""
        return self.result.state == State.FAILED and self.result.last_passed_at is not None

    @property
    def not_verified_since(self) -> datetime | None:
        """When it was last verified; None when it never was, or is now."""
        return self.result.verified_at if self.result.state == State.NOT_VERIFIED else None


@dataclass(frozen=True, slots=True)
class Report:
    """One run, its rows in the order in which one would mend them."""

    run: CheckRun
    rows: tuple[Row, ...]

    def _of(self, state: State, *, required: bool | None = None) -> list[Row]:
        wanted = {True, False} if required is None else {required}
        return [row for row in self.rows if row.result.state == state and row.result.required in wanted]

    @property
    def blocking(self) -> list[Row]:
        """What must be mended before going live."""
        return self._of(State.FAILED, required=True)

    @property
    def recommended(self) -> list[Row]:
        return self._of(State.FAILED, required=False) + self._of(State.WARNING)

    @property
    def not_verified(self) -> list[Row]:
        return self._of(State.NOT_VERIFIED)

    @property
    def in_order(self) -> list[Row]:
        return self._of(State.PASSED)

    @property
    def turned_red(self) -> list[Row]:
        """What broke between the last run that could look and this one: the reason for an alarm, told once."""
        return [row for row in self.rows if row.turned_red and row.result.since == self.run.started_at]

    @property
    def is_running(self) -> bool:
        return self.run.finished_at is None and self.run.started_at > timezone.now() - UNDER_WAY_FOR

    @property
    def was_interrupted(self) -> bool:
        return self.run.finished_at is None and not self.is_running

    def about(self, *keys: str) -> list[Row]:
        return [row for row in self.rows if row.result.key in keys]

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it still runs."""
        return (self.run.finished_at - self.run.started_at).total_seconds() if self.run.finished_at else 0.0

    @property
    def required(self) -> tuple[int, int]:
        return self.count(required=True)

    @property
    def optional(self) -> tuple[int, int]:
        return self.count(required=False)

    def count(self, *, required: bool) -> tuple[int, int]:
        """How many passed, of how many."""
        rows = [row for row in self.rows if row.result.required == required]
        return sum(row.result.state in GREEN if required else row.result.state == State.PASSED for row in rows), len(
            rows
        )


def of_run(run: CheckRun) -> Report:
    return Report(run, tuple(rows(run.results.all())))


def rows(results: Iterable[CheckResult]) -> list[Row]:
    """With what is said about them, in the order in which one would mend them."""
    known = [row for row in results if row.key in wording.TITLES]
    known.sort(key=lambda row: (ORDER.index(row.key), row.subject))
    return [Row(row, wording.say(row.key, row.subject, row.why, row.evidence)) for row in known]


def latest(instance: Instance) -> Report | None:
    """The last run, also one that is under way; None when nothing was ever checked."""
    run = CheckRun.objects.filter(instance=instance).prefetch_related("results").first()
    return of_run(run) if run else None
