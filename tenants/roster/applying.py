"""A checked list is written, all of it or nothing; and one person is changed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.db import IntegrityError, transaction

from tenants import activation, configuration
from tenants.configuration.differences import HIDDEN
from tenants.models import Agent, Tenant, audit
from tenants.roster.columns import FIELDS
from tenants.roster.comparing import CHANGED, NEW, UNCHANGED, Preview, compare
from tenants.roster.reading import Entry, Listing

if TYPE_CHECKING:
    from django.contrib.auth.models import User

REMEMBERED_FOR = timedelta(hours=12)
SALT = "tenants.roster"


@dataclass(frozen=True, slots=True)
class Applied:
    new: int
    changed: int
    unchanged: int
    switched_on: int


class NothingApplied(Exception):
    """The list does not fit what is stored by now; `preview` says where."""

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview


def apply(tenant: Tenant, listing: Listing, *, by: User | str, enable: bool = False, seen: str = "") -> Applied:
    """`enable` switches the window on for everybody in the list, which queues their e-mails.

    `seen` is `configuration.stamp(tenant, "agents")` of the preview. Doing it twice is doing it once. Raises NothingApplied
    and configuration.Changed.
    """
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        preview = compare(tenant, listing)
        if not preview.ok:
            raise NothingApplied(preview)
        items = [
            _item(row.item, enable=enable)
            for row in preview.rows
            if row.state != UNCHANGED or (enable and not row.window)
        ]
        if items:
            _write(tenant, items, listing, by=by, seen=seen)
    on = preview.without_window if enable else 0
    return Applied(preview.counts[NEW], preview.counts[CHANGED], preview.counts[UNCHANGED], on)


def _write(tenant: Tenant, items: list[dict[str, Any]], listing: Listing, *, by: User | str, seen: str) -> None:
    try:
        configuration.change(tenant, {"agents": items}, by=by, seen=seen)
    except configuration.ConfigurationError as error:
        raise NothingApplied(compare(tenant, listing)) from error


def _item(person: Mapping[str, str], *, enable: bool) -> dict[str, Any]:
    return {name: person.get(name, "") for name in FIELDS} | ({"window": True} if enable else {})


def change(agent: Agent, values: Mapping[str, str], *, by: User | str) -> bool:
    """Other values for one person, checked by a form; a new address gets the activation e-mail. False: no change.

    Raises IntegrityError when somebody else got the same e-mail or login in this moment.
    """
    try:
        with transaction.atomic():
            return _changed(agent, values, by=by)
    except IntegrityError:
        agent.refresh_from_db()
        raise


def _changed(agent: Agent, values: Mapping[str, str], *, by: User | str) -> bool:
    row = Agent.objects.select_for_update(no_key=True, of=("self",)).select_related("tenant").get(pk=agent.pk)
    names = [name for name in FIELDS if name in values and getattr(row, name) != values[name]]
    if not names:
        return False
    before = {name: getattr(row, name) for name in names}
    for name in names:
        setattr(row, name, values[name])
    row.save(update_fields=names)
    audit(
        tenant=row.tenant,
        by=by,
        act="agent.changed",
        target=f"agent {row.code}",
        before=_hidden(before),
        after=_hidden({name: values[name] for name in names}),
    )
    if "email" in names and row.window and not row.is_signed_in:
        activation.invite_at_another_address(row)
    return True


def _hidden(values: Mapping[str, str]) -> dict[str, str]:
    """Of people, only what was changed is kept, not to what."""
    return {name: value if name == "language" else HIDDEN for name, value in values.items()}


# Between preview and apply


def remember(tenant: Tenant, entries: Iterable[Entry]) -> str:
    """The rows as signed text for a hidden field, good for this customer only."""
    rows = [[entry.line, entry.values] for entry in entries]
    return signing.dumps(rows, salt=f"{SALT}.{tenant.code}", compress=True)


def remembered(tenant: Tenant, text: str) -> list[Entry]:
    """Raises signing.BadSignature: not ours, of another customer, or too old."""
    rows = signing.loads(text, salt=f"{SALT}.{tenant.code}", max_age=REMEMBERED_FOR)
    return [Entry(line, values, of_file=True) for line, values in rows]
