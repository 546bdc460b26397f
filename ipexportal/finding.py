"""Find customers by what a caller would say: name, address, number, e-mail, line, the UniqueId of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from crmwindow import phone
from crmwindow.blind import blinds
from crmwindow.models import Call
from tenants.models import Agent, Instance, Invitation, Membership, Tenant

if TYPE_CHECKING:
    from django.db.models import QuerySet

LONGEST = 200


def customers(text: str, rows: QuerySet[Tenant] | None = None) -> QuerySet[Tenant]:
    """Those of `rows` (default: all) that every word of the text leads to; a number may be typed with spaces."""
    rows = Tenant.objects.all() if rows is None else rows
    text = text.replace("\x00", "").strip()[:LONGEST]
    number = _number_in(text)
    for word in [text] if number else text.split():
        rows = rows.filter(_named(word) | _used_by(word) | Q(pk__in=_called(word, number)))
    return rows


def _named(word: str) -> Q:
    instance = Instance.objects.filter(tenant=OuterRef("pk"), url__icontains=_host(word))
    return Q(name__icontains=word) | Q(slug__icontains=word) | Q(contact_email__icontains=word) | Q(Exists(instance))


def _host(word: str) -> str:
    """A whole address pasted from the browser counts up to its host."""
    return word.partition("?")[0].removesuffix("/").removesuffix("/main.aspx") if "://" in word else word


def _used_by(word: str) -> Q:
    agents = Q(email__icontains=word) | Q(upn__icontains=word) | Q(name__icontains=word) | Q(line=word) | Q(login=word)
    return (
        Q(Exists(Agent.objects.filter(agents, tenant=OuterRef("pk"))))
        | Q(Exists(Membership.objects.filter(tenant=OuterRef("pk"), user__email__icontains=word)))
        | Q(Exists(Invitation.objects.filter(tenant=OuterRef("pk"), email__icontains=word)))
    )


def _called(word: str, number: bool) -> set[int]:
    """Customers with a call of that UniqueId, or from or to that number, which is also theirs if they own it."""
    found = set(Call.objects.filter(unique_id=word).values_list("tenant", flat=True))
    return found | _with_number(word) if number else found


def _with_number(text: str) -> set[int]:
    """A number is stored blind, under a key of each customer, and means another one in another country."""
    found, wanted = set(), []
    for tenant in Tenant.objects.only("code", "country", "own_numbers"):
        number = phone.parse(text, tenant.country)
        if number is None:
            continue
        wanted += blinds(tenant, number.e164)
        if number.e164 in tenant.own_numbers:
            found.add(tenant.pk)
    return found | set(Call.objects.filter(number_blind__in=wanted).values_list("tenant", flat=True))


def _number_in(text: str) -> bool:
    """Digits and what people put between them, as many as a number has."""
    digits = [letter for letter in text if letter.isdigit()]
    return len(digits) >= 6 and all(letter.isdigit() or letter in "+()/-. \xa0" for letter in text)
