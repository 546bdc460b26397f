"""What several commands ask for."""

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from tenants.models import Tenant


def tenant_named(slug: str) -> Tenant:
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        known = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "–"
        raise CommandError(_("There is no customer “%(slug)s”. There are: %(known)s.") % {"slug": slug, "known": known})
    return tenant
