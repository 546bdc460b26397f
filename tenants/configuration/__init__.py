"""One customer's configuration as a TOML file: read it with every mistake in its place, apply it whole or not at all, write it.

What is absent from a file stays as it is; a list that is present replaces that list; agents are matched by e-mail and
never removed by absence; secrets come from environment variables that the file names, and are never exported.
docs/tenant.example.toml shows every key.

Pages save through the same checks: `stored` is what a form begins with, `stamp` what it gives back to show which state it
was filled in from, `change` saves sections of one customer. Mistakes name their place as in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import connections, registration, schema
from tenants.configuration import checks, crm, customer, people, toml
from tenants.configuration.differences import ABSENT, HIDDEN, Diff, Difference, between
from tenants.configuration.mistakes import ConfigurationError, Mistake, Place
from tenants.configuration.parsing import parse
from tenants.configuration.sections import Change, Section, Whole, register, sections
from tenants.dataverse.budget import Budget
from tenants.models import AuditEntry, Instance, Tenant, audit, digest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tenants.configuration.mistakes import Lines

__all__ = [
    "Changed", "Configuration", "ConfigurationError", "Diff", "Mistake", "Section",
    "apply", "change", "changed_by_another", "export", "load", "register", "stamp", "stored",
]  # fmt: skip

CHECKED = frozenset({"instance", "search", "custom_entities", "display_fields", "system_account"})
"""Sections that the checks of the connection look at."""
for _section in (*customer.SECTIONS, *crm.SECTIONS, people.SECTION):
    register(_section)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file without mistakes. `sections` holds what is present in it, checked; `handed` secrets that a form brought."""

    slug: str
    sections: Mapping[str, Any]
    secrets: Mapping[str, str] | None = field(default=None, repr=False)
    handed: Mapping[str, str] = field(default_factory=dict, repr=False)
    lines: Lines | None = field(default=None, repr=False, compare=False)
    act: str = "configuration.imported"


class Changed(Exception):
    """Somebody else saved since the form was opened, and nothing was saved now. `by` did it, `at` that time."""

    def __init__(self, by: str, at: datetime | None) -> None:
        super().__init__(by)
        self.by = by
        self.at = at


def load(text: str | bytes, *, secrets: Mapping[str, str] | None = None) -> Configuration:
    """Read a file. Raises ConfigurationError with all its mistakes.

    `secrets` is where `client_secret_env` is looked up: the environment for the command; None (an upload) refuses it.
    """
    data, lines = parse(text)
    place = Place()
    checked = _checked(data, place)
    slug = checked.get("tenant", {}).get("slug", "")
    _follow_rules(checked, Tenant.objects.filter(slug=slug).first() if slug else None, place, secrets=secrets)
    _stop_if_wrong(place, lines)
    return Configuration(slug, checked, secrets, lines=lines)


def apply(configuration: Configuration, *, by: User | str, dry_run: bool = False) -> Diff:
    """Create or update the customer in one transaction. A dry run does the same and takes it back.

    Raises ConfigurationError when it contradicts what is stored. May ask the instance for its directory, beforehand.
    """
    change = Change(by=by, secrets=configuration.secrets, handed=configuration.handed)
    change.directory = _find_directory(configuration, change)
    try:
        with transaction.atomic():
            diff = _apply(configuration, change)
            if dry_run:
                transaction.set_rollback(True)
    except IntegrityError as error:
        sentence = _("Somebody changed this customer at the same moment. Nothing was imported; try again.")
        raise ConfigurationError([Mistake("", sentence)]) from error
    return diff


def stored(tenant: Tenant, name: str) -> Any:
    """One section as plain data, as the file would hold it; secrets excepted."""
    return next(section for section in sections() if section.name == name).read(tenant)


def stamp(tenant: Tenant, *names: str) -> str:
    """Which state of these sections a form shows; goes into the form and comes back as `seen`."""
    data = [stored(tenant, name) for name in names]
    return digest(json.dumps(data, sort_keys=True, ensure_ascii=False, default=str))


def change(
    tenant: Tenant,
    data: Mapping[str, Any],
    *,
    by: User | str,
    seen: str = "",
    handed: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> Diff:
    """Save sections of this customer from a form: {"display_fields": [...]}. Absent keys stay as they are.

    `handed` are secrets of the system account as they were typed: {"client_secret": …, "second_client_secret": …}.

    `seen` is the stamp of just these sections when the form was opened. Saving once more what is stored already (a double
    click) is no change. Raises ConfigurationError, Changed.
    """
    place = Place()
    checked = _checked({**data, "tenant": {**data.get("tenant", {}), "slug": tenant.slug}}, place)
    handed = {name: secret for name, secret in (handed or {}).items() if secret}
    _follow_rules(checked, tenant, place, handed=handed)
    _stop_if_wrong(place, None)
    wanted = Configuration(tenant.slug, checked, handed=handed, act="configuration.changed")
    if seen and seen != stamp(tenant, *data) and apply(wanted, by=by, dry_run=True):
        raise changed_by_another(tenant)
    return apply(wanted, by=by, dry_run=dry_run)


def changed_by_another(tenant: Tenant) -> Changed:
    """By whoever changed something last."""
    last = AuditEntry.objects.filter(tenant=tenant).exclude(before={}, after={}).first()
    return Changed(last.actor if last else "", last.at if last else None)


def export(tenant: Tenant) -> str:
    """The customer's whole configuration, secrets excepted; importing it changes nothing."""
    heading = _("Configuration of the customer %(slug)s. Secrets are never exported.") % {"slug": tenant.slug}
    return f"# {heading}\n{toml.dump({name: data for name, data in _snapshot(tenant).items() if data != {}})}"


def _checked(data: dict[str, Any], place: Place) -> dict[str, Any]:
    known = {section.name: section.check for section in sections()}
    checked: dict[str, Any] = checks.table(known, required=["tenant"])(data, place)
    return checked


def _follow_rules(
    checked: Mapping[str, Any],
    tenant: Tenant | None,
    place: Place,
    *,
    secrets: Mapping[str, str] | None = None,
    handed: Mapping[str, str] | None = None,
) -> None:
    whole = Whole(tenant, checked, _snapshot(tenant) if tenant else {}, secrets, place, handed or {})
    for section in sections():
        section.rules(whole)


def _stop_if_wrong(place: Place, lines: Lines | None) -> None:
    if place.noted:
        raise ConfigurationError(
            Mistake(path, sentence, lines.of(path) if lines else None) for path, sentence in place.noted
        )


def _apply(configuration: Configuration, change: Change) -> Diff:
    tenant = Tenant.objects.select_for_update().filter(slug=configuration.slug).first()
    given = configuration
    _follow_rules(given.sections, tenant, change.place, secrets=given.secrets, handed=given.handed)
    _stop_if_wrong(change.place, configuration.lines)
    before = _snapshot(tenant) if tenant else {}
    tenant = tenant or Tenant.objects.create(slug=configuration.slug, name=configuration.sections["tenant"]["name"])
    for section in sections():
        if section.name in configuration.sections:
            section.write(tenant, configuration.sections[section.name], change)
            _stop_if_wrong(change.place, configuration.lines)
    tenant = Tenant.objects.get(pk=tenant.pk)
    diff = _diff(before, _snapshot(tenant), change)
    if diff:
        _audit(tenant, diff, change, configuration.act)
        _check_again(tenant, diff, change.by)
    return diff


def _check_again(tenant: Tenant, diff: Diff, by: User | str) -> None:
    """What is asked of Microsoft has changed: tables are read anew, and the checks run once this is committed."""
    sections = {one.section for one in diff.differences}
    instance = crm.instance_of(tenant)
    if instance is None or not sections & CHECKED:
        return
    if sections & {"instance", "custom_entities"}:
        connections.forget_metadata(instance)
    schema.forget(instance)
    transaction.on_commit(lambda: _verify_later(instance, by))


def _verify_later(instance: Instance, by: User | str) -> None:
    from tenants import tasks  # they know everybody, this module among them

    user = None if isinstance(by, str) else by.pk
    tasks.verify_after_change(instance.pk, str(by), user, timezone.now().isoformat())


def _find_directory(configuration: Configuration, change: Change) -> UUID | None:
    """Ask the instance, without a token, when neither the file nor the portal knows its directory."""
    data = configuration.sections.get("instance")
    if data is None or data.get("entra_tenant_id"):
        return None
    stored = crm.instance_of(Tenant.objects.filter(slug=configuration.slug).first())
    url = data.get("url") or (stored.url if stored else "")
    if not url or (stored and stored.url == url and stored.directory_id):
        return None
    found = registration.find_directory(url, Budget(registration.PROBE_SECONDS))
    if found is None:
        change.notes.append(str(registration.NOT_VERIFIED))
    return found


def _snapshot(tenant: Tenant) -> dict[str, Any]:
    return {section.name: section.read(tenant) for section in sections()}


def _diff(before: dict[str, Any], after: dict[str, Any], change: Change) -> Diff:
    found = [
        difference
        for section in sections()
        for difference in between(section, before.get(section.name), after.get(section.name))
    ]
    hidden = [Difference("system_account", "", key, HIDDEN, HIDDEN) for key in change.secrets_set]
    return Diff((*found, *hidden), tuple(change.notes))


def _audit(tenant: Tenant, diff: Diff, change: Change, act: str) -> None:
    """Values, but of people only which keys: agents by their code."""
    codes = {email.lower(): str(code) for email, code in tenant.agents.values_list("email", "code")}
    kept: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
    for one in diff.differences:
        path = one.path.replace(one.item, codes[one.item], 1) if one.item in codes else one.path
        for side, value in (("before", one.before), ("after", one.after)):
            if value is not ABSENT:
                kept[side][path] = HIDDEN if one.private else value
    audit(tenant=tenant, by=change.by, act=act, target=tenant.slug, **kept)
