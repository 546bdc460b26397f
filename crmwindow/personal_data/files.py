"""What was found, as a file for the person who asked: JSON with everything in its place, or CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crmwindow.personal_data.trail import Part, Trail
from tenants.models import audit
from tenants.roster.writing import BOM, neutral

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KINDS = ("json", "csv")
_OF_JSON = {("lookups", "result"), ("writes", "content"), ("menu", "answers"), ("drafts", "values"), ("notes", "aside")}


def export(found: Trail, kind: str, *, by: User | str) -> str:
    """Audited without the number."""
    text = as_json(found) if kind == "json" else as_csv(found)
    target = "number" if found.about == "number" else f"agent {found.rows('agent').values_list('code', flat=True)[0]}"
    with transaction.atomic():
        audit(tenant=found.tenant, by=by, act="personal_data.exported", target=target, after={**found.counts})
    return text


def as_json(found: Trail) -> str:
    parts = [
        {"kept": str(part.title), "why": str(part.why), "until": str(part.until), "rows": list(_rows(part))}
        for part in found.found
    ]
    told = {"customer": found.tenant.name, "about": found.shown, "made_at": timezone.now(), "parts": parts}
    return json.dumps(told, ensure_ascii=False, indent=2, cls=DjangoJSONEncoder)


def as_csv(found: Trail) -> str:
    """A line per value, since every part has columns of its own."""
    text = io.StringIO()
    delimiter = "," if (get_language() or "").startswith("en") else ";"
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([_("What is kept"), _("Row"), _("Field"), _("Value")])
    for part in found.found:
        for number, row in enumerate(_rows(part), start=1):
            for name, value in row.items():
                writer.writerow([neutral(str(cell)) for cell in (part.title, number, name, _plain(value))])
    return BOM + text.getvalue()


def _rows(part: Part) -> Iterator[dict[str, Any]]:
    """What is empty says nothing and is left out."""
    for row in part.rows.iterator(500):
        values = {name: _value(part.key, row, name) for name in part.columns}
        yield {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _value(key: str, row: Any, name: str) -> Any:
    for step in name.split("."):
        row = getattr(row, step, None)
    return json.loads(row) if (key, name) in _OF_JSON and row else row


def _plain(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, cls=DjangoJSONEncoder)
    return timezone.localtime(value).isoformat(" ", "seconds") if hasattr(value, "hour") else str(value)
