"""In which columns callers are looked for."""

import pytest
from django.contrib.auth.models import User

from tenants import configuration
from tenants.models import MicrosoftConnection, Tenant
from tests.card.conftest import Browser, words

pytestmark = pytest.mark.django_db


def searched(tenant: Tenant) -> dict[str, list[str]]:
    return dict(configuration.stored(Tenant.objects.get(pk=tenant.pk), "search"))


def test_columns_marked_as_telephone_come_first_and_are_the_default(
    alices: Browser, connection: MicrosoftConnection
) -> None:
    account, contact, lead = alices.get("searched").context["tables"]
    assert [choice.name for choice in account.likely] == ["telephone1", "telephone2", "telephone3"]
    assert [choice.name for choice in contact.likely[:2]] == ["mobilephone", "telephone1"]
    assert not any(choice.chosen for choice in contact.likely)
    assert lead.name == "Lead"
    text = words(alices.get("searched"))
    assert "Nothing is chosen, so we look in what Dataverse marks as telephone numbers: " in text
    assert next(choice.name for choice in contact.others).startswith("address")


def test_a_choice_is_saved_and_none_goes_back_to_the_default(
    alices: Browser, acme: Tenant, connection: MicrosoftConnection
) -> None:
    answer = alices.post("searched_save", **{"column-1": ["telephone1"], "column-2": ["mobilephone", "telephone2"]})
    assert answer.headers["Location"] == alices.address("searched")
    assert searched(acme) == {"Account": ["telephone1"], "Contact": ["mobilephone", "telephone2"]}
    chosen = [choice.name for choice in alices.get("searched").context["tables"][1].likely if choice.chosen]
    assert chosen == ["mobilephone", "telephone2"]
    alices.post("searched_save")
    assert searched(acme) == {}


def test_without_a_connection_names_are_typed(alices: Browser, acme: Tenant) -> None:
    assert "not verified" in words(alices.get("searched"))
    alices.post("searched_save", **{"more-2": "mobilephone; myPhone1,telephone1"})
    assert searched(acme) == {"Contact": ["mobilephone", "myPhone1", "telephone1"]}
    assert 'value="mobilephone, myPhone1, telephone1"' in alices.get("searched").content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("mobilphone", "The table has no column mobilphone. Similar are: mobilephone"),
        ("qqqqqqqqqq", "The table has no column qqqqqqqqqq."),
        ("birthdate", "birthdate is no text (date). A number can be looked for in texts only."),
    ],
)
def test_columns_in_which_nothing_can_be_found_are_refused(
    alices: Browser, acme: Tenant, connection: MicrosoftConnection, typed: str, said: str
) -> None:
    answer = alices.post("searched_save", **{"more-2": typed})
    assert answer.status_code == 422
    assert said in words(answer)
    assert f'value="{typed}"' in answer.content.decode()
    assert searched(acme) == {}


def test_what_is_no_name_of_a_column_is_refused(alices: Browser, acme: Tenant) -> None:
    for typed in ("p%27hone", "x" * 9000, "<script>"):
        answer = alices.post("searched_save", **{"more-1": typed})
        assert answer.status_code == 422
        assert b"<script>" not in answer.content.replace(b"<script src", b"")
    assert searched(acme) == {}


def test_the_later_of_two_admins_is_told(alices: Browser, ivanas: Browser, acme: Tenant) -> None:
    seen = alices.get("searched").context["seen"]
    ivanas.post("searched_save", **{"more-1": "telephone1"})
    answer = alices.post("searched_save", **{"more-1": "telephone2", "seen": seen})
    assert answer.status_code == 409
    assert "ivana saved a change here" in words(answer)
    assert searched(acme) == {"Account": ["telephone1"]}


def test_tables_stored_in_another_case_are_the_same(alices: Browser, acme: Tenant, alice: User) -> None:
    configuration.change(acme, {"search": {"account": ["telephone3"]}}, by=alice)
    alices.post("searched_save", **{"more-1": "telephone1"})
    assert searched(acme) == {"Account": ["telephone1"]}


def test_the_page_asks_a_fixed_number_of_times(alices: Browser, django_assert_num_queries: object) -> None:
    alices.get("searched")
    with django_assert_num_queries(6):  # type: ignore[operator]
        alices.get("searched")
