"""The people as CSV for spreadsheets; reading it again changes nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tenants import activation
from tenants.models import Tenant
from tenants.roster.columns import FIELDS, LABELS

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
BOM = "\ufeff"


def export(tenant: Tenant) -> str:
    """With a byte order mark, by which Excel knows UTF-8, and semicolons, which it wants in Czech and Slovak."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter="," if (get_language() or "").startswith("en") else ";", lineterminator="\r\n")
    writer.writerow([str(LABELS[name]) for name in (*FIELDS, "window", "state")])
    for agent in activation.with_steps(tenant.agents.order_by("name", "email", "pk")):
        window = _("on") if agent.window else _("off")
        cells = [*(str(getattr(agent, name)) for name in FIELDS), window, activation.state_of(agent).label]
        writer.writerow([neutral(cell) for cell in cells])
    return BOM + file.getvalue()


def rows(header: Sequence[str], people: Iterable[dict[str, str]]) -> str:
    """As text to be put right by hand: a heading, then a row each."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\n")
    writer.writerow([str(LABELS[name]) for name in header])
    for person in people:
        writer.writerow([neutral(person.get(name, "")) for name in header])
    return file.getvalue()


def neutral(cell: str) -> str:
    """What a spreadsheet would take for a formula gets an apostrophe, which tells it (and our reading) "this is text"."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
