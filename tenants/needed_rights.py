"""Which rights the system account needs, table by table, from what the customer configured: for a role of its own.

Service Reader and Service Writer read and write every table. Who does not want that makes a role with just these.
The window knows of more (IVR functions) and registers itself in `sources`.

Sources: Microsoft, "Security roles and privileges"; "Associate and disassociate table rows using the Web API" (Append on
what refers, AppendTo on what is referred to); phone calls share the rights of Activity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from tenants import connections
from tenants.models import Instance

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from tenants.dataverse.metadata import Metadata

VERBS = ("Create", "Read", "Write", "Append", "AppendTo", "Assign")
"""As metadata calls them, in the order of the role editor."""
LABELS = {
    "Create": pgettext_lazy("right in the role editor", "Create"),
    "Read": pgettext_lazy("right in the role editor", "Read"),
    "Write": pgettext_lazy("right in the role editor", "Write"),
    "Append": pgettext_lazy("right in the role editor", "Append"),
    "AppendTo": pgettext_lazy("right in the role editor", "Append To"),
    "Assign": pgettext_lazy("right in the role editor", "Assign"),
}
IN_THE_EDITOR = {
    "phonecall": pgettext_lazy("table in the role editor", "Activity"),
    "systemuser": pgettext_lazy("table in the role editor", "User"),
    "team": pgettext_lazy("table in the role editor", "Team"),
    "role": pgettext_lazy("table in the role editor", "Security Role"),
    "appmodule": pgettext_lazy("table in the role editor", "Model-driven App"),
}

ACTIVITIES = frozenset(("task", "appointment", "email", "letter", "fax", "serviceappointment", "socialactivity"))
"""They have no row of their own in the role editor."""


@dataclass(frozen=True, slots=True)
class Need:
    """`table` is a logical name in lower case; all rights reach the whole organization."""

    table: str
    verbs: tuple[str, ...]
    why: StrOrPromise


@dataclass(frozen=True, slots=True)
class Needed:
    """One row of the role: `name` is what the role editor calls the table."""

    table: str
    name: str
    verbs: tuple[str, ...]
    whys: tuple[str, ...]

    @property
    def cells(self) -> list[tuple[StrOrPromise, bool]]:
        """Each right of the role editor, and whether it is needed."""
        return [(LABELS[verb], verb in self.verbs) for verb in VERBS]


sources: list[Callable[[Instance], Iterable[Need]]] = []


def of(instance: Instance) -> list[Needed]:
    """For the whole configuration, searched tables first. Reads the database, asks nobody."""
    return _joined([*_of_calls(instance), *(need for more in sources for need in more(instance)), *_always()], instance)


def searched(instance: Instance) -> tuple[str, ...]:
    """Tables in which callers are looked for."""
    own = [entity.table.strip().lower() for entity in instance.custom_entities.all()]
    return tuple(dict.fromkeys(("account", "contact", *(["lead"] if instance.leads else []), *own)))


def _of_calls(instance: Instance) -> Iterable[Need]:
    for table in searched(instance):
        yield Need(table, ("Read",), gettext_lazy("Callers are looked for in it."))
        yield Need(table, ("AppendTo",), gettext_lazy("Missed calls are linked with its records."))
    yield Need("phonecall", ("Create", "Read", "Write", "Append"), gettext_lazy("Missed calls are written."))
    yield Need("phonecall", ("Assign",), gettext_lazy("A missed call gets its owner."))


def _always() -> Iterable[Need]:
    yield Need("systemuser", ("Read",), gettext_lazy("Who owns a record: their login and line for the IVR."))
    yield Need("systemuser", ("AppendTo",), gettext_lazy("A missed call names whose it is."))
    yield Need("team", ("Read",), gettext_lazy("Which team owns a record."))
    yield Need("appmodule", ("Read",), gettext_lazy("The nightly checks look whether your app exists."))
    yield Need("role", ("Read",), gettext_lazy("The nightly checks name the role in which a right is missing."))


def _joined(needs: Iterable[Need], instance: Instance) -> list[Needed]:
    metadata = connections.known_metadata(instance)
    by_table: dict[str, list[Need]] = {}
    for need in needs:
        table = "phonecall" if need.table in ACTIVITIES else need.table
        by_table.setdefault(table, []).append(need)
    return [_row(table, each, metadata) for table, each in by_table.items()]


def _row(table: str, needs: list[Need], metadata: Metadata | None) -> Needed:
    wanted = {verb for need in needs for verb in need.verbs}
    whys = tuple(dict.fromkeys(str(need.why) for need in needs))
    return Needed(table, _name(table, metadata), tuple(verb for verb in VERBS if verb in wanted), whys)


def _name(table: str, metadata: Metadata | None) -> str:
    if table in IN_THE_EDITOR:
        return str(IN_THE_EDITOR[table])
    found = metadata.find(table) if metadata else None
    return found.label(get_language() or "en") if found else table


def as_text(instance: Instance) -> str:
    """For whoever makes the role: what to click and one line per table."""
    lines = [
        _("Security role for IPEX: %(customer)s") % {"customer": instance.tenant.name},
        _("Copy the role App Opener and add these rights, each for the whole organization:"),
        "",
    ]
    for row in of(instance):
        rights = ", ".join(str(LABELS[verb]) for verb in row.verbs)
        lines.append(f"- {row.name} ({row.table}): {rights}. {' '.join(row.whys)}")
    return "\n".join(lines)
