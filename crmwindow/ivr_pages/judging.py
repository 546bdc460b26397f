"""Whether a function can work in the customer's CRM: judged by live metadata, one sentence per mistake under its field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from crmwindow.ivr_pages import choices
from crmwindow.ivr_pages.form import Form, Kind, Pair
from crmwindow.writing import tables as writing_tables
from crmwindow.writing import values
from tenants.column_search import nearest
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError
from tenants.dataverse.metadata import Metadata

if TYPE_CHECKING:
    from crmwindow.ivr_pages.sight import Sight
    from tenants.dataverse.metadata import Column, Table
    from tenants.models import Instance

LEAST_IDENTIFYING = 8
SECONDS = 4.0


def judge(form: Form, sight: Sight, instance: Instance, language: str) -> bool:
    """Note what is wrong; False when nobody could look."""
    if not form.said("entity"):
        return True
    table = sight.table(form.said("entity"))
    if form.kind in {Kind.LOOKUP, Kind.VERIFY} and not sight.is_searched(form.said("entity")):
        sentence = _("Callers are not looked for in this table. Add it under “Leads and own tables” first.")
        form.mistakes.setdefault("entity", sentence)
    elif table is None and sight.holder is not None:
        form.mistakes.setdefault("entity", _("There is no such table in your CRM."))
    if table is None:
        return False
    if form.compares:
        _compared(form, table, language)
    if form.kind == Kind.LOOKUP:
        for pair in form.variables:
            pair.mistake = pair.mistake or _not_read(table, pair.column, language)
    if form.kind == Kind.WRITE:
        _written(form, table, sight, instance, language)
    return not sight.is_old


def _compared(form: Form, table: Table, language: str) -> None:
    for name in ("column", "second_column"):
        if not form.said(name) or name in form.mistakes:
            continue
        column = table.find(form.said(name))
        if column is None:
            form.mistakes[name] = _no_column(table, form.said(name), language)
        elif not column.selectable or column.type not in choices.COMPARED:
            form.mistakes[name] = _("This column holds no text or whole number that a caller could key in.")
        elif name == "column" and form.kind == Kind.IDENTIFY:
            _identifying(form, column)


def _identifying(form: Form, column: Column) -> None:
    if column.max_length is not None and column.max_length < LEAST_IDENTIFYING:
        sentence = _("Values of at least %(least)d characters identify somebody; at most %(most)d fit here.")
        form.mistakes["column"] = sentence % {"least": LEAST_IDENTIFYING, "most": column.max_length}


def _no_column(table: Table, typed: str, language: str) -> str:
    close = nearest(table, typed, most=1)
    if close:
        sentence = _("The table has no column %(name)s. The closest is %(nearest)s.")
        return sentence % {"name": typed, "nearest": close[0].schema_name}
    return _("The table has no column %(name)s.") % {"name": typed}


def _written(form: Form, table: Table, sight: Sight, instance: Instance, language: str) -> None:
    for pair in (*form.variables, *form.constants):
        if pair.column and not pair.mistake:
            pair.mistake = _not_written(table, pair.column, language)
    _constants(form, table, sight, instance)
    caller = table.find(form.said("caller_column")) if form.said("caller_column") else None
    if form.said("caller_column") and caller is None:
        form.mistakes.setdefault("caller_column", _no_column(table, form.said("caller_column"), language))
    elif caller and not choices.takes_caller(caller, sight):
        sentence = _("This column cannot hold a record in which callers are looked for.")
        form.mistakes.setdefault("caller_column", sentence)
    missing = _missing(form, table)
    if missing and form.is_right:
        sentence = _("The CRM requires %(columns)s on this table. Add a variable or a constant for it.")
        form.mistakes["columns"] = sentence % {"columns": ", ".join(one.label(language) for one in missing)}


def _not_read(table: Table, name: str, language: str) -> str:
    column = table.find(name)
    if column is None:
        return _no_column(table, name, language)
    return "" if column.selectable else _("The CRM does not let this column be read.")


def _not_written(table: Table, name: str, language: str) -> str:
    column = table.find(name)
    if column is None:
        return _no_column(table, name, language)
    if not column.creatable:
        return _("The CRM does not let this column be filled in a new row.")
    return "" if column.type in choices.WRITTEN else _("The IVR cannot fill a column of this type.")


def _constants(form: Form, table: Table, sight: Sight, instance: Instance) -> None:
    """As they will be written: what does not fit now would be refused at every call."""
    pairs = [(pair, column) for pair in form.constants if not pair.mistake and (column := table.find(pair.column))]
    rules = _rules(table, [column for _pair, column in pairs], sight, instance)
    for pair, column in pairs:
        pair.mistake = _unfit(pair, column, rules)


def _rules(table: Table, columns: list[Column], sight: Sight, instance: Instance) -> values.Rules | None:
    """What choices there are; None when nobody can look."""
    if not any(column.type in values.CHOICES | values.MOMENTS for column in columns):
        return values.Rules()
    if sight.client is None:
        return None
    known = Metadata({table.logical_name: table})
    reader = writing_tables.Reader(instance, sight.client, known, Budget(SECONDS))
    try:
        return reader.rules(table, columns)
    except DataverseError:
        return None


def _unfit(pair: Pair, column: Column, rules: values.Rules | None) -> str:
    if rules is None and column.type in values.CHOICES | values.MOMENTS:
        return ""
    try:
        typed = values.typed(column, pair.text, rules or values.Rules())
    except values.Unfit as unfit:
        return values.sentence({**unfit.to_dict(), "column": pair.column})
    return "" if typed is not None else _("Enter the value that every row gets.")


def _missing(form: Form, table: Table) -> list[Column]:
    """Columns that a new row needs and nobody would fill."""
    names = [pair.column for pair in (*form.variables, *form.constants)] + [form.said("caller_column")]
    filled = {column.logical_name for name in names if name and (column := table.find(name))}
    return [column for column in table.required_for_create if column.logical_name not in filled]
