"""OData query options: a grammar for `$filter`, and the small languages of `$select`, `$orderby` and `$expand`.

Microsoft: "Query data using the Web API", "Filter rows using OData". What the grammar does not know is refused, never ignored.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Final, Literal
from urllib.parse import quote, unquote

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from ipexportal.sandbox import errors

MAX_URL: Final = 32_768
MAX_EXPANDS: Final = 15
FREQUENT: Final = tuple((quote(character), character) for character in " '\",()[]=+:")

Operator = Literal["eq", "ne", "gt", "ge", "lt", "le"]

GRAMMAR: Final = r"""
?start: disjunction
?disjunction: conjunction | conjunction (_OR conjunction)+ -> any_of
?conjunction: condition | condition (_AND condition)+ -> all_of
?condition: "not" condition                      -> negation
          | "(" disjunction ")"
          | TEXT_TEST                            -> text_test
          | operand COMPARISON operand           -> comparison
          | call
call: NAME "(" [argument ("," argument)*] ")"
argument: NAME "=" operand                       -> named
        | operand                                -> positional
?operand: literal | path | alias
path: NAME
alias: ALIAS
literal: STRING | GUID | MOMENT | NUMBER | ARRAY | ENUM | CONSTANT

_OR.9: /[ ]+or[ ]+/
_AND.9: /[ ]+and[ ]+/
COMPARISON.3: /(eq|ne|gt|ge|lt|le)\b/
CONSTANT.3: /(null|true|false)\b/
TEXT_TEST.9: /(contains|startswith|endswith)\([ ]*[A-Za-z_]\w*[ ]*,[ ]*'(?:[^']|'')*'[ ]*\)/
ENUM.8: /Microsoft\.Dynamics\.CRM\.\w+'[^']*'/
GUID.7: /[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/
MOMENT.6: /\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?/
NUMBER.5: /-?\d+(\.\d+)?([eE][+-]?\d+)?/
ARRAY.4: /\[(?:[ ,]|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[-\w.]+)*\]/
ALIAS: /@[A-Za-z_]\w*/
STRING: /'(?:[^']|'')*'/
NAME: /[A-Za-z_]\w*(?:[.\/][A-Za-z_]\w*)*/
%ignore /[ \t\r\n]+/
"""


@dataclass(frozen=True, slots=True)
class Value:
    """A value: str, int, float, bool, None or list; `kind` is the Edm type it was written as."""

    value: Any
    kind: str


@dataclass(frozen=True, slots=True)
class Path:
    name: str


@dataclass(frozen=True, slots=True)
class Alias:
    """`@p1`, whose value stands elsewhere in the query string."""

    name: str


Operand = Path | Value | Alias


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Operand
    operator: Operator
    right: Operand


@dataclass(frozen=True, slots=True)
class TextTest:
    """contains, startswith or endswith: `text` is a LIKE pattern without its outer wildcards."""

    function: str
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


Filter = Comparison | TextTest | Call | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Order:
    column: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Expand:
    """One entry of `$expand` with its own options, or `reference` for `nav/$ref`."""

    navigation: str
    options: "Options"
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """The parsed query options; `select` is empty when everything is wanted."""

    select: tuple[str, ...] = ()
    filter: Filter | None = None
    order: tuple[Order, ...] = ()
    expand: tuple[Expand, ...] = ()
    top: int | None = None
    count: bool = False
    skiptoken: str = ""
    deltatoken: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)


def parameters(query: str) -> dict[str, str]:
    """Split a raw query string; `+` means a space, as in every Dataverse URL."""
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name = _decoded(name)
        if name in found:
            message = f"Query option '{name}' was specified more than once, but it must be specified at most once."
            raise errors.Refused(400, "0x0", message)
        if part:
            found[name] = _decoded(value)
    return found


def _decoded(text: str) -> str:
    """`unquote_plus`, with the frequent escapes done by C code first: none of them can be part of another."""
    text = text.replace("+", " ")
    for escape, character in FREQUENT:
        text = text.replace(escape, character)
    return unquote(text)


def parse(query: str) -> Options:
    """Raises `Refused` for options that Dataverse does not know."""
    given = parameters(query)
    aliases = {name: value for name, value in given.items() if name.startswith("@")}
    for name in given:
        _check_option(name)
    top = given.get("$top")
    return Options(
        select=_names(given.get("$select", "")),
        filter=parse_filter(given["$filter"], aliases) if given.get("$filter") else None,
        order=_order(given.get("$orderby", "")),
        expand=_expand(given.get("$expand", ""), nested=False),
        top=_whole(top, "$top") if top is not None else None,
        count=_boolean(given.get("$count", "false")),
        skiptoken=given.get("$skiptoken", ""),
        deltatoken=given.get("$deltatoken", ""),
        aliases=aliases,
    )


def _check_option(name: str) -> None:
    known = ("$select", "$filter", "$orderby", "$expand", "$top", "$count", "$skiptoken", "$deltatoken")
    if name in known or name.startswith("@"):
        return
    if name == "$skip":
        raise errors.Refused(400, "0x80060888", "Skip Clause is not supported in CRM")
    if name in ("$apply", "fetchXml", "savedQuery", "userQuery"):
        raise errors.not_implemented(f"The query parameter {name}")
    raise errors.Refused(400, "0x80060888", f"The query parameter {name} is not supported")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _whole(text: str, option: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    message = f"Invalid value '{text}' for {option} query option found. The {option} query option requires a "
    raise errors.Refused(400, "0x0", message + "non-negative integer value.")


def _boolean(text: str) -> bool:
    if text in ("true", "false"):
        return text == "true"
    raise errors.Refused(400, "0x0", f"Invalid value '{text}' for $count query option found. Valid options are 'true'.")


def _order(text: str) -> tuple[Order, ...]:
    found = []
    for part in _split(text, ","):
        words = part.split()
        if not words or len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            raise errors.syntax(len(text), text)
        found.append(Order(words[0], words[1:] == ["desc"]))
    return tuple(found)


def _expand(text: str, *, nested: bool) -> tuple[Expand, ...]:
    found = tuple(_one_expand(part.strip(), nested=nested) for part in _split(text, ","))
    if len(found) > MAX_EXPANDS:
        raise errors.Refused(400, "0x8004430d", f"The number of expanded relations exceeds the limit of {MAX_EXPANDS}.")
    return found


def _one_expand(text: str, *, nested: bool) -> Expand:
    found = re.fullmatch(r"(\w+)(/\$ref)?[ ]*(?:\((.*)\))?", text, re.DOTALL)
    if not found:
        raise errors.syntax(len(text), text)
    given = dict(_option(part) for part in _split(found[3] or "", ";"))
    unknown = set(given) - {"$select", "$filter", "$orderby", "$top", "$expand"}
    if unknown or (nested and {"$orderby", "$top"} & set(given)):
        name = min(unknown or {"$orderby", "$top"} & set(given))
        raise errors.Refused(400, "0x80060888", f"The query parameter {name} is not supported in a nested $expand")
    options = Options(
        select=_names(given.get("$select", "")),
        filter=parse_filter(given["$filter"], {}) if given.get("$filter") else None,
        order=_order(given.get("$orderby", "")),
        expand=_expand(given.get("$expand", ""), nested=True),
        top=_whole(given["$top"], "$top") if "$top" in given else None,
    )
    return Expand(found[1], options, reference=bool(found[2]))


def _option(text: str) -> tuple[str, str]:
    name, _, value = text.strip().partition("=")
    return name.strip(), value.strip()


def _split(text: str, separator: str) -> Iterator[str]:
    """Split outside quotes and parentheses."""
    depth, start, quoted = 0, 0, False
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
        elif character == separator and depth == 0 and not quoted:
            yield text[start:position]
            start = position + 1
    if text[start:].strip():
        yield text[start:]


def parse_filter(text: str, aliases: Mapping[str, str]) -> Filter:
    """The condition as a tree, its parameter aliases already replaced by their values."""
    if re.search(r"/(any|all)\(", text):
        raise errors.not_implemented("Filtering with any and all")
    if text.count("'") % 2:
        position = text.rindex("'")
        raise errors.Refused(400, "0x0", f"There is an unterminated string literal at position {position} in '{text}'.")
    try:
        found = _tree(text)
    except UnexpectedInput as problem:
        raise errors.syntax(problem.pos_in_stream or 0, text) from problem
    except VisitError as problem:
        if isinstance(problem.orig_exc, errors.Refused):
            raise problem.orig_exc from None
        raise
    if not isinstance(found, Comparison | TextTest | Call | AllOf | AnyOf | Not):
        raise errors.syntax(len(text), text)
    return resolve(found, aliases) if "@" in text else found


def resolve(node: Any, aliases: Mapping[str, str]) -> Any:
    """Put the values of parameter aliases in their places."""
    match node:
        case Alias(name):
            if name not in aliases:
                raise errors.Refused(400, "0x0", f"The parameter alias '{name}' has no value in the query string.")
            return literal_of(aliases[name])
        case AnyOf(parts):
            return AnyOf(tuple(resolve(part, aliases) for part in parts))
        case AllOf(parts):
            return AllOf(tuple(resolve(part, aliases) for part in parts))
        case Not(part):
            return Not(resolve(part, aliases))
        case Comparison(left, operator, right):
            return Comparison(resolve(left, aliases), operator, resolve(right, aliases))
        case Call(name, arguments, named):
            positional = tuple(resolve(one, aliases) for one in arguments)
            return _call(name, positional, {key: resolve(one, aliases) for key, one in named.items()})
    return node


@lru_cache(maxsize=1024)
def _tree(text: str) -> Filter:
    """Long filters take tens of milliseconds, and the same ones come again and again."""
    found: Filter = _grammar().parse(text)  # type: ignore[assignment]
    return found


@cache
def _grammar() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="contextual", maybe_placeholders=False, transformer=_Conditions())


class _Conditions(Transformer[Token, Any]):
    """Runs inside the parser, so no tree is built in between."""

    def any_of(self, parts: list[Filter]) -> Filter:
        return AnyOf(tuple(parts))

    def all_of(self, parts: list[Filter]) -> Filter:
        return AllOf(tuple(parts))

    def negation(self, parts: list[Filter]) -> Filter:
        return Not(parts[0])

    def comparison(self, parts: list[Any]) -> Filter:
        return Comparison(parts[0], str(parts[1]), parts[2])  # type: ignore[arg-type]

    def text_test(self, parts: list[Token]) -> Filter:
        function, _, rest = parts[0].partition("(")
        column, _, text = rest[:-1].partition(",")
        return TextTest(function, column.strip(), _unquote(text.strip()))

    def named(self, parts: list[Any]) -> tuple[str, Any]:
        return str(parts[0]), parts[1]

    def positional(self, parts: list[Any]) -> tuple[str, Any]:
        return "", parts[0]

    def call(self, parts: list[Any]) -> Filter:
        name, *arguments = parts
        positional = tuple(value for key, value in arguments if not key)
        return _call(str(name), positional, {key: value for key, value in arguments if key})

    def path(self, parts: list[Token]) -> Path:
        return Path(str(parts[0]))

    def literal(self, parts: list[Token]) -> Value:
        return _literal(parts[0].type, str(parts[0]))

    def alias(self, parts: list[Token]) -> Alias:
        return Alias(str(parts[0]))


def _call(name: str, positional: tuple[Any, ...], named: dict[str, Any]) -> Filter:
    unresolved = any(isinstance(one, Alias) for one in positional)
    if name in ("contains", "startswith", "endswith") and not unresolved:
        return _text_call(name, positional)
    return Call(name, positional, named)


def _text_call(name: str, arguments: tuple[Any, ...]) -> Filter:
    match arguments:
        case (Path(column), Value(str() as text, "Edm.String")):
            return TextTest(name, column, text)
    raise errors.Refused(
        400, "0x0", f"No function signature for the function with name '{name}' matches the specified arguments."
    )


def literal_of(text: str) -> Value:
    """A literal that stands alone, as the value of a parameter alias does."""
    try:
        tokens = list(_grammar().lex(text, dont_ignore=False))
    except UnexpectedInput as problem:
        raise errors.syntax(0, text) from problem
    if len(tokens) != 1:
        raise errors.syntax(0, text)
    return _literal(tokens[0].type, str(tokens[0]))


def _literal(kind: str, text: str) -> Value:
    match kind:
        case "STRING":
            return Value(_unquote(text), "Edm.String")
        case "GUID":
            return Value(text.lower(), "Edm.Guid")
        case "MOMENT":
            return Value(text, "Edm.DateTimeOffset" if "T" in text else "Edm.Date")
        case "NUMBER":
            whole = re.fullmatch(r"-?\d+", text)
            return Value(int(text), "Edm.Int32") if whole else Value(float(text), "Edm.Double")
        case "CONSTANT":
            return Value(
                {"null": None, "true": True, "false": False}[text], "null" if text == "null" else "Edm.Boolean"
            )
        case "ENUM":
            name, _, value = text.partition("'")
            return Value(value[:-1], name)
        case "ARRAY":
            return Value(_array(text), "Collection")
    raise errors.syntax(0, text)


def _array(text: str) -> list[Any]:
    """JSON, with single-quoted strings allowed as the documentation's samples have them."""
    try:
        if '"' not in text:
            text = re.sub(r"'((?:[^']|'')*)'", lambda found: json.dumps(found[1].replace("''", "'")), text)
        found = json.loads(text)
    except ValueError as problem:
        raise errors.syntax(0, text) from problem
    return list(found)


def _unquote(text: str) -> str:
    return text[1:-1].replace("''", "'")
