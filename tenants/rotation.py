"""Encrypt anew, with the first of FIELD_KEYS, what an older key still holds."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.db import models

from tenants.fields import CannotDecrypt, EncryptedTextField, Sealed, seal, seal_text, unseal, unseal_text

BATCH = 500
SECOND_FACTOR = ("secret", "seed")  # what of an Authenticator's data is sealed


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
        for column in model._meta.concrete_fields:
            if isinstance(column, EncryptedTextField):
                yield model, column.attname


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


@dataclass(slots=True)
class Look:
    """How many values of a column each key sealed, and how many of them open."""

    by_key: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0


def look_at(model: type[models.Model], column: str) -> Look:
    """Opens every value, changes none."""
    look = Look()
    for row in _rows(model, column):
        sealed = row.__dict__[column]
        try:
            unseal(row, column, sealed)
        except CannotDecrypt:
            look.unreadable += 1
        look.by_key[sealed.key_id] += 1
    return look


def rotate_second_factors() -> Count:
    """allauth's rows: text among other data, which a sign-in may change meanwhile; then the next run rotates it."""
    count = Count(Authenticator._meta.label, "data")
    for row in Authenticator.objects.order_by("pk").iterator(BATCH):
        sealed = {name: row.data[name] for name in SECOND_FACTOR if name in row.data}
        if all(Sealed(b64decode(text)).key_id == next(iter(settings.FIELD_KEYS)) for text in sealed.values()):
            count.current += 1
            continue
        try:
            fresh = {name: seal_text("mfa", unseal_text("mfa", text)) for name, text in sealed.items()}
        except CannotDecrypt:
            count.unreadable += 1
            continue
        same = Authenticator.objects.filter(pk=row.pk, data=row.data)
        count.rotated += same.update(data=row.data | fresh)
    return count


def look_at_second_factors() -> Look:
    look = Look()
    for row in Authenticator.objects.order_by("pk").iterator(BATCH):
        for text in (row.data[name] for name in SECOND_FACTOR if name in row.data):
            try:
                unseal_text("mfa", text)
            except CannotDecrypt:
                look.unreadable += 1
            look.by_key[Sealed(b64decode(text)).key_id] += 1
    return look
