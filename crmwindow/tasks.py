"""Jobs of the window. The domain row is the truth; a job only hurries it, the sweep finds the rest."""

from huey import crontab
from huey.contrib.djhuey import db_periodic_task, db_task

from crmwindow import notes, upkeep


@db_task()
def deliver_note(note: int) -> None:
    notes.deliver(note)


@db_periodic_task(crontab(minute="*"))
def sweep() -> None:
    notes.sweep()


@db_periodic_task(crontab(minute="17"))
def tidy() -> None:
    upkeep.tidy()
