"""The stand-in's CRM: a plain page at the address where Dynamics 365 opens a record, for people to look at.

It asks for no sign-in, unlike the real one: it holds invented data only, and the demo's reader wants to see at once
what the window wrote. It reads through the Web API as the system administrator. Address: Microsoft, "Open apps, forms,
views, dialogs, and reports with a URL".
"""

import json
import re
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from ipexportal.sandbox.dataverse import Dataverse
from ipexportal.sandbox.directory import ALICE, APP_ID
from ipexportal.sandbox.http import Request, Response
from ipexportal.sandbox.metadata import Column, Table
from ipexportal.sandbox.pages import answer as html_answer
from ipexportal.sandbox.pages import choose_language

_FORMATTED: Final = "@OData.Community.Display.V1.FormattedValue"
_TARGET: Final = "@Microsoft.Dynamics.CRM.lookuplogicalname"
_GUID: Final = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_PREFER: Final = {"prefer": 'odata.include-annotations="*"', "accept": "application/json"}
_LANGUAGES: Final = {"cs": 1029, "en": 1033}
_SYSTEM_COLUMNS: Final = frozenset(
    {
        "createdby", "createdon", "modifiedby", "modifiedon", "ownerid", "owninguser", "owningbusinessunit",
        "statecode", "statuscode", "versionnumber", "activitytypecode", "isbilled", "isworkflowcreated",
        "timezoneruleversionnumber", "utcconversiontimezonecode", "exchangerate", "transactioncurrencyid",
    }
)  # fmt: skip
_SHOWN_OF_ACTIVITIES: Final = frozenset({"createdby", "createdon", "statuscode"})
_PARTIES: Final = {1: "from", 2: "to"}
_WORDS: Final[dict[str, dict[str, str]]] = {
    "cs": {
        "new": "Nový záznam", "new_hint": "Prázdný formulář. V sandboxu se nevyplňuje.", "calls": "Telefonní hovory",
        "tasks": "Úkoly", "due": "Termín", "owner": "Vlastník",
        "no_calls": "Zatím žádné hovory.", "system": "Správa záznamu", "subject": "Předmět", "note": "Poznámka",
        "author": "Autor", "direction": "Směr", "duration": "Délka", "state": "Stav", "time": "Vytvořeno",
        "minutes": "min", "from": "Volající", "to": "Volaný", "missing": "Záznam není k dispozici",
        "missing_hint": "Záznam s tímto identifikátorem v tabulce {table} není.",
        "wrong_app": "Aplikace nebyla nalezena", "wrong_app_hint": "Organizace nemá aplikaci s tímto appid.",
        "bad": "Adrese nelze rozumět", "bad_table": "Organizace nemá tabulku „{table}“.",
        "bad_id": "Identifikátor záznamu není GUID.", "bad_page": "Sandbox zná jen pagetype=entityrecord.",
    },
    "en": {
        "new": "New record", "new_hint": "An empty form. The sandbox does not fill it in.", "calls": "Phone calls",
        "tasks": "Tasks", "due": "Due", "owner": "Owner",
        "no_calls": "No phone calls yet.", "system": "Administration", "subject": "Subject", "note": "Description",
        "author": "Author", "direction": "Direction", "duration": "Duration", "state": "State", "time": "Created",
        "minutes": "min", "from": "Call from", "to": "Call to", "missing": "The record is not available",
        "missing_hint": "There is no record with this identifier in the table {table}.",
        "wrong_app": "The app was not found", "wrong_app_hint": "The organization has no app with this appid.",
        "bad": "This address makes no sense", "bad_table": "The organization has no table “{table}”.",
        "bad_id": "The record's identifier is not a GUID.", "bad_page": "The sandbox knows pagetype=entityrecord only.",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the organization as its administrator, in one language, from one origin."""

    dataverse: Dataverse
    origin: str
    language: str

    @property
    def words(self) -> dict[str, str]:
        """The page's own words."""
        return _WORDS[self.language]

    def label(self, labels: dict[int, str], fallback: str) -> str:
        """A label in the reader's language, else English, else the logical name."""
        return labels.get(_LANGUAGES[self.language]) or labels.get(1033) or fallback

    def get(self, path: str, query: str = "") -> dict[str, Any] | None:
        """One Web API answer; None when there is none."""
        user = replace(ALICE, language=_LANGUAGES[self.language])
        request = Request("GET", f"/api/data/v9.2/{path}", query, dict(_PREFER), b"", self.origin)
        answer = self.dataverse.handle(request, user)
        return dict(json.loads(answer.body)) if answer.status == 200 else None


def answer(request: Request, dataverse: Dataverse) -> Response:
    """The page for `main.aspx?appid=…&pagetype=entityrecord&etn=…&id=…`; without id it is a new record's."""
    language = choose_language(request.headers.get("accept-language", ""), tuple(_LANGUAGES), "cs")
    reader = Reader(dataverse, request.origin, language)
    asked = {name.lower(): value for name, value in parse_qsl(request.query)}
    app = _GUID.fullmatch(asked.get("appid", ""))
    if "appid" in asked and (not app or app[1].lower() != APP_ID):
        return _sorry(reader, 404, "wrong_app", "wrong_app_hint")
    if asked.get("pagetype", "entityrecord").lower() != "entityrecord":
        return _sorry(reader, 400, "bad", "bad_page")
    table = dataverse.table(asked.get("etn", ""))
    if table is None:
        return _sorry(reader, 404, "bad", "bad_table", asked.get("etn", ""))
    return _record(reader, table, asked.get("id", ""))


def _record(reader: Reader, table: Table, text: str) -> Response:
    if not text:
        title = f"{reader.words['new']}: {reader.label(table.labels, table.logical_name)}"
        return html_answer(
            200, title, f"<h1>{escape(title)}</h1><p>{reader.words['new_hint']}</p>", language=reader.language
        )
    found = _GUID.fullmatch(text)
    if not found:
        return _sorry(reader, 400, "bad", "bad_id")
    record = reader.get(f"{table.entity_set}({found[1].lower()})")
    if record is None:
        return _sorry(reader, 404, "missing", "missing_hint", table.logical_name)
    name = str(record.get(table.name_column) or "—")
    body = (
        f"<h1>{escape(name)}</h1><p>{escape(reader.label(table.labels, table.logical_name))}</p>"
        f"{_columns(reader, table, record)}"
    )
    if table.has_activities:
        body += _phone_calls(reader, found[1].lower()) + _tasks(reader, found[1].lower())
    return html_answer(200, name, body, language=reader.language)


def _columns(reader: Reader, table: Table, record: dict[str, Any]) -> str:
    shown, system = "", ""
    first = (table.name_column, "description", "regardingobjectid")
    for column in sorted(table.columns.values(), key=lambda one: one.logical_name not in first):
        value = record.get(column.property_name) if column.property_name else None
        if value in (None, "") or column.logical_name == table.id_column:
            continue
        label = escape(reader.label(column.labels, column.logical_name))
        cell = _cell(reader, column, record)
        row = f'<tr data-column="{column.logical_name}"><th scope="row">{label}</th>{cell}</tr>'
        if _is_plumbing(table, column):
            system += row
        else:
            shown += row
    identifier = f'<tr><th scope="row">{table.id_column}</th><td><code>{record[table.id_column]}</code></td></tr>'
    return (
        f"<table>{shown}{_parties(reader, table, record)}</table><details><summary>{reader.words['system']}</summary>"
        f"<table>{system}{identifier}</table></details>"
    )


def _is_plumbing(table: Table, column: Column) -> bool:
    shown = table.is_activity and column.logical_name in _SHOWN_OF_ACTIVITIES
    return column.logical_name in _SYSTEM_COLUMNS and not shown


def _parties(reader: Reader, table: Table, record: dict[str, Any]) -> str:
    """Who called whom, for a phone call."""
    if table.logical_name != "phonecall":
        return ""
    expand = "$select=activityid&$expand=phonecall_activity_parties($select=participationtypemask,_partyid_value)"
    call = reader.get(f"phonecalls({record['activityid']})", expand) or {}
    parties = [
        one for one in call.get("phonecall_activity_parties", []) if one.get("participationtypemask") in _PARTIES
    ]
    rows = ""
    for party in sorted(parties, key=lambda one: int(one["participationtypemask"])):
        role = _PARTIES[party["participationtypemask"]]
        link = _link(reader, party, "_partyid_value")
        rows += f'<tr data-party="{role}"><th scope="row">{reader.words[role]}</th><td>{link}</td></tr>'
    return rows


def _cell(reader: Reader, column: Column, record: dict[str, Any]) -> str:
    text = (
        _link(reader, record, column.property_name) if column.is_lookup else escape(_text(record, column.property_name))
    )
    return f"<td>{text}</td>"


def _link(reader: Reader, record: dict[str, Any], name: str) -> str:
    target = record.get(f"{name}{_TARGET}", "")
    text = escape(_text(record, name))
    if not reader.dataverse.table(target):
        return text
    return f'<a href="{escape(_address(target, str(record[name])))}">{text}</a>'


def _address(table: str, identifier: str) -> str:
    return "/main.aspx?" + urlencode({"appid": APP_ID, "pagetype": "entityrecord", "etn": table, "id": identifier})


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(f"{name}{_FORMATTED}")
    value = record.get(name) if value is None else value
    return "" if value is None else str(value)


def _phone_calls(reader: Reader, identifier: str) -> str:
    words = reader.words
    query = f"$filter={quote(f'_regardingobjectid_value eq {identifier}')}&$orderby=createdon%20desc&$top=50"
    calls = (reader.get("phonecalls", query) or {}).get("value", [])
    heading = f"<h2>{words['calls']}</h2>"
    if not calls:
        return f"{heading}<p>{words['no_calls']}</p>"
    names = ("subject", "note", "author", "direction", "duration", "state", "time")
    head = "".join(f'<th scope="col">{words[name]}</th>' for name in names)
    rows = "".join(_phone_call(reader, call) for call in calls)
    return f'{heading}<table class="calls"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _phone_call(reader: Reader, call: dict[str, Any]) -> str:
    address = escape(_address("phonecall", str(call["activityid"])))
    minutes = call.get("actualdurationminutes")
    cells = (_text(call, "description"), _text(call, "_createdby_value"))
    short = (
        _text(call, "directioncode"),
        f"{minutes} {reader.words['minutes']}" if minutes is not None else "",
        _text(call, "statuscode") or _text(call, "statecode"),
        _text(call, "createdon"),
    )
    return (
        f'<tr data-phonecall="{call["activityid"]}"><td><a href="{address}">{escape(_text(call, "subject"))}</a></td>'
        + "".join(f"<td>{escape(text)}</td>" for text in cells)
        + "".join(f'<td class="short">{escape(text)}</td>' for text in short)
        + "</tr>"
    )


def _tasks(reader: Reader, identifier: str) -> str:
    """Those about the record, due first comes first, without a date last; nothing where there are none."""
    words = reader.words
    query = f"$filter={quote(f'_regardingobjectid_value eq {identifier}')}&$top=50"
    found = (reader.get("tasks", query) or {}).get("value", [])
    tasks = sorted(found, key=lambda one: (one.get("scheduledend") is None, one.get("scheduledend") or ""))
    head = "".join(f'<th scope="col">{words[name]}</th>' for name in ("subject", "due", "owner", "state"))
    rows = "".join(_task(task) for task in tasks)
    table = f'<table class="calls"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f"<h2>{words['tasks']}</h2>{table}" if tasks else ""


def _task(task: dict[str, Any]) -> str:
    address = escape(_address("task", str(task["activityid"])))
    cells = (_text(task, name) for name in ("scheduledend", "_ownerid_value", "statuscode"))
    return (
        f'<tr data-task="{task["activityid"]}"><td><a href="{address}">{escape(_text(task, "subject"))}</a></td>'
        + "".join(f"<td>{escape(text)}</td>" for text in cells)
        + "</tr>"
    )


def _sorry(reader: Reader, status: int, title: str, sentence: str, table: str = "") -> Response:
    words = reader.words
    text = escape(words[sentence].format(table=table))
    return html_answer(
        status, words[title], f'<h1>{words[title]}</h1><p class="bad">{text}</p>', language=reader.language
    )
