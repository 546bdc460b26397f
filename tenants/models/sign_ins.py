"""Ways to Microsoft and back, and the accounts that portal users linked."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.fields import EncryptedTextField
from tenants.models.customers import Instance
from tenants.models.identities import Agent
from tenants.models.shared import Coded

SIGN_IN_MINUTES = timedelta(minutes=10)


class SignInAttempt(Coded):
    """One way to Microsoft and back, begun by a window (`frame`) or by a link. What is presented is kept as digest.

    The flow (state, nonce, PKCE verifier) stays here and not in a session: cookies of a framed page are unreachable
    from the top-level window in which the sign-in happens.
    """

    class Outcome(models.TextChoices):
        WAITING = "", _("waiting")
        CODE = "code", _("signed in, code not typed yet")
        DONE = "done", _("done")
        OTHER_ACCOUNT = "other_account", _("another account")
        REFUSED = "refused", _("refused")

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.CASCADE, related_name="+")
    frame = models.CharField(max_length=64, blank=True)
    flow = EncryptedTextField()
    state_digest = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 (NULL: not begun)
    nonce_digest = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True, default="")
    reason = models.CharField(max_length=60, blank=True)
    account = models.CharField(max_length=200, blank=True)
    signed_in = models.ForeignKey(Agent, null=True, on_delete=models.CASCADE, related_name="+")
    code_digest = models.CharField(max_length=128, blank=True)
    code_expires_at = models.DateTimeField(null=True)
    tries_left = models.PositiveSmallIntegerField(default=5)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()


class LinkedAccount(Coded):
    """A Microsoft account that somebody signs in to the portal with. They linked it themselves; no e-mail ever did."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="linked_accounts")
    directory_id = models.UUIDField(editable=False)
    object_id = models.UUIDField(editable=False)
    account = models.CharField(_("Microsoft account"), max_length=200)
    linked_at = models.DateTimeField(_("linked since"), auto_now_add=True)

    class Meta:
        verbose_name = _("linked Microsoft account")
        verbose_name_plural = _("linked Microsoft accounts")
        ordering = ["linked_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["directory_id", "object_id"], name="tenants_linked_account_once"),
        ]

    def __str__(self) -> str:
        return self.account


class PortalAttempt(Coded):
    """One way to Microsoft and back, begun in the portal. What the browser presents is kept as digest.

    `session` binds what somebody signed in began to their session, `invitation` a new account to its link; `next` is a
    path of ours. Verbs: portal_attempts.
    """

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in", _("signing in")
        LINK = "link", _("linking an account")
        CONNECT = "connect", _("connecting for set-up")
        CONSENT = "consent", _("consent for the whole company")

    purpose = models.CharField(max_length=8, choices=Purpose)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    instance = models.ForeignKey(Instance, null=True, on_delete=models.CASCADE, related_name="+")
    session = models.CharField(max_length=64, blank=True)
    invitation = models.CharField(max_length=64, blank=True)
    next = models.CharField(max_length=500, blank=True)
    flow = EncryptedTextField()
    state_digest = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 (NULL: it came back)
    nonce_digest = models.CharField(max_length=64, db_index=True)
    reason = models.CharField(max_length=60, blank=True)
    account = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
