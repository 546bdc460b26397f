"""A key scheme as a text or as a form, read against what is stored and, where somebody is connected, against the CRM."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tenants import key_scheme
from tenants.configuration import crm
from tenants.configuration.mistakes import Place, Wrong
from tenants.key_scheme import Entity, Mistake, Reading, Scheme
from tenants.own_tables import looking, meaning, saving
from tenants.own_tables.looking import View
from tenants.own_tables.meaning import Problem, TableMeaning, Wanted, is_standard
from tenants.verification import wording

if TYPE_CHECKING:
    from tenants.models import MicrosoftConnection, Tenant

MOST_CHOICES = 400
TEXTS = ("String", "Memo")
LINES = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
_PLACE = re.compile(r"(\w+)\[(\d+)\](?:\.(\w+))?(?:\[(\d+)\])?(?:\.(\w+))?")
_PARTS = {"id": "id_column", "phone_number": "phone_columns"}


@dataclass(frozen=True, slots=True)
class Fix:
    """A mistake, and by what it could be replaced: the nearest name, or any of the `choices` (name, label)."""

    mistake: Mistake
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        return self.mistake.sentence.partition(". ")[0].removesuffix(".")

    @property
    def detail(self) -> str:
        return self.mistake.sentence.partition(". ")[2]

    @property
    def key(self) -> str:
        return f"{self.mistake.line}:{self.mistake.typed}"


@dataclass(frozen=True, slots=True)
class Understanding:
    """`verified` says that somebody looked into the CRM; else `why_not` says in words why nobody could."""

    text: str
    scheme: Scheme
    wanted: saving.Stored
    fixes: tuple[Fix, ...] = ()
    tables: tuple[TableMeaning, ...] = ()
    effect: tuple[str, ...] = ()
    rights: Problem | None = None
    verified: bool = False
    connected: bool = False
    why_not: str = ""
    lines: dict[tuple[str, int, str], int] = field(default_factory=dict)

    @property
    def errors(self) -> list[Fix]:
        return [fix for fix in self.fixes if fix.mistake.severity == "error"]

    @property
    def warnings(self) -> list[Fix]:
        return [fix for fix in self.fixes if fix.mistake.severity == "warning"]

    @property
    def is_empty(self) -> bool:
        return not self.text.strip()

    @property
    def can_be_saved(self) -> bool:
        return not self.errors and bool(self.scheme.entities or self.scheme.fields)

    @property
    def first_wrong_line(self) -> int:
        return min((fix.mistake.line for fix in self.errors), default=0)


def of_text(
    text: str, *, tenant: Tenant, connection: MicrosoftConnection | None, whole: str = "", fresh: bool = False
) -> Understanding:
    """`whole` as in saving.merged; `fresh` reads the CRM's tables anew."""
    reading = key_scheme.read(text) if text.strip() else Reading(Scheme())
    wanted = Wanted.of(reading.scheme, reading.incomplete)
    view = looking.look(connection, wanted.columns, fresh=fresh)
    before = saving.stored(tenant)
    mistakes = [*reading.mistakes, *_unknown(reading, view), *_refused(reading, before)]
    fixes = [Fix(each, tuple(_choices(each, reading.scheme, view))) for each in _once(mistakes)]
    return _understood(text, tenant, reading, view, before, whole=whole, fixes=fixes, connected=connection is not None)


def of_entity(entity: Entity, *, tenant: Tenant, view: View, connected: bool) -> Understanding:
    """One table chosen in a form. What is missing in it is the form's matter."""
    is_whole = bool(entity.table and entity.id_column and entity.phone_columns and entity.last_name)
    scheme = Scheme((entity,)) if is_whole else Scheme()
    reading = Reading(scheme, incomplete=() if is_whole else (entity,))
    before = saving.stored(tenant)
    return _understood(entity.table, tenant, reading, view, before, whole="", fixes=[], connected=connected)


def _understood(
    text: str,
    tenant: Tenant,
    reading: Reading,
    view: View,
    before: saving.Stored,
    *,
    whole: str,
    fixes: list[Fix],
    connected: bool,
) -> Understanding:
    instance, language = getattr(tenant, "instance", None), (get_language() or "cs")[:2]
    shown = meaning.tables(
        instance, reading.scheme, view, country=tenant.country, language=language, incomplete=reading.incomplete
    )
    wanted = saving.merged(before, reading.scheme, whole=whole)
    names = [entity.table for entity in reading.scheme.entities]
    return Understanding(
        text=text,
        scheme=reading.scheme,
        wanted=wanted,
        fixes=tuple(sorted(fixes, key=lambda fix: fix.mistake.line)),
        tables=shown,
        effect=tuple(saving.effect(before, wanted, language)),
        rights=meaning.agents_rights(instance, names) if instance and names else None,
        verified=view.metadata is not None,
        connected=connected,
        why_not=_why_not(view),
        lines=dict(reading.lines),
    )


def _why_not(view: View) -> str:
    return wording.say("table", "", view.why_not.why, view.why_not.evidence).found if view.why_not else ""


def _once(mistakes: Iterable[Mistake]) -> list[Mistake]:
    return list({(each.line, each.typed, each.sentence): each for each in mistakes}.values())


def _unknown(reading: Reading, view: View) -> tuple[Mistake, ...]:
    if view.metadata is None:
        return ()
    known = [one.schema_name for one in view.names]
    return key_scheme.unknown_names(reading, view.metadata, known)


def _refused(reading: Reading, before: saving.Stored) -> Iterator[Mistake]:
    """What the configuration would not take, named by line."""
    place, data = Place(), reading.scheme.to_configuration()
    for name, check in (("custom_entities", crm.check_custom_entities), ("display_fields", crm.check_display_fields)):
        try:
            check(data[name], place.key(name))
        except Wrong as wrong:
            place.key(name).wrong(str(wrong))
    for path, sentence in place.noted:
        at = line_of(path, reading)
        yield Mistake(at, _("Line %(line)d: %(sentence)s") % {"line": at, "sentence": sentence})
    own = {str(one["table"]).casefold() for one in (*before.custom_entities, *data["custom_entities"])}
    own |= {entity.table.casefold() for entity in reading.incomplete}
    for position, each in enumerate(reading.scheme.fields):
        if not is_standard(each.entity) and each.entity.casefold() not in own:
            at = reading.lines.get(("fields", position, "entity"), 1)
            sentence = _(
                "Line %(line)d: %(table)s is neither Account, Contact, Lead nor an own table. Name its key scheme too."
            )
            yield Mistake(at, sentence % {"line": at, "table": each.entity}, each.entity)


def line_of(path: str, reading: Reading) -> int:
    """The line of a place such as `display_fields[2].label.cs`; 1 when it has none."""
    found = _PLACE.match(path)
    if not found:
        return 1
    group = "entities" if found[1] == "custom_entities" else "fields"
    part = _PARTS.get(found[3] or "", found[3] or "")
    lines = [
        line
        for (its_group, position, name), line in reading.lines.items()
        if (its_group, position) == (group, int(found[2])) and (not part or name.replace(".", " ").split()[0] == part)
    ]
    return min(lines, default=1)


def _choices(mistake: Mistake, scheme: Scheme, view: View) -> Iterator[tuple[str, str]]:
    """What may stand there instead: columns of the table in question, the organization's own texts first, or tables."""
    if mistake.severity == "warning" or not mistake.typed or view.metadata is None:
        return
    language = (get_language() or "cs")[:2]
    tables = [name for name, columns in Wanted.of(scheme).columns.items() if mistake.typed in columns]
    tables += [one.table for one in scheme.entities if one.id_column == mistake.typed]
    found = next(filter(None, map(view.table, tables)), None)
    if found is not None and found.find(mistake.typed) is None:
        columns = [column for column in found.columns.values() if column.selectable]
        columns.sort(
            key=lambda one: ("_" not in one.schema_name, one.type not in TEXTS, one.label(language).casefold())
        )
        yield from ((column.schema_name, column.label(language)) for column in columns[:MOST_CHOICES])
    elif mistake.typed in Wanted.of(scheme).columns and view.table(mistake.typed) is None:
        yield from ((one.schema_name, one.label(language)) for one in view.names[:MOST_CHOICES])


# the text itself


@dataclass(frozen=True, slots=True)
class Line:
    """One line, cut where what is wrong begins and ends."""

    before: str
    wrong: str = ""
    after: str = ""
    severity: str = ""


def marked(understood: Understanding) -> list[Line]:
    at = {fix.mistake.line: fix.mistake for fix in (*understood.warnings, *understood.errors)}
    return [_line(text, at.get(number)) for number, text in enumerate(LINES.split(understood.text), start=1)]


def _line(text: str, mistake: Mistake | None) -> Line:
    if mistake is None:
        return Line(text)
    before, found, after = text.partition(mistake.typed) if mistake.typed else ("", "", "")
    if not found:
        return Line("", text, "", mistake.severity)
    return Line(before, found, after, mistake.severity)


def replaced(text: str, line: int, typed: str, by: str) -> str:
    """The text with one name put right in that line."""
    parts = re.split(f"({LINES.pattern})", text)
    at = 2 * (line - 1)
    if typed and by and 0 <= at < len(parts):
        parts[at] = re.sub(rf"(?<!\w){re.escape(typed)}(?!\w)", lambda _found: by, parts[at], count=1)
    return "".join(parts)
