"""What a refused form shows: each mistake under its field, and all of them at its head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def under_fields(errors: Mapping[str, str] | None) -> dict[str, Any]:
    """`errors`: name of a field → sentence."""
    errors = errors or {}
    mistakes = [{"field": f"id_{name}", "sentence": sentence} for name, sentence in errors.items()]
    return {"errors": errors, "mistakes": mistakes}
