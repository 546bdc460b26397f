"""Numbers whose records agents chose once and found first ever since. The window keeps them and registers here (`memories`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from tenants.models import Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Memory:
    """`forget` answers how many choices it forgot."""

    count: Callable[[Tenant], int]
    forget: Callable[[Tenant], int]


memories: list[Memory] = []


def count(tenant: Tenant) -> int:
    return sum(memory.count(tenant) for memory in memories)


@transaction.atomic
def forget(tenant: Tenant, *, by: User) -> int:
    forgotten = sum(memory.forget(tenant) for memory in memories)
    if forgotten:
        audit(tenant=tenant, by=by, act="matches.forgotten", target=tenant.slug, after={"choices": forgotten})
    return forgotten
