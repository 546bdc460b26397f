"""Who our customers are, and what we know of their Microsoft. Verbs live beside: registration, configuration, entra."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tenants.fields import EncryptedTextField

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LANGUAGES = [("cs", "Čeština"), ("sk", "Slovenčina"), ("en", "English")]
WEBHOOK_KEYS = ("EventName", "From", "To", "Line", "Email", "Login", "UniqueId", "Queue", "Direction", "Reason")
Label = str | dict[str, str]
"""A label typed once, or once per language: "Vyřešeno" or {"cs": "Vyřešeno", "en": "Solved"}."""


def label_in(label: Label, language: str | None = None) -> str:
    """The label in that language (default: the active one), else in Czech, else in whichever there is."""
    if isinstance(label, str):
        return label
    language = (language or get_language() or "cs")[:2]
    return label.get(language) or label.get("cs") or next(iter(label.values()), "")


def digest(secret: str) -> str:
    """What is kept of a key, ticket, code or cookie that has full entropy of its own."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Coded(models.Model):
    """Has a public code for URLs; primary keys stay inside."""

    code = models.UUIDField(_("public code"), default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True


class Tenant(Coded):
    """One customer. Two environments of one firm are two tenants."""

    class MissedCallOwner(models.TextChoices):
        RECORD_OWNER = "record_owner", _("The record's owner")
        DEFAULT_OWNER = "default_owner", _("The default owner")
        TEAM = "team", _("A team")

    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES, default="cs")
    country = models.CharField(_("default country of phone numbers"), max_length=2, default="CZ")
    contact_email = models.EmailField(_("contact e-mail"), blank=True)
    embedding_origins = models.JSONField(_("origins that may embed the window"), default=list, blank=True)
    own_numbers = models.JSONField(_("own numbers, never matched"), default=list, blank=True)
    retention_days = models.PositiveIntegerField(
        _("days call metadata is kept"), default=90, validators=[MinValueValidator(1), MaxValueValidator(3650)]
    )
    log_every_call = models.BooleanField(_("write every call, also without a note"), default=False)
    outcomes = models.JSONField(_("outcomes offered for a call"), default=list, blank=True)
    missed_call_owner = models.CharField(
        _("who gets a missed call"), max_length=20, choices=MissedCallOwner, default=MissedCallOwner.RECORD_OWNER
    )
    search_internal_calls = models.BooleanField(_("search internal calls in the CRM"), default=False)
    webhook_keys = models.JSONField(_("renamed keys of the telephone exchange"), default=dict, blank=True)
    implementer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who at IPEX looks after them"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        limit_choices_to={"is_staff": True},
    )
    skipped_steps = models.JSONField(_("steps of the check-list they do not need"), default=list, blank=True)
    went_live_at = models.DateTimeField(_("live since"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """Who of the customer's people may use the portal. Agents are another identity and never get in."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("account"), on_delete=models.CASCADE, related_name="memberships"
    )
    tenant = models.ForeignKey(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("admin of the customer")
        verbose_name_plural = _("admins of the customers")
        constraints = [models.UniqueConstraint(fields=["user", "tenant"], name="tenants_membership_once")]

    def __str__(self) -> str:
        return str(self.user)


class InstanceQuerySet(models.QuerySet["Instance"]):
    def proven(self) -> Self:
        return self.filter(proven_at__isnull=False)


class Instance(Coded):
    """A customer's Dataverse environment: claimed when registered, proven once somebody showed it is theirs."""

    class NoteState(models.TextChoices):
        OPEN = "open", _("Open: can be edited in the CRM")
        COMPLETED = "completed", _("Completed: read-only in the CRM")

    tenant = models.OneToOneField(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="instance")
    url = models.URLField(_("address"), max_length=200)
    app_id = models.UUIDField(_("model-driven app ID"))
    directory_id = models.UUIDField(_("Entra directory ID"), null=True, blank=True)
    organization_id = models.UUIDField(_("organization ID"), null=True, blank=True, editable=False)
    note_state = models.CharField(_("state of written notes"), max_length=10, choices=NoteState, default=NoteState.OPEN)
    leads = models.BooleanField(_("search and create leads"), default=False)
    index = models.BooleanField(_("blind number index"), default=False)
    search_columns = models.JSONField(_("searched phone columns per table"), default=dict, blank=True)
    proven_at = models.DateTimeField(_("confirmed"), null=True, editable=False)
    proven_by = models.CharField(_("confirmed by"), max_length=200, blank=True, editable=False)
    metadata = models.JSONField(default=dict, editable=False)
    metadata_read_at = models.DateTimeField(null=True, editable=False)
    refuses_nested_parties = models.BooleanField(default=False, editable=False)
    consented_at = models.DateTimeField(_("consent given"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = InstanceQuerySet.as_manager()

    class Meta:
        verbose_name = _("instance")
        verbose_name_plural = _("instances")
        constraints = [
            models.UniqueConstraint(
                fields=["url"], condition=models.Q(proven_at__isnull=False), name="tenants_instance_url_once"
            ),
            models.UniqueConstraint(
                fields=["organization_id"],
                condition=models.Q(proven_at__isnull=False),
                name="tenants_instance_organization_once",
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def is_proven(self) -> bool:
        return self.proven_at is not None

    @property
    def host(self) -> str:
        return self.url.partition("://")[2]


class CustomEntity(models.Model):
    """The customer's own table ("key scheme"). Names as typed; resolved against metadata when used."""

    instance = models.ForeignKey(
        Instance, verbose_name=_("instance"), on_delete=models.CASCADE, related_name="custom_entities"
    )
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    label = models.JSONField(_("label"))
    table = models.CharField(_("table"), max_length=128)
    id_column = models.CharField(_("key column"), max_length=128)
    phone_columns = models.JSONField(_("phone columns"), default=list)
    first_name = models.CharField(_("column of the first name"), max_length=128, blank=True)
    last_name = models.CharField(_("column of the last name"), max_length=128)

    class Meta:
        verbose_name = _("own table")
        verbose_name_plural = _("own tables")
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint("instance", Lower("table"), name="tenants_custom_entity_table_once"),
        ]

    def __str__(self) -> str:
        return self.table


class DisplayField(models.Model):
    """A further field of the caller's record that agents see on the card."""

    instance = models.ForeignKey(
        Instance, verbose_name=_("instance"), on_delete=models.CASCADE, related_name="display_fields"
    )
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    label = models.JSONField(_("label"))
    entity = models.CharField(_("table"), max_length=128)
    identifier = models.CharField(_("column"), max_length=128)
    link = models.CharField(_("link"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("field on the card")
        verbose_name_plural = _("fields on the card")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return label_in(self.label)


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

    class Meta:
        verbose_name = _("system account")
        verbose_name_plural = _("system accounts")

    def __str__(self) -> str:
        return str(self.client_id)


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


class Agent(MicrosoftToken):
    """Somebody who answers the customer's phones. `session_epoch` rises when all their windows must close."""

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

    objects = AgentQuerySet.as_manager()

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


class ApiKey(Coded):
    """Opens the machine API for one purpose. Shown once; the prefix says what it opens."""

    class Scope(models.TextChoices):
        EVENTS = "events", _("Call events")
        WINDOW = "window", _("Opening windows")
        IVR = "ivr", _("IVR")

    tenant = models.ForeignKey(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="api_keys")
    scope = models.CharField(_("opens"), max_length=10, choices=Scope)
    prefix = models.CharField(_("beginning"), max_length=24)
    digest = models.CharField(max_length=64, unique=True)
    allowed_addresses = models.JSONField(_("allowed addresses"), default=list, blank=True)
    created_by = models.CharField(_("made by"), max_length=200)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    expires_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @classmethod
    def make(cls, *, tenant: Tenant, scope: str, by: str, **fields: Any) -> tuple[Self, str]:
        """Answer the unsaved key and, this once, its text `ipx_<scope>_<43 characters>`."""
        text = f"ipx_{scope}_{secrets.token_urlsafe(32)}"
        return cls(tenant=tenant, scope=scope, created_by=by, prefix=text[:16], digest=digest(text), **fields), text

    def is_live(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class CheckRun(Coded):
    """Checks of one connection, run at once. Verbs and meanings: verification."""

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="check_runs")
    by = models.CharField(max_length=200)
    through = models.CharField(max_length=20, blank=True)  # "system", "connection" or "": nobody could look
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at", "-pk"]


class CheckResult(models.Model):
    """What one check found. `known_state` is the last one that was verified, `since` when it began.

    `evidence` holds codes, counts and names of tables, columns, rights and roles; never a person, value or secret.
    """

    class State(models.TextChoices):
        PASSED = "passed", _("In order")
        WARNING = "warning", _("Should be changed")
        FAILED = "failed", _("Failed")
        NOT_VERIFIED = "not_verified", _("Not verified")

    run = models.ForeignKey(CheckRun, on_delete=models.CASCADE, related_name="results")
    key = models.CharField(max_length=40)
    subject = models.CharField(max_length=128, blank=True)
    why = models.CharField(max_length=40)
    state = models.CharField(max_length=20, choices=State)
    required = models.BooleanField()
    evidence = models.JSONField(default=dict)
    known_state = models.CharField(max_length=20, choices=State, blank=True)
    since = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    last_passed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["run", "key", "subject"], name="tenants_check_once")]

    def __str__(self) -> str:
        return f"{self.key} {self.subject}".strip()


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


class AuditEntry(models.Model):
    """Who changed configuration, access or secrets: what, before and after, never a secret, name, value or note."""

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("customer"), null=True, on_delete=models.SET_NULL, related_name="audit"
    )
    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor = models.CharField(_("who"), max_length=200)
    act = models.CharField(_("act"), max_length=60)
    target = models.CharField(_("what of"), max_length=200, blank=True)
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("record of changes")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return self.act


def audit(*, tenant: Tenant | None, by: User | str, act: str, target: str = "", **change: dict[str, Any]) -> AuditEntry:
    """Leave a trace; `change` may hold `before` and `after`."""
    return AuditEntry.objects.create(tenant=tenant, actor=str(by), act=act, target=target, **change)


SIGN_IN_MINUTES = timedelta(minutes=10)
