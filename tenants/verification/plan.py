"""What is configured, read from our database once, before anybody asks Microsoft: checks in threads touch no database."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone

from tenants import credentials, needed_rights
from tenants.credentials import Credential
from tenants.models import Agent, CustomEntity, DisplayField, Instance, SystemAccount
from tenants.needed_rights import Needed

AGENTS_ASKED_ABOUT = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """One instance's configuration. Table names are in lower case, which is what Dataverse makes logical names of."""

    instance: Instance
    account: SystemAccount | None
    credentials: tuple[Credential, ...]
    entities: tuple[CustomEntity, ...]
    fields: tuple[DisplayField, ...]
    search_columns: Mapping[str, list[str]]
    enabled: int
    signed_in: int
    sign_in_errors: Mapping[str, int]
    systemusers: tuple[uuid.UUID, ...]
    today: date
    searched: tuple[str, ...]
    needed: tuple[Needed, ...]

    @property
    def own(self) -> tuple[str, ...]:
        return tuple(entity.table.strip().lower() for entity in self.entities)

    @property
    def creatable(self) -> tuple[str, ...]:
        return tuple(name for name in self.searched if name != "account")

    @property
    def tables(self) -> tuple[str, ...]:
        return (*self.searched, "phonecall")

    @property
    def shown(self) -> tuple[str, ...]:
        """Tables with configured further fields."""
        return tuple(dict.fromkeys(each.entity.strip().lower() for each in self.fields))

    def entity(self, table: str) -> CustomEntity | None:
        return next((each for each in self.entities if each.table.strip().lower() == table), None)


def of(instance: Instance) -> Plan:
    agents = list(Agent.objects.filter(tenant=instance.tenant, window=True).order_by("-signed_in_at", "pk"))
    errors: dict[str, int] = {}
    for agent in agents:
        if agent.sign_in_error:
            errors[agent.sign_in_error] = errors.get(agent.sign_in_error, 0) + 1
    signed_in = [agent for agent in agents if agent.is_signed_in]
    columns: dict[str, Any] = instance.search_columns
    account = SystemAccount.objects.filter(instance=instance).select_related("instance").first()
    return Plan(
        instance=instance,
        account=account,
        credentials=tuple(credentials.of(account)) if account else (),
        entities=tuple(instance.custom_entities.all()),
        fields=tuple(instance.display_fields.all()),
        search_columns={name.strip().lower(): list(names) for name, names in columns.items()},
        enabled=len(agents),
        signed_in=len(signed_in),
        sign_in_errors=errors,
        systemusers=tuple(agent.systemuser_id for agent in agents if agent.systemuser_id)[:AGENTS_ASKED_ABOUT],
        today=timezone.localdate(),
        searched=needed_rights.searched(instance),
        needed=tuple(needed_rights.of(instance)),
    )
