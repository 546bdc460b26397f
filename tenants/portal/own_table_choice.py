"""An own table without typing names: choose it among the organization's, then its columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import configuration, own_tables
from tenants.column_search import is_like_a_phone, plain
from tenants.configuration import crm
from tenants.configuration.mistakes import Place
from tenants.key_scheme import Entity, Scheme
from tenants.key_scheme.scheme import STANDARD_TABLES
from tenants.models import LANGUAGES, Tenant
from tenants.own_tables.column_words import fact
from tenants.portal.guard import PortalRequest, member
from tenants.portal.own_table import base_context, language, own_connection, say_saved

if TYPE_CHECKING:
    from django.http import QueryDict

    from tenants.dataverse.metadata import Column, Table
    from tenants.dataverse.table_names import TableName
    from tenants.own_tables import View

MOST_SHOWN = 60
TAKEN = frozenset(name.lower() for name in STANDARD_TABLES)


@dataclass(slots=True)
class Form:
    """What is chosen. `mistakes`: field → sentence."""

    table: str = ""
    id_column: str = ""
    phones: list[str] = field(default_factory=list)
    first_name: str = ""
    last_name: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    mistakes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_post(cls, data: QueryDict) -> Form:
        typed = data.get("more_phones", "").replace(",", " ").replace(";", " ").split()
        return cls(
            table=data.get("table", "").strip(),
            id_column=data.get("id_column", "").strip(),
            phones=list(dict.fromkeys([*data.getlist("phone"), *typed]))[:40],
            first_name=data.get("first_name", "").strip(),
            last_name=data.get("last_name", "").strip(),
            labels={code: data.get(f"label_{code}", "").strip() for code, _name in LANGUAGES},
        )

    @classmethod
    def of_stored(cls, item: Any) -> Form:
        label = item["label"]
        labels = dict(label) if isinstance(label, dict) else {"cs": label}
        return cls(
            item["table"], item["id"], list(item["phone_number"]), item.get("first_name", ""), item["last_name"], labels
        )

    @classmethod
    def proposed(cls, table: Table) -> Form:
        """What metadata suggests: its key, its phone columns, its primary name, its own labels."""
        phones = [column.schema_name for column in table.phone_columns]
        name = table.find(table.name_column) if table.name_column else None
        labels = {code: table.labels[code] for code, _name in LANGUAGES if table.labels.get(code)}
        key = table.find(table.id_column)
        return cls(
            table.schema_name,
            key.schema_name if key else table.id_column,
            phones,
            last_name=name.schema_name if name else "",
            labels=labels or {"cs": table.label("cs")},
        )

    @property
    def entity(self) -> Entity:
        said = {code: text for code, text in self.labels.items() if text}
        label = said["cs"] if set(said) == {"cs"} else said or ""
        return Entity(self.table, self.id_column, tuple(self.phones), self.last_name, self.first_name, label)

    def check(self) -> bool:
        """Note every mistake under its field."""
        place = Place()
        crm.check_custom_entities(Scheme((self.entity,)).to_configuration()["custom_entities"], place)
        names = {"id": "id_column", "phone_number": "phone"}
        for path, sentence in place.noted:
            part = path.partition("]")[2].removeprefix(".").partition(".")[0].partition("[")[0]
            self.mistakes.setdefault(names.get(part, part or "table"), sentence)
        return not self.mistakes

    def check_against(self, view: View) -> None:
        """Names that the CRM does not have."""
        if view.metadata is None or self.mistakes:
            return
        table = view.table(self.table)
        if table is None:
            self.mistakes["table"] = _("There is no such table in your CRM.")
            return
        for name, typed in (
            ("id_column", self.id_column),
            ("first_name", self.first_name),
            ("last_name", self.last_name),
        ):
            if typed and table.find(typed) is None:
                self.mistakes[name] = _("The table has no column %(name)s.") % {"name": typed}
        missing = [typed for typed in self.phones if table.find(typed) is None]
        if missing:
            self.mistakes["phone"] = _("The table has no column %(name)s.") % {"name": ", ".join(missing)}


@dataclass(frozen=True, slots=True)
class Choice:
    """A column to choose."""

    name: str
    label: str
    about: str
    chosen: bool = False


@require_GET
@member
def choose(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """The organization's tables, its own ones first; without a connection there is nothing to choose from."""
    view = own_tables.look(own_connection(request, tenant), {}, fresh="q" not in request.GET)
    asked = request.GET.get("q", "").strip()[:100]
    found = [one for one in view.names if one.logical_name not in TAKEN and _fits(one, asked)]
    stored = {one["table"].lower() for one in own_tables.stored(tenant).custom_entities}
    shown = [
        {"name": one.schema_name, "label": one.label(language()), "custom": one.is_custom, "stored": _is_in(one, stored),
         "activities": one.has_activities}
        for one in found[:MOST_SHOWN]
    ]  # fmt: skip
    context = base_context(request, tenant) | {
        "view": view,
        "asked": asked,
        "choices": shown,
        "further": max(0, len(found) - MOST_SHOWN),
    }
    template = "tenants/portal/own_table_choose.html" + ("#choices" if request.htmx else "")
    return render(request, template, context)


def _is_in(one: TableName, names: set[str]) -> bool:
    return bool({one.logical_name, one.schema_name.lower()} & names)


def _fits(one: TableName, asked: str) -> bool:
    """By name or label in any language, whatever the case and diacritics."""
    texts = (one.logical_name, one.schema_name, *one.labels.values())
    return not asked or any(plain(asked) in plain(text) for text in texts)


@require_GET
@member
def columns(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """Of a stored table as it is, of another as metadata proposes it; without a table by hand."""
    name = request.GET.get("table", "").strip()
    stored = own_tables.stored(tenant).entity(name) if name else None
    form = Form.of_stored(stored) if stored else Form(table=name)
    view = _look(request, tenant, form, fresh=True)
    table = view.table(name) if name else None
    if name and not stored and table:
        form = Form.proposed(table)
        view = _look(request, tenant, form)
    elif name and not stored and view.metadata is not None:
        raise Http404
    return _show(request, tenant, form, view)


@require_POST
@member
def check(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    """What the choice means, without saving it."""
    form = Form.of_post(request.POST)
    return _show(request, tenant, form, _look(request, tenant, form), seen=request.POST.get("seen", ""))


@require_POST
@member
def save(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    form = Form.of_post(request.POST)
    is_right = form.check()
    view = _look(request, tenant, form)
    form.check_against(view)
    if not is_right or form.mistakes:
        return _show(request, tenant, form, view, status=422)
    found = own_tables.of_entity(form.entity, tenant=tenant, view=view, connected=True)
    try:
        diff = own_tables.save(tenant, found.wanted, by=request.user, seen=request.POST.get("seen", ""))
    except configuration.Changed as changed:
        return _show(request, tenant, form, view, changed=changed, status=409)
    except configuration.ConfigurationError as error:
        form.mistakes["table"] = " ".join(mistake.sentence for mistake in error.mistakes)
        return _show(request, tenant, form, view, status=422)
    say_saved(request, found, changed=bool(diff))
    return redirect("portal:own_tables", tenant.code)


def _look(request: PortalRequest, tenant: Tenant, form: Form, *, fresh: bool = False) -> View:
    wanted = {form.table: [*form.phones, form.first_name, form.last_name]} if form.table else {}
    return own_tables.look(own_connection(request, tenant), wanted, fresh=fresh)


def _show(
    request: PortalRequest, tenant: Tenant, form: Form, view: View, *, seen: str = "", status: int = 200, **more: Any
) -> HttpResponse:
    connected, table = view.metadata is not None, view.table(form.table) if form.table else None
    context = base_context(request, tenant) | {
        "form": form,
        "table": table,
        "table_label": table.label(language()) if table else "",
        "is_stored": bool(form.table and own_tables.stored(tenant).entity(form.table)),
        "found": own_tables.of_entity(form.entity, tenant=tenant, view=view, connected=connected),
        "labels": [(code, name, form.labels.get(code, "")) for code, name in LANGUAGES],
        "mistakes": [{"field": f"field-{name}", "sentence": sentence} for name, sentence in form.mistakes.items()],
        "seen": seen or own_tables.stamp(tenant),
        **(_choices(table, form) if table else {}),
        **more,
    }
    template = "tenants/portal/own_table_columns.html" + ("#meaning" if request.htmx else "")
    return render(request, template, context, status=status)


def _choices(table: Table, form: Form) -> dict[str, Any]:
    """Columns for numbers, likely ones first, and for names; what is chosen but gone is left for the form to show."""
    texts = [column for column in table.columns.values() if column.type in {"String", "Memo"} and column.selectable]
    chosen = [column for typed in form.phones if (column := table.find(typed))]
    likely = list(dict.fromkeys([*chosen, *table.phone_columns, *(one for one in texts if is_like_a_phone(one))]))
    others = sorted((one for one in texts if one not in likely), key=lambda one: plain(one.label(language())))
    names = sorted((one for one in texts if one.type == "String"), key=lambda one: plain(one.label(language())))
    first, last = (table.find(typed) if typed else None for typed in (form.first_name, form.last_name))
    key = table.find(table.id_column)
    return {
        "likely": [_choice(one, one in chosen) for one in likely],
        "others": [_choice(one, False) for one in others],
        "gone_phones": [typed for typed in form.phones if table.find(typed) is None],
        "first_names": [_choice(one, one is first) for one in names],
        "last_names": [_choice(one, one is last) for one in names],
        "gone_first": form.first_name if form.first_name and first not in names else "",
        "gone_last": form.last_name if form.last_name and last not in names else "",
        "key": key.schema_name if key else table.id_column,
    }


def _choice(column: Column, chosen: bool) -> Choice:
    about = (
        fact(column) if column.creatable else _("%(fact)s, cannot be filled in a new record") % {"fact": fact(column)}
    )
    return Choice(column.schema_name, column.label(language()), about, chosen)
