"""What a key scheme means in this customer's organization: each part with what was verified, and what would go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants import schema
from tenants.dataverse.budget import Budget
from tenants.key_scheme import Entity, Field, Scheme
from tenants.key_scheme.scheme import STANDARD_TABLES
from tenants.models import CustomEntity, DisplayField, Instance, label_in
from tenants.own_tables.column_words import fact, kind
from tenants.own_tables.looking import COUNTED, Sample, View
from tenants.verification import checks, wording
from tenants.verification import plan as plans
from tenants.verification.results import Found, State, failed
from tenants.verification.wording import Said

if TYPE_CHECKING:
    from tenants.dataverse.metadata import Column, Table

SHORT = 16  # such a value stays on one line
RIGHTS = ("Create", "Read", "Write", "Append", "AppendTo")
Condition = Literal["ok", "warn", "bad", "unknown"]


@dataclass(frozen=True, slots=True)
class Row:
    """One part of a scheme. `unknown` is what nobody could look at."""

    meaning: str
    names: tuple[str, ...]
    facts: tuple[str, ...] = ()
    condition: Condition = "ok"

    @property
    def one_fact_each(self) -> bool:
        return 1 < len(self.names) == len(self.facts)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a call or a new record would fail on; `blocks` when nothing works until it is mended."""

    said: Said
    blocks: bool

    @property
    def title(self) -> str:
        """The first sentence of what to know and do."""
        return self.said.sentence.partition(". ")[0].removesuffix(".") or self.said.title

    @property
    def detail(self) -> str:
        return self.said.sentence.partition(". ")[2]


@dataclass(frozen=True, slots=True)
class TableMeaning:
    """One own table; or, with `name` "", the fields of tables that are looked in anyway."""

    name: str
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Names of tables as typed, each with the columns of it."""

    columns: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, scheme: Scheme, incomplete: Iterable[Entity] = ()) -> Wanted:
        found: dict[str, list[str]] = {}
        for entity in (*scheme.entities, *incomplete):
            names = [*entity.phone_columns, entity.first_name, entity.last_name]
            found.setdefault(entity.table, []).extend(filter(None, names))
        for each in scheme.fields:
            found.setdefault(each.entity, []).append(each.identifier)
        return cls({name: columns for name, columns in found.items() if name})


def tables(
    instance: Instance | None,
    scheme: Scheme,
    view: View,
    *,
    country: str,
    language: str,
    incomplete: Iterable[Entity] = (),
) -> tuple[TableMeaning, ...]:
    """The own tables in their order, then the fields of standard tables."""
    reader = _Reader(view, country, language)
    own = [*scheme.entities, *incomplete]
    problems = _Problems(instance, scheme, view) if instance and view.metadata else None
    found = [
        TableMeaning(
            entity.table or _("Table without a name"),
            tuple(reader.entity(entity, [each for each in scheme.fields if _same(each.entity, entity.table)])),
            tuple(problems.of(entity)) if problems and entity in scheme.entities else (),
        )
        for entity in own
    ]
    others = [each for each in scheme.fields if not any(_same(each.entity, entity.table) for entity in own)]
    return (*found, TableMeaning("", tuple(map(reader.field, others)))) if others else tuple(found)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


@dataclass(frozen=True, slots=True)
class _Reader:
    view: View
    country: str
    language: str

    def entity(self, entity: Entity, fields: Iterable[Field]) -> Iterator[Row]:
        table = self.view.table(entity.table)
        yield self._table(entity.table, table)
        yield self._id(entity, table)
        yield self._phones(entity, table)
        if entity.first_name:
            yield self._text(_("First name"), entity.first_name, table)
        yield self._text(_("Last name or company"), entity.last_name, table)
        yield from (self.field(each) for each in fields)

    def _sample(self, table: Table | None) -> Sample:
        return self.view.samples.get(table.logical_name, Sample()) if table else Sample()

    def _missing(self, meaning: str, name: str) -> Row:
        """A name that is not there, or that nobody could look for."""
        if not name:
            return Row(meaning, (), (_("needed, and not in the text"),), "bad")
        if self.view.metadata is None:
            return Row(meaning, (name,), (), "unknown")
        return Row(meaning, (name,), (_("not found"),), "bad")

    def _table(self, name: str, table: Table | None) -> Row:
        meaning = _("Table")
        if table is None:
            return self._missing(meaning, name)
        sample = self._sample(table)
        if sample.why_not:
            said = wording.say("table", table.logical_name, sample.why_not.why, sample.why_not.evidence)
            return Row(meaning, (table.logical_name,), (table.label(self.language), said.found), "warn")
        return Row(meaning, (table.logical_name,), (table.label(self.language), _records(sample.count or 0)))

    def _id(self, entity: Entity, table: Table | None) -> Row:
        meaning = _("Identifier")
        column = table.find(entity.id_column) if table and entity.id_column else None
        if table is None or column is None:
            return self._unverifiable(meaning, entity.id_column, table)
        if column.logical_name == table.id_column:
            return Row(meaning, (column.logical_name,), (_("key of the table"),))
        said = _("not the key; we use the key %(key)s") % {"key": table.id_column}
        return Row(meaning, (column.logical_name,), (said,), "warn")

    def _unverifiable(self, meaning: str, name: str, table: Table | None) -> Row:
        if name and table is None and self.view.metadata is not None:
            return Row(meaning, (name,), (_("not verified, because the table was not found"),), "unknown")
        return self._missing(meaning, name)

    def _phones(self, entity: Entity, table: Table | None) -> Row:
        meaning = _("Phone")
        if not entity.phone_columns or table is None:
            missing = self._unverifiable(meaning, " ".join(entity.phone_columns), table)
            return replace(missing, names=entity.phone_columns)
        found = [table.find(name) for name in entity.phone_columns]
        said = [self._about_phone(column, self._sample(table)) for column in found]
        names = tuple(
            column.logical_name if column else name for name, column in zip(entity.phone_columns, found, strict=True)
        )
        worst: Condition = max((each[1] for each in said), key=("ok", "warn", "bad").index)
        return Row(meaning, names, tuple(each[0] for each in said), worst)

    def _about_phone(self, column: Column | None, sample: Sample) -> tuple[str, Condition]:
        if column is None:
            return _("not found"), "bad"
        if column.type not in {"String", "Memo"}:
            return _("%(kind)s, no text: no number can be looked for in it") % {"kind": kind(column)}, "bad"
        share = sample.readable(column, self.country)
        if share is None:
            return (_("no numbers in it yet") if sample.why_not is None else fact(column)), "ok"
        return _("%(share)d %% readable numbers") % {"share": share}, "ok" if share >= 50 else "warn"

    def _text(self, meaning: str, name: str, table: Table | None) -> Row:
        column = table.find(name) if table and name else None
        if table is None or column is None:
            row = self._unverifiable(meaning, name, table)
            needed = table is not None and name and meaning != _("First name")
            return replace(row, facts=(*row.facts, _("needed for a new record"))) if needed else row
        return Row(meaning, (column.logical_name,), (fact(column),))

    def field(self, each: Field) -> Row:
        meaning = label_in(each.label, self.language)
        table = self.view.table(each.entity)
        column = table.find(each.identifier) if table else None
        if table is None or column is None:
            return self._unverifiable(meaning, each.identifier, table)
        value = self._sample(table).value(column)
        value = value.replace(" ", "\u00a0") if len(value) <= SHORT else value
        example = _("sample: %(value)s") % {"value": value} if value else _("empty in the newest records")
        facts = (kind(column), example) if not self._sample(table).why_not else (kind(column),)
        return Row(meaning, (column.logical_name,), facts, "ok" if column.selectable else "bad")


def _records(count: int) -> str:
    shown = number_format(count, use_l10n=True, force_grouping=True)
    if count >= COUNTED:
        return _("%(number)s records or more") % {"number": shown}
    return ngettext("%(number)s record", "%(number)s records", count) % {"number": shown}


class _Problems:
    """The checks of the connection, asked about a configuration that is not stored."""

    def __init__(self, instance: Instance, scheme: Scheme, view: View) -> None:
        assert view.metadata
        data = scheme.to_configuration()
        entities = tuple(_row(CustomEntity, instance, _entity_values(one)) for one in data["custom_entities"])
        fields = tuple(_row(DisplayField, instance, one) for one in data["display_fields"])
        plan = replace(plans.of(instance), entities=entities, fields=fields)
        made = schema.proposed(instance, view.metadata, entities=entities, fields=fields)
        self.look = checks.Look(plan, Budget(1), metadata=view.metadata, schema=made)

    def of(self, entity: Entity) -> Iterator[Problem]:
        name = entity.table.strip().lower()
        if self.look.table(name) is None:
            return
        for key, act in (("columns", checks.columns), ("creating", checks.creating), ("activities", checks.activities)):
            found = act(self.look, name)
            if found.why != "unknown" and found.state in {State.WARNING, State.FAILED}:
                yield _problem(key, name, found)


def _row[T: (CustomEntity, DisplayField)](model: type[T], instance: Instance, values: Mapping[str, object]) -> T:
    return model(instance=instance, **values)


def _entity_values(data: Mapping[str, object]) -> dict[str, object]:
    names = {"id": "id_column", "phone_number": "phone_columns"}
    return {names.get(key, key): value for key, value in data.items()}


def _problem(key: str, subject: str, found: Found) -> Problem:
    return Problem(wording.say(key, subject, found.why, found.evidence), found.state == State.FAILED)


def of_leads(instance: Instance, view: View) -> list[Problem]:
    """What the table of leads would fail on if it were searched."""
    if view.metadata is None:
        return []
    if view.table("lead") is None:
        return [_problem("table", "lead", failed("missing", table="lead"))]
    made = schema.proposed(instance, view.metadata, entities=(), leads=True)
    look = checks.Look(plans.of(instance), Budget(1), metadata=view.metadata, schema=made)
    found = [(key, act(look, "lead")) for key, act in (("columns", checks.columns), ("creating", checks.creating))]
    return [_problem(key, "lead", one) for key, one in found if one.state in {State.WARNING, State.FAILED}]


def agents_rights(instance: Instance, tables: Iterable[str]) -> Problem | None:
    """What the last check said about the agents' rights on these tables; None when nothing is known to be missing."""
    from tenants import verification

    report = verification.latest(instance)
    row = next((row.result for row in report.rows if row.result.key == "agents_rights"), None) if report else None
    names = {f"prv{verb}{table.strip()}".lower() for verb in RIGHTS for table in tables}
    rights = [right for right in (row.evidence.get("rights", []) if row else []) if str(right).lower() in names]
    if not row or not rights:
        return None
    said = wording.say("agents_rights", "", row.why, {**row.evidence, "rights": rights})
    return Problem(said, row.state == State.FAILED)


def is_standard(table: str) -> bool:
    return table.strip().casefold() in {name.casefold() for name in STANDARD_TABLES}
