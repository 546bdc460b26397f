"""Conditions as SQL over the store's tables; patterns on phone columns are answered by their index."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ipexportal.sandbox import errors, like
from ipexportal.sandbox.metadata import Column, Table
from ipexportal.sandbox.odata import AllOf, AnyOf, Call, Comparison, Filter, Not, Operator, Path, TextTest, Value
from ipexportal.sandbox.phone_index import LAST, PhoneIndex
from ipexportal.sandbox.store import Store

OPERATORS: Final = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
TURNED: Final[dict[Operator, Operator]] = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}
KINDS: Final = {
    "eq": "Equal",
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}
NUMBERS: Final = frozenset({"Edm.Int32", "Edm.Int64", "Edm.Decimal", "Edm.Double"})
MAX_CONDITIONS: Final = 500
MAX_VALUES: Final = 2000
FIRST_YEAR, LAST_YEAR = 1753, 9998
IN: Final = "Microsoft.Dynamics.CRM.In"
SURROGATE: Final = re.compile("[\ud800-\udfff]")
NOTHING: Final = "0"
NOT_IN: Final = "Microsoft.Dynamics.CRM.NotIn"


@dataclass(slots=True)
class Condition:
    """Builds one WHERE clause with its parameters."""

    table: Table
    store: Store
    user_id: str = ""
    refuse_leading_wildcards: bool = False
    values: list[Any] = field(default_factory=list)
    conditions: int = 0

    @property
    def phones(self) -> dict[str, PhoneIndex]:
        return self.store.phones[self.table.logical_name]

    def build(self, node: Filter) -> str:
        match node:
            case AllOf(parts):
                return balanced([self.build(part) for part in parts], "AND")
            case AnyOf(parts):
                return self._any(parts)
            case Not(part):
                return f"(NOT coalesce({self.build(part)}, 0))"
            case TextTest():
                return self._text(node)
            case Comparison(left, operator, right):
                return self._comparison(left, operator, right)
            case Call(name, arguments, named):
                return self._call(name, arguments, named)

    def _any(self, parts: Iterable[Filter]) -> str:
        """Patterns on one phone column go together, so that they share a search of its index."""
        built, phones = [], dict[str, list[str]]()
        for part in parts:
            pattern = self._phone_pattern(part) if isinstance(part, TextTest) else None
            if pattern is None:
                built.append(self.build(part))
            else:
                phones.setdefault(part.column, []).append(pattern)  # type: ignore[union-attr]
        for column, patterns in phones.items():
            built.append(self._phone(column, patterns))
        return balanced([part for part in built if part != NOTHING] or [NOTHING], "OR")

    def _phone_pattern(self, test: TextTest) -> str | None:
        if test.column not in self.phones:
            return None
        pattern = self._pattern(test.function, test.column, test.text)
        prefix = like.literal_prefix(pattern)
        return pattern if like.caseless(prefix) and like.pattern_digits(pattern) else None

    def _count(self) -> None:
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise errors.Refused(
                400, "0x8004430c", f"Number of conditions in query exceeded maximum limit of {MAX_CONDITIONS}."
            )

    def _column(self, name: str) -> Column:
        column = self.table.properties.get(name)
        if column is None:
            raise errors.unknown_property(name, self.table.logical_name)
        return column

    def _through(self, path: str, inner: Callable[[str], Filter]) -> str:
        """A condition on a property of the record that a look-up points to, as `primarycontactid/fullname`."""
        name, _, rest = path.partition("/")
        navigation = self.table.navigation.get(name)
        if navigation is None:
            raise errors.unknown_property(name, self.table.logical_name)
        if len(navigation.targets) > 1:
            raise errors.not_implemented(f"Filtering on '{path}'")
        other = self.store.model[navigation.table]
        condition = Condition(other, self.store, self.user_id, self.refuse_leading_wildcards, self.values)
        text, column = condition.build(inner(rest)), navigation.column
        kind = (
            f" AND \"{column}__type\" = '{other.logical_name}'" if len(self.table.columns[column].targets) > 1 else ""
        )
        found = f'SELECT "{other.id_column}" FROM "{other.logical_name}" WHERE {text}'  # noqa: S608 - the model's names
        return f'("{column}" IN ({found}){kind})'

    def _comparison(self, left: Any, operator: Operator, right: Any) -> str:
        self._count()
        if isinstance(left, Value) and isinstance(right, Path):
            left, right, operator = right, left, TURNED.get(operator, operator)
        if not isinstance(left, Path):
            raise errors.Refused(400, "0x0", "The left side of a comparison must be a property.")
        if "/" in left.name:
            return self._through(left.name, lambda name: Comparison(Path(name), operator, right))
        column = self._column(left.name)
        if isinstance(right, Path):
            other = self._column(right.name)
            return f'"{column.logical_name}" {OPERATORS[operator]} "{other.logical_name}"'
        return self._against(column, operator, right)

    def _against(self, column: Column, operator: str, literal: Value) -> str:
        name = f'"{column.logical_name}"'
        if literal.value is None:
            if operator not in ("eq", "ne"):
                raise errors.incompatible(column.edm, "null", KINDS[operator])
            return f"{name} IS NULL" if operator == "eq" else f"{name} IS NOT NULL"
        value = comparable(column, literal, KINDS[operator])
        self.values.append(value)
        if isinstance(value, str) and not like.caseless(value):
            name, self.values[-1] = f"fold({name})", value.casefold()
        return f"{name} {OPERATORS[operator]} ?"

    def _text(self, test: TextTest) -> str:
        if "/" in test.column:
            return self._through(test.column, lambda name: TextTest(test.function, name, test.text))
        pattern = self._phone_pattern(test)
        if pattern is not None:
            return self._phone(test.column, [pattern])
        pattern = self._pattern(test.function, test.column, test.text)
        column, prefix = self._column(test.column).logical_name, like.literal_prefix(pattern)
        if not prefix or not like.caseless(prefix):
            return self._matches(column, pattern)
        self.values += [prefix, prefix + LAST]
        return f'("{column}" >= ? AND "{column}" < ? AND {self._matches(column, pattern)})'

    def _pattern(self, function: str, name: str, text: str) -> str:
        column = self._column(name)
        if column.edm != "Edm.String":
            message = f"No function signature for the function with name '{function}' matches the specified arguments."
            raise errors.Refused(400, "0x0", message)
        if (function == "startswith" and text.startswith("%")) or (function == "endswith" and text.endswith("%")):
            raise errors.Refused(400, "0x80060888", f"Wildcards at this place of {function} are not supported.")
        pattern = like.pattern_of(function, text)
        if self.refuse_leading_wildcards and pattern[0] in "%-":
            message = f"The query timed out because of a leading wildcard value in a filter condition on '{name}'."
            raise errors.Refused(400, "0x80048573", message)
        return pattern

    def _phone(self, column: str, patterns: list[str]) -> str:
        self.conditions += len(patterns) - 1
        self._count()
        ids = sorted(self.phones[column].search(patterns))
        if not ids:
            return NOTHING
        self.values += ids
        return f'"{self.table.id_column}" IN ({",".join("?" * len(ids))})'

    def _matches(self, column: str, pattern: str) -> str:
        self.values.append(pattern)
        native = like.caseless(pattern) and not like.has_sets(pattern)
        return f'+"{column}" LIKE ?' if native else f'matches(?, "{column}")'

    def _call(self, name: str, arguments: tuple[Any, ...], named: Any) -> str:
        self._count()
        if name in (IN, NOT_IN):
            return self._in(name, named)
        if name in ("Microsoft.Dynamics.CRM.EqualUserId", "Microsoft.Dynamics.CRM.NotEqualUserId"):
            column = self._named_column(named)
            self.values.append(self.user_id)
            return f'"{column.logical_name}" {"=" if ".Equal" in name else "<>"} ?'
        if name.startswith("Microsoft.Dynamics.CRM."):
            raise errors.not_implemented(f"The query function {name}")
        raise errors.unknown_function(name)

    def _named_column(self, named: Any) -> Column:
        match named.get("PropertyName"):
            case Value(str() as name, _):
                return self._column(name)
        raise errors.Refused(400, "0x0", "The query function needs PropertyName as a string.")

    def _in(self, name: str, named: Any) -> str:
        column = self._named_column(named)
        match named.get("PropertyValues"):
            case Value(list() as values, _) if len(values) <= MAX_VALUES:
                pass
            case Value(list(), _):
                raise errors.Refused(400, "0x8004430e", f"Number of parameters in a condition exceeded {MAX_VALUES}.")
            case _:
                raise errors.Refused(400, "0x0", f"The query function {name} needs PropertyValues as a collection.")
        wanted = _members(column, values)
        column_name, negated = f'"{column.logical_name}"', "NOT " if name == NOT_IN else ""
        if any(isinstance(one, str) and not like.caseless(one) for one in wanted):
            column_name, wanted = f"fold({column_name})", [str(one).casefold() for one in wanted]
        padded = wanted + wanted[-1:] * (-len(wanted) % 16)  # few different lengths: prepared statements are reused
        self.values += padded
        return f"{column_name} {negated}IN ({','.join('?' * len(padded))})"


def balanced(parts: list[str], operator: str) -> str:
    """Joined as a shallow tree: SQLite limits how deep an expression may be."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({balanced(parts[:half], operator)} {operator} {balanced(parts[half:], operator)})"


def _members(column: Column, values: list[Any]) -> list[Any]:
    if column.edm == "Edm.String" and all(type(one) is str for one in values) and not SURROGATE.search("".join(values)):
        return values  # what a number look-up sends, dozens at a time
    if not all(isinstance(one, str | int | float) for one in values):
        raise errors.Refused(400, "0x0", "The members of PropertyValues must be strings or numbers.")
    return [comparable(column, _given(one, column), "Equal") for one in values]


def _given(value: Any, column: Column) -> Value:
    """A member of PropertyValues: the documentation gives numbers and GUIDs as strings too."""
    kind = {str: "Edm.String", bool: "Edm.Boolean", int: "Edm.Int32", float: "Edm.Double"}[type(value)]
    if isinstance(value, str) and column.edm in NUMBERS:
        try:
            return Value(float(value) if "." in value else int(value), "Edm.Int32")
        except ValueError as problem:
            raise errors.invalid_value(value, column.edm) from problem
    if isinstance(value, str) and column.edm != "Edm.String":
        kind = column.edm
    return Value(value, kind)


def comparable(column: Column, literal: Value, kind: str) -> Any:
    """The literal as the store keeps such values; refuses what OData's type rules refuse."""
    edm, given, value = column.edm, literal.kind, literal.value
    if edm in NUMBERS and given in NUMBERS:
        if not -(2**63) <= value < 2**63:
            raise errors.invalid_value(value, edm)
        return value
    if edm == "Edm.DateTimeOffset" and given in ("Edm.DateTimeOffset", "Edm.Date"):
        return stored_moment(value)
    if edm == "Edm.Date" and given in ("Edm.DateTimeOffset", "Edm.Date"):
        return value[:10]
    if isinstance(value, str) and SURROGATE.search(value):
        raise errors.invalid_value("\\ud800", edm)
    if edm == given:
        return int(value) if edm == "Edm.Boolean" else value.lower() if edm == "Edm.Guid" else value
    raise errors.incompatible(edm, given, kind)


def stored_moment(text: str) -> str:
    """UTC to the second, so that text order is time order; raises `Refused` for what is no moment."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise errors.invalid_value(text, "Edm.DateTimeOffset") from problem
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise errors.Refused(400, "0x80040239", f"DateTime '{text}' is outside what CrmDateTime supports.")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
