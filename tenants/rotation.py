"""Encrypt anew, with the first of FIELD_KEYS, what an older key still holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db import models

from tenants.fields import CannotDecrypt, EncryptedTextField, Sealed, seal, unseal

BATCH = 500


@dataclass(slots=True)
class Count:
    """What became of one column's values. `erased` were emptied by somebody meanwhile."""

    model: str
    column: str
    rotated: int = 0
    current: int = 0
    erased: int = 0
    unreadable: int = 0


def encrypted_columns() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.attname


def rotate(model: type[models.Model], column: str) -> Count:
    """Row by row by compare-and-set, in no transaction: what somebody stores meanwhile stays, and is newer anyway."""
    count = Count(model._meta.label, column)
    for row in _rows(model, column):
        _rotate(row, column, count)
    return count


def _rows(model: type[models.Model], column: str) -> Iterator[models.Model]:
    last = 0
    needed = model._default_manager.only("pk", "code", column).exclude(**{column: b""}).order_by("pk")
    while rows := list(needed.filter(pk__gt=last)[:BATCH]):
        yield from rows
        last = rows[-1].pk


def _rotate(row: models.Model, column: str, count: Count) -> None:
    sealed = row.__dict__[column]
    while isinstance(sealed, Sealed) and sealed:
        if sealed.key_id == next(iter(settings.FIELD_KEYS)):
            count.current += 1
            return
        try:
            fresh = seal(row, column, unseal(row, column, sealed))
        except CannotDecrypt:
            count.unreadable += 1
            return
        this = type(row)._default_manager.filter(pk=row.pk)
        if this.filter(**{column: sealed}).update(**{column: fresh}):
            count.rotated += 1
            return
        sealed = this.values_list(column, flat=True).first()
    count.erased += 1
