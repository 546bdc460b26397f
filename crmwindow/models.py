"""What the window remembers: sessions, calls, notes, choices. Numbers and texts are encrypted; numbers also have a blind
column (crmwindow.blind) so that they can be found without being readable."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.fields import EncryptedTextField
from tenants.models import Agent, Coded, Instance, Tenant


class WindowSession(Coded):
    """One window's session: its cookie's digest and, once known, whose window it is. Dies when `epoch` is outdated."""

    digest = models.CharField(max_length=64, unique=True)
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.CASCADE, related_name="window_sessions")
    epoch = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()


class WindowTicket(models.Model):
    """Asked for by the contact centre: opens one window, once, within a minute. Kept 24 h for what comes after."""

    digest = models.CharField(max_length=64, unique=True)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


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
        return self.filter(agent=agent).select_related("call__tenant", "agent")

    def open(self) -> Self:
        """Cards still on the agent's window: not closed, and not answered elsewhere."""
        return self.filter(closed_at__isnull=True, elsewhere=False)


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


class Note(Coded):
    """What one agent wrote to one call. The row is the truth; `code` is also the activity's GUID in Dataverse.

    draft → queued → written, or refused. Text is erased once its newest revision was read back.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        QUEUED = "queued", _("waiting to be written")
        WRITTEN = "written", _("written to the CRM")
        REFUSED = "refused", _("not written")

    class Step(models.IntegerChoices):
        """How far the activity in Dataverse has come; each step is repeatable."""

        NOTHING = 0
        CREATED = 1
        TIMED = 2
        COMPLETED = 3

    call = models.ForeignKey(Call, verbose_name=_("call"), on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(Agent, verbose_name=_("author"), on_delete=models.CASCADE, related_name="notes")
    text = EncryptedTextField()
    outcome = models.CharField(max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    step = models.PositiveSmallIntegerField(_("how far in the CRM"), choices=Step, default=Step.NOTHING)
    revision = models.PositiveIntegerField(_("revision"), default=0)  # raised by every edit
    frozen_revision = models.PositiveIntegerField(_("revision on its way"), default=0)  # what the current attempt sends
    written_revision = models.PositiveIntegerField(_("written revision"), default=0)  # what was read back
    etag = models.CharField(max_length=80, blank=True)
    written_by = models.CharField(_("written by"), max_length=60, blank=True)  # systemuser id that Dataverse reports
    written_about = models.UUIDField(_("written about"), null=True)  # the record the activity is regarding
    written_at = models.DateTimeField(_("written"), null=True)
    problem = models.CharField(
        _("why not written"), max_length=60, blank=True
    )  # error code; sentences are made when shown
    detail = EncryptedTextField()
    edited_at = models.DateTimeField(_("edited"))
    typed_page = models.CharField(max_length=40, blank=True)  # which page saved last, and
    typed_turn = models.PositiveBigIntegerField(default=0)  # its how manieth save: an older one may arrive later
    queued_at = models.DateTimeField(_("waiting since"), null=True)
    next_try_at = models.DateTimeField(_("next try"), null=True, db_index=True)
    lease_until = models.DateTimeField(_("being sent until"), null=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    erased_at = models.DateTimeField(_("text erased"), null=True)  # the text is in Dataverse only since then

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        constraints = [models.UniqueConstraint(fields=["call", "author"], name="crmwindow_note_once")]
        indexes = [
            models.Index(
                fields=["author", "queued_at"],
                condition=Q(state__in=["queued", "refused"]),
                name="crmwindow_notes_unwritten",
            )
        ]

    def __str__(self) -> str:
        return str(self.author)


class NoteRevision(Coded):
    """The exact text one attempt sent, so that a lost answer can be recognised later."""

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    text = EncryptedTextField()
    outcome = models.CharField(max_length=200, blank=True)
    frozen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "number"], name="crmwindow_note_revision_once")]


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


class Opening(Coded):
    """The tab a click opened, waiting for the record that the same click creates. Single use."""

    digest = models.CharField(max_length=64, unique=True)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE)
    call = models.ForeignKey(Call, on_delete=models.CASCADE)
    table = models.CharField(max_length=128)
    record_id = models.UUIDField()  # ours, chosen before the request, so that a double click makes one record
    created = models.BooleanField(default=False)
    problem = models.CharField(max_length=60, blank=True)
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()


class IvrFunction(Coded):
    """A named function the IVR calls. Configured here, carried out by ivr.py."""

    class Kind(models.TextChoices):
        LOOKUP = "lookup", _("Look-up")
        VERIFY = "verify", _("Verification")
        IDENTIFY = "identify", _("Identification")
        WRITE = "write", _("Writing")

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="ivr_functions"
    )
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    name = models.SlugField(_("name"), max_length=60)
    kind = models.CharField(_("what it does"), max_length=10, choices=Kind)
    budget_ms = models.PositiveIntegerField(_("longest time in ms"), default=1500)
    entity = models.CharField(_("table"), max_length=128, blank=True)
    column = models.CharField(_("column"), max_length=128, blank=True)
    columns = models.JSONField(_("columns"), default=dict)
    constants = models.JSONField(_("constants"), default=dict)

    class Meta:
        verbose_name = _("IVR function")
        verbose_name_plural = _("IVR functions")
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="crmwindow_ivr_function_once")]

    def __str__(self) -> str:
        return self.name


class Outbox(models.Model):
    """What a window should hear of. Only ids; the window asks for the state itself."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)  # "state", "revoked"
    at = models.DateTimeField(auto_now_add=True)


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
