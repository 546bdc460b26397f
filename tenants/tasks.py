"""Jobs about customers. The row is the truth; a job only hurries it, the sweep finds the rest."""

from datetime import datetime

from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task, db_task

from tenants import emails, microsoft_connections, post, verification
from tenants.models import CheckRun, Instance


@db_task()
def send_mail(mail: int) -> None:
    emails.deliver(mail)


@db_periodic_task(crontab(minute="*"))
def send_waiting_mail() -> None:
    emails.sweep()


@db_periodic_task(crontab(minute="37"))
def end_idle_connections() -> None:
    microsoft_connections.end_idle()


@db_periodic_task(crontab(hour="7", minute="10"))
def warn_of_secrets() -> None:
    post.warn_of_secrets()


@db_task()
def verify(instance: int, by: str) -> None:
    verification.verify(Instance.objects.select_related("tenant").get(pk=instance), by=by)


@db_task()
def carry_out_checks(run: int, user: int) -> None:
    row = CheckRun.objects.select_related("instance__tenant").filter(pk=run, finished_at=None).first()
    if row:
        verification.verify(row.instance, by=User.objects.filter(pk=user).first() or row.by, run=row)


@db_task()
def verify_after_change(instance: int, by: str, user: int | None, changed_at: str) -> None:
    """Of several changes in a row the first job that runs looks at them all."""
    row = Instance.objects.select_related("tenant").get(pk=instance)
    if not row.check_runs.filter(started_at__gte=datetime.fromisoformat(changed_at)).exists():
        verification.verify(row, by=(User.objects.filter(pk=user).first() if user else None) or by)


@db_periodic_task(crontab(hour="2", minute="20"))
def verify_every_night() -> None:
    """Of several job processes, whichever comes first."""
    if not cache.add(f"verified in the night of {timezone.localdate()}", True, timeout=6 * 3600):
        return
    for instance in Instance.objects.proven().values_list("pk", flat=True):
        verify(instance, "nightly")
