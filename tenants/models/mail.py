"""Invitations and e-mails, as rows with a state."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models.checks import CheckRun
from tenants.models.customers import Tenant
from tenants.models.identities import Agent, SystemAccount
from tenants.models.shared import LANGUAGES, Coded

INVITED_FOR = timedelta(days=14)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> Self:
        return self.filter(accepted_at=None, expires_at__gt=timezone.now())


class Invitation(Coded):
    """Somebody is asked to look after the customer's portal. The link is signed and made when the e-mail is sent."""

    tenant = models.ForeignKey(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail"))
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES, blank=True)
    invited_by = models.CharField(_("invited by"), max_length=200)
    created_at = models.DateTimeField(_("invited"), auto_now_add=True)
    expires_at = models.DateTimeField(_("valid until"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("accepted by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                "tenant",
                Lower("email"),
                condition=models.Q(accepted_at=None),
                name="tenants_invitation_open_once",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.expires_at > timezone.now()


class OutgoingMail(Coded):
    """One e-mail to one person: whom and what about by reference only. Texts, names and links are made when it is sent.

    To an agent, an invitation's address, a portal user, or, with none of these, the customer's contact address. While a
    worker is at it, `lease_until` lies in the future. Verbs: post (put in, again), emails (send).
    """

    class Kind(models.TextChoices):
        ACTIVATION = "activation", _("Activation of the window")
        INVITATION = "invitation", _("Invitation to the portal")
        SECRET_EXPIRING = "secret", _("Secret is about to expire")
        ALARM = "alarm", _("A check failed")
        REMINDER = "reminder", _("Reminder of what is missing")

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Not sent")

    tenant = models.ForeignKey(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="mail")
    kind = models.CharField(_("about"), max_length=12, choices=Kind)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.QUEUED)
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES)
    agent = models.ForeignKey(Agent, verbose_name=_("agent"), null=True, on_delete=models.CASCADE, related_name="mail")
    invitation = models.ForeignKey(
        Invitation, verbose_name=_("invitation"), null=True, on_delete=models.CASCADE, related_name="mail"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("account"), null=True, on_delete=models.CASCADE, related_name="+"
    )
    system_account = models.ForeignKey(SystemAccount, null=True, on_delete=models.CASCADE, related_name="+")
    check_run = models.ForeignKey(CheckRun, null=True, on_delete=models.CASCADE, related_name="+")
    once = models.CharField(max_length=120, null=True, unique=True)  # noqa: DJ001 (NULL: may be sent any number of times)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try"), default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    last_error = models.CharField(_("why not sent"), max_length=60, blank=True)
    created_at = models.DateTimeField(_("put in"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True)

    class Meta:
        verbose_name = _("e-mail")
        verbose_name_plural = _("e-mails")
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["next_try_at"], condition=models.Q(state="queued"), name="tenants_mail_due"),
            models.Index(fields=["agent", "kind", "created_at"], name="tenants_mail_of_agent"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
