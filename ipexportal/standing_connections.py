"""Does a connection from the pool still stand? Seen by looking at its socket; PostgreSQL is asked only in doubt.

Asking costs as much as a small statement, each time a thread takes a connection: four times for one question of a voice menu.
"""

from __future__ import annotations

import select
from typing import Any

from psycopg_pool import ConnectionPool


def still_stands(connection: Any) -> None:
    """Raises OperationalError for one that was lost. A server that ended, or was killed, has closed its side, so there is
    something to read although nothing was asked. One whose machine vanished without a word is noticed by neither way.
    """
    looking = select.poll()
    looking.register(connection.pgconn.socket, select.POLLIN)
    if looking.poll(0):
        ConnectionPool.check_connection(connection)
