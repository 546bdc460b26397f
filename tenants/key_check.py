"""Whether FIELD_KEYS open what is stored, by a few values of each table. `check_field_keys` counts all of them."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import models

from tenants.fields import CannotDecrypt
from tenants.rotation import encrypted_columns

ROWS = 10
SECONDS = 60
logger = logging.getLogger(__name__)
_opened: dict[str, Any] = {}
_sealing: list[dict[str, bytes]] = []  # FIELD_KEYS that have been found fit for it


def opens() -> bool:
    """Remembered for a minute when they do. One damaged value among others is not a wrong key."""
    if _opened.get("keys") == settings.FIELD_KEYS and time.monotonic() < _opened["until"]:
        return True
    closed = _closed_tables()
    if closed:
        logger.error("FIELD_KEYS do not open what is stored in %s.", ", ".join(closed))
        return False
    _opened.update(keys=dict(settings.FIELD_KEYS), until=time.monotonic() + SECONDS)
    vouch_for(settings.FIELD_KEYS)
    return True


def require() -> None:
    """Before anything is sealed: what a wrong key seals is lost as soon as the right one is back. Raises CannotDecrypt when
    there are values and none opens; asked once in a process.
    """
    if settings.FIELD_KEYS in _sealing:
        return
    tried = sum((_tried(model, columns) for model, columns in _tables()), Counter[bool]())
    if tried[False] and not tried[True]:
        raise CannotDecrypt("FIELD_KEYS open nothing of what is stored, so nothing is sealed with them.")
    vouch_for(settings.FIELD_KEYS)


def vouch_for(keys: dict[str, bytes]) -> None:
    """They may seal; nobody has to look any more."""
    _sealing[:] = [dict(keys)]


def _closed_tables() -> list[str]:
    """Tables of whose oldest and newest values more stay closed than open."""
    return [model._meta.label for model, columns in _tables() if _stays_closed(_tried(model, columns))]


def _stays_closed(tried: Counter[bool]) -> bool:
    return tried[False] > tried[True]


def _tables() -> Iterator[tuple[type[models.Model], list[str]]]:
    columns: dict[type[models.Model], list[str]] = defaultdict(list)
    for model, column in encrypted_columns():
        columns[model].append(column)
    yield from columns.items()


def _tried(model: type[models.Model], columns: list[str]) -> Counter[bool]:
    """How many of its oldest and newest values open, and how many do not."""
    return Counter(_is_open(row, column) for row in _some(model, columns) for column in columns if row.__dict__[column])


def _some(model: type[models.Model], columns: list[str]) -> Iterator[models.Model]:
    rows = model._default_manager.only("pk", "code", *columns)
    for order in ("pk", "-pk"):
        yield from rows.order_by(order)[:ROWS]


def _is_open(row: models.Model, column: str) -> bool:
    try:
        getattr(row, column)
    except CannotDecrypt:
        return False
    return True
