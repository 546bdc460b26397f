"""What is wrong with numbers, in the words of the page and the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from crmwindow.index.quality import Kind

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class Words:
    title: _StrPromise
    meaning: _StrPromise
    remedy: _StrPromise


KINDS: dict[Kind, Words] = {
    "unreadable": Words(
        _("No number can be read"),
        _("The field holds text in which no telephone number can be recognized, so nobody is found by it."),
        _("Correct the number in the CRM, or clear the field."),
    ),
    "ambiguous": Words(
        _("The country is not clear"),
        _("The number is written without a country and would be valid in the neighbouring country, too."),
        _("Write it with the country: +420 or +421 at its beginning."),
    ),
    "duplicate": Words(
        _("Twice in one table"),
        _("Two or three records of one table have the same number. Perhaps it is one person entered twice."),
        _("Merge the records in the CRM, or leave the number with one of them."),
    ),
    "shared": Words(
        _("Shared by many"),
        _(
            "More than three records of one table have the number, for instance a switchboard. Agents choose from a list."
        ),
        _("Keep it with the company, and give people numbers of their own."),
    ),
}
