"""However a number is spelt in the CRM, also as no query reaches it, the index finds its record and no other."""

from collections.abc import Callable
from itertools import batched

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crmwindow import candidates, index
from crmwindow.index import finding
from tenants import connections
from tenants.dataverse.budget import Budget
from tenants.models import Agent, Instance
from tests.index.conftest import Crm
from tests.lookup.test_spellings import INDEX_ONLY, LIVE, number_of
from tests.phone.test_live_class import live, live_in_brackets, live_with_trunk, numbers
from tests.signed_in import know_tables, sign_in

TOGETHER = 50
LONGEST = 50  # characters of a phone column
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
CZECH = numbers(("CZ",))


@st.composite
def spelt(draw: st.DrawFn) -> tuple[set[str], str]:
    """A text of a phone field, and the numbers it holds."""
    number = draw(CZECH)
    text = draw(st.one_of(live(number), live_in_brackets(number), live_with_trunk(number)))
    match draw(st.integers(0, 6)):
        case 0:
            before = draw(st.sampled_from(["mobil ", "Tel.: ", "sekretariát: ", "paní Nová ", "byt ", "soukr. – "]))
            return {number.e164}, before + text
        case 1:
            other = draw(CZECH)
            between = draw(st.sampled_from([", ", "; ", " nebo ", "\n", " , "]))
            return {number.e164, other.e164}, draw(live(other)).partition(" linka")[0] + between + number.display
        case 2:
            return {number.e164}, number.national.translate(FULL_WIDTH)
        case 3:
            return {number.e164}, "\u200e" + number.display + "\u202c"
        case 4:
            return {number.e164}, " ".join(number.national)
    return {number.e164}, text


@given(written=st.lists(spelt(), min_size=TOGETHER, max_size=TOGETHER))
@settings(
    max_examples=5, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_every_spelling_is_found_through_the_index_and_no_other_record(
    built: Instance,
    crm: Crm,
    sync: Callable[[], None],
    written: list[tuple[set[str], str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finding, "MOST", 10_000)
    meant: dict[str, set[str]] = {}
    texts: dict[str, str] = {}
    for e164s, text in written:
        if len(text) <= LONGEST:
            record_id = crm.put(mobilephone=text)
            texts[record_id] = text
            for e164 in e164s:
                meant.setdefault(e164, set()).add(record_id)
    assert len(texts) > TOGETHER / 2
    sync()
    for e164, records in meant.items():
        found = {record_id for _table, record_id in index.known(built, e164).records} & texts.keys()
        assert found == records, [texts[record_id] for record_id in found ^ records]


def test_every_line_of_the_documentation_is_found_and_read_with_an_agents_rights(
    built: Instance, crm: Crm, sync: Callable[[], None], jana: Agent
) -> None:
    sign_in(jana)
    client = connections.client_for(jana)
    metadata = know_tables(jana)
    for some in batched(LIVE + INDEX_ONLY, 15):
        made = {crm.put(mobilephone=text): (text, e164) for text, e164 in some}
        sync()
        found: dict[str, set[str]] = {}
        for e164 in {e164 for _text, e164 in some}:
            result = candidates.find(client, metadata, built, number_of(e164), Budget(10))
            assert result.failed == {}
            found[e164] = {hit.record_id for hit in result.hits}
        assert [text for record_id, (text, e164) in made.items() if record_id not in found[e164]] == []
        for record_id in made:
            crm.delete(record_id)
