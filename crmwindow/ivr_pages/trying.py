"""The simulator: what the voice menu would get from the form as it stands, saved or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crmwindow.ivr import trial
from crmwindow.ivr_pages.form import Form, Kind, variable_of
from crmwindow.ivr_pages.listing import TONES
from crmwindow.models import IvrFunction

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import QueryDict
    from django_stubs_ext import StrOrPromise

    from tenants.models import Tenant

LONGEST = 10_000
USUAL_MS = 1500
WORDS: Mapping[str, StrOrPromise] = {
    "found": gettext_lazy("Found"),
    "ambiguous": gettext_lazy("Several records"),
    "not_found": gettext_lazy("Not found"),
    "verified": gettext_lazy("Verified"),
    "identified": gettext_lazy("Identified"),
    "refused": gettext_lazy("Refused"),
    "locked": gettext_lazy("Locked"),
    "unavailable": gettext_lazy("No answer in time"),
}


@dataclass(slots=True)
class Run:
    """What was put in, except the value to compare, and what came back; before the first run only the former."""

    number: str = ""
    second: str = ""
    values: dict[str, str] = field(default_factory=dict)
    mistakes: dict[str, str] = field(default_factory=dict)
    trial: trial.Trial | None = None
    budget_ms: int = USUAL_MS

    @classmethod
    def before(cls, form: Form, data: QueryDict) -> Self:
        names = [pair.text or variable_of(pair.column) for pair in form.variables if pair]
        values = (
            {name: data.get(f"try_value_{name}", "")[:LONGEST] for name in names} if form.kind == Kind.WRITE else {}
        )
        number, second = data.get("try_number", "").strip()[:200], data.get("try_second", "")[:LONGEST]
        return cls(number, second, values, budget_ms=form.budget_ms or USUAL_MS)

    @property
    def _said(self) -> Mapping[str, Any]:
        return self.trial.answer if self.trial else {}

    @property
    def is_dry(self) -> bool:
        """Of a function that writes: not what the menu gets, but what the CRM would."""
        return "body" in self._said

    @property
    def answer(self) -> str:
        shown = {name: self._said[name] for name in ("table", "body")} if self.is_dry else self._said
        return json.dumps(shown, ensure_ascii=False, indent=2, default=str)

    @property
    def warnings(self) -> list[str]:
        return list(self._said.get("warnings", ())) if self.is_dry else []

    @property
    def word(self) -> StrOrPromise:
        if self.is_dry:
            return _("It would be refused") if self._said["refused"] else _("It would be written")
        return WORDS.get(str(self._said.get("result", "")), "")

    @property
    def tone(self) -> str:
        if self.is_dry:
            return "bad" if self._said["refused"] else "ok"
        return TONES.get(str(self._said.get("result", "")), "")

    @property
    def is_late(self) -> bool:
        return bool(self.trial and self.trial.milliseconds > self.budget_ms)


def run(form: Form, row: IvrFunction | None, tenant: Tenant, data: QueryDict, *, by: User) -> Run:
    made = Run.before(form, data)
    value = data.get("try_value", "")[:LONGEST]
    made.mistakes = _mistakes(form, made, value)
    if not made.mistakes:
        values = made.values if form.kind == Kind.WRITE else None
        function = _function(form, row, tenant)
        made.trial = trial.try_out(function, number=made.number, value=value, second=made.second, values=values, by=by)
    return made


def _mistakes(form: Form, made: Run, value: str) -> dict[str, str]:
    found = {}
    if not made.number and form.kind != Kind.IDENTIFY:
        found["number"] = _("Enter a number that somebody in your CRM has.")
    if form.compares and not value.strip():
        found["value"] = _("Enter the value that the caller would key in.")
    needs = {Kind.VERIFY: ("entity", "column"), Kind.IDENTIFY: ("entity", "column"), Kind.WRITE: ("entity",)}
    if any(not form.said(name) for name in needs.get(Kind(form.kind), ())):
        found["form"] = _("Choose the table and the column first, then run it.")
    return found


def _function(form: Form, row: IvrFunction | None, tenant: Tenant) -> IvrFunction:
    """As the form says, as far as it makes sense; never stored."""
    item = {name: value for name, value in form.item().items() if name not in _COUNTS or isinstance(value, int)}
    function = row or IvrFunction(tenant=tenant)
    for name, value in item.items():
        longest = getattr(IvrFunction._meta.get_field(name), "max_length", None)
        setattr(function, name, value[:longest] if isinstance(value, str) else value)
    function.budget_ms = max(100, min(form.budget_ms or USUAL_MS, 10_000))
    return function


_COUNTS = frozenset({"attempts", "attempts_per_record", "daily_cap"})
