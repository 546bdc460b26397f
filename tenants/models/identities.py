"""Who signs in at Microsoft for a customer, each with tokens: system account, admins' connections, agents."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.fields import EncryptedTextField
from tenants.models.customers import Instance, Tenant
from tenants.models.shared import LANGUAGES, Coded


class MicrosoftToken(Coded):
    """Tokens of one Microsoft identity. `token_cache` is MSAL's cache; stored by compare-and-set on `token_version`.

    While somebody refreshes, `refresh_lease_until` lies in the future; no transaction is held meanwhile (entra.py).
    """

    token_cache = EncryptedTextField()
    token_version = models.PositiveIntegerField(default=0, editable=False)
    token_expires_at = models.DateTimeField(_("token valid until"), null=True, editable=False)
    refresh_lease_until = models.DateTimeField(null=True, editable=False)
    sign_in_error = models.CharField(_("sign-in refused with"), max_length=60, blank=True, editable=False)

    class Meta:
        abstract = True


class SystemAccount(MicrosoftToken):
    """The application user through which the IVR, the index and nightly checks work."""

    instance = models.OneToOneField(
        Instance, verbose_name=_("instance"), on_delete=models.CASCADE, related_name="system_account"
    )
    client_id = models.UUIDField(_("application (client) ID"))
    client_secret = EncryptedTextField()
    secret_expires_on = models.DateField(_("secret ends"), null=True, blank=True)
    second_client_secret = EncryptedTextField()
    second_secret_expires_on = models.DateField(_("second secret ends"), null=True, blank=True)
    secret_added_at = models.DateTimeField(null=True, editable=False)
    second_secret_added_at = models.DateTimeField(null=True, editable=False)
    # The later end of its certificates, so that a list of customers need not read them
    certificate_expires_on = models.DateField(_("certificate ends"), null=True, editable=False)
    # What became of each credential (credentials.py): {"client_secret": {"worked_at": …, "refused_with": …}}
    tried = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("system account")
        verbose_name_plural = _("system accounts")

    def __str__(self) -> str:
        return str(self.client_id)


class SystemCertificate(Coded):
    """A key pair with which a system account signs in instead of a secret. Only `public_part` (PEM) ever leaves."""

    account = models.ForeignKey(
        SystemAccount, verbose_name=_("system account"), on_delete=models.CASCADE, related_name="certificates"
    )
    private_key = EncryptedTextField()
    public_part = models.TextField(editable=False)
    thumbprint = models.CharField(
        _("thumbprint"), max_length=40, editable=False
    )  # SHA-1 in capitals, as Azure lists it
    subject = models.CharField(_("subject"), max_length=200, editable=False)
    starts_on = models.DateField(_("valid from"), editable=False)
    expires_on = models.DateField(_("valid until"), editable=False)
    made_here = models.BooleanField(default=False, editable=False)
    added_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("certificate of a system account")
        verbose_name_plural = _("certificates of system accounts")
        ordering = ["-added_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["account", "thumbprint"], name="tenants_certificate_once")]

    def __str__(self) -> str:
        return self.thumbprint


CONNECTION_FOR = timedelta(hours=24)


class MicrosoftConnectionQuerySet(models.QuerySet["MicrosoftConnection"]):
    def live(self) -> Self:
        used = models.Q(last_used_at__gt=timezone.now() - CONNECTION_FOR)
        return self.filter(models.Q(kept=True) | used, sign_in_error="").exclude(token_cache=b"")

    def ended(self) -> Self:
        """With tokens that must be erased: neither kept nor used for a day."""
        return self.filter(kept=False, last_used_at__lte=timezone.now() - CONNECTION_FOR).exclude(token_cache=b"")


class MicrosoftConnection(MicrosoftToken):
    """Microsoft account of a customer's admin, for set-up and checks: ends 24 h after its last use unless kept.

    Sample values and changes in the CRM use only the acting admin's own; nightly checks those that are `kept`.
    """

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="microsoft_connections")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    account = models.CharField(_("Microsoft account"), max_length=200)
    directory_id = models.UUIDField(editable=False)
    object_id = models.UUIDField(editable=False)
    systemuser_id = models.UUIDField(editable=False)
    may_customize = models.BooleanField(default=False, editable=False)
    kept = models.BooleanField(_("kept for nightly checks"), default=False)
    connected_at = models.DateTimeField(_("connected since"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MicrosoftConnectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("Microsoft connection")
        verbose_name_plural = _("Microsoft connections")
        constraints = [models.UniqueConstraint(fields=["instance", "user"], name="tenants_connection_once")]

    def __str__(self) -> str:
        return self.account

    @property
    def is_live(self) -> bool:
        return self.ending == ""

    @property
    def ending(self) -> str:
        """Why it no longer lives: "refused" by Microsoft, "idle" for a day, "let_go"; "" while it does."""
        if self.sign_in_error:
            return "refused"
        if not self.kept and self.last_used_at <= timezone.now() - CONNECTION_FOR:
            return "idle"
        return "" if self.__dict__["token_cache"] else "let_go"


class AgentQuerySet(models.QuerySet["Agent"]):
    def with_window(self) -> Self:
        return self.filter(window=True)


class AgentManager(models.Manager["Agent"]):
    """Those who are somebody. Rows of erased agents stay for their calls and are reached from there, or by `everybody`."""

    def get_queryset(self) -> AgentQuerySet:
        return AgentQuerySet(self.model, using=self._db).filter(erased_at=None)

    def with_window(self) -> AgentQuerySet:
        return self.get_queryset().with_window()


class Agent(MicrosoftToken):
    """Somebody who answers the customer's phones. `session_epoch` rises when all their windows must close.

    With `erased_at` it is nobody any more: what is left says that one agent took these calls.
    """

    class Quiet(models.TextChoices):
        ON_RING = "ring", _("When it rings")
        ON_ANSWER = "answer", _("When I answer")
        BY_HAND = "hand", _("Only when I open it")

    tenant = models.ForeignKey(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="agents")
    name = models.CharField(_("name"), max_length=200)
    email = models.EmailField(_("e-mail"))
    upn = models.CharField(_("user principal name, if other than the e-mail"), max_length=200, blank=True)
    login = models.CharField(_("login in Communicator"), max_length=150, blank=True)
    line = models.CharField(_("line"), max_length=32, blank=True)
    window = models.BooleanField(_("CRM window"), default=False)
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES, blank=True)
    quiet = models.CharField(_("when the card comes up"), max_length=10, choices=Quiet, default=Quiet.ON_RING)
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    # Bound at the first sign-in and never by name again
    directory_id = models.UUIDField(null=True, editable=False)
    object_id = models.UUIDField(null=True, editable=False)
    systemuser_id = models.UUIDField(null=True, editable=False)
    signed_in_at = models.DateTimeField(_("signed in"), null=True, editable=False)
    first_card_at = models.DateTimeField(_("first card"), null=True, editable=False)
    first_note_at = models.DateTimeField(_("first note"), null=True, editable=False)
    last_call_at = models.DateTimeField(_("last call"), null=True, editable=False)
    # Where they are stuck: the last refused sign-in, as a reason word or Microsoft's code
    refused_with = models.CharField(_("refused with"), max_length=60, blank=True, editable=False)
    refused_at = models.DateTimeField(_("refused"), null=True, editable=False)
    erased_at = models.DateTimeField(_("erased"), null=True, editable=False)

    objects = AgentManager()
    everybody = AgentQuerySet.as_manager()

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("tenant", Lower("email"), name="tenants_agent_email_once"),
            models.UniqueConstraint(
                "tenant", Lower("login"), condition=~models.Q(login=""), name="tenants_agent_login_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "directory_id", "object_id"],
                condition=models.Q(object_id__isnull=False),
                name="tenants_agent_identity_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def principal_name(self) -> str:
        """What Microsoft calls `preferred_username` at the first sign-in."""
        return self.upn or self.email

    @property
    def is_signed_in(self) -> bool:
        return bool(self.object_id and self.__dict__["token_cache"]) and not self.sign_in_error

    @property
    def spoken_language(self) -> str:
        return self.language or self.tenant.language
