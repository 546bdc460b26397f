"""Many people at once: paste a list or send a file, see what it would do, put it right, apply it. For the admin as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from tenants import configuration, roster
from tenants.models import Tenant
from tenants.portal.guard import PortalRequest, member
from tenants.roster import comparing, reading, writing
from tenants.roster.applying import Applied
from tenants.roster.columns import FIELDS, LABELS
from tenants.roster.decoding import MAX_BYTES, TOO_LARGE
from tenants.roster.reading import Entry, Listing

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHOWN = 100
MAX_REQUEST = MAX_BYTES + 400_000
"""Below Django's own limit, whose answer would be a bare 400."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where this happens: the portal's pages, or the admin's."""

    template: str
    page: str
    apply: str
    people: str


def portal(tenant: Tenant) -> Places:
    names = ("people_import", "people_apply", "people")
    return Places("tenants/portal/people_import.html", *(resolve_url(f"portal:{name}", tenant.code) for name in names))


@csrf_exempt  # what is too large is refused before it is read; the rest is protected below
@require_http_methods(["GET", "POST"])
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    return reading_page(request, tenant, portal(tenant), {"tab": "people"})


@csrf_exempt
@require_POST
@member
def apply(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    return applying_page(request, tenant, portal(tenant), {"tab": "people"})


def reading_page(request: HttpRequest, tenant: Tenant, places: Places, context: dict[str, Any]) -> HttpResponse:
    """The form, and, after a POST, what the list would do."""
    context = {**context, "tenant": tenant, "places": places}
    if refused := _too_large(request, context):
        return refused
    return _reading(request, tenant, context)


@csrf_protect
def _reading(request: HttpRequest, tenant: Tenant, context: dict[str, Any]) -> HttpResponse:
    if request.method == "GET":
        return _page(request, context)
    try:
        context |= _read(request, tenant)
    except roster.Unreadable as error:
        context |= {"text": request.POST.get("text", ""), "held": request.POST.get("held", "")}
        return _page(request, {**context, "mistakes": [str(error)]}, status=422)
    wrong = context["preview"].counts[comparing.WRONG]
    return _page(request, context, status=422 if wrong else 200)


def applying_page(request: HttpRequest, tenant: Tenant, places: Places, context: dict[str, Any]) -> HttpResponse:
    context = {**context, "tenant": tenant, "places": places}
    if refused := _too_large(request, context):
        return refused
    return _applying(request, tenant, context)


@csrf_protect
def _applying(request: HttpRequest, tenant: Tenant, context: dict[str, Any]) -> HttpResponse:
    try:
        listing = Listing(roster.remembered(tenant, request.POST.get("list", "")))
    except signing.BadSignature:
        sentence = _("This preview is too old or was changed on its way. Nothing was applied. Read the list once more.")
        return _page(request, {**context, "mistakes": [sentence]}, status=422)
    enable = request.POST.get("enable") == "on"
    seen = request.POST.get("seen", "")
    try:
        applied = roster.apply(tenant, listing, by=cast("User", request.user), enable=enable, seen=seen)
    except configuration.Changed as changed:
        context |= {"changed": changed, "enable": enable, **_shown(tenant, listing, text="")}
        return _page(request, context, status=409)
    except roster.NothingApplied:
        context |= {"mistakes": [_moved_on()], "enable": enable, **_shown(tenant, listing, text=None)}
        return _page(request, context, status=409)
    messages.success(request, told_of(applied))
    return redirect(context["places"].people)


def _moved_on() -> str:
    return _("The list no longer fits what is stored, because it was changed meanwhile. Nothing was applied.")


def _page(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    template = context["places"].template
    return render(request, template, {"most": SHOWN, "fields": _field_names(), **context}, status=status)


def _too_large(request: HttpRequest, context: dict[str, Any]) -> HttpResponse | None:
    if int(request.META.get("CONTENT_LENGTH") or 0) <= MAX_REQUEST:
        return None
    return _page(request, {**context, "mistakes": [str(TOO_LARGE)]}, status=413)


# What is shown


def _read(request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
    """Of a file, the rows that are right are kept aside and the wrong ones become text; a pasted text stays as it is."""
    file = request.FILES.get("file")
    if file is not None and not isinstance(file, list):
        decoded = roster.decode(file.read())
        return _shown(tenant, reading.read(decoded.text, encoding=decoded.encoding, of_file=True), text=None)
    text = request.POST.get("text", "")
    held = _held(request, tenant)
    listing = reading.read(text)
    if not listing.entries and not held:
        raise roster.Unreadable(_("There is nobody in the list. Paste at least one e-mail, or choose a file."))
    if len(held) + len(listing.entries) > reading.MAX_ROWS:
        raise roster.Unreadable(_("The list has more than 5,000 rows. Split it into several."))
    together = Listing([*held, *listing.entries], listing.columns, listing.unread)
    return _shown(tenant, together, text=text, held=held)


def _held(request: HttpRequest, tenant: Tenant) -> list[Entry]:
    if not request.POST.get("held"):
        return []
    try:
        return roster.remembered(tenant, request.POST["held"])
    except signing.BadSignature:
        raise roster.Unreadable(
            _("The rows of the file that were right are too old by now. Choose the file once more.")
        ) from None


def _shown(tenant: Tenant, listing: Listing, *, text: str | None, held: list[Entry] | None = None) -> dict[str, Any]:
    """`text` None: the wrong rows become the text, the others are held."""
    preview = roster.compare(tenant, listing)
    if not preview.rows:
        raise roster.Unreadable(_("There is nobody in the list. Paste at least one e-mail, or choose a file."))
    wrong = preview.of(comparing.WRONG)
    if text is None:
        held = [row.entry for row in preview.rows if row.state != comparing.WRONG]
        text = _as_text(listing, [row.entry for row in wrong])
    changes = preview.of(comparing.CHANGED)
    return {
        "preview": preview,
        "wrong": wrong[:SHOWN],
        "new": preview.of(comparing.NEW)[:SHOWN],
        "changes": changes[:SHOWN],
        "counts": {name: preview.counts[name] for name in (comparing.NEW, comparing.CHANGED, comparing.UNCHANGED)},
        "wrong_number": len(wrong),
        "right_number": len(preview.rows) - len(wrong),
        "read_as": ", ".join(str(LABELS[name]) for name in listing.columns),
        "unread": ", ".join(listing.unread),
        "text": text,
        "text_rows": min(max(text.count("\n") + 2, 4), 14),
        "held": roster.remember(tenant, held) if held else "",
        "held_number": len(held or []),
        "list": roster.remember(tenant, [row.entry for row in preview.rows]) if preview.ok else "",
        "seen": configuration.stamp(tenant, "agents"),
        "enable": True,
    }


def _as_text(listing: Listing, entries: list[Entry]) -> str:
    if not entries:
        return ""
    given = {name for entry in entries for name in entry.values}
    header = [name for name in FIELDS if name in given or name in {"name", "email"} or name in listing.columns]
    return writing.rows(header, (entry.values for entry in entries))


def _field_names() -> str:
    return ", ".join(str(LABELS[name]) for name in FIELDS)


def told_of(applied: Applied) -> str:
    if not (applied.new or applied.changed or applied.switched_on):
        return _("The list holds nothing new. Everything is stored already.")
    parts = {
        ngettext("%(n)d person was added.", "%(n)d people were added.", applied.new): applied.new,
        ngettext("%(n)d person was changed.", "%(n)d people were changed.", applied.changed): applied.changed,
        ngettext(
            "%(n)d window was switched on. Whoever is not signed in gets the activation e-mail.",
            "%(n)d windows were switched on. Whoever is not signed in gets the activation e-mail.",
            applied.switched_on,
        ): applied.switched_on,
    }
    return " ".join(sentence % {"n": number} for sentence, number in parts.items() if number)
