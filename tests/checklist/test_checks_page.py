"""The checks: what was found, since when, who changes it; begun once for two clicks, with alice's own connection."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation

from tenants import verification
from tenants.models import CheckRun, MicrosoftConnection, Tenant
from tests.checklist.conftest import text_of

pytestmark = pytest.mark.django_db
At = Callable[..., str]


def test_before_the_first_check_it_says_what_will_stand_here(portal: Client, at: At, new: Tenant) -> None:
    assert "Nothing was checked yet." in text_of(portal.get(at("checks")))
    assert "Enter the address of your CRM first" in text_of(portal.get(f"/portal/{new.code}/checks/"))
    portal.post(f"/portal/{new.code}/checks/run/")
    assert not CheckRun.objects.exists()


def test_alice_verifies_again_with_her_own_connection(
    portal: Client,
    at: At,
    acme: Tenant,
    connection: MicrosoftConnection,
    from_and_to: Callable[..., None],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = portal.post(at("checks_run"))
    assert answer.headers["Location"] == at("checks")
    run = CheckRun.objects.get(instance=acme.instance)
    assert (run.by, run.through) == ("alice", "connection")
    text = text_of(portal.get(at("checks")))
    assert "Should be changed 2" in text
    assert "phonecall.from: ApplicationRequired, phonecall.to: ApplicationRequired" in text
    assert "Since today" in text
    assert "Classic Advanced Settings Advanced Settings Customizations Customize the System" in text
    assert re.search(r"In order \d+", text)
    assert re.search(r"Show \d+ more that are in order", text)


def test_two_clicks_begin_one_run_and_its_progress_is_asked_for_until_it_ends(
    portal: Client, at: At, acme: Tenant
) -> None:
    for _click in range(2):
        portal.post(at("checks_run"), {"next": at("ivr")})
    run = CheckRun.objects.get(instance=acme.instance)
    page = portal.get(at("checks")).content.decode()
    assert 'hx-trigger="every 1s"' in page
    CheckRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
    fragment = portal.get(at("checks_report")).content.decode()
    assert fragment.lstrip().startswith("<section")
    assert "hx-trigger" not in fragment


def test_a_run_that_never_ended_does_not_block_the_next(portal: Client, at: At, acme: Tenant) -> None:
    portal.post(at("checks_run"))
    CheckRun.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    assert "was interrupted. Verify again." in text_of(portal.get(at("checks")))
    portal.post(at("checks_run"))
    assert CheckRun.objects.count() == 2


def test_next_leads_nowhere_else(portal: Client, at: At, acme: Tenant) -> None:
    for there in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert portal.post(at("checks_run"), {"next": there}).headers["Location"] == at("checks")


def test_what_nobody_can_look_at_says_since_when(
    portal: Client, at: At, acme: Tenant, alice: User, connection: MicrosoftConnection
) -> None:
    verification.verify(acme.instance, by=alice)
    MicrosoftConnection.objects.all().delete()
    verification.verify(acme.instance, by=alice)
    text = text_of(portal.get(at("checks")))
    assert "Nobody is connected who could look." in text
    assert "Last verified today" in text


def test_the_report_is_there_as_text(
    portal: Client, at: At, acme: Tenant, alice: User, connection: MicrosoftConnection, from_and_to: Callable[..., None]
) -> None:
    verification.verify(acme.instance, by=alice)
    text = portal.get(at("checks")).content.decode()
    start = text.index('id="report-text"')
    report = text[start : text.index("</pre>", start)]
    assert f"Acme s.r.o., {acme.instance.url}" in report
    assert "Should be changed\n· Notes can be edited in the CRM." in report
    assert "Power Platform admin centre: Environments › your environment" in report


def test_rows_cost_no_queries(
    portal: Client, at: At, acme: Tenant, alice: User, connection: MicrosoftConnection, django_assert_num_queries: Any
) -> None:
    verification.verify(acme.instance, by=alice)
    with django_assert_num_queries(6):
        portal.get(at("checks"))
    CheckRun.objects.get().results.exclude(key="address").delete()
    with django_assert_num_queries(6):
        portal.get(at("checks"))


def test_dates_of_checks_look_like_all_other_dates() -> None:
    from tenants.verification import wording

    with translation.override("cs"):
        assert wording._day("2026-11-03") == "3.\xa011.\xa02026"
