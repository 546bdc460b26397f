"""The customer's admin switches the index on, watches it, and sees which numbers need a look."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from crmwindow import index
from crmwindow.index import quality
from crmwindow.models import IndexedNumber, NumberIndex
from ipexportal.sandbox.demo_data import record_id
from tenants.models import AuditEntry, Instance, MicrosoftConnection, SystemAccount
from tests.index.conftest import Crm
from tests.verification.conftest import connection, identity_of  # noqa: F401

Sync = Callable[[], None]
ALFA = record_id("account", "Alfa s.r.o.")


@pytest.fixture
def portal(client: Client, alice: User) -> Client:
    client.force_login(alice)
    client.cookies["django_language"] = "en"
    return client


def address(instance: Instance, name: str = "page", *more: str) -> str:
    return reverse(f"numbers:{name}", args=[instance.tenant.code, *more])


def text(portal: Client, path: str) -> str:
    answer = portal.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


# -- the switch --------------------------------------------------------------------------------------------------------


def test_alice_switches_the_index_on_and_it_is_built(
    portal: Client, instance: Instance, system: SystemAccount, django_capture_on_commit_callbacks: Any
) -> None:
    assert "It is off. Callers are looked for in the CRM itself with each call." in text(portal, address(instance))
    with django_capture_on_commit_callbacks(execute=True):
        answer = portal.post(address(instance, "switch"), {"on": "1"})
    assert (answer.status_code, answer["Location"]) == (302, address(instance))
    assert index.standing(Instance.objects.get()).state == "ready"
    shown = text(portal, address(instance))
    assert "The number index is on. The records are being read now." in shown
    assert "records as they were" in shown
    entry = AuditEntry.objects.filter(act="configuration.changed").get()
    assert entry.actor == "alice"


def test_alice_switches_it_off_and_nothing_of_it_stays(
    portal: Client, built: Instance, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        portal.post(address(built, "switch"), {"on": "0"})
    assert (IndexedNumber.objects.count(), NumberIndex.objects.count()) == (0, 0)
    assert "what it knew is removed" in text(portal, address(built))


def test_without_a_system_account_there_is_nothing_to_switch_on(portal: Client, instance: Instance) -> None:
    shown = text(portal, address(instance))
    assert "The index needs the system account" in shown
    assert "Switch the index on" not in shown
    portal.post(address(instance, "switch"), {"on": "1"})
    assert not Instance.objects.get().index
    assert "The number index needs the system account, and there is none." in text(portal, address(instance))


def test_while_it_is_built_the_page_asks_for_its_state(portal: Client, indexed: Instance) -> None:
    shown = text(portal, address(indexed))
    assert "It begins in a moment." in shown
    assert f'hx-get="{address(indexed, "state")}"' in shown
    fragment = text(portal, address(indexed, "state"))
    assert fragment.startswith('<div id="index-state"')


def test_what_is_in_the_way_is_said_in_words(
    portal: Client, indexed: Instance, system: SystemAccount, sync: Sync
) -> None:
    system.client_secret = "nonsense"
    system.save()
    sync()
    shown = text(portal, address(indexed))
    assert "Microsoft does not let the system account sign in. The tab IVR says why." in shown
    assert "Needs attention" in shown


def test_alice_has_it_look_at_once(
    portal: Client, built: Instance, crm: Crm, django_capture_on_commit_callbacks: Any
) -> None:
    made = crm.put(mobilephone="777000987")
    with django_capture_on_commit_callbacks(execute=True):
        portal.post(address(built, "now"))
    assert index.known(built, "+420777000987").records == (("contact", made),)


def test_a_customer_without_an_instance(portal: Client, instance: Instance) -> None:
    tenant = instance.tenant
    Instance.objects.all().delete()
    assert "Enter the address of your CRM first" in text(portal, reverse("numbers:page", args=[tenant.code]))
    assert portal.get(reverse("numbers:report", args=[tenant.code, "shared"])).status_code == 404


# -- the quality of the numbers ----------------------------------------------------------------------------------------


@pytest.fixture
def flawed(indexed: Instance, crm: Crm, sync: Sync) -> dict[str, str]:
    """Records with every flaw, by the flaw."""
    made = {
        "unreadable": crm.put(lastname="Neuvedená", mobilephone="neuvádět"),
        "ambiguous": crm.put(lastname="Pražská", telephone1="224 551 987"),
        "clear": crm.put(lastname="Jasná", telephone1="+420 224 551 988"),
        "once": crm.put(lastname="Jednou", mobilephone="777000901"),
        "again": crm.put(lastname="Podruhé", mobilephone="+420777000901"),
        "formula": crm.put(lastname="=HYPERLINK(1)", mobilephone="@neuvedeno"),
    }
    for number in range(5):
        made[f"shared{number}"] = crm.put(lastname=f"Společná {number}", telephone1="+420 224 551 999")
    sync()
    return made


def of(indexed: Instance, kind: quality.Kind) -> set[str]:
    return {line.record_id for line in quality.lines(indexed, kind, most=5000)}


def test_each_record_is_listed_for_what_is_wrong_with_it(indexed: Instance, flawed: dict[str, str]) -> None:
    assert {flawed["unreadable"], flawed["formula"]} <= of(indexed, "unreadable")
    assert flawed["ambiguous"] in of(indexed, "ambiguous")
    assert {flawed["once"], flawed["again"]} <= of(indexed, "duplicate")
    assert {flawed[f"shared{number}"] for number in range(5)} <= of(indexed, "shared")
    every = of(indexed, "unreadable") | of(indexed, "ambiguous") | of(indexed, "duplicate") | of(indexed, "shared")
    assert flawed["clear"] not in every
    assert quality.counts(indexed)["unreadable"] == len(quality.lines(indexed, "unreadable", most=5000))


def test_names_and_numbers_are_read_with_alices_own_connection(
    portal: Client,
    indexed: Instance,
    flawed: dict[str, str],
    connection: MicrosoftConnection,  # noqa: F811
) -> None:
    shown = text(portal, address(indexed, "report", "unreadable"))
    assert "Neuvedená" in shown
    assert "neuvádět" in shown
    assert f"etn=contact&amp;id={flawed['unreadable']}" in shown
    assert "=HYPERLINK(1)" in shown


def test_without_a_connection_there_are_links_only(portal: Client, indexed: Instance, flawed: dict[str, str]) -> None:
    shown = text(portal, address(indexed, "report", "unreadable"))
    assert f"etn=contact&amp;id={flawed['unreadable']}" in shown
    assert "Neuvedená" not in shown
    assert "Names and numbers are not shown" in shown


def test_when_the_crm_does_not_answer_the_links_stay(
    portal: Client,
    indexed: Instance,
    flawed: dict[str, str],
    connection: MicrosoftConnection,  # noqa: F811
    microsoft: Any,
) -> None:
    microsoft.control.microsoft("down")
    shown = text(portal, address(indexed, "report", "unreadable"))
    assert "The CRM could not be read just now." in shown
    assert flawed["unreadable"] in shown


def test_the_file_is_safe_for_spreadsheets(
    portal: Client,
    indexed: Instance,
    flawed: dict[str, str],
    connection: MicrosoftConnection,  # noqa: F811
) -> None:
    answer = portal.get(address(indexed, "file", "unreadable"))
    assert answer["Content-Disposition"] == 'attachment; filename="acme-numbers-unreadable.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["What is wrong", "Group", "Table", "Record", "Field", "In the field", "Link"]
    row = next(row for row in rows if flawed["formula"] in row[6])
    assert (row[3], row[5]) == ("'=HYPERLINK(1)", "'@neuvedeno")
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]


def test_records_that_share_a_number_stand_together(indexed: Instance, flawed: dict[str, str]) -> None:
    groups: dict[int, set[str]] = {}
    for line in quality.lines(indexed, "duplicate", most=5000):
        groups.setdefault(line.group, set()).add(line.record_id)
    assert {flawed["once"], flawed["again"]} in groups.values()
    first = quality.lines(indexed, "duplicate", start=1, most=1)
    assert {line.group for line in first} == {1}


def test_pages_and_nonsense_in_the_address(portal: Client, indexed: Instance, flawed: dict[str, str]) -> None:
    for page in ("2", "999999999", "-1", "x", "٣"):
        assert portal.get(address(indexed, "report", "shared"), {"page": page}).status_code == 200
    assert portal.get(address(indexed, "report", "nonsense")).status_code == 404


@pytest.mark.parametrize("page", [1, 3])
def test_a_page_of_many_takes_as_many_queries_as_one_of_few(
    portal: Client, indexed: Instance, flawed: dict[str, str], page: int, django_assert_num_queries: Any
) -> None:
    text(portal, address(indexed, "report", "shared"))
    with django_assert_num_queries(10):
        text(portal, address(indexed, "report", "shared") + f"?page={page}")


def test_otto_of_another_customer_finds_nothing(client: Client, otto: User, built: Instance) -> None:
    client.force_login(otto)
    for name, more in (("page", ()), ("state", ()), ("report", ("shared",)), ("file", ("shared",))):
        assert client.get(address(built, name, *more)).status_code == 404
    assert client.post(address(built, "switch"), {"on": "0"}).status_code == 404
    assert Instance.objects.get(pk=built.pk).index
