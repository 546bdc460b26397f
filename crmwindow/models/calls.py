"""Calls as the exchange tells them, and what the CRM answered about their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.fields import EncryptedTextField
from tenants.models import Agent, Coded, Tenant


class CallState(models.IntegerChoices):
    """Only ever rises, so repeated and late events do no harm."""

    NEW = 0, _("new")
    RINGING = 1, _("ringing")
    ANSWERED = 2, _("connected")
    ENDED = 3, _("ended")


class Call(Coded):
    """One telephone call of one tenant, known by the exchange's UniqueId.

    `private_to` is set while all we know comes from an agent's own URL or postMessage: nobody else sees such a card.
    `regarding_*` is what the notes of all its agents are about.
    """

    is_new = False  # made by the event that is being applied: nothing hangs on it yet

    class Direction(models.TextChoices):
        INCOMING = "incoming", _("incoming")
        OUTGOING = "outgoing", _("outgoing")

    class Caller(models.TextChoices):
        NUMBER = "number", _("number")
        WITHHELD = "withheld", _("withheld number")
        INTERNAL = "internal", _("internal line")
        OWN = "own", _("own number")
        UNREADABLE = "unreadable", _("not a number")

    tenant = models.ForeignKey(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="calls")
    unique_id = models.CharField(_("UniqueId"), max_length=128)
    private_to = models.ForeignKey(
        Agent, verbose_name=_("only for"), null=True, on_delete=models.CASCADE, related_name="private_calls"
    )
    direction = models.CharField(_("direction"), max_length=10, choices=Direction, default=Direction.INCOMING)
    is_internal = models.BooleanField(_("internal"), default=False)
    caller = models.CharField(_("caller"), max_length=10, choices=Caller, default=Caller.UNREADABLE)
    number = EncryptedTextField()  # E.164 when caller is a number, else what the exchange sent
    number_blind = models.CharField(max_length=80, blank=True, db_index=True)
    queue = models.CharField(_("queue"), max_length=200, blank=True)
    state = models.PositiveSmallIntegerField(_("state"), choices=CallState, default=CallState.NEW)
    reason = models.CharField(_("reason"), max_length=100, blank=True)
    missed = models.BooleanField(_("missed"), default=False)
    hung_up = models.BooleanField(
        _("hung up"), default=False
    )  # somebody's part ended otherwise than "answered elsewhere"
    over = models.BooleanField(_("over"), default=False)  # the exchange said so of the whole call
    merged_into = models.ForeignKey(
        "self", verbose_name=_("merged into"), null=True, on_delete=models.CASCADE, related_name="+"
    )  # of a private one
    started_at = models.DateTimeField(_("began"))
    answered_at = models.DateTimeField(_("answered"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    regarding_table = models.CharField(_("table of the record"), max_length=128, blank=True)
    regarding_id = models.UUIDField(_("record"), null=True)
    known = models.BooleanField(_("caller found in the CRM"), null=True, editable=False)  # NULL: nothing answered (yet)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "unique_id"], condition=Q(private_to__isnull=True), name="crmwindow_call_once"
            ),
            models.UniqueConstraint(
                fields=["private_to", "unique_id"],
                condition=Q(private_to__isnull=False),
                name="crmwindow_private_call_once",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "started_at", "known", "merged_into"], name="crmwindow_calls_counted"),
            models.Index(fields=["unique_id"], name="crmwindow_call_found"),
        ]

    def __str__(self) -> str:
        return self.unique_id


class LegQuerySet(models.QuerySet["Leg"]):
    def of(self, agent: Agent) -> Self:
        """With their calls. The agent and the tenant are at hand already: see `hers`."""
        return self.filter(agent=agent).select_related("call")

    def open(self) -> Self:
        """Cards still on the agent's window: not closed, and not answered elsewhere."""
        return self.filter(closed_at__isnull=True, elsewhere=False)


def hers(agent: Agent, legs: Iterable[Leg]) -> list[Leg]:
    """Parts of this agent's calls, with the agent and the tenant that are at hand instead of being read once more."""
    found = list(legs)
    for leg in found:
        leg.agent, leg.call.tenant = agent, agent.tenant
    return found


class Leg(models.Model):
    """One agent's part in a call. The same UniqueId rings at many in a queue."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="legs")
    agent = models.ForeignKey(Agent, verbose_name=_("agent"), on_delete=models.CASCADE, related_name="legs")
    line = models.CharField(_("line"), max_length=32, blank=True)
    state = models.PositiveSmallIntegerField(_("state"), choices=CallState, default=CallState.NEW)
    elsewhere = models.BooleanField(_("answered elsewhere"), default=False)
    transferred = models.BooleanField(default=False)  # a colleague handed the call over to this agent
    rang_at = models.DateTimeField(_("rang"), null=True)
    answered_at = models.DateTimeField(_("answered"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    closed_at = models.DateTimeField(_("card closed"), null=True)
    shown_table = models.CharField(max_length=128, blank=True)  # whom this agent chose
    shown_id = models.UUIDField(null=True)
    nobody = models.BooleanField(default=False)  # this agent said "none of them"

    objects = LegQuerySet.as_manager()

    class Meta:
        verbose_name = _("part of a call")
        verbose_name_plural = _("parts of calls")
        constraints = [models.UniqueConstraint(fields=["call", "agent"], name="crmwindow_leg_once")]

    def __str__(self) -> str:
        return str(self.agent)


class Lookup(Coded):
    """What the CRM answered one agent about one call's number, with that agent's own rights. Never shared, soon erased.

    `lease_until` in the future: somebody is asking right now; wait for the row instead of asking twice.
    """

    leg = models.OneToOneField(Leg, on_delete=models.CASCADE, related_name="lookup")
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=20, blank=True)  # why nothing could be read
    result = EncryptedTextField()  # JSON of search.SearchResult; before `finished_at` what came first


class LearnedMatch(Coded):
    """Whom an agent chose for a number."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="learned_matches")
    number = EncryptedTextField()
    number_blind = models.CharField(max_length=80)
    table = models.CharField(max_length=128)
    record_id = models.UUIDField()
    chosen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "number_blind"], name="crmwindow_learned_once")]


class EventCount(models.Model):
    """How often the exchange sent something that makes no card: operator states, unknown events, odd transfers."""

    tenant = models.ForeignKey(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE)
    day = models.DateField(_("day"))
    name = models.CharField(_("event"), max_length=60)
    count = models.PositiveIntegerField(_("how many"), default=0)

    class Meta:
        verbose_name = _("count of events")
        verbose_name_plural = _("counts of events")
        constraints = [models.UniqueConstraint(fields=["tenant", "day", "name"], name="crmwindow_event_count_once")]
