"""The checks of a customer's connection: what works, what does not, who must act, and how.

`verify` runs them all at once and keeps what they found; `latest` tells it. They look with the system account, else with
the acting admin's Microsoft connection (else one kept for nightly checks), and never with an agent's token. What nobody
could look at is "not verified", with the time it last was.

To add a check: a function in checks.py, a line in running.planned, its title and sentences in wording.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tenants import post
from tenants.dataverse.budget import Budget
from tenants.models import CheckRun, Instance, MicrosoftConnection, SystemAccount
from tenants.verification import plan as plans
from tenants.verification import running
from tenants.verification.checks import Look
from tenants.verification.reports import Recorder, Report, Row, finish, latest, of_run, rows
from tenants.verification.results import Result, State

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["Report", "Result", "Row", "State", "latest", "of_run", "rows", "verify"]

SECONDS = 25.0


def verify(
    instance: Instance,
    *,
    by: User | str,
    seconds: float = SECONDS,
    on_result: Callable[[Result], None] | None = None,
) -> Report:
    """Run every check inside `seconds`; each result is stored, and told to `on_result`, as soon as it is there.
    What turned red is told to the customer's admins by e-mail, once.

    Never inside a transaction: other sessions see the progress in the stored results. `by` is who asked.
    """
    run = CheckRun.objects.create(instance=instance, by=str(by))
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
