"""Jobs of the window. The domain row is the truth; a job only hurries it, the sweep finds the rest."""

from huey import crontab
from huey.contrib.djhuey import db_periodic_task, db_task

from crmwindow import follow_ups, notes, upkeep, writing


@db_task()
def deliver_note(note: int) -> None:
    notes.deliver(note)


@db_task()
def deliver_follow_up(follow_up: int) -> None:
    follow_ups.deliver(follow_up)


@db_task()
def deliver_write(write: int) -> None:
    writing.deliver(write)


@db_periodic_task(crontab(minute="*"))
def sweep() -> None:
    notes.sweep()
    follow_ups.sweep()
    writing.sweep()


@db_periodic_task(crontab(minute="17"))
def tidy() -> None:
    upkeep.tidy()
