"""Tell open windows that something changed. Rows carry only ids; a window then asks for its present state itself.

Call `tell` inside the transaction that makes the change. On PostgreSQL a NOTIFY goes out with the commit and says all there is
to know, so that no process asks the database; elsewhere this process's hub is woken after it, and other processes look every
tenth of a second.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from crmwindow.models import Outbox
from tenants import prepared
from tenants.prepared import PreparedInsert

CHANNEL = "ipex_news"
IDS_PER_NOTIFY = 390  # a payload holds less than 8,000 bytes, an id up to 19 digits
STATE, REVOKED = "state", "revoked"
MOMENT = "extract(epoch FROM statement_timestamp())::float8"  # seconds by the database's clock

woken = threading.Event()


@dataclass(frozen=True, slots=True)
class News:
    """What one NOTIFY says. `at` is in seconds by the database's clock."""

    kind: str
    at: float
    agents: tuple[int, ...]


def note_of(page: str) -> str:
    """The kind that says: a note was typed in this page, so all others should look."""
    return f"note.{re.sub('[^0-9a-z-]', '', page)[:12]}"


def found_of(call: UUID) -> str:
    """The kind that says: who calls is known now, so whoever does not show it yet should look."""
    return f"found.{str(call)[:12]}"


def tell(agents: Iterable[int], kind: str = STATE) -> None:
    """`agents` are primary keys; every open window of theirs hears of it."""
    rows = [Outbox(agent_id=agent, kind=kind) for agent in sorted(set(agents))]
    if not rows:
        return
    if len(rows) == 1:
        _add(rows[0])
    else:
        Outbox.objects.bulk_create(rows)
    if connection.vendor == "postgresql":
        _notify(kind, [str(row.agent_id) for row in rows])
    else:
        transaction.on_commit(woken.set)


_add = PreparedInsert(Outbox)


def _notify(kind: str, agents: list[str]) -> None:
    for start in range(0, len(agents), IDS_PER_NOTIFY):
        some = ",".join(agents[start : start + IDS_PER_NOTIFY])
        prepared.execute(connection, _NOTIFY, [CHANNEL, kind, some]).close()


_NOTIFY = f"SELECT pg_notify(%s, concat_ws(' ', %s::text, {MOMENT}, %s::text))"


def read(payload: str) -> News:
    kind, at, agents = payload.split(" ")
    return News(kind, float(at), tuple(map(int, agents.split(","))))
