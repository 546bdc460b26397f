"""The same people and calls as for look-ups."""

from tests.lookup.conftest import jana, key_scheme, metadata, ring

__all__ = ["jana", "key_scheme", "metadata", "ring"]
