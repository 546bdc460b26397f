"""A call nobody took becomes somebody's open task in the CRM, once, and says why it is theirs."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from crmwindow import writing
from crmwindow.models import Call, CrmWrite
from ipexportal.sandbox import Sandbox, directory
from ipexportal.sandbox.demo_data import TEAM_ID
from tenants.models import Agent, SystemAccount, Tenant
from tests.writes.conftest import (
    ALFA,
    FOUR_RECORDS,
    JANA_HORAKOVA,
    NOBODY,
    deliver,
    in_crm,
    tell,
    write_of,
)

pytestmark = pytest.mark.django_db
State = CrmWrite.State
Owner = Tenant.MissedCallOwner
SYSTEM, JANA, KLARA = (user.systemuser_id for user in (directory.SYSTEM, directory.JANA, directory.KLARA))


def written(microsoft: Sandbox, call: Call) -> tuple[CrmWrite, dict[str, Any]]:
    write = deliver(write_of(call))
    assert (write.state, write.problem) == (State.WRITTEN, "")
    row = in_crm(microsoft, write)
    assert row is not None
    return write, row


def test_it_goes_to_the_records_owner_as_something_to_do(
    miss: Callable[..., Call], account: SystemAccount, microsoft: Sandbox
) -> None:
    _write, row = written(microsoft, miss(JANA_HORAKOVA, Queue="Obchod"))
    assert (row["directioncode"], row["statecode"]) == (0, 0)
    assert "777 123 456" in row["subject"]
    assert (row["phonenumber"], row["ownerid"]) == ("+420777123456", JANA)
    assert "Obchod" in row["description"]
    assert row["scheduledend"] is not None
    about = microsoft.dataverse.record("contact", row["regardingobjectid"])
    assert about is not None
    assert about["fullname"] == "Jana Horáková"
    parties = microsoft.dataverse.store.select("activityparty", (), '"activityid" = ?', [row["activityid"]])
    assert {(each["participationtypemask"], each["partyid"]) for each in parties} >= {
        (1, row["regardingobjectid"]),
        (2, JANA),
    }


def test_several_records_are_listed_and_none_is_chosen(
    miss: Callable[..., Call], account: SystemAccount, microsoft: Sandbox
) -> None:
    write, row = written(microsoft, miss(FOUR_RECORDS))
    assert (row["regardingobjectid"], row["ownerid"]) == (None, SYSTEM)
    assert "Petr Dvořák" in row["description"]
    assert "Alena Kučerová" in row["description"]
    assert "Martin Kříž" not in row["description"]  # inactive
    assert write.owner_why == "several no_default"


def test_a_company_alone_is_the_record(miss: Callable[..., Call], account: SystemAccount, microsoft: Sandbox) -> None:
    _write, row = written(microsoft, miss(ALFA))
    assert row["regardingobjectid__type"] == "account"


def test_nobodys_number_is_written_without_a_record(
    miss: Callable[..., Call], account: SystemAccount, microsoft: Sandbox
) -> None:
    write, row = written(microsoft, miss(NOBODY))
    assert (row["regardingobjectid"], row["ownerid"], write.owner_why) == (None, SYSTEM, "nobody_found no_default")


def test_a_withheld_number_is_written_without_looking_for_it(
    miss: Callable[..., Call], account: SystemAccount, microsoft: Sandbox
) -> None:
    _write, row = written(microsoft, miss("anonymous"))
    assert (row["regardingobjectid"], row["phonenumber"]) == (None, None)


# ── whose ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("default", [KLARA, TEAM_ID])
def test_the_default_owner_may_be_a_user_or_a_team(
    miss: Callable[..., Call], acme: Tenant, account: SystemAccount, microsoft: Sandbox, default: str
) -> None:
    Tenant.objects.update(missed_call_owner=Owner.TEAM, missed_call_owner_id=UUID(default))
    write, row = written(microsoft, miss())
    assert (row["ownerid"], write.owner_why) == (default, "")


def test_an_inactive_owner_is_replaced_by_the_default(
    miss: Callable[..., Call], acme: Tenant, account: SystemAccount, microsoft: Sandbox
) -> None:
    microsoft.control.membership("jana@acme.example", "disabled")
    Tenant.objects.update(missed_call_owner_id=UUID(KLARA))
    write, row = written(microsoft, miss())
    assert (row["ownerid"], write.owner_why) == (KLARA, "record_inactive")


def test_an_owner_who_may_not_read_calls_is_replaced(
    miss: Callable[..., Call], acme: Tenant, account: SystemAccount, microsoft: Sandbox
) -> None:
    microsoft.control.rights("jana@acme.example", {"prvReadContact": "Global"})
    write, row = written(microsoft, miss())
    assert (row["ownerid"], write.owner_why) == (SYSTEM, "record_may_not_read no_default")


def test_without_the_right_to_assign_the_account_keeps_it(
    miss: Callable[..., Call], acme: Tenant, account: SystemAccount, microsoft: Sandbox
) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvAssignActivity", upn=directory.SYSTEM.upn)
    Tenant.objects.update(missed_call_owner_id=UUID(KLARA))
    write, row = written(microsoft, miss())
    assert (row["ownerid"], write.owner_why) == (SYSTEM, "record_refused default_refused")
    assert len(row["description"].splitlines()) == 2  # it says why


def test_an_unknown_default_owner_is_said(
    miss: Callable[..., Call], acme: Tenant, account: SystemAccount, microsoft: Sandbox
) -> None:
    Tenant.objects.update(missed_call_owner=Owner.DEFAULT_OWNER, missed_call_owner_id=UUID(int=5))
    write, row = written(microsoft, miss())
    assert (row["ownerid"], write.owner_why) == (SYSTEM, "default_gone")


# ── once, and only if nobody took it ─────────────────────────────────────────────────────────────────────────────────


def test_an_event_that_comes_twice_makes_one_row(
    miss: Callable[..., Call], acme: Tenant, account: SystemAccount
) -> None:
    call = miss(unique_id="8.twice")
    tell(acme, "Hangup", "8.twice")
    tell(acme, "CDR", "8.twice")
    assert CrmWrite.objects.filter(call=call).count() == 1


def test_a_call_that_rings_on_is_withdrawn_and_comes_back_when_nobody_took_it_there_either(
    acme: Tenant, jana: Agent, bob: Agent, account: SystemAccount
) -> None:
    tell(acme, "Ringing", "8.on", From=JANA_HORAKOVA, Login=jana.login)
    tell(acme, "Hangup", "8.on", Login=jana.login)
    write = CrmWrite.objects.get()
    assert write.state == State.QUEUED
    tell(acme, "Ringing", "8.on", From=JANA_HORAKOVA, Login=bob.login)
    write.refresh_from_db()
    assert write.state == State.WITHDRAWN
    tell(acme, "Hangup", "8.on", Login=bob.login)
    write.refresh_from_db()
    assert write.state == State.QUEUED


def test_an_answer_that_arrives_late_withdraws_it(
    miss: Callable[..., Call], acme: Tenant, jana: Agent, account: SystemAccount, microsoft: Sandbox
) -> None:
    call = miss(unique_id="8.late")
    tell(acme, "Answered", "8.late", Login=jana.login)
    write = deliver(write_of(call))
    assert (write.state, in_crm(microsoft, write)) == (State.WITHDRAWN, None)


def test_answered_elsewhere_and_internal_calls_are_not_missed(
    miss: Callable[..., Call], acme: Tenant, jana: Agent, account: SystemAccount
) -> None:
    tell(acme, "Ringing", "8.else", From=JANA_HORAKOVA, Login=jana.login)
    tell(acme, "Hangup", "8.else", Login=jana.login, Reason="Answered elsewhere")
    miss("444", Direction="internal")
    assert not CrmWrite.objects.exists()


# ── without a system account, and then with one ──────────────────────────────────────────────────────────────────────


def test_what_was_listed_without_an_account_is_written_once_there_is_one(
    miss: Callable[..., Call], acme: Tenant, microsoft: Sandbox, request: pytest.FixtureRequest
) -> None:
    write = write_of(miss())
    assert write.state == State.NO_ACCOUNT
    writing.sweep()
    write.refresh_from_db()
    assert write.state == State.NO_ACCOUNT
    request.getfixturevalue("account")
    writing.sweep()
    write.refresh_from_db()
    assert write.state == State.QUEUED
    assert deliver(write).state == State.WRITTEN
    assert in_crm(microsoft, write) is not None


def test_an_account_that_was_removed_sends_them_back_to_the_list(
    miss: Callable[..., Call], account: SystemAccount
) -> None:
    write = write_of(miss())
    account.delete()
    assert deliver(write).state == State.NO_ACCOUNT


def test_the_admin_chooses_among_users_and_teams(
    alice: User, client: Client, acme: Tenant, account: SystemAccount
) -> None:
    client.force_login(alice)
    Tenant.objects.update(missed_call_owner_id=UUID(TEAM_ID))
    html = client.get(f"/portal/{acme.code}/operation/owners/").content.decode()
    assert f'<option value="{KLARA}">Klára Šimková</option>' in html
    assert html.count(f'value="{TEAM_ID}"') == 1
    assert html.count("Servis") == 2
