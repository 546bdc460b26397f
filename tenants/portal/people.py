"""Who answers the phones: how far everybody is, and the window switched on and off, one by one or for many."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from tenants import activation, post, registration, roster
from tenants.models import Agent, Instance, Tenant
from tenants.portal.guard import PortalRequest, member
from tenants.roster import standing

if TYPE_CHECKING:
    from collections import Counter

    from django.contrib.auth.models import User

PAGE = 50
PEOPLE = "tenants/portal/people.html"


@require_GET
@member
def show(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    context = listed(tenant, request.GET)
    if request.htmx:
        return render(request, f"{PEOPLE}#listed", {**context, "oob": True})
    return render(request, PEOPLE, context)


def listed(tenant: Tenant, query: Mapping[str, str]) -> dict[str, Any]:
    """The page of people that the address asks for: `show` a group, `q` words, `page`."""
    words = query.get("q", "").replace("\0", "").strip()[:200]
    people = standing.people_of(tenant, words=words)
    numbers = standing.counts(people)
    group = query.get("show", "")
    group = group if group in standing.GROUPS else ""
    pages = Paginator(people.filter(group=group) if group else people, PAGE)
    pages.count = numbers[group]
    page = pages.get_page(query.get("page"))
    return {
        "tenant": tenant,
        "tab": "people",
        "numbers": numbers,
        "everybody": numbers[""],
        "chips": [_chip(name, numbers[name], words, chosen=name == group) for name in standing.GROUPS],
        "group": group,
        "words": words,
        "page": page,
        "rows": [(agent, standing.standing_of(agent)) for agent in page],
        "query": urlencode({name: value for name, value in (("show", group), ("q", words)) if value}),
        "nobody_at_all": not (numbers[""] or words),
        "unproven": not getattr(getattr(tenant, "instance", None), "is_proven", False),
    }


def _chip(group: str, number: int, words: str, *, chosen: bool) -> dict[str, Any]:
    query = urlencode({name: value for name, value in (("show", group), ("q", words)) if value})
    return {"label": standing.GROUPS[group], "number": number, "query": query, "chosen": chosen}


# One person


def person_of(tenant: Tenant, code: uuid.UUID) -> Agent:
    """Raises Http404, also for somebody else's people."""
    agent: Agent | None = standing.people_of(tenant).filter(code=code).first()
    if agent is None:
        raise Http404
    agent.tenant = tenant
    return agent


@require_POST
@member
def window(request: PortalRequest, tenant: Tenant, agent: uuid.UUID) -> HttpResponse:
    """`on` is 1 or 0."""
    person = person_of(tenant, agent)
    if request.POST.get("on") == "1":
        registration.enable_window(person, request.user)
        messages.info(request, _switched_on(person))
    elif request.POST.get("on") == "0":
        registration.disable_window(person, request.user)
        messages.info(
            request, _("%(name)s: the window is off. Open windows close within seconds.") % {"name": person.name}
        )
    return _row(request, tenant, agent)


def _switched_on(agent: Agent) -> str:
    name = {"name": agent.name}
    if agent.is_signed_in:
        return _("%(name)s: the window is on.") % name
    if not Instance.objects.proven().filter(tenant=agent.tenant_id).exists():
        return _("%(name)s: the window is on. The e-mail goes out once the CRM is confirmed.") % name
    return _("%(name)s: the window is on, the activation e-mail is on its way.") % name


@require_POST
@member
def send(request: PortalRequest, tenant: Tenant, agent: uuid.UUID) -> HttpResponse:
    person = person_of(tenant, agent)
    try:
        activation.send_again(person, by=request.user)
    except (post.TooSoon, post.NotSendable) as error:
        messages.warning(request, f"{person.name}: {error}")
    else:
        messages.info(request, _("%(agent)s: the e-mail is on its way.") % {"agent": person.name})
    return _row(request, tenant, agent)


def _row(request: PortalRequest, tenant: Tenant, code: uuid.UUID) -> HttpResponse:
    """The row anew, and with it the counts; without htmx the page it stands on."""
    if not request.htmx:
        return redirect(_back(request, tenant))
    person = person_of(tenant, code)
    numbers = {**request.GET.dict(), **request.POST.dict()}
    context = {**listed(tenant, numbers), "agent": person, "standing": standing.standing_of(person), "oob": True}
    return render(request, f"{PEOPLE}#row_alone", context)


def _back(request: PortalRequest, tenant: Tenant) -> str:
    """To the list as it was, or, from a person's own page, there."""
    if _is_code(code := request.POST.get("person", "")):
        return resolve_url("portal:person", tenant.code, uuid.UUID(code))
    query = {name: request.POST[name][:200] for name in ("show", "q", "page") if request.POST.get(name)}
    address = resolve_url("portal:people", tenant.code)
    return f"{address}?{urlencode(query)}" if query else address


def _is_code(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


# Many


def chosen(request: PortalRequest, tenant: Tenant) -> QuerySet[Any]:
    """The people ticked, or, with `everyone`, all that the filter shows."""
    if request.POST.get("everyone"):
        people = standing.people_of(tenant, words=request.POST.get("q", "").replace("\0", "")[:200])
        group = request.POST.get("show", "")
        return people.filter(group=group) if group in standing.GROUPS and group else people
    codes = [code for code in request.POST.getlist("agent") if _is_code(code)]
    return Agent.objects.filter(tenant=tenant, code__in=codes)


def _many(act: Callable[[QuerySet[Any], User], str]) -> Callable[..., HttpResponse]:
    """A view that does this to the people chosen and tells what it did."""

    @require_POST
    @member
    def view(request: PortalRequest, tenant: Tenant) -> HttpResponse:
        people = chosen(request, tenant)
        if people.exists():
            messages.info(request, act(people, request.user))
        else:
            messages.warning(request, _("Nobody is chosen. Tick the people in the list first."))
        if request.htmx:
            return render(request, f"{PEOPLE}#listed", {**listed(tenant, request.POST), "oob": True})
        return redirect(_back(request, tenant))

    return view


def _enable(people: QuerySet[Any], by: User) -> str:
    return told_of_enabling(registration.enable_windows(people, by=by))


def _disable(people: QuerySet[Any], by: User) -> str:
    return told_of_disabling(registration.disable_windows(people, by=by))


def _send(people: QuerySet[Any], by: User) -> str:
    return told_of_sending(activation.send_all_again(people, by=by))


enable_many, disable_many, send_many = _many(_enable), _many(_disable), _many(_send)


def told_of_enabling(number: int) -> str:
    if not number:
        return _("Nothing changed: these windows are on already.")
    sentence = ngettext(
        "%(n)d window was switched on. Whoever is not signed in gets the activation e-mail.",
        "%(n)d windows were switched on. Whoever is not signed in gets the activation e-mail.",
        number,
    )
    return sentence % {"n": number}


def told_of_disabling(number: int) -> str:
    if not number:
        return _("Nothing changed: these windows are off already.")
    sentence = ngettext(
        "%(n)d window was switched off. If it is open, it closes within seconds.",
        "%(n)d windows were switched off. Those that are open close within seconds.",
        number,
    )
    return sentence % {"n": number}


def told_of_sending(fates: Counter[str]) -> str:
    """How many got it, and why the others did not."""
    sentences = {
        "sent": ngettext("%(n)d e-mail is on its way.", "%(n)d e-mails are on their way.", fates["sent"]),
        "too_soon": ngettext(
            "%(n)d person got one minutes ago.", "%(n)d people got one minutes ago.", fates["too_soon"]
        ),
        "signed_in": ngettext(
            "%(n)d person is signed in and needs none.",
            "%(n)d people are signed in and need none.",
            fates["signed_in"],
        ),
        "window_off": ngettext(
            "%(n)d person has the window switched off.",
            "%(n)d people have the window switched off.",
            fates["window_off"],
        ),
        "not_proven": ngettext(
            "%(n)d e-mail waits until the CRM is confirmed.",
            "%(n)d e-mails wait until the CRM is confirmed.",
            fates["not_proven"],
        ),
    }
    return " ".join(text % {"n": fates[fate]} for fate, text in sentences.items() if fates[fate])


@require_GET
@member
def export(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    name = {"Content-Disposition": f'attachment; filename="{tenant.slug}-users.csv"', "Cache-Control": "no-store"}
    return HttpResponse(roster.export(tenant), content_type="text/csv; charset=utf-8", headers=name)
