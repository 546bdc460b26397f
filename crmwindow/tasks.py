"""Jobs of the window. The domain row is the truth; a job only hurries it, the sweep finds the rest."""

from huey import crontab
from huey.contrib.djhuey import db_periodic_task, db_task

from crmwindow import follow_ups, index, notes, tallies, upkeep, writing


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
    tallies.flush()


@db_task(priority=-10)  # after notes, tasks and writes
def sync_index(instance: int) -> None:
    if index.sync(instance):
        sync_index(instance)  # there is more; others have their turn meanwhile


@db_periodic_task(crontab(minute="*"))
def sync_indexes() -> None:
    for instance in index.due():
        sync_index(instance)


@db_periodic_task(crontab(minute="17"))
def tidy() -> None:
    upkeep.tidy()
