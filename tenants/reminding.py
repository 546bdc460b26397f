"""Remind the customer's admins of what only they can do: one e-mail that says it, not more than once in a few hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import invitations, post, progress
from tenants.models import Invitation, Membership, OutgoingMail, Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

COOL_DOWN = timedelta(hours=4)
Kind, State = OutgoingMail.Kind, OutgoingMail.State


@transaction.atomic
def remind(tenant: Tenant, *, by: User) -> int:
    """To each admin; while nobody has accepted the invitation, that one again. Answers how many e-mails.

    Raises post.TooSoon, post.NotSendable.
    """
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    if waiting := _nobody_but_invited(tenant):
        return sum(bool(invitations.invite(tenant=tenant, email=each.email, by=by)) for each in waiting)
    if free_at := cooled_down_at(tenant):
        raise post.TooSoon(free_at)
    once = f"reminder {tenant.code} {timezone.now().isoformat()}"
    told = post.put_in_for_admins(Kind.REMINDER, tenant=tenant, once=once)
    if not told:
        raise post.NotSendable(_("This customer has no admin and no contact e-mail. Invite somebody first."))
    audit(tenant=tenant, by=by, act="customer.reminded", target=tenant.slug, after={"e-mails": told})
    return told


def _nobody_but_invited(tenant: Tenant) -> list[Invitation]:
    """Invitations not accepted, while the customer has no admin."""
    if Membership.objects.filter(tenant=tenant, user__is_active=True).exists():
        return []
    return list(Invitation.objects.filter(tenant=tenant, accepted_at=None))


def last(tenant: Tenant) -> OutgoingMail | None:
    """The last reminder or invitation, which says the same: it is the customer's turn."""
    kinds = [Kind.REMINDER, Kind.INVITATION]
    return OutgoingMail.objects.filter(tenant=tenant, kind__in=kinds).order_by("-created_at", "-pk").first()


def cooled_down_at(tenant: Tenant) -> datetime | None:
    """When they may be reminded again; None: now."""
    newest = OutgoingMail.objects.filter(tenant=tenant, kind=Kind.REMINDER).exclude(state=State.FAILED)
    mail = newest.order_by("-created_at", "-pk").first()
    free_at = mail.created_at + COOL_DOWN if mail else None
    return free_at if free_at and free_at > timezone.now() else None


# What they are asked to do

ASKED = {
    "eligibility": (
        gettext_lazy("The address of your CRM"),
        gettext_lazy("Open the CRM in a browser, copy the whole address and paste it in the portal."),
    ),
    "instance": (
        gettext_lazy("Confirming that the CRM is yours"),
        gettext_lazy("Somebody who may customize the CRM signs in with Microsoft in the portal."),
    ),
    "consent": (
        gettext_lazy("Consent for the whole company"),
        gettext_lazy("The admin of your Microsoft directory gives it once. The portal has a link to forward."),
    ),
    "people": (
        gettext_lazy("Who will use the window"),
        gettext_lazy("Choose the people who answer the phones. Each gets an e-mail with a link."),
    ),
}
LIVE = (
    gettext_lazy("Going live"),
    gettext_lazy("Everything that is needed is there. Go through the check-list and go live."),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing the customer can do, with how."""

    title: str
    text: str


def asked_of(tenant: Tenant) -> list[Asked]:
    """What is missing, in the active language: open steps, then failed checks that block; empty once they are live."""
    found = progress.of_one(tenant)
    steps = [ASKED[step.key] for step in found.missing if step.key in ASKED]
    red = [row.said for row in found.facts.bad if row.result.required and row.result.state == row.result.State.FAILED]
    asked = [Asked(str(title), str(text)) for title, text in steps]
    asked += [Asked(said.title, f"{said.found} {said.sentence}".strip()) for said in red if said.acts != "ipex"]
    if not asked and not tenant.went_live_at:
        asked = [Asked(str(LIVE[0]), str(LIVE[1]))]
    return asked
