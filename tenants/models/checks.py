"""Results of the checks of a connection."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models.customers import Instance
from tenants.models.shared import Coded


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
