"""How far each person is, in words for whoever looks after them: where they are stuck, why, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, Q, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from tenants import activation
from tenants.activation import Step
from tenants.models import Agent, Tenant

if TYPE_CHECKING:
    from django.db.models import QuerySet

USING, WAITING, HELP, OFF = "using", "waiting", "help", "off"
GROUPS = {
    "": pgettext_lazy("people", "All"),
    USING: gettext_lazy("In use"),
    WAITING: gettext_lazy("Waiting for sign-in"),
    HELP: gettext_lazy("Needs help"),
    OFF: gettext_lazy("Off"),
}
_IN = (Step.SIGNED_IN, Step.FIRST_CARD, Step.FIRST_NOTE)
SEARCHED = ("name", "email", "upn", "login", "line")


def people_of(tenant: Tenant, *, words: str = "") -> QuerySet[Any]:
    """Everybody, or whose name, e-mail, login or line holds each of the words; with their `group`, in the one query."""
    rows = activation.with_steps(tenant.agents.all())
    for word in words.split()[:8]:
        spellings = dict.fromkeys((word, word.lower(), word.title(), word.upper()))  # SQLite folds ASCII only
        rows = rows.filter(
            *[Q(*[(f"{name}__icontains", one) for name in SEARCHED for one in spellings], _connector=Q.OR)]
        )
    stuck = ~Q(stuck_with="") | Q(step=Step.MAIL_FAILED.value)
    found: QuerySet[Any] = rows.annotate(
        group=Case(
            When(window=False, then=Value(OFF)),
            When(stuck, then=Value(HELP)),
            When(step__in=[step.value for step in _IN], then=Value(USING)),
            default=Value(WAITING),
        )
    ).order_by("name", "email", "pk")
    return found


def counts(people: QuerySet[Any]) -> dict[str, int]:
    """How many are in each group; "" is all of them. One query."""
    found = people.aggregate(
        **{group or "all": Count("pk", filter=Q(group=group) if group else None) for group in GROUPS}
    )
    return {group: found[group or "all"] for group in GROUPS}


@dataclass(frozen=True, slots=True)
class Standing:
    """`tone` is the tag's colour, `label` its word, `detail` one line below; `at` a time that belongs to it.

    Somebody stuck also has what they read (`told`), what to do (`remedy`) and the exact code.
    """

    tone: str
    label: str
    detail: str = ""
    at: datetime | None = None
    told: str = ""
    remedy: str = ""
    code: str = ""
    sendable: bool = False
    misaddressed: bool = False
    first: bool = False  # no e-mail was sent before


def standing_of(agent: Agent) -> Standing:
    """Of somebody from `people_of`; of others it costs a query."""
    state = activation.state_of(agent)
    if not agent.window:
        return _off(agent)
    if state.error:
        return _stuck(agent, state)
    if state.step == Step.MAIL_FAILED:
        return _not_delivered(state)
    return _on_the_way(agent, state)


def obstacle(agent: Agent) -> str:
    """What somebody is stuck with, in a few words with the exact code; "" when they are not."""
    state = activation.state_of(agent)
    if state.refusal:
        return f"{state.refusal.title} ({state.error})"
    if state.step == Step.MAIL_FAILED:
        return f"{_not_delivered(state).detail} ({state.mail_error})"
    return ""


def _off(agent: Agent) -> Standing:
    if agent.signed_in_at or agent.last_call_at:
        return Standing("", _("Off"), _("Calls come without the window."))
    return Standing("", _("Off"), _("Waits until the window is switched on."))


def _on_the_way(agent: Agent, state: activation.State) -> Standing:
    at = state.since
    match state.step:
        case Step.FIRST_NOTE:
            return Standing("ok", _("In use"), at=agent.signed_in_at or at)
        case Step.FIRST_CARD:
            return Standing("ok", _("In use"), _("No note written yet."), agent.signed_in_at or at)
        case Step.SIGNED_IN:
            return Standing("ok", _("Signed in"), _("No call yet."), at)
        case Step.UNPROVEN:
            return Standing("warn", _("Waits for the CRM"), _("The e-mail goes out once the CRM is confirmed."))
        case Step.MAIL_SENT:
            return Standing("accent", _("E-mail sent"), at=at, sendable=True)
        case Step.MAIL_QUEUED if state.mail_error:
            detail = _("The mail server did not take it yet. It is tried again by itself.")
            return Standing("warn", _("E-mail on its way"), detail, code=state.mail_error, sendable=True)
        case Step.MAIL_QUEUED:
            return Standing("accent", _("E-mail on its way"), at=at, sendable=True)
        case _:
            return Standing("accent", _("Invited"), _("No e-mail was sent yet."), sendable=True, first=True)


def _not_delivered(state: activation.State) -> Standing:
    if state.mail_error in {"smtp_550", "smtp_551", "smtp_553", "smtp_501", "smtp_511", "address"}:
        return Standing(
            "bad",
            _("E-mail not delivered"),
            _("The mailbox does not exist or takes no e-mail."),
            state.since,
            remedy=_("Correct the address. The e-mail then goes out again by itself."),
            code=state.mail_error,
            sendable=True,
            misaddressed=True,
        )
    detail = _("The mail server of this address refused it.")
    remedy = _("Check the address, or ask the administrator of that mailbox. Then send the e-mail again.")
    return Standing(
        "bad", _("E-mail not delivered"), detail, state.since, remedy=remedy, code=state.mail_error, sendable=True
    )


def _stuck(agent: Agent, state: activation.State) -> Standing:
    refusal = state.refusal
    told = f"{refusal.title}. {refusal.text}" if refusal else ""
    if agent.sign_in_error:
        return Standing(
            "warn",
            _("Sign-in expired"),
            _("The window asks for a new sign-in at the next call."),
            told=told,
            remedy=_("Ask this person to open the window and sign in once more. Waiting notes go out after that."),
            code=state.error,
            sendable=True,
        )
    label, remedy = _refused(state.error)
    label = label or (refusal.title if refusal else state.error)
    return Standing(
        "bad", label, _("The sign-in was refused."), agent.refused_at, told, remedy, state.error, sendable=True
    )


def _refused(code: str) -> tuple[str, str]:
    """A word for the tag and what the customer's admin does about it."""
    for codes, words in _REMEDIES:
        if code in codes:
            return str(words[0]), str(words[1])
    return "", _("Ask this person to try once more. If it happens again, send IPEX the code under Details.")


_REMEDIES = (
    (
        {"NotAMember", "MissingPrivilege"},
        (
            gettext_lazy("No access to the CRM"),
            gettext_lazy(
                "Check that this person has a licence, a user in this CRM environment and a security role that reads contacts."
            ),
        ),
    ),
    (
        {"AADSTS65001", "AADSTS90094", "AADSTS90095", "AADSTS650052", "AADSTS650057", "AADSTS65004"},
        (
            gettext_lazy("Consent is missing"),
            gettext_lazy("The admin of your Microsoft directory consents once for everybody. The set-up shows how."),
        ),
    ),
    (
        {"AADSTS50105"},
        (
            gettext_lazy("Not assigned"),
            gettext_lazy(
                "In Microsoft Entra, under Enterprise applications, assign this person to the application of IPEX."
            ),
        ),
    ),
    (
        {"AADSTS50057"},
        (gettext_lazy("Account disabled"), gettext_lazy("Your Microsoft admin can enable the account.")),
    ),
    (
        {"AADSTS53000", "AADSTS53001", "AADSTS53002", "AADSTS53003", "AADSTS530032", "AADSTS530035"},
        (
            gettext_lazy("Stopped by your rules"),
            gettext_lazy(
                "A Conditional Access policy refuses this device, place or app. Your Microsoft admin can allow it."
            ),
        ),
    ),
    (
        {"AADSTS50072", "AADSTS50074", "AADSTS50076", "AADSTS50078", "AADSTS50079"},
        (
            gettext_lazy("Second step missing"),
            gettext_lazy("Ask this person to sign in again and to complete the second step that Microsoft asks for."),
        ),
    ),
    (
        {"other_account", "AADSTS50020", "AADSTS50034", "other_directory", "other_user"},
        (
            gettext_lazy("Another account"),
            gettext_lazy(
                "This person used another Microsoft account than the one entered here. "
                "Correct the account, or ask them to use that one."
            ),
        ),
    ),
    (
        {"access_denied"},
        (gettext_lazy("Sign-in cancelled"), gettext_lazy("Ask this person to open the link once more and to accept.")),
    ),
    (
        {"attempt_expired", "forged", "state", "nonce"},
        (
            gettext_lazy("Sign-in not completed"),
            gettext_lazy("Ask this person to open the link in the e-mail once more, or send a new e-mail."),
        ),
    ),
)
