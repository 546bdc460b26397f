"""Take a new customer in: the one act that registers them, and who else has the instance they name."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from tenants import invitations
from tenants.models import Instance, Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from tenants.pasted_address import Understood


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A customer as typed by an implementer. `code` was made with the form, so that sending it twice makes one."""

    code: uuid.UUID
    name: str
    slug: str
    email: str
    language: str
    country: str


def propose_slug(name: str) -> str:
    """A short name that nobody has: "acme", else "acme-2"."""
    wanted = slugify(name)[:50].strip("-") or "customer"
    taken = set(Tenant.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    number, slug = 2, wanted
    while slug in taken:
        number, slug = number + 1, f"{wanted}-{number}"
    return slug


def register(
    newcomer: Newcomer, *, understood: Understood | None = None, app_id: UUID | None = None, by: User
) -> tuple[Tenant, bool]:
    """The customer, their claimed instance if its address is known, `by` as their implementer and the admin's invitation.

    False: this form was sent before, nothing was made again. Raises ValidationError.
    """
    if known := Tenant.objects.filter(code=newcomer.code).first():
        return known, False
    try:
        with transaction.atomic():
            return _registered(newcomer, understood, app_id, by), True
    except IntegrityError as error:
        if known := Tenant.objects.filter(code=newcomer.code).first():  # the same form, sent at the same moment
            return known, False
        sentence = _("Somebody else has just registered a customer with this short name.")
        raise ValidationError({"slug": sentence}) from error


def _registered(newcomer: Newcomer, understood: Understood | None, app_id: UUID | None, by: User) -> Tenant:
    tenant = Tenant(
        code=newcomer.code,
        name=newcomer.name,
        slug=newcomer.slug,
        contact_email=newcomer.email,
        language=newcomer.language,
        country=newcomer.country,
        implementer=by,
    )
    tenant.full_clean(validate_unique=False)
    tenant.save(force_insert=True)
    after = {"slug": tenant.slug}
    if understood and app_id:
        instance = _claimed(tenant, understood, app_id, by)
        after |= {"url": instance.url, "app_id": str(app_id)}
    audit(tenant=tenant, by=by, act="tenant.registered", target=tenant.slug, after=after)
    invitations.invite(tenant=tenant, email=newcomer.email, by=by, language=tenant.language)
    return tenant


def _claimed(tenant: Tenant, understood: Understood, app_id: UUID, by: User) -> Instance:
    url = understood.verdict.origin
    instance = Instance(tenant=tenant, url=url, app_id=app_id, directory_id=understood.directory_id)
    instance.full_clean(exclude=["tenant"])
    instance.save(force_insert=True)
    if owner_of(url):
        audit(tenant=tenant, by=by, act="instance.second_claim", target=f"{tenant.slug} {url}")
    return instance


# Whose an instance is. For staff's eyes only: the customers never hear of each other


def owner_of(url: str) -> Tenant | None:
    """The customer whose instance it is proven to be."""
    return Tenant.objects.filter(instance__url=url, instance__proven_at__isnull=False).first()


def claimants_of(url: str) -> list[Tenant]:
    """Customers who name it as well, unproven."""
    return list(Tenant.objects.filter(instance__url=url, instance__proven_at=None))
