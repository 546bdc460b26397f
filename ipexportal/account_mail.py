"""The e-mails about getting in: a code that somebody waits for, and a note to its owner after each change of an account.

They are sent while the page waits, so that their codes lie in no queue. Known and unknown addresses cost the same.
"""

from __future__ import annotations

import logging
import smtplib
from email.utils import make_msgid, parseaddr
from typing import TYPE_CHECKING, Any

from allauth.account import app_settings
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from tenants import emails

if TYPE_CHECKING:
    from django.http import HttpRequest

logger = logging.getLogger(__name__)
REFUSED = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, ValueError)


def send(request: HttpRequest, name: str, address: str, context: dict[str, Any]) -> None:
    """A code, or the word that there is no account; whoever asked hears when no e-mail can be sent at all."""
    kind = name.rpartition("/")[2]
    try:
        _message(kind, address, _codes(kind) | {"code": context.get("code", "")}).send(using="default")
    except REFUSED as error:  # nobody learns more than from an address that has no account
        logger.warning("An e-mail with a code was not taken: %s.", type(error).__name__)
    except OSError as error:
        logger.warning("An e-mail with a code could not be sent: %s.", type(error).__name__)
        raise ImmediateHttpResponse(render(request, "account/mail_away.html", status=503)) from None


def notify(kind: str, address: str) -> None:
    """What has changed is done, whether or not the mail server is there."""
    try:
        _message(kind, address, _notices()[kind] | {"at": timezone.now()}).send(using="default")
    except (KeyError, ValueError, OSError) as error:
        logger.warning("The note about %s was not sent: %s.", kind, type(error).__name__)


def _message(kind: str, address: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    template = "account/email/notice" if "did" in context else "account/email/code"
    context |= {"language": translation.get_language(), "link": f"{settings.PORTAL_URL}/accounts/login/"}
    subject = emails.header(str(context["subject"]), longest=200)
    ours = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    message = EmailMultiAlternatives(
        subject,
        render_to_string(f"{template}.txt", context),
        emails.address("IPEX", ours),
        [emails.address("", address)],
        headers={
            "Message-ID": make_msgid(domain=ours.rpartition("@")[2]),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Content-Language": str(context["language"]),
        },
    )
    message.attach_alternative(render_to_string(f"{template}.html", context), "text/html")
    return message


def _codes(kind: str) -> dict[str, Any]:
    if kind == "login_code":
        return {
            "subject": _("Your code for the IPEX portal"),
            "lead": _("type this code into the page where you asked for it:"),
            "minutes": app_settings.LOGIN_BY_CODE_TIMEOUT // 60,
            "otherwise": _("Did you not ask for it? Then do nothing. Without this code nobody gets in."),
        }
    if kind == "password_reset_code":
        return {
            "subject": _("Your code for a new password"),
            "lead": _("type this code into the page where you asked for a new password:"),
            "minutes": app_settings.PASSWORD_RESET_BY_CODE_TIMEOUT // 60,
            "otherwise": _("Did you not ask for it? Then do nothing, your password stays as it is."),
        }
    return {
        "subject": _("There is no account with this address in the IPEX portal"),
        "lead": _(
            "somebody, perhaps you, wanted to sign in to the IPEX portal with this address. There is no account with it."
        ),
        "otherwise": _("Try another address of yours, or ask IPEX for an invitation. Was it not you? Then do nothing."),
    }


def _notices() -> dict[str, dict[str, Any]]:
    password = _("The password of your account in the IPEX portal was changed.")
    return {
        "password_changed": {"subject": _("Your password was changed"), "did": password},
        "password_reset": {"subject": _("Your password was changed"), "did": password},
        "password_set": {
            "subject": _("Your account has a password now"),
            "did": _("A password was set for your account in the IPEX portal."),
        },
        "totp_activated": {
            "subject": _("The second factor was switched on"),
            "did": _("The second factor of your account in the IPEX portal was switched on."),
        },
        "totp_deactivated": {
            "subject": _("The second factor was switched off"),
            "did": _("The second factor of your account in the IPEX portal was switched off."),
        },
        "microsoft_linked": {
            "subject": _("A Microsoft account was linked"),
            "did": _("A Microsoft account was linked with your account in the IPEX portal and opens it from now on."),
        },
        "microsoft_unlinked": {
            "subject": _("A Microsoft account was unlinked"),
            "did": _("A Microsoft account was unlinked from your account in the IPEX portal and opens it no more."),
        },
        "recovery_codes_generated": {
            "subject": _("You have new recovery codes"),
            "did": _(
                "New recovery codes were made for your account in the IPEX portal. The old ones are no longer valid."
            ),
        },
    }
