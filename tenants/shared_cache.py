"""Django's cache in the database, with a counter that two processes may raise at once."""

from __future__ import annotations

import base64
import pickle
from typing import Any

from django.core.cache.backends import db
from django.db import connection, transaction
from django.utils import timezone


class DatabaseCache(db.DatabaseCache):
    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Atomic, and the entry ends when it would have. Django's own reads, then writes, and begins its time anew."""
        name = self.make_and_validate_key(key, version=version)
        now = timezone.now()
        table = connection.ops.quote_name(self._table)  # type: ignore[attr-defined]  # Django's own, unknown to its stubs
        lock = " FOR UPDATE" if connection.features.has_select_for_update else ""  # SQLite locks when it begins
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT value FROM {table} WHERE cache_key = %s AND expires > %s{lock}",  # noqa: S608 (our own name)
                [name, connection.ops.adapt_datetimefield_value(now)],
            )
            row = cursor.fetchone()
            if row is None:
                raise ValueError(f"Key '{key}' not found")
            value = int(pickle.loads(base64.b64decode(row[0]))) + delta  # noqa: S301 (written by this cache)
            written = base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii")
            cursor.execute(f"UPDATE {table} SET value = %s WHERE cache_key = %s", [written, name])  # noqa: S608 (the same)
        return value
