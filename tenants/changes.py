"""Last changes of a customer in words: what was done, by whom, when. Made from the audit, which keeps no values of people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.models import AuditEntry, Tenant

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SENTENCES: Mapping[str, StrOrPromise] = {
    "tenant.registered": gettext_lazy("Customer registered"),
    "tenant.changed": gettext_lazy("Customer's data changed"),
    "tenant.went_live": gettext_lazy("Gone live"),
    "tenant.back_to_setup": gettext_lazy("Going live taken back"),
    "tenant.step_skipped": gettext_lazy("Step of the check-list marked as not needed"),
    "tenant.step_taken_back": gettext_lazy("Step of the check-list needed again"),
    "instance.proven": gettext_lazy("Instance confirmed by a sign-in"),
    "instance.confirmed": gettext_lazy("Instance confirmed by IPEX"),
    "instance.organization_noted": gettext_lazy("Organization of the instance noted"),
    "instance.address_changed": gettext_lazy("Address of the CRM changed"),
    "instance.second_claim": gettext_lazy("Instance claimed a second time"),
    "consent.granted": gettext_lazy("Consent given for the whole company"),
    "configuration.changed": gettext_lazy("Set-up changed"),
    "configuration.imported": gettext_lazy("Set-up imported from a file"),
    "phonecall.from_to_relaxed": gettext_lazy("From and To of phone calls made recommended"),
    "microsoft.connected": gettext_lazy("Microsoft connected"),
    "microsoft.disconnected": gettext_lazy("Microsoft disconnected"),
    "microsoft.kept": gettext_lazy("Microsoft connection kept for nightly checks"),
    "microsoft.not_kept": gettext_lazy("Microsoft connection no longer kept"),
    "account.microsoft_linked": gettext_lazy("Microsoft account linked for signing in"),
    "account.microsoft_unlinked": gettext_lazy("Microsoft account unlinked"),
    "invitation.sent": gettext_lazy("Invitation sent"),
    "invitation.renewed": gettext_lazy("Invitation sent again"),
    "invitation.withdrawn": gettext_lazy("Invitation withdrawn"),
    "invitation.accepted": gettext_lazy("Invitation accepted"),
    "account.made": gettext_lazy("Account made"),
    "customer.reminded": gettext_lazy("Reminder sent"),
    "mail.sent_again": gettext_lazy("E-mail sent again"),
    "agent.added": gettext_lazy("User added"),
    "agent.changed": gettext_lazy("Data of a user changed"),
    "instance.added": gettext_lazy("Address of the CRM entered"),
    "instance.changed": gettext_lazy("Settings of the instance changed"),
    "agent.bound": gettext_lazy("First sign-in of a user"),
    "agent.window_enabled": gettext_lazy("Window switched on"),
    "agent.window_disabled": gettext_lazy("Window switched off"),
    "api_key.created": gettext_lazy("API key made"),
    "api_key.revoked": gettext_lazy("API key revoked"),
    "ivr.tried": gettext_lazy("IVR function tried out"),
    "matches.forgotten": gettext_lazy("Remembered numbers forgotten"),
    "personal_data.exported": gettext_lazy("Personal data handed out"),
    "personal_data.erased": gettext_lazy("Personal data erased"),
    "trace.on": gettext_lazy("Support trace switched on"),
    "trace.off": gettext_lazy("Support trace switched off"),
    "write.given_up": gettext_lazy("Writes to the CRM given up"),
    "missed_calls.given_up": gettext_lazy("Missed calls removed unwritten at the end of the retention"),
}
NOT_TOLD = ("window.ticket", "instance.second_claim")
"""Of the machines' daily work, or of somebody else."""
PARTS: Mapping[str, StrOrPromise] = {
    "tenant": gettext_lazy("operation"),
    "webhook": gettext_lazy("telephone exchange"),
    "instance": gettext_lazy("instance"),
    "search": gettext_lazy("searched columns"),
    "custom_entities": gettext_lazy("own tables"),
    "display_fields": gettext_lazy("caller card"),
    "agents": gettext_lazy("users"),
    "system_account": gettext_lazy("system account"),
    "ivr_functions": gettext_lazy("IVR functions"),
}
_OTHER = gettext_lazy("Change")
_PART = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Told:
    """One change. `by` is a person's name, or whatever the actor is called."""

    at: datetime
    sentence: str
    by: str


def of(tenant: Tenant, *, most: int = 10) -> list[Told]:
    """The newest first, in two queries."""
    entries = list(AuditEntry.objects.filter(tenant=tenant).exclude(act__in=NOT_TOLD)[:most])
    names = _names(entry.actor for entry in entries)
    return [Told(entry.at, sentence(entry), names.get(entry.actor, entry.actor)) for entry in entries]


def sentence(entry: AuditEntry) -> str:
    words = str(SENTENCES.get(entry.act, _OTHER))
    parts = _parts(entry) if entry.act.startswith("configuration.") else []
    return _("%(sentence)s: %(parts)s") % {"sentence": words, "parts": ", ".join(parts)} if parts else words


def _parts(entry: AuditEntry) -> list[str]:
    """Which sections of the configuration a change touched, in their usual order: PostgreSQL keeps none of keys."""
    touched = {part[0] for path in (*entry.before, *entry.after) if (part := _PART.match(path))}
    return [str(words) for name, words in PARTS.items() if name in touched]


def _names(actors: Iterable[str]) -> dict[str, str]:
    people = User.objects.filter(username__in=set(actors))
    return {person.username: person.get_full_name() or person.email or person.username for person in people}
