"""A number as a column that can be found but not read: without INDEX_KEYS it tells nobody anything.

The key is derived per tenant (HKDF, RFC 5869), so equal numbers of two customers differ. Each value names its key; the first
of INDEX_KEYS makes new ones, all are searched for.
"""

import hmac
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tenants.models import Tenant

BYTES = 16


def blind(tenant: Tenant, e164: str) -> str:
    """`keyid:32 hex digits` of a number in E.164."""
    return _blind(next(iter(settings.INDEX_KEYS)), tenant.code, e164)


def blinds(tenant: Tenant, e164: str) -> list[str]:
    """The same number under every key, for searching while keys are being exchanged."""
    return [_blind(key_id, tenant.code, e164) for key_id in settings.INDEX_KEYS]


def for_index(tenant: Tenant, key_id: str) -> Callable[[str], bytes]:
    """Makes E.164 into what the number index keeps. With a key of its own: its values cannot be joined with the others."""
    key = _key(settings.INDEX_KEYS[key_id], tenant.code, b"number index")
    return lambda e164: hmac.digest(key, e164.encode(), "sha256")[:BYTES]


def _blind(key_id: str, code: UUID, e164: str) -> str:
    key = _key(settings.INDEX_KEYS[key_id], code, b"telephone number")
    return f"{key_id}:{hmac.new(key, e164.encode(), sha256).digest()[:BYTES].hex()}"


@lru_cache(maxsize=4096)
def _key(key: bytes, code: UUID, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=code.bytes, info=purpose).derive(key)
