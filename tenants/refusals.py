"""Why a sign-in ended without a window, as sentences: what happened, what it means, what to do, who must act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from tenants.models import PortalAttempt, SignInAttempt


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


def refusal_in_portal(reason: str, *, purpose: PortalAttempt.Purpose) -> Refusal:
    """The same for somebody of the portal: whoever signs in, links or connects an account, or consents."""
    ours = {**_portals(), **(_of_setting_up() if purpose in SETTING_UP else _of_signing_in())}
    if sentences := ours.get(reason) or _ours().get(reason) or _microsofts().get(reason):
        return Refusal(
            *sentences, code=reason if reason.startswith("AADSTS") else "", again=reason not in FINAL_IN_PORTAL
        )
    return Refusal(
        _("Signing in was not completed"),
        _("Microsoft refused the sign-in. Try again; if it happens again, tell IPEX the code below."),
        code=reason,
    )


SETTING_UP = ("connect", "consent")
FINAL = frozenset(
    {"not_an_agent", "window_disabled", "not_proven", "second_claim", "no_directory", "other_organization"}
)
FINAL_IN_PORTAL = frozenset(
    {
        "second_claim",
        "other_organization",
        "EntraMisconfigured",
        "inactive",
        "account_exists",
        "dead_invitation",
        "dead_link",
        "no_instance",
    }
)
CONSENT_NEEDED = frozenset({"AADSTS65001", "AADSTS90094", "AADSTS90095", "AADSTS650052", "AADSTS650057"})


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
        **dict.fromkeys(CONSENT_NEEDED, consent),
        **dict.fromkeys(("AADSTS50072", "AADSTS50074", "AADSTS50076", "AADSTS50078", "AADSTS50079"), second_factor),
        **dict.fromkeys(
            ("AADSTS53000", "AADSTS53001", "AADSTS53002", "AADSTS53003", "AADSTS530032", "AADSTS530035"), blocked
        ),
        "AADSTS54005": (
            _("This sign-in was already used"),
            _("Close this window and start again in the CRM window."),
        ),
    }


def _portals() -> dict[str, tuple[str, str]]:
    """What differs for people of the portal, whatever they came for."""
    answer = _("Microsoft's answer could not be trusted, so nothing was stored. Start again.")
    begin_here = _("The answer does not fit a sign-in begun in this browser, so nothing was stored. Start again.")
    away = _("Microsoft does not answer just now. Nothing is lost; try again in a moment.")
    return {
        **dict.fromkeys(
            ("state", "nonce", "claims", "audience", "issuer", "expired", "no_token"),
            (_("Signing in was not completed"), answer),
        ),
        "attempt_expired": (
            _("This sign-in has expired"),
            _("A sign-in is valid for ten minutes and once, and only as long as the CRM's address stays. Start again."),
        ),
        "forged": (_("This sign-in does not belong here"), begin_here),
        "AADSTS54005": (_("This sign-in was already used"), begin_here),
        "other_session": (
            _("This sign-in belongs to another session"),
            _("It was begun by somebody else in this browser, or before signing out. Nothing was stored. Start again."),
        ),
        "Unavailable": (_("Microsoft is not responding"), away),
        "Throttled": (_("Microsoft is not responding"), away),
        "EntraMisconfigured": (
            _("The portal is not connected to Microsoft yet"),
            _("IPEX must complete the registration with Microsoft. Nothing you can do here helps."),
        ),
        "AADSTS50105": (
            _("This account was not assigned to the application"),
            _(
                "Your Microsoft admin can assign it to IPEX among the enterprise applications, or allow it for everybody."
            ),
        ),
        "AADSTS50057": (
            _("This account is disabled"),
            _("Your Microsoft admin can enable it, or use another account."),
        ),
    }


def _of_signing_in() -> dict[str, tuple[str, str]]:
    cancelled = (
        _("Signing in was cancelled"),
        _("Nothing was stored. Start again when you are ready, or have a code mailed to you."),
    )
    return {
        "access_denied": cancelled,
        "AADSTS65004": cancelled,
        "not_linked": (
            _("This Microsoft account is not linked yet"),
            _("Only an account that its owner has linked opens the portal; the same e-mail address is not enough."),
        ),
        "linked_to_other": (
            _("This Microsoft account is somebody else's here"),
            _("It already signs in another person of the portal. They can unlink it under “Your account”."),
        ),
        "inactive": (
            _("This account of the portal is switched off"),
            _("Signing in with Microsoft worked. Somebody at IPEX can switch the account on again."),
        ),
        "account_exists": (
            _("There is an account for the invited address already"),
            _(
                "Sign in with a code mailed to that address. The invitation then counts for it, and you can link Microsoft."
            ),
        ),
        "dead_invitation": (
            _("This invitation is no longer valid"),
            _("It has expired, was used or was replaced by a newer one. Whoever sent it can send another."),
        ),
        **dict.fromkeys(
            CONSENT_NEEDED,
            (
                _("Your company has not allowed the portal yet"),
                _(
                    "The admin of your Microsoft directory must consent once for everybody. Until then a mailed code signs you in."
                ),
            ),
        ),
    }


def _of_setting_up() -> dict[str, tuple[str, str]]:
    """For whoever connects the CRM or consents for the company: who must do what in it."""
    cancelled = (
        _("The account was not connected"),
        _(
            "Without consent the portal may not read the CRM's tables and columns. Nothing was stored; start again when you are ready."
        ),
    )
    another = _("The CRM belongs to another Microsoft directory. Use the work account with which you open this CRM.")
    return {
        "access_denied": cancelled,
        "AADSTS65004": cancelled,
        "consent_denied": (
            _("Consent was not given"),
            _("Microsoft's page was left without consent. Nothing has changed; it can be opened again at any time."),
        ),
        **dict.fromkeys(
            ("other_directory", "AADSTS50020", "AADSTS50034"), (_("This account belongs to another company"), another)
        ),
        "other_user": (
            _("The CRM knows this account as somebody else"),
            _(
                "Nothing was stored. In the Power Platform admin centre, compare which account this CRM user belongs to."
            ),
        ),
        "other_organization": (
            _("This is another CRM environment"),
            _("The environment behind this address was replaced. Your IPEX implementer must confirm it first."),
        ),
        "not_proven": (
            _("This account cannot confirm that the CRM is yours"),
            _(
                "Signing in worked, but the CRM is not confirmed yet. That takes one sign-in by a System Administrator or "
                "System Customizer of the CRM: use such an account, ask a colleague who has one, or have IPEX confirm it."
            ),
        ),
        "second_claim": (
            _("This CRM cannot be confirmed"),
            _("IPEX has been told and will get in touch with you."),
        ),
        "no_directory": (
            _("This CRM cannot be reached"),
            _(
                "Its address does not name a Microsoft directory, so there is nowhere to sign in. Check the address, or tell IPEX."
            ),
        ),
        "no_instance": (
            _("The CRM's address comes first"),
            _("Give the address of your CRM in the check-list. Then an account can be connected."),
        ),
        "dead_link": (
            _("This link does not work"),
            _("It is incomplete, or the CRM has moved since. Whoever sent it can copy a new one from the portal."),
        ),
        "NotAMember": (
            _("This account has no access to the CRM"),
            _(
                "Signing in worked, but the CRM does not know this account or it has no role. Add it in the Power Platform "
                "admin centre, or use an account that opens this CRM."
            ),
        ),
        "MissingPrivilege": (
            _("This account may not use the CRM"),
            _(
                "Signing in worked, but its role lacks a basic right. Use another account, or give it a role that reads."
            ),
        ),
        **dict.fromkeys(
            CONSENT_NEEDED,
            (
                _("Your company has not allowed the portal yet"),
                _(
                    "The admin of your Microsoft directory must consent once for everybody. If that is you, continue "
                    "below; if not, send them the address."
                ),
            ),
        ),
    }
