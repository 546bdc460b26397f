"""A list beside the people there are: who is new, what changes, what is wrong. Writes nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.configuration.mistakes import shorten
from tenants.models import LANGUAGES, Agent, Tenant
from tenants.roster.columns import FIELDS, LABELS
from tenants.roster.reading import Entry, Listing

NEW, CHANGED, UNCHANGED, WRONG = "new", "changed", "unchanged", "wrong"
LONGEST = {"name": 200, "email": 254, "upn": 200, "login": 150, "line": 32}
Person = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Row:
    """`item` is the person as they would be stored; `changes` what differs from what is."""

    entry: Entry
    state: str
    item: dict[str, str]
    changes: tuple[Change, ...] = ()
    mistakes: tuple[str, ...] = ()
    window: bool = False

    @property
    def name(self) -> str:
        return self.item.get("name", "")


@dataclass(frozen=True, slots=True)
class Preview:
    rows: list[Row]
    listing: Listing
    counts: Counter[str] = field(default_factory=Counter)

    def of(self, state: str) -> list[Row]:
        return [row for row in self.rows if row.state == state]

    @property
    def ok(self) -> bool:
        return bool(self.rows) and not self.counts[WRONG]

    @property
    def without_window(self) -> int:
        return sum(not row.window for row in self.rows if row.state != WRONG)


def compare(tenant: Tenant, listing: Listing) -> Preview:
    """Costs one query."""
    stored = {agent.email.casefold(): agent for agent in tenant.agents.only(*FIELDS, "window", "tenant_id")}
    known = {email: {name: str(getattr(agent, name)) for name in FIELDS} for email, agent in stored.items()}
    people = [(entry, *_laid_over(entry, known)) for entry in listing.entries]
    clashes = _clashes(people, known)
    rows = [
        _row(entry, was, item, [*_faults(entry, was), *clashes.get(at, ())], stored)
        for at, (entry, was, item) in enumerate(people)
    ]
    return Preview(rows, listing, Counter(row.state for row in rows))


def _laid_over(entry: Entry, known: Mapping[str, Person]) -> tuple[Person, dict[str, str]]:
    """Who they are now, and who they would be."""
    email = entry.values.get("email", "")
    was = known.get(email.casefold(), {})
    item = {**was, **entry.values, "email": was.get("email", email)}
    if not was and not item.get("name") and "@" in email:
        item["name"] = _name_in(email)
    if item.get("upn", "").casefold() == item["email"].casefold():
        item["upn"] = ""
    return was, item


def _name_in(email: str) -> str:
    """jana.novakova@… is most likely called Jana Novakova."""
    return " ".join(part.capitalize() for part in re.split(r"[._+-]+", email.partition("@")[0]) if part)


def _row(entry: Entry, was: Person, item: dict[str, str], mistakes: Sequence[str], stored: Mapping[str, Agent]) -> Row:
    agent = stored.get(item["email"].casefold())
    window = agent is not None and agent.window
    if mistakes:
        return Row(entry, WRONG, item, mistakes=tuple(dict.fromkeys(mistakes)), window=window)
    if not was:
        return Row(entry, NEW, item)
    changes = tuple(
        Change(str(LABELS[name]), was[name], item[name]) for name in FIELDS if was[name] != item.get(name, "")
    )
    return Row(entry, CHANGED if changes else UNCHANGED, item, changes, window=window)


# What is wrong with one row by itself


def _faults(entry: Entry, was: Person) -> Iterator[str]:
    yield from entry.mistakes
    given = {name: value for name, value in entry.values.items() if value != was.get(name)}
    if not entry.values.get("email"):
        yield _("This row has no e-mail.")
    elif "email" in given and not was:
        yield from email_faults(given["email"])
    yield from faults({name: value for name, value in given.items() if name != "email"})


def email_faults(email: str) -> Iterator[str]:
    try:
        validate_email(email)
    except ValidationError:
        yield _("“%(value)s” is not an e-mail.") % {"value": shorten(email)}


def faults(values: Person) -> Iterator[str]:
    for name, value in values.items():
        most = LONGEST.get(name)
        if most and len(value) > most:
            sentence = ngettext(
                "%(column)s: at most %(most)d character, not %(n)d.",
                "%(column)s: at most %(most)d characters, not %(n)d.",
                most,
            )
            yield sentence % {"column": LABELS[name], "most": most, "n": len(value)}
    if values.get("upn") and not re.fullmatch(r"[^@\s]+@[^@\s]+", values["upn"]):
        yield _("“%(value)s” is not a Microsoft account. It looks like an e-mail.") % {"value": shorten(values["upn"])}
    if values.get("language") and values["language"] not in dict(LANGUAGES):
        yield _("The language “%(value)s” is not known. Possible are cs, sk and en.") % {
            "value": shorten(values["language"])
        }


# What two people cannot share


def _clashes(
    people: Sequence[tuple[Entry, Person, dict[str, str]]], known: Mapping[str, Person]
) -> dict[int, list[str]]:
    """What is somebody else's already, in the list or in the portal as it would be afterwards; by the row's place."""
    found: dict[int, list[str]] = {}
    listed = {item["email"].casefold() for _entry, _was, item in people}
    others = [person for email, person in known.items() if email not in listed]
    for at, sentence in _twice(people):
        found.setdefault(at, []).append(sentence)
    for name in ("login", "line", "upn"):
        for at, sentence in _taken(name, people, others):
            found.setdefault(at, []).append(sentence)
    return found


def _twice(people: Sequence[tuple[Entry, Person, dict[str, str]]]) -> Iterator[tuple[int, str]]:
    first: dict[str, Entry] = {}
    for at, (entry, _was, item) in enumerate(people):
        email = item["email"].casefold()
        if email and email in first:
            yield at, _place(first[email]) % {"value": shorten(item["email"])}
        first.setdefault(email, entry)


def _place(entry: Entry) -> str:
    sentence = (
        _("“%(value)s” stands in line %(line)d of the file already.")
        if entry.of_file
        else _("“%(value)s” stands in line %(line)d already.")
    )
    return sentence.replace("%(line)d", str(entry.line))


def _taken(
    name: str, people: Sequence[tuple[Entry, Person, dict[str, str]]], others: Iterable[Person]
) -> Iterator[tuple[int, str]]:
    """Who keeps what they have is right; lines that are shared already may stay so."""
    owners = {_key(name, person): person["name"] for person in others}
    kept = {
        _key(name, item): (item["email"].casefold(), entry)
        for entry, was, item in people
        if was and _key(name, was) == _key(name, item)
    }
    first: dict[str, tuple[str, Entry]] = {}
    for at, (entry, was, item) in enumerate(people):
        key, email = _key(name, item), item["email"].casefold()
        if not key or (was and _key(name, was) == key):
            continue
        value = item.get(name) or item["email"]
        holder = kept.get(key) or first.get(key)
        if key in owners:
            yield at, _theirs(name) % {"value": shorten(value), "name": shorten(owners[key])}
        elif holder and holder[0] != email:
            yield at, f"{LABELS[name]}: {_place(holder[1])}" % {"value": shorten(value)}
        first.setdefault(key, (email, entry))


def taken(tenant: Tenant, values: Person, *, agent: Agent | None = None) -> dict[str, str]:
    """Which of one person's values belong to somebody else, by field; what they had before they may keep. One query."""
    rows = tenant.agents.exclude(pk=agent.pk) if agent else tenant.agents.all()
    others = [{name: str(value) for name, value in row.items()} for row in rows.values(*FIELDS)]
    found = {}
    for name in ("email", "login", "line", "upn"):
        key = _key(name, values)
        if not key or (agent and _key(name, {field: str(getattr(agent, field)) for field in FIELDS}) == key):
            continue
        holder = next((person for person in others if _key(name, person) == key), None)
        if holder:
            value = values.get(name) or values.get("email", "")
            found[name] = _theirs(name) % {"value": shorten(value), "name": shorten(holder["name"])}
    if "email" in found and not values.get("upn"):
        found.pop("upn", None)
    return found


def _key(name: str, person: Person) -> str:
    value = person.get("upn") or person.get("email") if name == "upn" else person.get(name)
    return (value or "").casefold()


def _theirs(name: str) -> str:
    if name == "email":
        return _("The e-mail “%(value)s” belongs to somebody on the list already: %(name)s.")
    if name == "login":
        return _("The login “%(value)s” belongs to somebody else: %(name)s.")
    if name == "line":
        return _("The line “%(value)s” belongs to somebody else: %(name)s.")
    return _("The Microsoft account “%(value)s” belongs to somebody else: %(name)s.")
