"""What the IVR may ask for, and what it did."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.fields import EncryptedTextField
from tenants.models import Coded, Tenant


class IvrFunction(Coded):
    """A named function the IVR calls. Configured here, carried out by ivr.py."""

    class Kind(models.TextChoices):
        LOOKUP = "lookup", _("Look-up")
        VERIFY = "verify", _("Verification")
        IDENTIFY = "identify", _("Identification")
        WRITE = "write", _("Writing")

    class Comparison(models.TextChoices):
        EXACT = "exact", _("Exactly, spaces at the ends do not matter")
        SPACES = "spaces", _("Exactly, spaces and hyphens do not matter")
        CASE = "case", _("Capital and small letters, spaces and hyphens do not matter")

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="ivr_functions"
    )
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    name = models.SlugField(_("name"), max_length=60)
    title = models.CharField(_("title for people"), max_length=100, blank=True)
    enabled = models.BooleanField(_("switched on"), default=True)
    kind = models.CharField(_("what it does"), max_length=10, choices=Kind)
    budget_ms = models.PositiveIntegerField(_("longest time in ms"), default=1500)
    entity = models.CharField(_("table"), max_length=128, blank=True)
    column = models.CharField(_("column"), max_length=128, blank=True)
    columns = models.JSONField(_("columns"), default=dict)
    constants = models.JSONField(_("constants"), default=dict)
    # verify and identify
    second_column = models.CharField(_("column of a second value"), max_length=128, blank=True)
    comparison = models.CharField(_("comparison"), max_length=10, choices=Comparison, default=Comparison.EXACT)
    attempts = models.PositiveSmallIntegerField(_("attempts of one caller"), default=3)
    attempts_per_record = models.PositiveSmallIntegerField(_("attempts at one record a day"), default=10)
    badge = models.BooleanField(_("the agent sees a badge"), default=True)
    # write
    caller_column = models.CharField(_("look-up column that gets the caller's record"), max_length=128, blank=True)
    owner = models.CharField(_("owner of the new row"), max_length=20, choices=Tenant.MissedCallOwner, blank=True)
    daily_cap = models.PositiveIntegerField(_("rows a day at most"), default=1000)

    class Meta:
        verbose_name = _("IVR function")
        verbose_name_plural = _("IVR functions")
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="crmwindow_ivr_function_once")]

    def __str__(self) -> str:
        return self.name


class IvrStep(Coded):
    """What one function answered during one call, for the agent's card and for the function's list.

    `number` is E.164, "" when the caller withheld it. `answers` is JSON of what the caller said, of a write only: never a
    value that was compared. `record_*` is whom a verification confirmed.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="ivr_steps")
    function = models.ForeignKey(IvrFunction, null=True, on_delete=models.SET_NULL, related_name="steps")
    unique_id = models.CharField(max_length=128, blank=True)
    number = EncryptedTextField()
    number_blind = models.CharField(max_length=80, blank=True, db_index=True)
    name = models.CharField(max_length=60, blank=True)
    title = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=10, choices=IvrFunction.Kind)
    result = models.CharField(max_length=20)
    reason = models.CharField(max_length=40, blank=True)
    badge = models.BooleanField(default=False)
    record_table = models.CharField(max_length=128, blank=True)
    record_id = models.UUIDField(null=True)
    answers = EncryptedTextField()
    milliseconds = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "unique_id"], name="crmwindow_ivr_steps_of_a_call"),
            models.Index(fields=["function", "at"], name="crmwindow_ivr_steps_recent"),
            models.Index(fields=["tenant", "at"], name="crmwindow_ivr_steps_by_age"),
        ]


class IvrAttempts(Coded):
    """Wrong values so far, and until when nobody may try: of one caller, of one record, or of one call without a number.

    `subject` is a blind number, "table:guid" of a record, or the call's UniqueId: never a value.
    """

    class Of(models.TextChoices):
        CALLER = "caller"
        RECORD = "record"
        CALL = "call"
        WITHHELD = "withheld"

    function = models.ForeignKey(IvrFunction, on_delete=models.CASCADE, related_name="+")
    of = models.CharField(max_length=10, choices=Of)
    subject = models.CharField(max_length=200)
    number = EncryptedTextField()
    number_blind = models.CharField(max_length=80, blank=True, db_index=True)
    wrong = models.PositiveIntegerField(default=0)
    locks = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["function", "of", "subject"], name="crmwindow_ivr_attempts_once")
        ]
