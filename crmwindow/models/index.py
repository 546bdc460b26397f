"""The blind number index: which records hold a number, without the numbers."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crmwindow.models.calls import Call
from tenants.models import Instance


class NumberIndex(models.Model):
    """One customer's index: who brings it up to date just now, when it is due, and what stands in the way.

    `lease` is the worker's token: pages are applied only while it is still theirs (index.lease).
    """

    instance = models.OneToOneField(
        Instance, verbose_name=_("instance"), on_delete=models.CASCADE, related_name="number_index"
    )
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField(_("next synchronization"), default=timezone.now)
    synced_at = models.DateTimeField(_("up to date at"), null=True)
    problem = models.CharField(_("problem"), max_length=20, blank=True)
    problem_since = models.DateTimeField(_("since"), null=True)
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("number index")
        verbose_name_plural = _("number indexes")

    def __str__(self) -> str:
        return str(self.instance)


class IndexState(models.Model):
    """One generation of one table's index. The next one is built while this one still answers.

    `next_link` is where the pages go on (of the build, or of changes); `delta_link` brings what changed since, and is stored
    only once everything before it was applied. Both are Microsoft's, word for word.
    """

    class Stage(models.TextChoices):
        BUILDING = "building", _("being built")
        SERVING = "serving", _("in use")
        RETIRED = "retired", _("replaced")

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="index_states")
    table = models.CharField(_("table"), max_length=128)
    generation = models.PositiveIntegerField(_("generation"))
    stage = models.CharField(_("stage"), max_length=10, choices=Stage, default=Stage.BUILDING)
    key_id = models.CharField(max_length=16)
    organization_id = models.UUIDField()
    country = models.CharField(max_length=2)
    columns = models.JSONField(default=list)
    next_link = models.TextField(blank=True)
    delta_link = models.TextField(blank=True)
    records = models.PositiveIntegerField(_("records read"), default=0)
    started_at = models.DateTimeField(_("begun"), default=timezone.now)
    synced_at = models.DateTimeField(_("up to date at"), null=True)
    problem = models.CharField(_("problem"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("index of a table")
        verbose_name_plural = _("indexes of tables")
        constraints = [
            models.UniqueConstraint(fields=["instance", "table", "generation"], name="crmwindow_index_generation_once"),
            models.UniqueConstraint(
                fields=["instance", "table", "stage"],
                condition=~models.Q(stage="retired"),
                name="crmwindow_index_stage_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.generation}"


class IndexedNumber(models.Model):
    """A phone column of a record holds this number. `blind` is HMAC-SHA256 of its E.164, cut to 16 bytes (crmwindow.blind).

    There may be millions, so a row has no key of its own. `column` is a place in the state's `columns`. A column with text in
    which no number can be read has an empty `blind`.
    """

    class Flaw(models.IntegerChoices):
        NONE = 0
        UNREADABLE = 1
        AMBIGUOUS = 2

    pk = models.CompositePrimaryKey("state_id", "record_id", "column", "blind")
    state = models.ForeignKey(IndexState, on_delete=models.CASCADE, related_name="numbers", db_index=False)
    record_id = models.UUIDField()
    column = models.PositiveSmallIntegerField()
    flaw = models.PositiveSmallIntegerField(choices=Flaw, default=Flaw.NONE)
    blind = models.BinaryField(max_length=16)

    class Meta:
        verbose_name = _("indexed number")
        verbose_name_plural = _("indexed numbers")
        indexes = [
            models.Index(fields=["blind", "state"], name="crmwindow_number_found"),
            models.Index(fields=["state", "flaw"], condition=models.Q(flaw__gt=0), name="crmwindow_number_flawed"),
        ]


class CallCandidates(models.Model):
    """What the index knew of a call's number, asked once and shared by all its agents. Ids only; each reads for themselves.

    `covered` maps tables to the columns that were indexed. `outcome` says how right the index was, once a look-up is done.
    """

    class Outcome(models.TextChoices):
        FOUND = "found", _("found by the index")
        MISSED = "missed", _("found only by asking the CRM")
        NOBODY = "nobody", _("nobody has the number")

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="candidates")
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="+", db_index=False)
    number_blind = models.CharField(max_length=80)
    records = models.JSONField(default=list)
    covered = models.JSONField(default=dict)
    found_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)

    class Meta:
        verbose_name = _("candidates for a call")
        verbose_name_plural = _("candidates for calls")
        indexes = [models.Index(fields=["instance", "found_at"], name="crmwindow_candidates_counted")]
