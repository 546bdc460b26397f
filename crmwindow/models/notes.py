"""What agents write to calls."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crmwindow.models.calls import Call
from tenants.fields import EncryptedTextField
from tenants.models import Agent, Coded


class LeftOut(models.TextChoices):
    """Why something was written without the record it is about."""

    HIDDEN = "hidden", _("its author may not see or link it")
    GONE = "gone", _("it is no longer there")


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
    left_out = models.CharField(
        _("why it is without its record"), max_length=10, choices=LeftOut, blank=True, default="", db_default=""
    )
    written_at = models.DateTimeField(_("written"), null=True)
    problem = models.CharField(
        _("why not written"), max_length=60, blank=True
    )  # error code; sentences are made when shown
    detail = EncryptedTextField()
    edited_at = models.DateTimeField(_("edited"))
    typed_page = models.CharField(max_length=40, blank=True)  # which page saved last, and
    typed_turn = models.PositiveBigIntegerField(default=0)  # its how manieth save: an older one may arrive later
    text_revision = models.PositiveIntegerField(default=0, db_default=0)  # the revision that changed the text last
    aside = EncryptedTextField(db_default=b"")  # JSON: what the agent's other windows hold of it (notes.windows)
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
