"""The steps of the check-list in words: what each is called, how it stands now, and what its button says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from tenants.pasted_address import judge
from tenants.progress import Facts, Progress, State, Step
from tenants.templatetags.looks import day

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from tenants.verification import Report

TITLES: Mapping[str, StrOrPromise] = {
    "eligibility": gettext_lazy("Your CRM can be connected"),
    "instance": gettext_lazy("Address and app"),
    "consent": gettext_lazy("Consent of your company"),
    "fields": gettext_lazy("What agents see about the caller"),
    "from_to": gettext_lazy("Notes will be editable in the CRM"),
    "leads": gettext_lazy("Leads"),
    "own_table": gettext_lazy("Own tables"),
    "people": gettext_lazy("Who will use the window"),
    "system_account": gettext_lazy("System account for the IVR"),
    "live": gettext_lazy("Going live"),
}
ACTS: Mapping[str, StrOrPromise] = {
    "eligibility": gettext_lazy("Find out"),
    "instance": gettext_lazy("Enter"),
    "consent": gettext_lazy("Arrange"),
    "fields": gettext_lazy("Choose"),
    "from_to": gettext_lazy("Put right"),
    "leads": gettext_lazy("Decide"),
    "own_table": gettext_lazy("Describe"),
    "people": gettext_lazy("Choose people"),
    "system_account": gettext_lazy("Begin"),
    "live": gettext_lazy("Go live"),
}
MINUTES = {
    "eligibility": 1, "instance": 3, "consent": 5, "from_to": 4, "fields": 8, "people": 5, "live": 1,
}  # fmt: skip
"""What a step takes, of those that count for "the rest takes about"."""
SKIPPABLE = frozenset({"fields", "from_to", "leads", "own_table", "system_account"})
FINISHED = frozenset({State.DONE, State.SKIPPED})


@dataclass(frozen=True, slots=True)
class Line:
    """One step as the list shows it."""

    number: int
    step: Step
    sentence: str
    opened: bool = False

    @property
    def key(self) -> str:
        return self.step.key

    @property
    def title(self) -> str:
        return str(TITLES[self.key])

    @property
    def act(self) -> str:
        return pgettext("a step of the check-list", "Show") if self.step.state == State.DONE else str(ACTS[self.key])

    @property
    def template(self) -> str:
        return f"tenants/portal/steps/{self.key}.html"

    @property
    def may_be_skipped(self) -> bool:
        return self.key in SKIPPABLE and self.step.state in {State.OPTIONAL, State.UNVERIFIED, State.OPEN}


def lines(progress: Progress, report: Report | None, *, opened: str = "") -> list[Line]:
    return [
        Line(number, step, SENTENCES[step.key](step, progress.facts, report), step.key == opened)
        for number, step in enumerate(progress.steps, start=1)
    ]


def minutes_left(progress: Progress) -> int:
    """To the nearest five above, of the steps that nearly everybody takes."""
    left = sum(MINUTES.get(step.key, 0) for step in progress.steps if step.state not in FINISHED)
    return -(-left // 5) * 5


# How each stands


def _eligibility(step: Step, facts: Facts, report: Report | None) -> str:
    if facts.instance is None:
        return _("Dynamics 365 Sales, Customer Service or Power Apps, online. Not Business Central, not an own server.")
    return _("Dynamics 365 or Power Apps online, %(region)s.") % {"region": judge(facts.instance.url).region or "?"}


def _instance(step: Step, facts: Facts, report: Report | None) -> str:
    if facts.instance is None:
        return _("Paste the address from your browser, we take the rest from it.")
    host = facts.instance.url.partition("://")[2]
    if step.state == State.TROUBLE:
        return _("%(host)s. A check has found something to put right.") % {"host": host}
    if step.state != State.DONE:
        return _("%(host)s. Saved, not verified yet.") % {"host": host}
    app = app_name(report)
    return _("%(host)s, app “%(app)s”.") % {"host": host, "app": app} if app else f"{host}."


def app_name(report: Report | None) -> str:
    """As the last check found it, "" when it did not."""
    names = [row.result.evidence.get("name", "") for row in (report.about("app") if report else [])]
    return str(next(filter(None, names), ""))


def _consent(step: Step, facts: Facts, report: Report | None) -> str:
    if step.state == State.DONE and facts.instance and facts.instance.consented_at:
        return _("Given on %(day)s") % {"day": day(facts.instance.consented_at)}
    if step.state == State.DONE:
        return _("A sign-in has worked, so nothing more is needed.")
    return _("The admin of your Microsoft directory agrees once for everybody.")


def _fields(step: Step, facts: Facts, report: Report | None) -> str:
    if facts.fields:
        return ngettext("%(n)d further field chosen.", "%(n)d further fields chosen.", facts.fields) % {
            "n": facts.fields
        }
    return _skipped(step) or _("Name and company always show. Further fields are optional.")


def _from_to(step: Step, facts: Facts, report: Report | None) -> str:
    if step.state == State.DONE:
        return _("From and To of a phone call are not required.")
    if step.state == State.OPEN:
        return _("From and To of a phone call are required now. It is enough to make them recommended.")
    return _skipped(step) or _("Not verified yet whether From and To of a phone call are required.")


def _leads(step: Step, facts: Facts, report: Report | None) -> str:
    if facts.instance and facts.instance.leads:
        return _("Callers are looked for among leads, too, and a lead is created with one click.")
    return _skipped(step) or _("Only when you use leads. Optional.")


def _own_table(step: Step, facts: Facts, report: Report | None) -> str:
    if facts.entities:
        return ngettext("%(n)d own table is searched.", "%(n)d own tables are searched.", facts.entities) % {
            "n": facts.entities
        }
    return _skipped(step) or _("Only when you keep callers in a table of your own. Optional.")


def _people(step: Step, facts: Facts, report: Report | None) -> str:
    agents = facts.agents
    if agents.enabled:
        return _("%(signed_in)s of %(enabled)s have signed in.") % {
            "signed_in": agents.signed_in,
            "enabled": agents.enabled,
        }
    if agents.listed:
        return ngettext(
            "%(n)d person is listed, the window is not switched on for anybody.",
            "%(n)d people are listed, the window is not switched on for anybody.",
            agents.listed,
        ) % {"n": agents.listed}
    return _("Nobody is chosen yet.")


def _system_account(step: Step, facts: Facts, report: Report | None) -> str:
    if facts.account is None:
        return _skipped(step) or _("Only when the IVR is to read or write the CRM. Optional.")
    if step.state == State.TROUBLE:
        return _("Set up, but a check has failed.")
    return _("Set up.") if step.state == State.DONE else _("Set up, not verified yet.")


def _live(step: Step, facts: Facts, report: Report | None) -> str:
    if facts.tenant.went_live_at:
        return _("Live since %(day)s") % {"day": day(facts.tenant.went_live_at)}
    return _("The last step: from then on we watch that nothing breaks.")


def _skipped(step: Step) -> str:
    return pgettext("a step of the check-list", "Not needed.") if step.state == State.SKIPPED else ""


SENTENCES: Mapping[str, Callable[[Step, Facts, Report | None], str]] = {
    "eligibility": _eligibility,
    "instance": _instance,
    "consent": _consent,
    "fields": _fields,
    "from_to": _from_to,
    "leads": _leads,
    "own_table": _own_table,
    "people": _people,
    "system_account": _system_account,
    "live": _live,
}
