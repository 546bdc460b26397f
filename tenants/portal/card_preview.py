"""The card as the agent will see it, of sample records, and why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from tenants.models import Tenant, label_in
from tenants.portal import card_form as forms
from tenants.values import shown_fields

if TYPE_CHECKING:
    from tenants.portal.card_form import Row
    from tenants.samples import Sample, Samples, Sight
    from tenants.verification.results import Found

_SHAPES = {"contact": "person", "lead": "person", "account": "company"}


@dataclass(frozen=True, slots=True)
class Preview:
    """`fields` are (label, formatted value, link); of a card nobody could fill, values are ""."""

    name: str
    company: str = ""
    phone: str = ""
    table_label: str = ""
    shape: str = "person"
    fields: tuple[tuple[str, str, str], ...] = ()
    is_real: bool = True


def of(rows: list[Row], samples: Samples, tenant: Tenant, language: str) -> list[Preview]:
    """A person with their company, then a card of each other table with fields. Never empty."""
    own = {entity.table.lower(): entity.label for entity in tenant.instance.custom_entities.all()}
    found = []
    for name, sample in samples.records.items():
        is_asked_for = name in {"account", "contact"} or forms.fields_of(rows, name, language)
        if not is_asked_for or (name == "account" and "contact" in samples.records):
            continue
        fields = [*_fields(rows, sample, language)]
        company = samples.records.get("account") if name == "contact" else None
        fields += _fields(rows, company, language) if company else ()
        label = label_in(own.get(name, ""), language) or sample.table.label(language)
        shape = _SHAPES.get(name, "record")
        found.append(Preview(sample.name or label, sample.company, sample.phone, label, shape, tuple(fields)))
    return found or [_blank(rows, language)]


def _fields(rows: Iterable[Row], sample: Sample, language: str) -> Iterator[tuple[str, str, str]]:
    shown = forms.fields_of(rows, sample.table.logical_name, language)
    return shown_fields(shown, sample.row, sample.record_id, language)


def _blank(rows: Iterable[Row], language: str) -> Preview:
    labels = [row.title(language) for row in rows if row.state in {"ok", "unverified"}]
    return Preview(
        _("Name of the caller"), _("Company"), fields=tuple((each, "", "") for each in labels), is_real=False
    )


def problems(sight: Sight, samples: Samples, language: str) -> list[str]:
    """What stands in the way of sample values, in sentences."""
    if sight.problem:
        return [_sentence(sight.problem)]
    tables = sight.metadata.tables if sight.metadata else {}
    return [
        f"{tables[name].label(language)}: {_sentence(found)}" if name in tables else _sentence(found)
        for name, found in samples.problems.items()
    ]


def _sentence(found: Found) -> str:
    sentences = {
        "busy": _("Microsoft is busy and asks to wait, so there are no samples just now. Everything else works."),
        "unreachable": _("Microsoft is not responding, so there are no samples just now. Everything else works."),
        "sign_in": _("Microsoft did not accept your sign-in. Connect Microsoft once more to see samples."),
        "not_a_member": _("Your account has no user with a role in this CRM, so there are no samples."),
        "may_not_look": _("Your account may not read these records in the CRM, so there are no samples of them."),
    }
    return sentences.get(found.why) or _("The CRM refused to show a sample. Everything else works.")
