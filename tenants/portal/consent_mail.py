"""The step in which the admin of the customer's Microsoft directory consents: a button for them, and an e-mail to forward."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from tenants import consent
from tenants.models import Instance
from tenants.portal.guard import PortalRequest
from tenants.progress import Progress
from tenants.verification import Report


def body(request: PortalRequest, found: Progress, report: Report | None) -> dict[str, Any]:
    instance = found.facts.instance
    if instance is None:
        return {}
    subject, text = mail(instance)
    mailto = f"mailto:?subject={quote(subject)}&body={quote(text)}"
    return {"consent_link": consent.link(instance), "mail_subject": subject, "mail_text": text, "mailto": mailto}


def mail(instance: Instance) -> tuple[str, str]:
    """Subject and text for the directory's admin, in the customer's language."""
    with translation.override(instance.tenant.language):
        context = {"tenant": instance.tenant, "instance": instance, "link": consent.link(instance)}
        text = render_to_string("tenants/portal/steps/consent_mail.txt", context).strip()
        return _("Consent for IPEX in Microsoft 365"), text
