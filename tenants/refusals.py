"""Why a sign-in ended without a window, as sentences: what happened, what it means, what to do, who must act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from tenants.models import SignInAttempt


@dataclass(frozen=True, slots=True)
class Refusal:
    """`code` is for support and stands under "Details"; the sentences are enough without it."""

    title: str
    text: str
    code: str = ""
    again: bool = True  # trying again can help


def refusal_of(reason: str, *, attempt: SignInAttempt | None = None) -> Refusal:
    """The sentences for a reason word or an AADSTS code, in the active language."""
    if reason == "other_account" and attempt is not None and attempt.agent is not None:
        return _other_account(attempt.account, attempt.agent.principal_name)
    if sentences := _ours().get(reason) or _microsofts().get(reason):
        return Refusal(*sentences, code=reason if reason.startswith("AADSTS") else "", again=reason not in FINAL)
    return Refusal(
        _("Signing in was not completed"),
        _("Microsoft refused the sign-in. Try again; if it happens again, tell your CRM admin the code below."),
        code=reason,
    )


FINAL = frozenset(
    {"not_an_agent", "window_disabled", "not_proven", "second_claim", "no_directory", "other_organization"}
)


def _other_account(account: str, expected: str) -> Refusal:
    text = _("Signed in is %(account)s, the window belongs to %(expected)s. Sign in with that account.")
    return Refusal(_("This is another account"), text % {"account": account, "expected": expected})


def _ours() -> dict[str, tuple[str, str]]:
    another_account = _("Sign in with the work account you use in this CRM.")
    answer = _("Microsoft's answer could not be trusted, so nothing was stored. Close this window and try again.")
    away = _("Microsoft does not answer just now. Nothing is lost; try again in a moment.")
    return {
        "attempt_expired": (
            _("This sign-in has expired"),
            _("A sign-in is valid for ten minutes and once. Close this window and start again in the CRM window."),
        ),
        "forged": (
            _("This sign-in does not belong here"),
            _(
                "The answer does not fit a sign-in begun in this browser, so nothing was stored. Start again in the CRM window."
            ),
        ),
        "state": (_("Signing in was not completed"), answer),
        "nonce": (_("Signing in was not completed"), answer),
        "claims": (_("Signing in was not completed"), answer),
        "audience": (_("Signing in was not completed"), answer),
        "issuer": (_("Signing in was not completed"), answer),
        "expired": (_("Signing in was not completed"), answer),
        "access_denied": (
            _("Signing in was cancelled"),
            _("The window may not read the CRM without your consent. Start again when you are ready."),
        ),
        "other_directory": (_("This account belongs to another company"), another_account),
        "other_user": (
            _("The CRM knows this account as somebody else"),
            _("Nothing was stored. Your CRM admin can check which account your CRM user belongs to."),
        ),
        "other_account": (_("This is another account"), another_account),
        "other_organization": (
            _("This is another CRM environment"),
            _("The environment behind this address was replaced. Your IPEX implementer must confirm it first."),
        ),
        "not_an_agent": (
            _("This account has no CRM window"),
            _("Signing in worked, but nobody with this account is listed as an agent. Your CRM admin can add you."),
        ),
        "window_disabled": (
            _("Your CRM window is switched off"),
            _("Signing in worked, but the window is not enabled for you. Your CRM admin can enable it."),
        ),
        "not_proven": (
            _("This CRM has not been confirmed yet"),
            _(
                "Until one of its System Administrators or Customizers signs in here, or IPEX confirms it, no sign-in is stored."
            ),
        ),
        "second_claim": (
            _("This CRM cannot be confirmed"),
            _("IPEX has been told and will get in touch with you."),
        ),
        "no_directory": (
            _("This CRM cannot be reached yet"),
            _("Its Microsoft directory is not known. Your IPEX implementer can complete it."),
        ),
        "Unavailable": (_("Microsoft is not responding"), away),
        "Throttled": (_("Microsoft is not responding"), away),
        "NotAMember": (
            _("This account has no access to the CRM"),
            _(
                "Signing in worked, but the CRM does not know this account or it has no role. Your CRM admin can add it."
            ),
        ),
        "MissingPrivilege": (
            _("This account may not use the CRM"),
            _("Signing in worked, but your role lacks a basic right. Your CRM admin can add it."),
        ),
        "EntraMisconfigured": (
            _("The window is not connected to Microsoft yet"),
            _("IPEX must complete the registration with Microsoft. Nothing you can do here helps."),
        ),
    }


def _microsofts() -> dict[str, tuple[str, str]]:
    """Microsoft: Microsoft Entra authentication and authorization error codes."""
    consent = (
        _("Your company has not allowed the CRM window yet"),
        _("The admin of your Microsoft directory must consent once for everybody. Ask them, then sign in again."),
    )
    second_factor = (
        _("Microsoft wants to check who you are"),
        _("Sign in again and complete the second step that Microsoft asks for."),
    )
    blocked = (
        _("Your company's rules stopped the sign-in"),
        _("A Conditional Access policy refuses this device, place or app. Your Microsoft admin can allow it."),
    )
    return {
        "AADSTS50020": (
            _("This account belongs to another company"),
            _("Sign in with the work account you use in this CRM."),
        ),
        "AADSTS50034": (
            _("This account belongs to another company"),
            _("Sign in with the work account you use in this CRM."),
        ),
        "AADSTS50057": (_("This account is disabled"), _("Your Microsoft admin can enable it.")),
        "AADSTS50105": (
            _("This account was not assigned to the CRM window"),
            _("Your Microsoft admin can assign you to the enterprise application."),
        ),
        "AADSTS65004": (
            _("Consent was refused"),
            _("The window may not read the CRM without your consent. Start again and accept, or ask your admin."),
        ),
        **dict.fromkeys(("AADSTS65001", "AADSTS90094", "AADSTS90095", "AADSTS650052", "AADSTS650057"), consent),
        **dict.fromkeys(("AADSTS50072", "AADSTS50074", "AADSTS50076", "AADSTS50078", "AADSTS50079"), second_factor),
        **dict.fromkeys(
            ("AADSTS53000", "AADSTS53001", "AADSTS53002", "AADSTS53003", "AADSTS530032", "AADSTS530035"), blocked
        ),
        "AADSTS54005": (
            _("This sign-in was already used"),
            _("Close this window and start again in the CRM window."),
        ),
    }
