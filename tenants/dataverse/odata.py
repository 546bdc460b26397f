"""OData expressions and addresses, built so that no value can break out of its literal. Pure.

Expressions are built as plain text and percent-encoded once, by `query`:

    both = or_(eq("telephone1", "+420 777 123 456"), startswith("mobilephone", "777%1"))
    query("contacts", select=["fullname"], filter=both)

Source: Microsoft, "Query data using the Web API" (filter rows, wildcard characters); OASIS, "OData URL Conventions".
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

FORMATTED = "@OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE = "@Microsoft.Dynamics.CRM.lookuplogicalname"
ANNOTATIONS = f'odata.include-annotations="{FORMATTED[1:]},{LOOKUP_TABLE[1:]}"'
REPRESENTATION = "return=representation"

Value = str | bool | int | float | Decimal | UUID | datetime | date | None

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*")
_UNSAFE = ' "#&+<>[\\]^`{|}'
_ENCODED = tuple((char, f"%{ord(char):02X}") for char in _UNSAFE)
_NBSP = "%C2%A0"  # in every pattern of a telephone number
_OTHERS = re.compile(r"[^\x21-\x7e]+")  # control characters and all that is not ASCII


def lit(text: str) -> str:
    """A string literal: `O'Brien` → `'O''Brien'`."""
    return "'" + text.replace("'", "''") + "'"


def guid(text: str | UUID) -> str:
    """A GUID as Dataverse writes it (lower case, no braces). ValueError when it is none."""
    return str(UUID(str(text)))


def name(text: str) -> str:
    """A column or navigation path, checked. ValueError when it could be anything else."""
    if not _NAME.fullmatch(text):
        raise ValueError("not a column name")
    return text


def like(text: str) -> str:
    """Text inside a LIKE pattern that stands for itself: `%`, `_` and `[` are bracketed."""
    return text.replace("[", "[[]").replace("%", "[%]").replace("_", "[_]")


def value(thing: Value) -> str:
    """Any literal. Times are written in UTC; a naive time is a mistake (ValueError), so are NaN and infinity."""
    if thing is None:
        return "null"
    if isinstance(thing, bool):
        return "true" if thing else "false"
    if isinstance(thing, str):
        return lit(thing)
    if isinstance(thing, datetime):
        return _moment(thing)
    if isinstance(thing, date | UUID):
        return str(thing)
    return _number(thing)


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(number: int | float | Decimal) -> str:
    if not Decimal(number).is_finite():
        raise ValueError("not a number Dataverse knows")
    return format(number, "f") if isinstance(number, Decimal) else repr(number)


def eq(column: str, thing: Value) -> str:
    return f"{name(column)} eq {value(thing)}"


def in_(column: str, values: Iterable[str]) -> str:
    """Exact spellings, compared case-insensitively. Double-quoted, so that apostrophes need no care."""
    texts = json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))
    if texts == "[]":
        raise ValueError("in_ needs at least one value")
    return f"Microsoft.Dynamics.CRM.In(PropertyName={lit(name(column))},PropertyValues={texts})"


def startswith(column: str, pattern: str) -> str:
    """`pattern` is LIKE: `%` any run, `_` one character, `[…]` a set; pass plain text through `like` first.

    A pattern that starts with a wildcard scans the table (0x80048573) and is refused here: ValueError.
    """
    if not pattern or pattern[0] in "%_-":
        raise ValueError("a pattern must start with what it looks for")
    return f"startswith({name(column)},{lit(pattern)})"


def contains(column: str, pattern: str) -> str:
    """As `startswith`, anywhere in the text: a scan, for small tables only."""
    return f"contains({name(column)},{lit(pattern)})"


def and_(*expressions: str) -> str:
    return _joined(" and ", expressions)


def or_(*expressions: str) -> str:
    return _joined(" or ", expressions)


def _joined(word: str, expressions: tuple[str, ...]) -> str:
    present = [expression for expression in expressions if expression]
    return f"({word.join(present)})" if len(present) > 1 else "".join(present)


def record(entity_set: str, record_id: str | UUID) -> str:
    """The address of one record: `contacts(25a1…)`."""
    return f"{name(entity_set)}({guid(record_id)})"


def bind(entity_set: str, record_id: str | UUID) -> str:
    """What `<navigation property>@odata.bind` takes: `/contacts(25a1…)`."""
    return "/" + record(entity_set, record_id)


def query(
    path: str,
    *,
    select: Iterable[str] = (),
    filter: str = "",
    top: int | None = None,
    orderby: str = "",
    expand: str = "",
    count: bool = False,
) -> str:
    """`path` with its options, percent-encoded (`+` becomes %2B: a bare one would arrive as a space).

    `count` asks for `@odata.count`, which Dataverse never lets exceed 5,000.
    """
    columns = ",".join(dict.fromkeys(select))
    options = {"$select": columns, "$filter": filter, "$top": "" if top is None else str(top)}
    options |= {"$orderby": orderby, "$expand": expand}
    options |= {"$count": "true" if count else ""}
    encoded = "&".join(f"{option}={encode(text)}" for option, text in options.items() if text)
    return f"{path}?{encoded}" if encoded else path


def encode(text: str) -> str:
    """Percent-encoding of one option's value; what RFC 3986 allows in a query stays, far from the limit of 32 KB."""
    text = text.replace("%", "%25")
    for char, code in _ENCODED:  # several times faster than quote() on the long filters of a look-up
        text = text.replace(char, code)
    return _OTHERS.sub(_quoted, text)


def _quoted(others: re.Match[str]) -> str:
    return _NBSP if others[0] == "\u00a0" else quote(others[0], safe="?", errors="replace")


def shown(row: Mapping[str, Any], property_name: str) -> str:
    """What a person should read: the formatted value (in the caller's own language and zone), else the raw one."""
    text = row.get(property_name + FORMATTED, row.get(property_name))
    return "" if text is None else str(text)


def lookup_table(row: Mapping[str, Any], property_name: str) -> str:
    """Logical name of the table that a lookup points to, or ""."""
    return str(row.get(property_name + LOOKUP_TABLE) or "")


_LITERAL = re.compile(r"'(?:[^']|'')*'")
_COLUMN = re.compile(r"PropertyName='([A-Za-z_]\w*)'")
_LIST = re.compile(r'\["[^\]]*\]')
_KEY = re.compile(r"\((?:[0-9a-fA-F-]{36}|[a-z][A-Za-z0-9_]*=[^()]*)\)")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PAGE = re.compile(r"(\$(?:skip|delta)token|trackchanges)=[^&]*")
_NUMBER = re.compile(r"(?<![\w$])[-+]?\d[\d:.TZ+-]*")


def shape(path: str) -> str:
    """A request's address without any value: no text, number, date or id. What repeats is counted.

    `contacts?$select=fullname&$filter=startswith(mobilephone,'…') (18×)`
    """
    text = _LITERAL.sub("'…'", _COLUMN.sub(r"PropertyName=\1", unquote(path)))
    text = _KEY.sub("(…)", _LIST.sub("[…]", text))
    text = _NUMBER.sub("…", _UUID.sub("…", _PAGE.sub(r"\1=…", text)))
    head, filters, rest = text.partition("$filter=")
    expression, more, others = rest.partition("&")
    counted = Counter(_alone(part) for part in expression.split(" or "))
    parts = [f"{part} ({times}×)" if times > 1 else part for part, times in counted.items()]
    return head + filters + " or ".join(parts) + more + others


def _alone(part: str) -> str:
    """Without the brackets around the whole row of which it is the first or last."""
    part, surplus = part.strip(), part.count("(") - part.count(")")
    return part[surplus:] if surplus > 0 else part[: len(part) + surplus]
