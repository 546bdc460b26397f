"""In which columns callers are looked for: per table, the likely ones first; nothing chosen means what Dataverse marks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from tenants import column_search, configuration, microsoft_connections, samples
from tenants.configuration import Changed, ConfigurationError
from tenants.configuration.crm import STANDARD_TABLES
from tenants.models import Tenant
from tenants.own_tables.column_words import kind
from tenants.portal.guard import PortalRequest, instance_of, member

if TYPE_CHECKING:
    from django.http import QueryDict

    from tenants.dataverse.metadata import Column, Table
    from tenants.samples import Sight

MOST_TYPED = 40
TEXTS = frozenset({"String", "Memo"})


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    label: str
    about: str
    chosen: bool
    usual: bool


@dataclass(slots=True)
class Searched:
    """One table. `name` is the configuration's; `names` are chosen; `usual` is searched when nothing is."""

    name: str
    names: list[str]
    number: int = 0
    table: Table | None = None
    label: str = ""
    typed: str = ""
    mistake: str = ""
    likely: list[Choice] = field(default_factory=list)
    others: list[Choice] = field(default_factory=list)
    usual: list[str] = field(default_factory=list)

    @property
    def others_chosen(self) -> bool:
        return any(choice.chosen for choice in self.others)


def language() -> str:
    return (get_language() or "cs")[:2]


@require_GET
@member
def page(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    if instance_of(tenant) is None:
        return render(request, "tenants/portal/searched.html", {"tenant": tenant, "tab": "card", "connection": None})
    stored = _stored(tenant)
    tables = [Searched(name, stored.get(name.lower(), [])) for name in _names(tenant)]
    return _show(request, tenant, tables, fresh="fresh" in request.GET)


def _stored(tenant: Tenant) -> dict[str, list[str]]:
    return {name.lower(): columns for name, columns in configuration.stored(tenant, "search").items()}


def _names(tenant: Tenant) -> list[str]:
    """Accounts, contacts, leads when they are on; own tables have theirs in the key scheme, unless overridden here."""
    stored = _stored(tenant)
    own = [entity.table for entity in tenant.instance.custom_entities.all() if entity.table.lower() in stored]
    leads = tenant.instance.leads or "lead" in stored
    return [*STANDARD_TABLES[:2], *(STANDARD_TABLES[2:] if leads else ()), *own]


def _typed(tenant: Tenant, data: QueryDict) -> list[Searched]:
    tables = []
    for number, name in enumerate(_names(tenant), start=1):
        by_hand = data.get(f"more-{number}", "")[:4000]
        names = [*data.getlist(f"column-{number}"), *by_hand.replace(",", " ").replace(";", " ").split()]
        tables.append(Searched(name, list(dict.fromkeys(names))[:MOST_TYPED], typed=by_hand))
    return tables


@require_POST
@member
def save(request: PortalRequest, tenant: Tenant) -> HttpResponse:
    if instance_of(tenant) is None:
        return redirect("portal:searched", tenant.code)
    tables, sight = _typed(tenant, request.POST), _look(request, tenant)
    _compare(tables, sight)
    if any(table.mistake for table in tables):
        return _show(request, tenant, tables, sight=sight, seen=request.POST.get("seen", ""), status=422)
    try:
        data = {"search": {table.name: table.names for table in tables}}
        diff = configuration.change(tenant, data, by=request.user, seen=request.POST.get("seen", ""))
    except Changed as changed:
        return _show(request, tenant, tables, sight=sight, changed=changed, status=409)
    except ConfigurationError as error:
        _take(tables, error)
        return _show(request, tenant, tables, sight=sight, seen=request.POST.get("seen", ""), status=422)
    messages.success(request, _("Saved.") if diff else _("Nothing was changed."))
    return redirect("portal:searched", tenant.code)


def _take(tables: list[Searched], error: ConfigurationError) -> None:
    by_name = {table.name: table for table in tables}
    for mistake in error.mistakes:
        name = mistake.place.removeprefix("search.").partition("[")[0]
        table = by_name.get(name, tables[0])
        table.mistake = table.mistake or mistake.sentence


def _compare(tables: list[Searched], sight: Sight) -> None:
    """Names that the table does not have, with the nearest; columns in which no number can be looked for."""
    for searched in tables:
        table = sight.metadata.find(searched.name) if sight.metadata else None
        for name in searched.names if table else ():
            assert table is not None
            searched.mistake = searched.mistake or _mistake(table, name)


def _mistake(table: Table, name: str) -> str:
    column = table.find(name)
    if column and column.selectable and column.type in TEXTS:
        return ""
    if column:
        said = _("%(column)s is no text (%(kind)s). A number can be looked for in texts only.")
        return said % {"column": column.logical_name, "kind": kind(column)}
    near = ", ".join(one.logical_name for one in column_search.nearest(table, name) if one.type in TEXTS)
    if near:
        return _("The table has no column %(name)s. Similar are: %(near)s.") % {"name": name[:60], "near": near}
    return _("The table has no column %(name)s.") % {"name": name[:60]}


def _look(request: PortalRequest, tenant: Tenant, *, fresh: bool = False) -> Sight:
    return samples.look(tenant.instance, microsoft_connections.own(tenant.instance, request.user), fresh=fresh)


def _show(
    request: PortalRequest,
    tenant: Tenant,
    tables: list[Searched],
    *,
    sight: Sight | None = None,
    seen: str = "",
    fresh: bool = False,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    sight = sight or _look(request, tenant, fresh=fresh)
    for number, searched in enumerate(tables, start=1):
        searched.number = number
        _describe(searched, sight)
    context = {
        "tenant": tenant,
        "tab": "card",
        "tables": tables,
        "seen": seen or configuration.stamp(tenant, "search"),
        "connection": microsoft_connections.of(tenant.instance, request.user),
        "next": request.path if request.method == "GET" else "",
        "mistakes": [
            {"field": f"table-{searched.number}", "sentence": f"{searched.label}: {searched.mistake}"}
            for searched in tables
            if searched.mistake
        ],
        **more,
    }
    return render(request, "tenants/portal/searched.html", context, status=status)


def _describe(searched: Searched, sight: Sight) -> None:
    """Choices, when the table is known; names that are no choice stay in the field for names."""
    table = searched.table = sight.metadata.find(searched.name) if sight.metadata else None
    searched.label = table.plural_label(language()) if table else searched.name
    if table is None:
        searched.typed = searched.typed or ", ".join(searched.names)
        return
    texts = [column for column in table.columns.values() if column.type in TEXTS and column.selectable]
    chosen = [column for name in searched.names if (column := table.find(name)) and column in texts]
    usual = [column for column in table.phone_columns if not column.logical_name.startswith("address")]
    like = [one for one in texts if column_search.is_like_a_phone(one)]
    likely = list(dict.fromkeys([*usual, *chosen, *(one for one in like if not _is_of_an_address(one))]))
    others = sorted((one for one in texts if one not in likely), key=_by_label)
    searched.likely = [_choice(one, chosen, usual) for one in likely]
    searched.others = [_choice(one, chosen, usual) for one in others]
    searched.usual = [one.label(language()) for one in usual]
    gone = [name for name in searched.names if (column := table.find(name)) is None or column not in texts]
    searched.typed = ", ".join(gone)


def _by_label(column: Column) -> tuple[bool, str]:
    """Numbers of addresses before what is none."""
    return not column_search.is_like_a_phone(column), column_search.plain(column.label(language()))


def _is_of_an_address(column: Column) -> bool:
    return column.logical_name.startswith("address")


def _choice(column: Column, chosen: list[Column], usual: list[Column]) -> Choice:
    return Choice(column.logical_name, column.label(language()), kind(column), column in chosen, column in usual)
