"""What several models share: languages, labels, digests, public codes."""

from __future__ import annotations

import hashlib
import uuid

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

LANGUAGES = [("cs", "Čeština"), ("sk", "Slovenčina"), ("en", "English")]
WEBHOOK_KEYS = ("EventName", "From", "To", "Line", "Email", "Login", "UniqueId", "Queue", "Direction", "Reason")
Label = str | dict[str, str]
"""A label typed once, or once per language: "Vyřešeno" or {"cs": "Vyřešeno", "en": "Solved"}."""


def label_in(label: Label, language: str | None = None) -> str:
    """The label in that language (default: the active one), else in Czech, else in whichever there is."""
    if isinstance(label, str):
        return label
    language = (language or get_language() or "cs")[:2]
    return label.get(language) or label.get("cs") or next(iter(label.values()), "")


def digest(secret: str) -> str:
    """What is kept of a key, ticket, code or cookie that has full entropy of its own."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Coded(models.Model):
    """Has a public code for URLs; primary keys stay inside."""

    code = models.UUIDField(_("public code"), default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True
