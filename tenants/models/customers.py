"""The customer, their people in the portal, their Dataverse and what is read from it."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models.shared import LANGUAGES, Coded, label_in


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
    missed_call_owner_id = models.UUIDField(_("user or team that gets missed calls"), null=True, blank=True)
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
    traced_until = models.DateTimeField(_("support trace until"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_traced(self) -> bool:
        """Support looks at what is asked of Microsoft for each call; ends by itself (tenants.support_trace)."""
        return self.traced_until is not None and self.traced_until > timezone.now()


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
