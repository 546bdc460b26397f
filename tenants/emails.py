"""Our e-mails: one function and three files (subject, text, HTML) each, and how a row of OutgoingMail becomes a sent one.

A row is sent by whoever holds its lease, so two workers send one e-mail. What is temporary is tried again, later and later;
what is not, or is no longer wanted, ends as failed with its code. Neither rows nor logs hold an address, a name or a link.
A process that dies between the server's yes and ours makes a second one, which carries the same Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tenants import activation, credentials, invitations, post, reminding, verification
from tenants.models import Membership, OutgoingMail, Tenant

Kind, State = OutgoingMail.Kind, OutgoingMail.State
LEASE = timedelta(minutes=5)  # longer than every step of one SMTP conversation may take together
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
MOST_ATTEMPTS = 24
SWEEP_SECONDS, SWEEP_ROWS = 50, 500
NAME_LENGTH = 100
UNFOLDED = 70  # Python folds longer ones, and leaves out the quotes around a name when it does
SPECIAL = str.maketrans(dict.fromkeys('"(),:;<>@[\\]', " "))
Writer = Callable[[OutgoingMail], "Letter"]
_writers: dict[str, Writer] = {}
logger = logging.getLogger(__name__)


class NotWanted(Exception):
    """What the e-mail is about has passed. `str()` is the code for its row."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail before it is put in words. `address` is the recipient's, `link` where its button leads."""

    template: str
    address: str
    link: str
    name: str = ""
    context: dict[str, Any] = field(default_factory=dict)


def writes(kind: str) -> Callable[[Writer], Writer]:
    def keep(writer: Writer) -> Writer:
        _writers[kind] = writer
        return writer

    return keep


# The e-mails


@writes(Kind.ACTIVATION)
def activation_letter(mail: OutgoingMail) -> Letter:
    """To an agent whose window was switched on."""
    agent = mail.agent
    if agent is None:
        raise NotWanted("gone")
    if reason := activation.not_needed(agent):
        raise NotWanted(reason)
    valid_until = timezone.localdate() + activation.LINK_FOR
    context = {"account": agent.principal_name, "valid_until": day(valid_until), "contact": contact(mail.tenant)}
    return Letter("activation", agent.email, activation.link(agent), agent.name, context)


@writes(Kind.INVITATION)
def invitation_letter(mail: OutgoingMail) -> Letter:
    """To somebody who shall look after the customer's portal."""
    invitation = mail.invitation
    if invitation is None or not invitation.is_open:
        raise NotWanted("accepted" if invitation and invitation.accepted_at else "expired")
    context = {"valid_until": day(timezone.localdate(invitation.expires_at))}
    return Letter("invitation", invitation.email, invitations.link(invitation), context=context)


@writes(Kind.SECRET_EXPIRING)
def secret_letter(mail: OutgoingMail) -> Letter:
    """To those who run the customer's CRM: the system account stops working soon."""
    account = mail.system_account
    last = credentials.last_day(account) if account else None
    if account is None or last is None or (last - timezone.localdate()).days > post.SECRET_MARKS[-1]:
        raise NotWanted("renewed")
    days = (last - timezone.localdate()).days
    ends = max((each for each in credentials.of(account) if each.expires_on == last), key=lambda each: each.name)
    context = {
        "days": max(days, 0),
        "expired": days < 0,
        "date": day(last),
        "client_id": account.client_id,
        "certificate": ends.thumbprint,
        "for_ipex": mail.user is not None and mail.user_id == mail.tenant.implementer_id,
    }
    return _to_admin(mail, "secret", context, page="ivr")


@writes(Kind.ALARM)
def alarm_letter(mail: OutgoingMail) -> Letter:
    """To those who run the customer's CRM: checks that were in order no longer are."""
    said = [row.said for row in verification.of_run(mail.check_run).turned_red] if mail.check_run else []
    if not said:
        raise NotWanted("in_order")
    return _to_admin(mail, "alarm", {"checks": said, "count": len(said)}, page="checks")


@writes(Kind.REMINDER)
def reminder_letter(mail: OutgoingMail) -> Letter:
    """To those who run the customer's CRM: what only they can do."""
    asked = reminding.asked_of(mail.tenant)
    if not asked:
        raise NotWanted("nothing_missing")
    return _to_admin(mail, "reminder", {"asked": asked, "count": len(asked)}, page="checklist")


def _to_admin(mail: OutgoingMail, template: str, context: dict[str, Any], *, page: str) -> Letter:
    """The link leads to the page of the portal where it can be mended."""
    user, link = mail.user, f"{settings.PORTAL_URL}{reverse(f'portal:{page}', args=[mail.tenant.code])}"
    if user is None:
        return Letter(template, mail.tenant.contact_email, link, "", context)
    is_ours = user.is_staff and user.pk == mail.tenant.implementer_id
    if not user.is_active or not (is_ours or Membership.objects.filter(user=user, tenant=mail.tenant_id).exists()):
        raise NotWanted("left")
    return Letter(template, user.email, link, user.get_full_name(), context)


def contact(tenant: Tenant) -> str:
    """Who in the firm helps: a name and an e-mail, as far as we know them."""
    members = Membership.objects.filter(tenant=tenant, user__is_active=True).select_related("user").order_by("pk")
    people = [member.user for member in members if member.user.email]
    if people:
        person = next((user for user in people if user.get_full_name()), people[0])
        return ", ".join(filter(None, (one_line(person.get_full_name()), person.email)))
    return tenant.contact_email


def day(date: date) -> str:
    return formats.date_format(date, pgettext("format of day, month and year", "j M Y"))


# In words


def compose(mail: OutgoingMail, *, preview: bool = False) -> EmailMultiAlternatives:
    """The whole e-mail in its language. A preview leads nowhere. Raises NotWanted, ValueError for an impossible address."""
    with translation.override(mail.language):
        letter = _writers[mail.kind](mail)
        name = f"tenants/email/{letter.template}"
        context = _common(mail) | letter.context | {"link": settings.PORTAL_URL if preview else letter.link}
        subject = header(render_to_string(f"{name}_subject.txt", context), longest=200)
        text = render_to_string(f"{name}.txt", context)
        page = render_to_string(f"{name}.html", context | {"subject": subject})
        message = EmailMultiAlternatives(
            subject, text, _sender(mail.tenant), [address(letter.name, letter.address)], headers=_headers(mail)
        )
    message.attach_alternative(page, "text/html")
    return message


def _common(mail: OutgoingMail) -> dict[str, Any]:
    customer = one_line(mail.tenant.name)  # "Acme s.r.o." at a sentence's end brings the full stop along
    return {"customer": customer, "sender": customer.removesuffix("."), "language": mail.language}


def _sender(tenant: Tenant) -> str:
    ours = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return address(_("IPEX for %(customer)s") % {"customer": one_line(tenant.name)}, ours)


def _headers(mail: OutgoingMail) -> dict[str, str]:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return {
        "Message-ID": f"<{mail.code}@{domain}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": mail.language,
    }


def address(name: str, email: str) -> str:
    """A name and an address for a header; whatever a name holds, it stays a name."""
    local, _at, domain = email.rpartition("@")
    if not local or not domain or email != one_line(email, longest=len(email)):
        raise ValueError("not an address")
    written = str(Address(display_name=header(name), username=local, domain=domain))
    if len(written) <= UNFOLDED:
        return written
    return str(Address(display_name=header(name.translate(SPECIAL)), username=local, domain=domain))


def header(text: str, *, longest: int = NAME_LENGTH) -> str:
    """For a header: nothing in it is taken for an encoded word, in which a line end could hide."""
    return one_line(text, longest=longest).replace("=?", "= ?")


def one_line(text: str, *, longest: int = NAME_LENGTH) -> str:
    """Without line ends and other control characters, which could end a header and begin another."""
    printable = "".join(" " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char for char in text)
    visible = "".join(char for char in printable if unicodedata.category(char)[0] != "C")
    return " ".join(visible.split(" "))[:longest].strip()


# On their way


def deliver(pk: int) -> bool:
    """One attempt, if the row is due and nobody is at it. False: the mail server is away. Never raises for what it does."""
    lease = _take(pk)
    if lease is None:
        return True
    rows = OutgoingMail.objects.select_related(
        "tenant", "agent__tenant", "invitation__tenant", "user", "system_account__instance", "check_run"
    )
    mail = rows.get(pk=pk)
    try:
        compose(mail).send(using="default")
    except NotWanted as error:
        _end(mail, lease, State.FAILED, str(error))
    except ValueError:
        _end(mail, lease, State.FAILED, "address")
    except OSError as error:  # smtplib's own are OSErrors, too
        return _refused(mail, lease, error)
    except Exception:
        logger.exception("An e-mail could not be written.")
        _later(mail, lease, "broken")
    else:
        _end(mail, lease, State.SENT, "")
    return True


def sweep() -> None:
    """Everything that is due, for less than a minute, and no more once the server is away."""
    now, stop_at = timezone.now(), time.monotonic() + SWEEP_SECONDS
    due = _due(now).order_by("next_try_at", "pk").values_list("pk", flat=True)[:SWEEP_ROWS]
    for pk in list(due):
        if time.monotonic() > stop_at or not deliver(pk):
            return


def _due(now: datetime) -> Any:
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return OutgoingMail.objects.filter(free, state=State.QUEUED, next_try_at__lte=now)


def _take(pk: int) -> datetime | None:
    now = timezone.now()
    lease = now + LEASE
    taken = _due(now).filter(pk=pk).update(lease_until=lease, attempts=F("attempts") + 1)
    return lease if taken else None


def _refused(mail: OutgoingMail, lease: datetime, error: OSError) -> bool:
    """False when nobody's e-mail would get through now."""
    status = _status(error)
    about_this_one = isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)
    code = f"smtp_{status}" if status else type(error).__name__
    logger.warning("An e-mail was not taken: %s.", code)
    if about_this_one and status >= 500:
        _end(mail, lease, State.FAILED, code)
    else:
        _later(mail, lease, code)
    return about_this_one


def _status(error: OSError) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((status for status, _text in error.recipients.values()), default=0)
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0


def _later(mail: OutgoingMail, lease: datetime, code: str) -> None:
    if mail.attempts >= MOST_ATTEMPTS:
        _end(mail, lease, State.FAILED, code)
        return
    pause = min(FIRST_PAUSE * 2 ** min(mail.attempts - 1, 10), LONGEST_PAUSE)
    rows = OutgoingMail.objects.filter(pk=mail.pk, lease_until=lease)
    rows.update(lease_until=None, next_try_at=timezone.now() + pause, last_error=code[:60])


def _end(mail: OutgoingMail, lease: datetime, state: str, code: str) -> None:
    sent_at = timezone.now() if state == State.SENT else None
    rows = OutgoingMail.objects.filter(pk=mail.pk, lease_until=lease)
    rows.update(state=state, sent_at=sent_at, lease_until=None, last_error=code[:60])
