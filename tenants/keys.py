"""Key rings from the environment: `id:base64(32 bytes)[,id:…]`; the first encrypts, all decrypt."""

import base64
import binascii

from django.core.exceptions import ImproperlyConfigured


def parse_keys(text: str, *, name: str) -> dict[str, bytes]:
    """Answer {id: key} in order. Raises ImproperlyConfigured, without ever quoting a key, when something is wrong."""
    ring: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key_id, separator, encoded = entry.partition(":")
        if not separator or not key_id.isalnum() or len(key_id) > 16:
            raise ImproperlyConfigured(f"{name}: each entry is id:base64, with an id of 1 to 16 letters and digits.")
        if key_id in ring:
            raise ImproperlyConfigured(f"{name}: the id {key_id} stands twice; which of the two keys is meant?")
        ring[key_id] = _decode(encoded, key_id, name)
    if not ring:
        raise ImproperlyConfigured(f"{name}: there is no key. One is made by: openssl rand -base64 32")
    return ring


def _decode(encoded: str, key_id: str, name: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ImproperlyConfigured(f"{name}: the key {key_id} is not base64.") from None
    if len(key) != 32:
        raise ImproperlyConfigured(f"{name}: the key {key_id} has {len(key)} bytes, not 32.")
    return key
