"""A way to Microsoft and back for somebody in the portal: to sign in, to link an account, to connect a CRM, to consent.

State and nonce as for agents (sign_in): the state names the attempt once, a first-party cookie shows that the callback
belongs to the browser that began it. One nonce serves all tabs of a browser, so that a second tab does not end the first.
What somebody signed in began ends only in their own session.
"""

from __future__ import annotations

import hmac
import json
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from tenants import consent, entra, linked_accounts, microsoft_connections, registration
from tenants.dataverse.budget import Budget
from tenants.entra import NotTrusted
from tenants.models import SIGN_IN_MINUTES, Instance, LinkedAccount, MicrosoftConnection, PortalAttempt, digest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Purpose = PortalAttempt.Purpose
PROBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser shows of itself: the nonce of our cookie, who is signed in, in which session, with which invitation."""

    nonce: str = ""
    user: User | None = None
    session: str = ""
    invitation: str = ""


def begin(
    purpose: Purpose, browser: Browser, *, instance: Instance | None = None, next_page: str = ""
) -> tuple[str, str]:
    """(Address at Microsoft, nonce for the cookie). Raises NotTrusted, DataverseError."""
    if instance:
        instance = _with_directory(instance, browser.user)
    flow, state, address = _opened(purpose, instance, browser.user)
    nonce = browser.nonce if _is_known(browser.nonce) else secrets.token_urlsafe(32)
    PortalAttempt.objects.create(
        purpose=purpose,
        user=browser.user,
        instance=instance,
        session=_fingerprint(browser.session) if browser.user else "",
        invitation=_fingerprint(browser.invitation) if purpose == Purpose.SIGN_IN else "",
        next=next_page,
        flow=flow,
        state_digest=digest(state),
        nonce_digest=digest(nonce),
        expires_at=timezone.now() + SIGN_IN_MINUTES,
    )
    return address, nonce


def _with_directory(instance: Instance, user: User | None) -> Instance:
    try:
        return registration.with_directory(instance, by=user or consent.SOMEBODY, budget=Budget(PROBE_SECONDS))
    except registration.NotProven as error:
        raise NotTrusted("no_directory") from error


def _opened(purpose: Purpose, instance: Instance | None, user: User | None) -> tuple[str, str, str]:
    """(What to keep, state, address)."""
    if purpose == Purpose.CONSENT and instance:
        state = secrets.token_urlsafe(32)
        return "", state, consent.address(instance, state=state)
    last = microsoft_connections.of(instance, user) if instance and user else None
    flow, address = entra.begin(instance, login_hint=last.account if last else "")
    return json.dumps(flow), flow["state"], address


def _is_known(nonce: str) -> bool:
    """Only one that we gave within ten minutes goes on; a planted one does not."""
    rows = PortalAttempt.objects.filter(nonce_digest=digest(nonce), expires_at__gt=timezone.now())
    return bool(nonce) and rows.exists()


def _fingerprint(text: str) -> str:
    return digest(text) if text else ""


# Coming back


def is_one(state: str) -> bool:
    """Whether a callback is of the portal and not of an agent's window."""
    return bool(state) and PortalAttempt.objects.filter(state_digest=digest(state)).exists()


def claim(state: str, browser: Browser) -> PortalAttempt | None:
    """The attempt of that state and browser, taken so that nobody uses it twice; None when it is not theirs, old or used."""
    rows = PortalAttempt.objects.select_related("instance__tenant", "user")
    attempt = rows.filter(state_digest=digest(state), expires_at__gt=timezone.now()).first()
    if attempt is None or not _is_of(attempt, browser.nonce):
        return None
    taken = PortalAttempt.objects.filter(pk=attempt.pk, state_digest=attempt.state_digest)
    return attempt if taken.update(state_digest=None) else None


def of_browser(code: uuid.UUID, nonce: str) -> PortalAttempt | None:
    """For the page that says how it ended."""
    rows = PortalAttempt.objects.select_related("instance__tenant", "user")
    attempt = rows.filter(code=code, state_digest=None, expires_at__gt=timezone.now()).first()
    return attempt if attempt and _is_of(attempt, nonce) else None


def _is_of(attempt: PortalAttempt, nonce: str) -> bool:
    return bool(nonce) and hmac.compare_digest(attempt.nonce_digest, digest(nonce))


def signed_in(attempt: PortalAttempt, answer: dict[str, str], *, invitation: str) -> User:
    """Who signs in; somebody new where it began at an invitation. Raises NotTrusted, DeadInvitation, DataverseError."""
    identity = entra.redeem(None, json.loads(attempt.flow), answer)
    try:
        return linked_accounts.user_of(identity)
    except NotTrusted as refusal:
        invited = bool(invitation) and hmac.compare_digest(attempt.invitation, digest(invitation))
        if refusal.reason != "not_linked" or not invited:
            raise
        return linked_accounts.open_account(invitation, identity=identity)


def linked(attempt: PortalAttempt, answer: dict[str, str], browser: Browser) -> tuple[LinkedAccount, bool]:
    """And whether it is new. Raises NotTrusted, DataverseError."""
    user = _beginner(attempt, browser)
    return linked_accounts.link(user=user, identity=entra.redeem(None, json.loads(attempt.flow), answer))


def connected(attempt: PortalAttempt, answer: dict[str, str], browser: Browser) -> MicrosoftConnection:
    """Raises NotTrusted, DataverseError."""
    user, instance = _beginner(attempt, browser), _instance(attempt)
    identity = entra.redeem(instance, json.loads(attempt.flow), answer)
    last = microsoft_connections.of(instance, user)
    return microsoft_connections.connect(instance, user=user, identity=identity, keep=bool(last and last.kept))


def consented(attempt: PortalAttempt, answer: dict[str, str], browser: Browser) -> None:
    """Raises NotTrusted. Whoever has no account here is the directory's admin, as far as we know."""
    consent.given(_instance(attempt), answer=answer, by=browser.user if browser.user == attempt.user else None)


def _instance(attempt: PortalAttempt) -> Instance:
    if attempt.instance is None:
        raise NotTrusted("attempt_expired")
    return attempt.instance


def _beginner(attempt: PortalAttempt, browser: Browser) -> User:
    """Whoever began it, if it is still they and their session that came back."""
    same_session = bool(attempt.session) and hmac.compare_digest(attempt.session, _fingerprint(browser.session))
    if browser.user is None or browser.user.pk != attempt.user_id or not same_session:
        raise NotTrusted("other_session")
    return browser.user


def end(attempt: PortalAttempt, *, reason: str = "", account: str = "") -> None:
    """It came back; what it carried is erased."""
    shown = "".join(filter(str.isprintable, account))
    attempt.reason, attempt.account, attempt.flow = reason[:60], shown[:200], ""
    attempt.save(update_fields=["reason", "account", "flow"])
