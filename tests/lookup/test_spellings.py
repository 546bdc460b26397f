"""However a number of the live class is spelt in the CRM, a look-up over HTTP finds its record, and nobody else's."""

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmwindow import phone
from crmwindow.search import search
from tenants import connections
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.models import Agent
from tests.phone.test_live_class import live, live_in_brackets, live_with_trunk, number_of, numbers

DOCUMENT = Path(__file__).parents[2] / "docs" / "numbers.md"
TOGETHER = 8


def listed(heading: str) -> list[tuple[str, str]]:
    """(what stands in the field, the number it means) of one table in docs/numbers.md."""
    section = DOCUMENT.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(.+?)` \| `(\+\d+)` \|", section, re.MULTILINE)


LIVE, INDEX_ONLY = listed("Found at once"), listed("Found by the number index only")


@pytest.fixture
def stored(jana: Agent, metadata: Any) -> Iterator[Callable[[list[str]], list[str]]]:
    """Puts people with these telephone numbers into the CRM and answers their ids; they are gone afterwards."""
    client = connections.client_for(jana)
    made: list[str] = []

    def stored(texts: list[str]) -> list[str]:
        ids = [str(uuid.uuid4()) for _ in texts]
        for key, text in zip(ids, texts, strict=True):
            client.create("contacts", {"lastname": "Spelt", "mobilephone": text}, record_id=key, budget=Budget(10))
        made.extend(ids)
        return ids

    yield stored
    for key in made:
        client.request("DELETE", odata.record("contacts", key), budget=Budget(10))


def found(jana: Agent, metadata: Any, number: phone.Number) -> set[str]:
    answer = search(connections.client_for(jana), metadata, jana.tenant.instance, number, Budget(10))
    assert answer.failed == {}
    return {hit.record_id for hit in answer.hits}


def test_the_documentation_says_truly_what_is_found_at_once_and_what_by_the_index_only(
    jana: Agent, metadata: Any, stored: Any
) -> None:
    ids = stored([text for text, _ in LIVE + INDEX_ONLY])
    reached = {e164: found(jana, metadata, number_of(e164)) for e164 in {e164 for _, e164 in LIVE + INDEX_ONLY}}

    at_once = [text for (text, e164), key in zip(LIVE + INDEX_ONLY, ids, strict=True) if key in reached[e164]]
    assert at_once == [text for text, _ in LIVE]
    assert len(LIVE) > 30
    assert [text for text, e164 in INDEX_ONLY if not phone.holds(text, number_of(e164), "CZ")] == []


SPELT = numbers(("CZ",)).flatmap(
    lambda number: st.tuples(
        st.just(number), st.one_of(live(number), live_in_brackets(number), live_with_trunk(number))
    )
)


@given(spelt=st.lists(SPELT, min_size=TOGETHER, max_size=TOGETHER))
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_generated_spelling_is_found_among_all_the_others_and_no_other_is_returned(
    jana: Agent, metadata: Any, stored: Any, spelt: list[tuple[phone.Number, str]]
) -> None:
    ids = stored([text for _, text in spelt])
    meant: dict[str, set[str]] = {}
    for (number, _), key in zip(spelt, ids, strict=True):
        meant.setdefault(number.e164, set()).add(key)

    for e164, keys in meant.items():
        assert found(jana, metadata, number_of(e164)) & set(ids) == keys
