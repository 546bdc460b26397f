import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.dataverse import odata

any_text = st.text(st.characters(exclude_categories=["Cs"]))
RECORD = "25a1b2c3-0000-4000-8000-00000000000a"


def literals(expression: str) -> list[str]:
    """What a server reads: the string literals of an expression; everything else must be free of quotes."""
    found = re.findall(r"'((?:[^']|'')*)'", expression, re.S)
    assert "'" not in re.sub(r"'(?:[^']|'')*'", "", expression, flags=re.S)
    return [text.replace("''", "'") for text in found]


def like_matches(pattern: str, text: str) -> bool:
    """SQL LIKE with %, _ and [sets], as Dataverse translates startswith and contains."""
    regex = ""
    for part in re.findall(r"\[[^\]]+\]|.", pattern, re.S):
        regex += {"%": ".*", "_": "."}.get(part) or (f"[{re.escape(part[1:-1])}]" if len(part) > 1 else re.escape(part))
    return re.fullmatch(regex, text, re.S) is not None


@given(any_text)
def test_no_text_breaks_out_of_its_literal(text: str) -> None:
    assert literals(odata.lit(text)) == [text]


@given(any_text, any_text)
def test_no_text_breaks_out_of_a_filter_in_an_address(first: str, second: str) -> None:
    expression = odata.or_(odata.eq("lastname", first), odata.eq("fullname", second))
    address = odata.query("contacts", select=["fullname"], filter=expression)

    parts = urlsplit(address)
    assert parts.path == "contacts"
    assert parts.fragment == ""
    options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True, separator="&"))
    assert options == {"$select": "fullname", "$filter": expression}
    assert literals(options["$filter"]) == [first, second]


@given(st.lists(any_text, min_size=1))
def test_in_lists_exactly_its_values(values: list[str]) -> None:
    expression = odata.in_("telephone1", values)

    prefix = "Microsoft.Dynamics.CRM.In(PropertyName='telephone1',PropertyValues="
    assert expression.startswith(prefix)
    assert json.loads(expression[len(prefix) : -1]) == values


@given(any_text)
def test_encoding_equals_the_standard_librarys(text: str) -> None:
    assert odata.encode(text) == quote(text, safe="!$'()*,/:;=?@~")
    assert unquote(odata.encode(text)) == text


@given(any_text, any_text)
def test_like_text_stands_for_itself_only(text: str, other: str) -> None:
    assert like_matches(odata.like(text), text)
    assert like_matches(odata.like(text), other) is (other == text)


def test_plus_arrives_as_a_plus() -> None:
    address = odata.query("contacts", filter=odata.eq("telephone1", "+420 777 123 456"))

    assert address == "contacts?$filter=telephone1%20eq%20'%2B420%20777%20123%20456'"


def test_half_a_surrogate_pair_is_replaced_and_does_not_raise() -> None:
    assert odata.encode("a\ud800b") == "a?b"


@pytest.mark.parametrize(
    ("thing", "literal"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (42, "42"),
        (-1.5, "-1.5"),
        (Decimal("486200.00"), "486200.00"),
        ("O'Brien", "'O''Brien'"),
        (date(2026, 11, 22), "2026-11-22"),
        (datetime(2026, 11, 22, 10, 5, tzinfo=timezone(timedelta(hours=1))), "2026-11-22T09:05:00.000Z"),
        (UUID(RECORD), RECORD),
    ],
)
def test_values_are_written_as_odata_writes_them(thing: odata.Value, literal: str) -> None:
    assert odata.eq("nnn_x", thing) == f"nnn_x eq {literal}"


@pytest.mark.parametrize("thing", [datetime(2026, 11, 22), float("nan"), float("inf"), Decimal("NaN")])
def test_values_without_one_meaning_are_refused(thing: odata.Value) -> None:
    with pytest.raises(ValueError):
        odata.value(thing)


@pytest.mark.parametrize("bad", ["", "a b", "a'", "telephone1 eq 1 or x", "1a", "a/", "náz", "a\n"])
def test_a_column_name_cannot_smuggle_an_expression(bad: str) -> None:
    for build in (lambda: odata.eq(bad, "x"), lambda: odata.in_(bad, ["x"]), lambda: odata.startswith(bad, "x")):
        with pytest.raises(ValueError):
            build()


@pytest.mark.parametrize("pattern", ["", "%777", "_77", "-777"])
def test_a_pattern_that_scans_the_table_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        odata.startswith("telephone1", pattern)


def test_a_pattern_keeps_its_wildcards_and_doubles_its_apostrophe() -> None:
    assert odata.startswith("telephone1", "'77%7") == "startswith(telephone1,'''77%7')"
    assert odata.contains("fullname", odata.like("50%_[a")) == "contains(fullname,'50[%][_][[]a')"


def test_expressions_are_joined_with_parentheses_and_empty_ones_left_out() -> None:
    one, two = odata.eq("statecode", 0), odata.eq("a", "x")

    assert odata.and_(one, odata.or_(two, "", "b eq 1")) == "(statecode eq 0 and (a eq 'x' or b eq 1))"
    assert odata.or_(one) == one
    assert odata.and_() == ""


def test_a_record_is_addressed_by_its_bare_guid() -> None:
    assert odata.record("contacts", "{25A1B2C3-0000-4000-8000-00000000000A}") == f"contacts({RECORD})"
    assert odata.bind("contacts", RECORD) == f"/contacts({RECORD})"


@pytest.mark.parametrize("bad", ["", "1", "contacts", "25a1b2c3-0000-4000-8000-00000000000a) or (1 eq 1"])
def test_what_is_no_guid_is_refused(bad: str) -> None:
    with pytest.raises(ValueError):
        odata.record("contacts", bad)


def test_all_options_together() -> None:
    address = odata.query(
        "phonecalls",
        select=["subject", "subject", "description"],
        filter="_regardingobjectid_value eq " + RECORD,
        top=5,
        orderby="createdon desc",
        expand="createdby($select=fullname;$top=1)",
    )

    assert address == (
        "phonecalls?$select=subject,description&$filter=_regardingobjectid_value%20eq%20" + RECORD + "&$top=5"
        "&$orderby=createdon%20desc&$expand=createdby($select=fullname;$top=1)"
    )
    assert odata.query("WhoAmI") == "WhoAmI"


def test_an_agent_reads_the_formatted_value_where_there_is_one() -> None:
    row = {
        "nnn_turnover": 486200.0,
        "nnn_turnover@OData.Community.Display.V1.FormattedValue": "486 200,00 Kč",
        "fullname": "Jana Horáková",
        "telephone1": None,
        "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "account",
    }

    assert [odata.shown(row, name) for name in ("nnn_turnover", "fullname", "telephone1", "fax")] == [
        "486 200,00 Kč", "Jana Horáková", "", "",
    ]  # fmt: skip
    assert odata.lookup_table(row, "_parentcustomerid_value") == "account"
    assert odata.lookup_table(row, "_ownerid_value") == ""


def test_times_in_utc_need_no_conversion() -> None:
    assert odata.value(datetime(2026, 11, 22, 9, 5, 1, 250_999, tzinfo=UTC)) == "2026-11-22T09:05:01.250Z"
