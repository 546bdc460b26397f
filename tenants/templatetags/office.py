"""Tables of the admin whose cells know their column's label, and labels in the reader's language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django import template
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe

from tenants.models import label_in

if TYPE_CHECKING:
    from tenants.models import Label

register = template.Library()
_HEADER = re.compile(r'<th[^>]*\bclass="[^"]*?\bcolumn-([\w-]+)[^"]*"[^>]*>(.*?)</th>', re.DOTALL)
_TEXT = re.compile(r'<div class="text">(.*?)</div>', re.DOTALL)
_CELL = re.compile(r'<(t[dh]) class="field-([\w-]+)')


@register.filter
def labelled_cells(html: str) -> SafeString:
    """Django's table, each cell with the label of its column: on a narrow screen rows become blocks (admin.css)."""
    labels = {name: _label(inside) for name, inside in _HEADER.findall(html)}

    def with_label(cell: re.Match[str]) -> str:
        label = labels.get(cell[2])
        return f'<{cell[1]} data-label="{label}" class="field-{cell[2]}' if label else cell[0]

    return mark_safe(_CELL.sub(with_label, html))  # noqa: S308  (what it adds was escaped as text by Django)


def _label(inside: str) -> str:
    text = _TEXT.search(inside)
    return " ".join(strip_tags(text[1] if text else inside).replace('"', "&quot;").split())


@register.filter
def in_words(label: Label) -> str:
    return label_in(label)
