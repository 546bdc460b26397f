"""The OData filters of a live look-up: one number, or a name, over the columns of one table. Pure, no Django.

One query per table reaches the whole live class (see `phone`); it is split over columns only where the limits of
Dataverse demand it. Sources: Microsoft, "Compose HTTP requests and handle errors" (URL length) and "Dataverse Web
service error codes" (too many conditions, 0x8004430C).
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from crmwindow import phone
from tenants.dataverse import odata

MAX_CONDITIONS = 500
MAX_URL = 32_768 - 2_000  # encoded characters for the filter; the rest is for host, table, $select and $top

LONGEST_NAME = 100  # characters of a search by name that count
_OR = "%20or%20"
_COLUMN = "COLUMN"  # stands for the column while one number's alternatives are written, once for all its columns


def filters(
    number: phone.Number, columns: Iterable[str], *, max_conditions: int = MAX_CONDITIONS, max_url: int = MAX_URL
) -> list[str]:
    """`$filter` expressions, not yet encoded, one per query: usually exactly one, none without columns.

    A hit is any row of any of the queries, to be checked again with `phone.holds`.
    """
    patterns = phone.patterns(number)
    template = _column_filter(_COLUMN, phone.spellings(number), patterns)
    parts = [template.replace(_COLUMN, odata.name(column)) for column in dict.fromkeys(columns)]
    size = len(odata.encode(template)) + len("%20or%20")
    sizes = [size + len(part) - len(template) for part in parts]
    return list(_packed(parts, sizes, conditions=len(patterns) + 1, max_conditions=max_conditions, max_url=max_url))


def encoded_filters(
    number: phone.Number, columns: Iterable[str], *, max_conditions: int = MAX_CONDITIONS, max_url: int = MAX_URL
) -> list[str]:
    """As `filters`, percent-encoded: the filter of one column is encoded once, the others differ by its name only."""
    template, conditions = _one_column(number)
    parts = [template.replace(_COLUMN, odata.name(column)) for column in dict.fromkeys(columns)]
    at_most = max(1, max_conditions // conditions)
    packed: list[list[str]] = []
    length = 0
    for part in parts:
        length += len(part) + len(_OR)
        if not packed or len(packed[-1]) == at_most or length > max_url:
            packed.append([])
            length = len(part)
        packed[-1].append(part)
    return [f"({_OR.join(together)})" for together in packed]


@lru_cache(maxsize=64)
def _one_column(number: phone.Number) -> tuple[str, int]:
    """The encoded filter of one column, with a placeholder for its name, and its number of conditions."""
    exact, patterns = _spelt(number)
    return odata.encode(_column_filter(_COLUMN, exact, patterns)), len(patterns) + 1


@lru_cache(maxsize=64)
def _spelt(number: phone.Number) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """One look-up asks for the same number in several tables."""
    return phone.spellings(number), phone.patterns(number)


def name_filters(
    text: str, columns: Iterable[str], *, max_conditions: int = MAX_CONDITIONS, max_url: int = MAX_URL
) -> list[str]:
    """Filters for a search by name: every word begins a column, or a column begins with the words in this order.

    So `jana nov` finds Jana Nováková by last and first name, and `stavby mor` finds Stavby Morava s.r.o. None for an
    empty text.
    """
    # A leading hyphen counts as a leading wildcard with Microsoft.
    words = [word for part in text[:LONGEST_NAME].split()[:6] if (word := part.lstrip("-"))]
    names = list(dict.fromkeys(columns))
    if not words or not names:
        return []
    in_order = odata.or_(*(odata.startswith(column, "%".join(map(odata.like, words))) for column in names))
    any_order = odata.and_(*(_begins(word, names) for word in words)) if len(words) > 1 and len(names) > 1 else ""
    together = odata.or_(in_order, any_order)
    conditions = len(names) * (len(words) + 1)
    fits = conditions <= max_conditions and len(odata.encode(together)) <= max_url
    return [together if fits else in_order]


def _begins(word: str, columns: Iterable[str]) -> str:
    return odata.or_(*(odata.startswith(column, odata.like(word)) for column in columns))


def _column_filter(column: str, exact: Iterable[str], patterns: Iterable[str]) -> str:
    alternatives = [odata.startswith(column, pattern) for pattern in patterns]
    return " or ".join([odata.in_(column, exact), *alternatives])


def _packed(parts: list[str], sizes: list[int], *, conditions: int, max_conditions: int, max_url: int) -> Iterator[str]:
    """Join as many columns into each filter as the limits allow; one column is never split."""
    packed: list[str] = []
    length = 0
    for part, size in zip(parts, sizes, strict=True):
        if packed and ((len(packed) + 1) * conditions > max_conditions or length + size > max_url):
            yield _any(packed)
            packed, length = [], 0
        packed.append(part)
        length += size
    if packed:
        yield _any(packed)


def _any(parts: list[str]) -> str:
    return f"({' or '.join(parts)})"
