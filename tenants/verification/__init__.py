"""The checks of a customer's connection: what works, what does not, who must act, and how.

`verify` runs them all at once and keeps what they found; `latest` tells it. They look with the system account, else with
the acting admin's Microsoft connection (else one kept for nightly checks), and never with an agent's token. What nobody
could look at is "not verified", with the time it last was.

To add a check: a function in checks.py, a line in running.planned, its title and sentences in wording.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from tenants import post
from tenants.dataverse.budget import Budget
from tenants.models import CheckRun, Instance, MicrosoftConnection, SystemAccount
from tenants.verification import plan as plans
from tenants.verification import running
from tenants.verification.checks import Look
from tenants.verification.reports import UNDER_WAY_FOR, Recorder, Report, Row, finish, latest, of_run, rows
from tenants.verification.results import Result, State

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["Report", "Result", "Row", "State", "begin", "latest", "of_run", "rows", "verify"]

SECONDS = 25.0


@transaction.atomic
def begin(instance: Instance, *, by: User) -> CheckRun:
    """A run that a job carries out, also with their own connection. A second click gets the run that is under way."""
    Instance.objects.select_for_update().get(pk=instance.pk)
    since = timezone.now() - UNDER_WAY_FOR
    run = CheckRun.objects.filter(instance=instance, finished_at=None, started_at__gt=since).first()
    if run is None:
        run = CheckRun.objects.create(instance=instance, by=str(by))
        transaction.on_commit(lambda: _hurry(run, by))
    return run


def _hurry(run: CheckRun, by: User) -> None:
    from tenants import tasks  # they know everybody, this module among them

    tasks.carry_out_checks(run.pk, by.pk)


def verify(
    instance: Instance,
    *,
    by: User | str,
    run: CheckRun | None = None,
    seconds: float = SECONDS,
    on_result: Callable[[Result], None] | None = None,
) -> Report:
    """Run every check inside `seconds`; each result is stored, and told to `on_result`, as soon as it is there.
    What turned red is told to the customer's admins by e-mail, once.

    Never inside a transaction: other sessions see the progress in the stored results. `by` is who asked,
    `run` what was begun for them.
    """
    run = run or CheckRun.objects.create(instance=instance, by=str(by))
    recorder, look = Recorder(run), Look(plans.of(instance), Budget(seconds))
    for result in running.run(look, _holders(instance, by)):
        recorder.add(result)
        if on_result:
            on_result(result)
    finish(run, look.through)
    report = of_run(run)
    if report.turned_red:
        post.put_in_alarm(run)
    return report


def _holders(instance: Instance, by: User | str) -> list[running.Holder]:
    """Who could look, in this order."""
    account = SystemAccount.objects.filter(instance=instance).select_related("instance__tenant").first()
    live = MicrosoftConnection.objects.live().filter(instance=instance).select_related("instance__tenant")
    own = None if isinstance(by, str) else live.filter(user=by).first()
    kept = live.filter(kept=True).order_by("-may_customize", "-last_used_at").first()
    return list(dict.fromkeys(filter(None, (account, own, kept))))
