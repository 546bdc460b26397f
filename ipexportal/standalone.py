"""Keys for commands that need no deployment (sandbox, benchmark). Imported before settings are read, so: no Django here."""

from __future__ import annotations

import base64
import os


def fill_in() -> None:
    """Throwaway keys for whatever of the secrets the environment lacks: nothing that outlives the process is encrypted."""
    for name in ("FIELD_KEYS", "INDEX_KEYS"):
        os.environ.setdefault(name, f"throwaway:{base64.b64encode(os.urandom(32)).decode()}")
    os.environ.setdefault("SECRET_KEY", base64.b64encode(os.urandom(48)).decode())
