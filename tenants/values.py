"""Values of a record as agents read them on the card: formatted by Dataverse for whoever asked, with their links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tenants.dataverse import odata
from tenants.models import label_in
from tenants.schema import ShownField


def shown_fields(
    fields: Iterable[ShownField], row: Mapping[str, Any], record_id: str, language: str
) -> Iterator[tuple[str, str, str]]:
    """Label, formatted value and link of those that have a value."""
    for each in fields:
        value = odata.shown(row, each.column.property).strip()
        if value:
            raw = str(row.get(each.column.property))
            link = each.link.replace("{value}", quote(raw, safe="")).replace("{id}", quote(record_id, safe=""))
            safe = link if link.startswith("https://") else ""  # an older import may have left another
            yield label_in(each.label, language) or each.column.label(language), value, safe
