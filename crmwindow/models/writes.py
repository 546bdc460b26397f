"""What goes into the customer's CRM through the system account: missed calls and what the IVR writes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crmwindow.models.calls import Call
from crmwindow.models.ivr import IvrFunction
from tenants.fields import EncryptedTextField
from tenants.models import Coded, Tenant


class CrmWrite(Coded):
    """One row that is to appear in the customer's CRM once. `code` is also its GUID there.

    Content is erased once it was read back. A row that could not be written stays until somebody has dealt with it.
    """

    class Kind(models.TextChoices):
        MISSED_CALL = "missed", _("missed call")
        IVR = "ivr", _("from the IVR")

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting to be written")
        NO_ACCOUNT = "no_account", _("waiting for a system account")
        WRITTEN = "written", _("written to the CRM")
        REFUSED = "refused", _("not written")
        WITHDRAWN = "withdrawn", _("no longer wanted")
        GIVEN_UP = "given_up", _("given up")

    tenant = models.ForeignKey(Tenant, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="crm_writes")
    kind = models.CharField(_("what it is"), max_length=10, choices=Kind)
    function = models.ForeignKey(
        IvrFunction, verbose_name=_("IVR function"), null=True, on_delete=models.SET_NULL, related_name="writes"
    )
    function_name = models.CharField(_("name of the function"), max_length=60, blank=True)  # outlives the function
    call = models.ForeignKey(
        Call, verbose_name=_("call"), null=True, on_delete=models.CASCADE, related_name="crm_writes"
    )
    unique_id = models.CharField(_("UniqueId"), max_length=128, blank=True)
    number = EncryptedTextField()  # as Call.number
    number_blind = models.CharField(max_length=80, blank=True, db_index=True)
    table = models.CharField(_("table"), max_length=128)
    content = EncryptedTextField()  # JSON: what the IVR sent
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    problem = models.CharField(_("why not written"), max_length=60, blank=True)  # sentences are made when shown
    detail = EncryptedTextField()
    record_table = models.CharField(_("table of the caller's record"), max_length=128, blank=True)
    record_id = models.UUIDField(_("caller's record"), null=True)
    owner_id = models.UUIDField(_("owner"), null=True)
    owner_kind = models.CharField(max_length=20, blank=True)  # systemuser or team; "" when it is the account's own
    owner_why = models.CharField(_("why this owner"), max_length=100, blank=True)  # words of writing.owners
    idempotency_key = models.CharField(max_length=255, blank=True)
    body_digest = models.CharField(max_length=80, blank=True, db_index=True)  # blind, as numbers are
    queued_at = models.DateTimeField(_("since"))
    next_try_at = models.DateTimeField(_("next try"), null=True, db_index=True)
    lease_until = models.DateTimeField(_("being sent until"), null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)  # from then on it may be there, whatever we heard
    tries = models.PositiveIntegerField(_("tries"), default=0)
    written_at = models.DateTimeField(_("written"), null=True)

    class Meta:
        verbose_name = _("write to the CRM")
        verbose_name_plural = _("writes to the CRM")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="crmwindow_write_key_once",
            ),
            models.UniqueConstraint(
                fields=["call"], condition=Q(kind="missed"), name="crmwindow_missed_call_written_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "queued_at"],
                condition=Q(state__in=["queued", "no_account", "refused"]),
                name="crmwindow_writes_unwritten",
            ),
            models.Index(fields=["tenant", "unique_id"], name="crmwindow_writes_of_call"),
            models.Index(fields=["function", "queued_at"], name="crmwindow_writes_of_day"),
        ]

    def __str__(self) -> str:
        return self.function_name or str(self.get_kind_display())
