"""The filters of a live look-up stay within Dataverse's limits and ask every column."""

import re
from urllib.parse import unquote

import pytest

from crmwindow import phone
from crmwindow.live_query import encoded_filters, filters, name_filters
from tenants.dataverse import odata


def jana() -> phone.Number:
    number = phone.parse("777123456", "CZ")
    assert number is not None
    return number


def conditions(expression: str) -> int:
    return expression.count("startswith(") + expression.count("Microsoft.Dynamics.CRM.In(")


def columns_of(expression: str) -> list[str]:
    return re.findall(r"PropertyName='(\w+)'", expression)


def test_one_query_asks_all_the_usual_columns() -> None:
    columns = ["telephone1", "mobilephone", "telephone2", "telephone3", "business2", "home2", "company"]
    (expression,) = filters(jana(), columns)
    assert columns_of(expression) == columns
    assert expression.count("startswith(mobilephone,'777%1%2%3%4%5%6')") == 1
    assert expression.count("startswith(mobilephone,'+420777%1%2%3%4%5%6')") == 1
    assert (expression[0], expression[-1]) == ("(", ")")


def test_a_plus_and_a_percent_sign_survive_the_way() -> None:
    (expression,) = filters(jana(), ["telephone1"])
    url = odata.query("contacts", select=["fullname"], filter=expression, top=20)
    assert "%2B420777%251%252%253" in url
    assert "+" not in url
    assert unquote(url).endswith("&$top=20")
    assert expression in unquote(url)


def test_no_columns_ask_nothing_and_a_column_is_asked_once() -> None:
    assert filters(jana(), []) == []
    (expression,) = filters(jana(), ["telephone1", "telephone1"])
    assert columns_of(expression) == ["telephone1"]


@pytest.mark.parametrize("how_many", [1, 10, 20, 31, 32, 60])
def test_the_limits_of_dataverse_split_the_columns(how_many: int) -> None:
    columns = [f"nnn_averylongcolumnname{i}" for i in range(how_many)]
    expressions = filters(jana(), columns)
    assert [column for expression in expressions for column in columns_of(expression)] == columns
    assert all(conditions(expression) <= 500 for expression in expressions)
    assert all(len(odata.encode(expression)) <= 32_768 - 2_000 for expression in expressions)


def test_a_tighter_limit_of_conditions_is_kept() -> None:
    expressions = filters(jana(), ["a", "b", "c", "d", "e"], max_conditions=40)
    assert [columns_of(expression) for expression in expressions] == [["a", "b"], ["c", "d"], ["e"]]


def test_a_column_name_that_could_be_anything_else_is_refused() -> None:
    with pytest.raises(ValueError):
        filters(jana(), ["telephone1') or (1 eq 1"])


def test_a_name_is_searched_in_order_and_in_any_order() -> None:
    assert name_filters("alfa", ["name"]) == ["startswith(name,'alfa')"]
    assert name_filters("stavby mor", ["name"]) == ["startswith(name,'stavby%mor')"]
    assert name_filters("jana nov", ["lastname", "firstname"]) == [
        "((startswith(lastname,'jana%nov') or startswith(firstname,'jana%nov')) or "
        "((startswith(lastname,'jana') or startswith(firstname,'jana')) and "
        "(startswith(lastname,'nov') or startswith(firstname,'nov'))))"
    ]


@pytest.mark.parametrize("typed", ["", "   ", "-", " - -- "])
def test_nothing_typed_searches_nothing(typed: str) -> None:
    assert name_filters(typed, ["name"]) == []


def test_what_is_typed_stands_for_itself() -> None:
    assert name_filters("O'Brien", ["name"]) == ["startswith(name,'O''Brien')"]
    assert name_filters("%_[x", ["name"]) == ["startswith(name,'[%][_][[]x')"]
    assert name_filters("-alfa -s.r.o.", ["name"]) == ["startswith(name,'alfa%s.r.o.')"]


def test_a_very_long_search_keeps_to_the_limits() -> None:
    expressions = name_filters("word " * 50, [f"column{i}" for i in range(90)])
    assert len(expressions) == 1
    assert conditions(expressions[0]) <= 500
    assert len(odata.encode(name_filters("ž" * 5_000, ["name", "fullname"])[0])) <= 32_768 - 2_000


@pytest.mark.parametrize(
    "limits", [{}, {"max_conditions": 70}, {"max_url": 4_000}, {"max_conditions": 1, "max_url": 1}]
)
@pytest.mark.parametrize("how_many", [0, 1, 2, 9, 30])
def test_what_is_sent_is_the_same_filters_encoded(how_many: int, limits: dict[str, int]) -> None:
    columns = [f"telephone{place}" for place in range(how_many)]

    assert encoded_filters(jana(), columns, **limits) == [
        odata.encode(expression) for expression in filters(jana(), columns, **limits)
    ]
