"""One customer's page: who acts next, checks, what is set up, people, e-mails, changes. One address per tab and act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from tenants import activation, changes, intake, invitations, post, progress, registration, reminding, verification
from tenants.admin.rows import staff
from tenants.models import AuditEntry, Invitation, Membership, OutgoingMail, Tenant
from tenants.portal import checks as portal_checks
from tenants.roster import standing

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite

    from tenants.models import Instance
    from tenants.progress import Progress

MOST = 50
FOLDER = "admin/tenants/tenant"


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    label: str
    address: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A request about one customer. `tabs` are made by the admin, which may add its own."""

    request: HttpRequest
    site: AdminSite
    tenant: Tenant
    progress: Progress
    tabs: list[Tab]

    @property
    def instance(self) -> Instance | None:
        return self.progress.facts.instance

    def shown(self, tab: str, *, status: int = 200, **context: Any) -> HttpResponse:
        frame = self.site.each_context(self.request) | {
            "title": self.tenant.name,
            "opts": Tenant._meta,
            "tab": tab,
            **head(self),
        }
        return TemplateResponse(self.request, f"{FOLDER}/{tab}.html", frame | context, status=status)

    def back(self) -> HttpResponse:
        return redirect("admin:tenants_tenant_change", self.tenant.pk)


def head(page: Page) -> dict[str, Any]:
    """What the head above all tabs wants."""
    found, admins = page.progress, _admins(page.tenant)
    steps = [
        {"word": word, "state": "done" if number < found.phase or found.phase == 5 else "", "number": number}
        for number, word in enumerate(progress.PHASES, 1)
    ]
    return {
        "tenant": page.tenant,
        "instance": page.instance,
        "progress": found,
        "phases": steps,
        "tabs": page.tabs,
        "admins": admins,
        "mailto": next((each["email"] for each in admins if each["email"]), page.tenant.contact_email),
    }


def _admins(tenant: Tenant) -> list[dict[str, Any]]:
    members = Membership.objects.filter(tenant=tenant, user__is_active=True).select_related("user").order_by("pk")
    people: list[dict[str, Any]] = [
        {"name": each.user.get_full_name() or each.user.email, "email": each.user.email} for each in members
    ]
    invited = Invitation.objects.filter(tenant=tenant, accepted_at=None)
    return people + [{"name": each.email, "email": each.email, "invitation": each} for each in invited]


def tabs(tenant: Tenant, found: Progress) -> list[Tab]:
    def address(key: str) -> str:
        return reverse(f"admin:tenants_tenant_{key}", args=[tenant.pk])

    return [
        Tab("checks", _("Checks"), address("change")),
        Tab("setup", _("Fields and tables"), address("setup")),
        Tab("agents", _("Agents"), address("agents"), found.agents.listed),
        Tab("mail", _("E-mails"), address("mail")),
        Tab("changes", _("Changes"), address("changes")),
        Tab("settings", _("Settings"), address("settings")),
    ]


# Tabs


def show(page: Page, *, status: int = 200, **typed: Any) -> HttpResponse:
    instance, tenant = page.instance, page.tenant
    report = verification.latest(instance) if instance else None
    return page.shown(
        "checks",
        report=report,
        text=portal_checks.as_text(tenant, report),
        reminded=reminding.last(tenant),
        may_remind_at=reminding.cooled_down_at(tenant),
        asked=reminding.asked_of(tenant) if page.progress.blocker.who == "customer" else [],
        last_changes=changes.of(tenant, most=6),
        keys=list(tenant.api_keys.filter(revoked_at=None)),
        status=status,
        **_claims(instance, tenant),
        **typed,
    )


def _claims(instance: Instance | None, tenant: Tenant) -> dict[str, Any]:
    """Whose the instance may be, too: the other who proved it, others who name it, and since when that is known."""
    if instance is None:
        return {}
    owner = intake.owner_of(instance.url)
    others = [each for each in intake.claimants_of(instance.url) if each != tenant]
    rows = AuditEntry.objects.filter(act="instance.second_claim", target__endswith=f" {instance.url}")
    return {"owner": owner if owner != tenant else None, "claimants": others, "claims": list(rows[:5])}


def setup(page: Page) -> HttpResponse:
    instance = page.instance
    return page.shown(
        "setup",
        fields=list(instance.display_fields.all()) if instance else [],
        entities=list(instance.custom_entities.all()) if instance else [],
        search=sorted(instance.search_columns.items()) if instance else [],
    )


def agents(page: Page) -> HttpResponse:
    rows = activation.with_steps(page.tenant.agents.all()).order_by("-window", "name")
    people = [(agent, activation.state_of(agent), standing.obstacle(agent)) for agent in rows[:MOST]]
    return page.shown("agents", people=people, more=page.progress.agents.listed - len(people))


def mail(page: Page) -> HttpResponse:
    rows = OutgoingMail.objects.filter(tenant=page.tenant).select_related("agent", "user", "invitation")
    return page.shown("mail", mails=list(rows[:MOST]))


def last_changes(page: Page) -> HttpResponse:
    return page.shown("changes", told=changes.of(page.tenant, most=200))


# Acts


def verify(page: Page) -> HttpResponse:
    if page.instance:
        verification.begin(page.instance, by=staff(page.request))
    else:
        messages.warning(page.request, _("There is nothing to check yet: the address of the CRM is missing."))
    return page.back()


def remind(page: Page) -> HttpResponse:
    try:
        told = reminding.remind(page.tenant, by=staff(page.request))
    except (post.TooSoon, post.NotSendable) as error:
        messages.warning(page.request, str(error))
    else:
        sentence = _("The reminder is on its way (%(count)d).") % {"count": told}
        messages.success(page.request, sentence)
    return page.back()


def invite(page: Page) -> HttpResponse:
    """Somebody who shall look after the customer's portal; whoever is invited already gets the e-mail again."""
    email = page.request.POST.get("email", "").strip()
    try:
        invitations.invite(tenant=page.tenant, email=email, by=staff(page.request))
    except ValidationError as error:
        return show(page, status=422, invite_email=email, invite_error=" ".join(error.messages))
    except post.TooSoon as error:
        messages.warning(page.request, str(error))
    else:
        messages.success(page.request, _("The invitation goes to %(email)s.") % {"email": email})
    return page.back()


def withdraw(page: Page) -> HttpResponse:
    code = page.request.POST.get("code", "")
    invitation = next((each for each in page.tenant.invitations.open() if str(each.code) == code), None)
    if invitation:
        invitations.withdraw(invitation, by=staff(page.request))
        messages.success(page.request, _("The invitation is withdrawn, its link no longer works."))
    return page.back()


def confirm(page: Page) -> HttpResponse:
    instance = page.instance
    if instance is None or page.request.POST.get("url") != instance.url:
        messages.warning(page.request, _("The address was changed meanwhile. Look at it and confirm again."))
        return page.back()
    try:
        registration.confirm(instance, by=staff(page.request))
    except registration.SecondClaim:
        owner = intake.owner_of(instance.url)
        sentence = _("Not confirmed: the instance is confirmed as belonging to %(owner)s.")
        messages.error(page.request, sentence % {"owner": owner.name if owner else "?"})
    except (registration.NotProven, registration.NotStaff) as error:
        messages.error(page.request, str(error))
    else:
        messages.success(page.request, _("The instance is confirmed as belonging to this customer."))
    return page.back()
