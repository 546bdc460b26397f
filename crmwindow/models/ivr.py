"""What the IVR may ask for, and what it did."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

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
