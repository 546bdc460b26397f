"""The form of the tab "Operation": what is stored as fields, what was typed as configuration, mistakes back at their fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import phonenumbers
from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import configuration
from tenants.configuration import Mistake
from tenants.models import LANGUAGES, Instance, Label, Tenant

LONGEST_TEXT = 60_000
EMPTY_ROWS = 2
CODES = tuple(code for code, _name in LANGUAGES)
COUNTRIES = {
    "CZ": gettext_lazy("Czechia"), "SK": gettext_lazy("Slovakia"), "PL": gettext_lazy("Poland"),
    "DE": gettext_lazy("Germany"), "AT": gettext_lazy("Austria"), "HU": gettext_lazy("Hungary"),
    "BE": gettext_lazy("Belgium"), "BG": gettext_lazy("Bulgaria"), "CH": gettext_lazy("Switzerland"),
    "DK": gettext_lazy("Denmark"), "EE": gettext_lazy("Estonia"), "ES": gettext_lazy("Spain"),
    "FI": gettext_lazy("Finland"), "FR": gettext_lazy("France"), "GB": gettext_lazy("United Kingdom"),
    "HR": gettext_lazy("Croatia"), "IE": gettext_lazy("Ireland"), "IT": gettext_lazy("Italy"),
    "LT": gettext_lazy("Lithuania"), "LU": gettext_lazy("Luxembourg"), "LV": gettext_lazy("Latvia"),
    "NL": gettext_lazy("Netherlands"), "NO": gettext_lazy("Norway"), "PT": gettext_lazy("Portugal"),
    "RO": gettext_lazy("Romania"), "SE": gettext_lazy("Sweden"), "SI": gettext_lazy("Slovenia"),
    "UA": gettext_lazy("Ukraine"), "US": gettext_lazy("United States"),
}  # fmt: skip
_PLACE = re.compile(r"\w+\.(?P<name>\w+)(?:\[(?P<at>\d+)\])?")


def countries() -> list[tuple[str, Any]]:
    """With their dialling codes, the nearest first; those without a name here by their letters."""

    def shown(code: str) -> str:
        return f"{COUNTRIES.get(code, code)} (+{phonenumbers.country_code_for_region(code)})"

    others = sorted(phonenumbers.SUPPORTED_REGIONS - COUNTRIES.keys())
    return [*((code, shown(code)) for code in COUNTRIES), (_("Others"), [(code, shown(code)) for code in others])]


class OperationForm(forms.Form):
    """Absent `note_state`: there is no instance yet. Checks of values are the configuration's own."""

    contact_email = forms.CharField(
        label=gettext_lazy("Contact e-mail"),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("For messages about the connection when no admin has an account here."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=LANGUAGES,
        help_text=gettext_lazy("Of the window and of e-mails, unless somebody chooses another one."),
    )
    country = forms.ChoiceField(
        label=gettext_lazy("Country of telephone numbers"),
        help_text=gettext_lazy("Numbers without a code such as +420 are read as numbers of this country."),
    )
    own_numbers = forms.CharField(
        label=gettext_lazy("Own numbers"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=gettext_lazy("One per line. They are never looked for in the CRM, such as your switchboard."),
    )
    embedding_origins = forms.CharField(
        label=gettext_lazy("Pages that may show the window"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One per line, such as https://komunikator.example. No other page can embed the window."
        ),
    )
    note_state = forms.ChoiceField(
        label=gettext_lazy("A written note"), widget=forms.RadioSelect, choices=Instance.NoteState.choices
    )
    log_every_call = forms.BooleanField(
        label=gettext_lazy("Write every call to the CRM, also without a note"), required=False
    )
    search_internal_calls = forms.BooleanField(
        label=gettext_lazy("Look for internal callers in the CRM, too"), required=False
    )
    missed_call_owner = forms.ChoiceField(
        label=gettext_lazy("Who gets a missed call in the CRM"), choices=Tenant.MissedCallOwner.choices
    )
    missed_call_owner_id = forms.CharField(
        label=gettext_lazy("Default owner of missed calls"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"list": "owners", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("The ID of a user or a team of your CRM: gets what the record's owner cannot get."),
    )
    retention_days = forms.IntegerField(
        label=gettext_lazy("Days for which we keep data of calls"),
        widget=forms.NumberInput(attrs={"min": 1, "max": 3650}),
        help_text=gettext_lazy("Numbers and times in our list of the day. Notes in your CRM stay for good."),
    )

    use_required_attribute = False
    field_order = (
        "country", "own_numbers", "search_internal_calls", "note_state", "log_every_call", "missed_call_owner",
        "missed_call_owner_id", "embedding_origins", "language", "contact_email", "retention_days",
    )  # fmt: skip

    def __init__(self, *args: Any, has_instance: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = countries()
        if not has_instance:
            del self.fields["note_state"]

    def data_of(self, outcomes: Iterable[Label]) -> dict[str, Any]:
        """What was typed, as sections of the configuration."""
        typed = dict(self.cleaned_data)
        note_state = typed.pop("note_state", None)
        typed["missed_call_owner_id"] = typed["missed_call_owner_id"].strip().strip("{}")
        for name in ("own_numbers", "embedding_origins"):
            typed[name] = [line for _number, line in lines_of(typed[name])]
        sections = {"tenant": {**typed, "outcomes": list(outcomes)}}
        return sections | ({"instance": {"note_state": note_state}} if note_state else {})

    def take(self, mistakes: Iterable[Mistake]) -> list[Mistake]:
        """Put each at its field; answers those about outcomes."""
        others = []
        for mistake in mistakes:
            found = _PLACE.match(mistake.place)
            name = found["name"] if found else ""
            if name == "outcomes":
                others.append(mistake)
            else:
                self.add_error(name if name in self.fields else None, self._with_line(name, found, mistake.sentence))
        return others

    def _with_line(self, name: str, found: re.Match[str] | None, sentence: str) -> str:
        if not found or found["at"] is None or name not in self.fields:
            return sentence
        number, _text = lines_of(str(self.data.get(name, "")))[int(found["at"])]
        return _("Line %(number)d: %(sentence)s") % {"number": number, "sentence": sentence}


def lines_of(text: str) -> list[tuple[int, str]]:
    """Those that are not blank, with their numbers counted from 1."""
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def initial(tenant: Tenant) -> dict[str, Any]:
    data = configuration.stored(tenant, "tenant") | configuration.stored(tenant, "instance")
    lists = {name: "\n".join(data[name]) for name in ("own_numbers", "embedding_origins")}
    return {**data, **lists}


# Outcomes: rows with a text per language


@dataclass(slots=True)
class Outcome:
    """One row of the list, with what is wrong in it."""

    texts: Mapping[str, str]
    errors: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any(self.texts.values())

    @property
    def inputs(self) -> list[tuple[str, str, str]]:
        """Code, name of the language, text."""
        return [(code, name, self.texts.get(code, "")) for code, name in LANGUAGES]

    def label(self, language: str) -> Label:
        """A text of the customer's own language alone stands for all languages."""
        given = {code: text for code, text in self.texts.items() if text}
        return given[language] if given.keys() == {language} else given


def stored_outcomes(tenant: Tenant) -> list[Outcome]:
    labels: list[Label] = tenant.outcomes
    return [Outcome({tenant.language: label} if isinstance(label, str) else label) for label in labels]


def typed_outcomes(typed: QueryDict) -> list[Outcome]:
    columns = [[text.strip() for text in typed.getlist(f"outcome_{code}")] for code in CODES]
    rows = [Outcome(dict(zip(CODES, texts, strict=True))) for texts in zip(*columns, strict=False)]
    return [row for row in rows if not row.is_empty]


def with_room(rows: list[Outcome]) -> list[Outcome]:
    """And empty ones to fill in."""
    return [*rows, *(Outcome({}) for _more in range(EMPTY_ROWS))]


def moved(rows: list[Outcome], act: str, at: int) -> list[Outcome]:
    """`act` is up, down or remove; what is not there stays as it is."""
    if not 0 <= at < len(rows):
        return rows
    row, others = rows[at], [*rows[:at], *rows[at + 1 :]]
    if act == "remove":
        return others
    place = max(0, at - 1) if act == "up" else at + 1
    return [*others[:place], row, *others[place:]]


def note(rows: list[Outcome], mistakes: Iterable[Mistake]) -> None:
    for mistake in mistakes:
        found = _PLACE.match(mistake.place)
        at = int(found["at"]) if found and found["at"] else 0
        if at < len(rows) and mistake.sentence not in rows[at].errors:
            rows[at].errors.append(mistake.sentence)
