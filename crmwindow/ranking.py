"""Which record first, and why: hits of a look-up in, matches with their reason in words out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crmwindow.search import Hit


@dataclass(frozen=True, slots=True)
class Match:
    """One record that holds the number, at its place in the list. `kind`: person, company or record.

    `fields` are (label, formatted value, link); `reason` is one or two sentences in the active language.
    """

    table: str
    record_id: str
    name: str
    company: str
    company_id: str
    kind: str
    table_label: str
    owner_is_me: bool
    owner_name: str
    inactive: bool
    inactive_since: datetime | None
    remembered: bool
    last_activity: datetime | None
    reason: str
    fields: tuple[tuple[str, str, str], ...] = ()
    flags: tuple[str, ...] = ()
    by_name: bool = False


def rank(hits: Iterable[Hit], *, me: str, remembered: tuple[str, str] | None) -> list[Match]:
    """Remembered choice, active, person before company, owned by `me` (systemuser id), last activity.

    A company is left out where an active person of it is listed: the person's line names it. `remembered` is
    (table, record id).
    """
    listed = _collapsed(list(hits), remembered)
    ordered = sorted(listed, key=lambda hit: hit.modified, reverse=True)
    ordered.sort(key=lambda hit: _place(hit, me, remembered))
    only = len(ordered) == 1
    last_inactive = len([hit for hit in ordered if not hit.inactive]) > 0
    return [_match(hit, me, remembered, only=only, last=last_inactive) for hit in ordered]


def rank_names(hits: Iterable[Hit], *, me: str) -> list[Match]:
    """Of a search by name: active, owned by `me`, last activity. The number plays no part."""
    named = [replace(hit, column_label="", by_name=False) for hit in hits]
    ordered = sorted(named, key=lambda hit: hit.modified, reverse=True)
    ordered.sort(key=lambda hit: (hit.inactive, not _owned(hit, me)))
    return [_match(hit, me, None, only=False, last=True) for hit in ordered]


def _place(hit: Hit, me: str, remembered: tuple[str, str] | None) -> tuple[bool, bool, bool, bool]:
    return (hit.table, hit.record_id) != remembered, hit.inactive, hit.kind != "person", not _owned(hit, me)


def _owned(hit: Hit, me: str) -> bool:
    return bool(me) and hit.owner_id == me


def _collapsed(hits: list[Hit], remembered: tuple[str, str] | None) -> list[Hit]:
    companies = {hit.company_id for hit in hits if hit.kind == "person" and not hit.inactive and hit.company_id}
    return [
        hit
        for hit in hits
        if hit.kind != "company" or hit.record_id not in companies or (hit.table, hit.record_id) == remembered
    ]


def _match(hit: Hit, me: str, remembered: tuple[str, str] | None, *, only: bool, last: bool) -> Match:
    is_remembered = (hit.table, hit.record_id) == remembered
    modified = _moment(hit.modified)
    return Match(
        table=hit.table,
        record_id=hit.record_id,
        name=hit.name,
        company=hit.company,
        company_id=hit.company_id,
        kind=hit.kind,
        table_label=hit.table_label,
        owner_is_me=_owned(hit, me),
        owner_name=hit.owner_name,
        inactive=hit.inactive,
        inactive_since=modified if hit.inactive else None,
        remembered=is_remembered,
        last_activity=modified,
        reason=_reason(hit, me, modified, remembered=is_remembered, only=only, last=last),
        fields=hit.fields,
        flags=hit.flags,
        by_name=hit.by_name,
    )


def _reason(hit: Hit, me: str, modified: datetime | None, *, remembered: bool, only: bool, last: bool) -> str:
    parts = []
    if remembered:
        parts.append(_("You chose this record for the number last time."))
    elif hit.by_name:
        parts.append(_("You found this record by name."))
    elif not hit.inactive:
        parts.append(_only(hit) if only else _column(hit))
    if hit.inactive:
        parts.append(_inactive(modified, last=last and not remembered))
    elif _owned(hit, me):
        parts.append(_yours(hit))
    elif hit.owner_name and not remembered:
        parts.append(_("Owner: %(name)s.") % {"name": hit.owner_name})
    return " ".join(part for part in parts if part)


def _only(hit: Hit) -> str:
    if (hit.table, hit.column) == ("contact", "mobilephone"):
        return _("Only match: the contact's mobile.")
    return _("Only match: %(column)s.") % {"column": hit.column_label} if hit.column_label else _("Only match.")


def _column(hit: Hit) -> str:
    return f"{hit.column_label}." if hit.column_label else ""


def _yours(hit: Hit) -> str:
    if hit.table == "contact":
        return _("You own this contact.")
    if hit.table == "account":
        return _("You own this company.")
    return _("You own this lead.") if hit.table == "lead" else _("You own this record.")


def _inactive(since: datetime | None, *, last: bool) -> str:
    """Inactive records cannot be edited, so their last change is the moment they became so."""
    if since is None:
        return _("Inactive, so listed last.") if last else _("Inactive.")
    date = formats.date_format(timezone.localtime(since), pgettext("format of day, month and year", "j M Y"))
    return (_("Inactive since %(date)s, so listed last.") if last else _("Inactive since %(date)s.")) % {"date": date}


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text) if text else None
    except ValueError:
        return None
    return moment if moment and timezone.is_aware(moment) else None
