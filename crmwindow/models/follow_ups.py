"""What agents plan after a call."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crmwindow.models.calls import Call
from crmwindow.models.notes import LeftOut
from tenants.fields import EncryptedTextField
from tenants.models import Agent, Coded


class FollowUp(Coded):
    """A task of one agent after a call. The row is the truth until it was read back from Dataverse; then its texts are
    erased. `code` is also the task's GUID there; `form` names the form it came from, so that a second click makes no other.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting to be written")
        WRITTEN = "written", _("written to the CRM")
        REFUSED = "refused", _("not written")

    call = models.ForeignKey(Call, verbose_name=_("call"), on_delete=models.CASCADE, related_name="follow_ups")
    author = models.ForeignKey(Agent, verbose_name=_("author"), on_delete=models.CASCADE, related_name="follow_ups")
    form = models.UUIDField(editable=False)
    subject = EncryptedTextField()
    description = EncryptedTextField()
    due_at = models.DateTimeField(_("due"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    created = models.BooleanField(_("there is a task in the CRM"), default=False)
    written_about = models.UUIDField(_("written about"), null=True)  # the record the task is regarding
    left_out = models.CharField(
        _("why it is without its record"), max_length=10, choices=LeftOut, blank=True, default="", db_default=""
    )
    written_at = models.DateTimeField(_("written"), null=True)
    problem = models.CharField(
        _("why not written"), max_length=60, blank=True
    )  # error code; sentences are made when shown
    detail = EncryptedTextField()
    queued_at = models.DateTimeField(_("waiting since"))
    next_try_at = models.DateTimeField(_("next try"), null=True, db_index=True)
    lease_until = models.DateTimeField(_("being sent until"), null=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)

    class Meta:
        verbose_name = _("follow-up task")
        verbose_name_plural = _("follow-up tasks")
        constraints = [models.UniqueConstraint(fields=["author", "form"], name="crmwindow_follow_up_once")]
        indexes = [
            models.Index(
                fields=["author", "queued_at"],
                condition=Q(state__in=["queued", "refused"]),
                name="crmwindow_follow_ups_unwritten",
            )
        ]

    def __str__(self) -> str:
        return str(self.author)


class FollowUpDraft(Coded):
    """A task that its author has begun to fill in. `form` is what the task will be known by; `values` is JSON."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="follow_up_drafts")
    author = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="follow_up_drafts")
    form = models.UUIDField(editable=False)
    values = EncryptedTextField()
    typed_page = models.CharField(max_length=40, blank=True)
    typed_turn = models.PositiveBigIntegerField(default=0)
    edited_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "form"], name="crmwindow_follow_up_draft_once")]

    def __str__(self) -> str:
        return str(self.author)
