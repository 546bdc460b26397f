"""What was found about one person, part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from crmwindow import unwritten
from crmwindow.models import FollowUpDraft
from crmwindow.personal_data import wording
from tenants.models import Tenant

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Unwritten(Exception):
    """There is something that is nowhere but here; it is erased only by who says so. `waiting` counts it by kind."""

    def __init__(self, waiting: Counter[str]) -> None:
        super().__init__(wording.of_unwritten(waiting))
        self.waiting = waiting


@dataclass(frozen=True)
class Part:
    """Rows of one kind. `columns` is what of them is handed out; "agent.name" goes through a relation."""

    key: str
    rows: QuerySet[Any]
    columns: tuple[str, ...]

    @cached_property
    def count(self) -> int:
        return self.rows.count()

    @property
    def title(self) -> StrOrPromise:
        return wording.PARTS[self.key][0]

    @property
    def why(self) -> StrOrPromise:
        return wording.PARTS[self.key][1]

    @property
    def until(self) -> StrOrPromise:
        return wording.PARTS[self.key][2]


@dataclass(frozen=True)
class Trail:
    """Everything kept about somebody. `about` is "number" or "agent"; `shown` names them to whoever asked, and only there."""

    tenant: Tenant
    about: str
    shown: str
    parts: tuple[Part, ...]

    @cached_property
    def found(self) -> list[Part]:
        return [part for part in self.parts if part.count]

    @property
    def counts(self) -> dict[str, int]:
        return {part.key: part.count for part in self.found}

    def rows(self, key: str) -> QuerySet[Any]:
        return next(part.rows for part in self.parts if part.key == key)

    @cached_property
    def waiting(self) -> Counter[str]:
        """How many of each kind are not in the CRM yet."""
        kinds: Iterable[tuple[str, QuerySet[Any]]] = (
            ("notes", unwritten.notes()),
            ("tasks", unwritten.tasks()),
            ("drafts", FollowUpDraft.objects.all()),
            ("writes", unwritten.writes()),
        )
        mine = {part.key: part.rows for part in self.parts}
        numbers = {key: rows.filter(pk__in=mine[key].values("pk")).count() for key, rows in kinds if key in mine}
        return Counter({key: number for key, number in numbers.items() if number})

    @property
    def waiting_sentence(self) -> str:
        return wording.of_unwritten(self.waiting) if self.waiting else ""

    def check_written(self, *, also_unwritten: bool) -> None:
        """Raises Unwritten."""
        if self.waiting and not also_unwritten:
            raise Unwritten(self.waiting)
