"""Tell open windows that something changed. Rows carry only ids; a window then asks for its present state itself.

Call `tell` inside the transaction that makes the change. On PostgreSQL a NOTIFY goes out with the commit, `row:agent` each, so
that of many processes only those ask the database who hold a window of that agent; elsewhere this process's hub is woken after
it, and other processes look every tenth of a second.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable

from django.db import connection, transaction

from crmwindow.models import Outbox

CHANNEL = "ipex_outbox"
IDS_PER_NOTIFY = 190  # a payload holds less than 8,000 bytes, an id up to 19 digits
STATE, REVOKED = "state", "revoked"

woken = threading.Event()


def note_of(page: str) -> str:
    """The kind that says: a note was typed in this page, so all others should look."""
    return f"note.{re.sub('[^0-9a-z-]', '', page)[:12]}"


def tell(agents: Iterable[int], kind: str = STATE) -> None:
    """`agents` are primary keys; every open window of theirs hears of it."""
    rows = Outbox.objects.bulk_create([Outbox(agent_id=agent, kind=kind) for agent in sorted(set(agents))])
    if not rows:
        return
    if connection.vendor == "postgresql":
        _notify([f"{row.pk}:{row.agent_id}" for row in rows])
    else:
        transaction.on_commit(woken.set)


def _notify(ids: list[str]) -> None:
    with connection.cursor() as cursor:
        for start in range(0, len(ids), IDS_PER_NOTIFY):
            payload = ",".join(ids[start : start + IDS_PER_NOTIFY])
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])
