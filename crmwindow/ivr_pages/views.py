"""The list of IVR functions and the page of one: made, changed, switched, removed and tried out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crmwindow import ivr_functions
from crmwindow.ivr_functions import Gone
from crmwindow.ivr_pages import choices, counting, judging, listing, menu, privileges, sight, trying
from crmwindow.ivr_pages.form import Form, Kind, Pair, suggested
from crmwindow.ivr_pages.sight import Sight
from crmwindow.models import IvrFunction
from tenants import microsoft_connections, own_tables
from tenants.configuration import Changed, ConfigurationError
from tenants.models import Tenant
from tenants.portal.guard import PortalRequest, instance_of, member

TEMPLATE = "crmwindow/portal/ivr_function.html"
LIST = "crmwindow/portal/ivr_functions.html"


def language() -> str:
    return (get_language() or "cs")[:2]


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    account = getattr(instance_of(tenant), "system_account", None)
    context = {"tenant": tenant, "tab": "ivr", "part": "functions", "instance": instance_of(tenant)}
    context |= {"functions": listing.of(tenant, language()), "system_account": account, "kinds": Kind}
    return render(request, LIST, context)


@require_GET
@member
def new(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    if instance_of(tenant) is None:
        return redirect("ivr_functions:page", tenant.code)
    return _show(request, tenant, Form.blank(request.GET.get("kind", "")), fresh=True)


@require_GET
@member
def show(request: PortalRequest, tenant: Tenant, function: UUID) -> HttpResponse:
    row = _row(tenant, function)
    return _show(request, tenant, Form.of(row), row=row, fresh=True)


def _row(tenant: Tenant, function: UUID | str) -> IvrFunction:
    """Of this customer, else it is not there."""
    try:
        code = UUID(str(function))
    except ValueError:
        raise Http404 from None
    row = tenant.ivr_functions.filter(code=code).first()
    if row is None:
        raise Http404
    return row


def _typed(request: PortalRequest, tenant: Tenant) -> tuple[Form, IvrFunction | None]:
    """The form as it was sent, and the function it belongs to; of a new one none."""
    if instance_of(tenant) is None:
        raise Http404
    code = request.POST.get("function", "")
    row = _row(tenant, code) if code else None
    return Form.typed(request.POST, row), row


@require_POST
@member
def edit(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Another kind or table, a row more or less: shown, not saved."""
    form, row = _typed(request, tenant)
    part = ""
    if request.htmx:
        part = "#parts_answer" if request.htmx.target == "parts" else "#aside_answer"
    return _show(request, tenant, form, row=row, part=part, unsaved=True)


@require_POST
@member
def save(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    form, row = _typed(request, tenant)
    if row is None and (known := ivr_functions.like(tenant, form.item())):
        messages.info(request, _("This is stored already, nothing was changed."))
        return redirect("ivr_functions:show", tenant.code, known.code)
    seen = _look(request, tenant, form, fresh=False)
    form.check(name for name, code in tenant.ivr_functions.values_list("name", "code") if code != form.code)
    is_verified = judging.judge(form, seen, tenant.instance, language())
    _refuse_repeated(form, seen)
    if not form.is_right:
        return _show(request, tenant, form, row=row, seen=seen, status=422)
    try:
        before = ivr_functions.stamp(row)
        saved = ivr_functions.save(tenant, form.item(), code=form.code, by=request.user, seen=form.seen)
    except ConfigurationError as error:
        form.take(error.mistakes, ivr_functions.place_of(tenant, form.code))
        return _show(request, tenant, form, row=row, seen=seen, status=422)
    except Changed as changed:
        form.seen = ivr_functions.stamp(row)
        return _show(request, tenant, form, row=row, seen=seen, changed=changed, status=409)
    except Gone:
        raise Http404 from None
    _say_saved(request, saved, changed=before != ivr_functions.stamp(saved), is_verified=is_verified)
    _warn(request, form, seen)
    return redirect("ivr_functions:show", tenant.code, saved.code)


def _refuse_repeated(form: Form, seen: Sight) -> None:
    """A value that stands in two records identifies nobody."""
    if form.kind != Kind.IDENTIFY or not form.is_right:
        return
    found = _counted(form, seen)
    if found and found.repeated:
        form.mistakes["column"] = _("Values of this column repeat, so it identifies nobody. Choose a unique one.")


def _say_saved(request: PortalRequest, saved: IvrFunction, *, changed: bool, is_verified: bool) -> None:
    if not changed:
        messages.info(request, _("This is stored already, nothing was changed."))
    elif is_verified:
        messages.success(request, _("Saved. The voice menu gets it from the next call on."))
    else:
        messages.warning(request, _("Saved, not verified in the CRM: nobody could look just now."))


def _warn(request: PortalRequest, form: Form, seen: Sight) -> None:
    if lacking := privileges.lacking(form, seen):
        sentence = _("The system account lacks %(rights)s. A System Administrator adds it to its role in the CRM.")
        messages.warning(request, sentence % {"rights": ", ".join(lacking)})


@require_POST
@member
def switch(request: PortalRequest, tenant: Tenant, function: UUID) -> HttpResponse:
    row, on = _row(tenant, function), request.POST.get("on") == "1"
    try:
        ivr_functions.switch(row, on=on, by=request.user)
    except ConfigurationError as error:
        messages.error(request, " ".join(each.sentence for each in error.mistakes))
    else:
        said = (
            _("“%(name)s” is switched on.") if on else _("“%(name)s” is switched off. The voice menu gets 404 for it.")
        )
        messages.success(request, said % {"name": row.title or row.name})
    if request.POST.get("back") == "list":
        return redirect("ivr_functions:page", tenant.code)
    return redirect("ivr_functions:show", tenant.code, row.code)


@require_POST
@member
def remove(request: PortalRequest, tenant: Tenant, function: UUID) -> HttpResponse:
    row = _row(tenant, function)
    try:
        ivr_functions.remove(row, by=request.user)
    except ConfigurationError as error:
        messages.error(request, " ".join(each.sentence for each in error.mistakes))
        return redirect("ivr_functions:show", tenant.code, row.code)
    messages.success(request, _("“%(name)s” is removed.") % {"name": row.title or row.name})
    return redirect("ivr_functions:page", tenant.code)


@require_POST
@member
def try_it(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Run what the form says now, saved or not; it asks the real CRM and changes nothing."""
    form, row = _typed(request, tenant)
    run = trying.run(form, row, tenant, request.POST, by=request.user)
    return _show(request, tenant, form, row=row, run=run, part="#outcome" if request.htmx else "", unsaved=not row)


# what is shown


def _look(request: PortalRequest, tenant: Tenant, form: Form, *, fresh: bool) -> Sight:
    """Activities are written; nobody is looked for in them."""
    activities, named = form.kind == Kind.WRITE, form.said("entity")
    return sight.of(tenant, request.user, named, language=language(), activities=activities, fresh=fresh)


def _counted(form: Form, seen: Sight) -> counting.Filled | None:
    if not form.compares:
        return None
    is_unique = form.kind == Kind.IDENTIFY
    table = seen.table(form.said("entity"))
    return counting.filled(seen, table, form.said("column"), unique=is_unique, least=judging.LEAST_IDENTIFYING)


def _show(
    request: PortalRequest,
    tenant: Tenant,
    form: Form,
    *,
    row: IvrFunction | None = None,
    seen: Sight | None = None,
    run: trying.Run | None = None,
    fresh: bool = False,
    part: str = "",
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    is_run = part == "#outcome"
    seen = seen or (Sight(own_tables.nobody()) if is_run else _look(request, tenant, form, fresh=fresh))
    form.seen = form.seen or ivr_functions.stamp(row)
    context = {
        "tenant": tenant,
        "tab": "ivr",
        "part": "functions",
        "form": form,
        "row": row,
        "sight": seen,
        "connection": microsoft_connections.of(tenant.instance, request.user),
        "system_account": getattr(tenant.instance, "system_account", None),
        "edit_address": reverse("ivr_functions:edit", args=[tenant.code]),
        "next": request.path if request.method == "GET" else "",
        "kinds": [(kind.value, *words) for kind, words in listing.KIND_WORDS.items()],
        "comparisons": IvrFunction.Comparison.choices,
        "owners": Tenant.MissedCallOwner.choices,
        "suggested": suggested(form.said("title")),
        "mistakes": form.summary() if status == 422 else [],
        "request_block": menu.request(form),
        "results": menu.results(form),
        "fields": menu.fields(tenant, form),
        "run": run or trying.Run.before(form, request.POST),
        **({} if is_run else _columns(form, seen)),
        **more,
    }
    return render(request, TEMPLATE + part, context, status=status)


def _columns(form: Form, seen: Sight) -> dict[str, Any]:
    table = seen.table(form.said("entity"))
    found: dict[str, Any] = {"table": table, "tables": choices.tables(form, seen, language())}
    found["table_first"] = not form.said("entity") and bool(seen.view.metadata or seen.view.names)
    found["counted"] = _counted(form, seen) if table else None
    if table and form.compares:
        found |= {
            name: choices.compared(form, table, language(), form.said(name)) for name in ("column", "second_column")
        }
    is_written = form.kind == Kind.WRITE
    if is_written and table:
        found["callers"] = choices.callers(table, seen, language(), form.said("caller_column"))
        found["required"] = [column.label(language()) for column in table.required_for_create]
    if is_written or form.kind == Kind.LOOKUP:
        found["variable_rows"] = [_of_row(pair, form, seen) for pair in [*form.variables, Pair()]]
        found["constant_rows"] = [_of_row(pair, form, seen) for pair in [*form.constants, Pair()]]
    return found


def _of_row(pair: Pair, form: Form, seen: Sight) -> dict[str, Any]:
    table = seen.table(form.said("entity"))
    offered = choices.written if form.kind == Kind.WRITE else choices.read
    groups = offered(table, language(), pair.column) if table else []
    return {"pair": pair, "groups": groups, "about": choices.about(table, pair.column)}
