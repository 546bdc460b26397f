"""How long it took from the exchange's event to the agent's card, and sums over all processes. No numbers, no names."""

from __future__ import annotations

from django.db import models
from django.db.models import F

from crmwindow.models.calls import Leg
from tenants.models import Tenant


class CardTiming(models.Model):
    """One leg's way from the event that named its agent to the painted card, in milliseconds. Goes with its call.

    Clocks differ between machines, so each figure is a difference on one clock: up to `answered` on that of the process
    which took the event and looked up (from the event's arrival; from the look-up's begin where another process looked
    up, then `told` is NULL), `pushed` on the database's (from the outbox row to the process with the stream), `fetched` and
    `painted` on the browser's (from the stream's event). `ring` adds what is on the way: told, pushed, painted.
    """

    class Path(models.TextChoices):
        NONE = "", "–"
        INDEX = "index", "index"
        LIVE = "live", "live"

    leg = models.OneToOneField(Leg, on_delete=models.CASCADE, related_name="timing")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    path = models.CharField(max_length=5, choices=Path, blank=True, default=Path.NONE)  # "": nothing could be read
    told_ms = models.PositiveIntegerField(null=True)
    committed_ms = models.PositiveIntegerField(null=True)
    begun_ms = models.PositiveIntegerField(null=True)
    candidates_ms = models.PositiveIntegerField(null=True)
    tables_ms = models.JSONField(default=dict)  # table → when its answer was there
    answered_ms = models.PositiveIntegerField(null=True)
    pushed_ms = models.PositiveIntegerField(null=True)
    fetched_ms = models.PositiveIntegerField(null=True)
    painted_ms = models.PositiveIntegerField(null=True)
    ring_ms = models.GeneratedField(
        expression=F("told_ms") + F("pushed_ms") + F("painted_ms"),
        output_field=models.PositiveIntegerField(null=True),
        db_persist=True,
    )

    class Meta:
        indexes = [models.Index(fields=["tenant", "at", "ring_ms", "path"], name="crmwindow_cards_timed")]


class Asked(models.Model):
    """Only while support traces a customer: one request to Dataverse about a leg. `shape` has no values, numbers or ids."""

    leg = models.ForeignKey(Leg, on_delete=models.CASCADE, related_name="asked")
    at = models.DateTimeField()
    method = models.CharField(max_length=7)
    shape = models.TextField()
    status = models.PositiveSmallIntegerField()  # 0: no answer
    ms = models.PositiveIntegerField()


class Tally(models.Model):
    """What all processes together have counted since ever; each adds its own every few seconds (crmwindow.tallies)."""

    name = models.CharField(max_length=40)
    label = models.CharField(max_length=60, blank=True)
    count = models.PositiveBigIntegerField(default=0)
    total = models.FloatField(default=0.0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "label"], name="crmwindow_tally_once")]
