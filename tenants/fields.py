"""The encrypted field: AES-GCM with a key id (rotation) and the row bound as associated data.

A stored value is `b"\\x01" + len(id) + id + nonce(12) + ciphertext`. The associated data are table, column and the row's
`code`, so a value copied into another row, column or table does not open. Needs a UUID field `code` on the model.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models


class CannotDecrypt(Exception):
    """The value was sealed with a key that is not in FIELD_KEYS, or was moved or altered; or it cannot be sealed, for these
    keys do not open what is stored. Acts: us.
    """


class Sealed(bytes):
    """An encrypted value as it lies in the database."""

    @property
    def key_id(self) -> str:
        return bytes(self[2 : 2 + self[1]]).decode("ascii")


def seal(row: models.Model, column: str, text: str) -> Sealed:
    """Encrypt text for that row and column; for `QuerySet.update`, which bypasses the field."""
    if not text:
        return Sealed()
    return _seal(text, _bound_to(row, column))


def unseal(row: models.Model, column: str, sealed: Sealed) -> str:
    """Raises CannotDecrypt; never answers something it could not authenticate."""
    return _unseal(sealed, _bound_to(row, column)) if sealed else ""


def seal_text(purpose: str, text: str) -> str:
    """For text that others keep, in rows that we cannot bind it to."""
    return base64.b64encode(_seal(text, purpose.encode())).decode()


def unseal_text(purpose: str, sealed: str) -> str:
    """Raises CannotDecrypt."""
    return _unseal(Sealed(base64.b64decode(sealed)), purpose.encode())


def _seal(text: str, bound_to: bytes) -> Sealed:
    from tenants import key_check  # it opens what is sealed here

    key_check.require()
    key_id, key = next(iter(settings.FIELD_KEYS.items()))
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), bound_to)
    return Sealed(bytes([1, len(key_id)]) + key_id.encode() + nonce + sealed)


def _unseal(sealed: Sealed, bound_to: bytes) -> str:
    key = settings.FIELD_KEYS.get(sealed.key_id) if sealed[0] == 1 else None
    if key is None:
        raise CannotDecrypt("The key this value was encrypted with is not configured.")
    start = 2 + sealed[1]
    try:
        plain = AESGCM(key).decrypt(sealed[start : start + 12], sealed[start + 12 :], bound_to)
    except InvalidTag:
        raise CannotDecrypt("This value was altered or belongs to another row.") from None
    return plain.decode()


def _bound_to(row: models.Model, column: str) -> bytes:
    return f"{row._meta.db_table}.{column}:{row.code}".encode()  # type: ignore[attr-defined]


class _Attribute:
    """Holds what was assigned or loaded; decrypts only when somebody reads it."""

    def __init__(self, field: models.Field[Any, Any]) -> None:
        self.field = field

    def __get__(self, row: models.Model | None, owner: type[models.Model] | None = None) -> Any:
        if row is None:
            return self
        if self.field.attname not in row.__dict__:
            row.refresh_from_db(fields=[self.field.attname])
        value = row.__dict__[self.field.attname]
        return unseal(row, self.field.attname, value) if isinstance(value, Sealed) else value

    def __set__(self, row: models.Model, value: str | Sealed) -> None:
        row.__dict__[self.field.attname] = value


if TYPE_CHECKING:
    _TextField = models.Field[str | Sealed, str]
else:
    _TextField = models.Field  # not subscriptable when it runs


class EncryptedTextField(_TextField):
    """Text that is readable only with FIELD_KEYS. Never a form's initial value; never sorted or filtered by."""

    descriptor_class = _Attribute
    empty_values = ["", b"", None]

    def __init__(self, *args: Any, **options: Any) -> None:
        secret: dict[str, Any] = {"default": "", "blank": True, "editable": False}
        super().__init__(*args, **(secret | options))

    def get_internal_type(self) -> str:
        return "BinaryField"

    def from_db_value(self, value: Any, expression: object, connection: object) -> Sealed:
        return Sealed(value or b"")

    def pre_save(self, row: models.Model, add: bool) -> Sealed:
        value = row.__dict__[self.attname]
        sealed = value if isinstance(value, Sealed) else seal(row, self.attname, value)
        row.__dict__[self.attname] = sealed
        return sealed

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else connection.Database.Binary(bytes(value or b""))

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        raise NotImplementedError("Encrypted values are not dumped.")
