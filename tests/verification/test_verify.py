"""The checks against the stand-in: what is in order, what is broken, who must act, and what nobody could look at."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone, translation

from ipexportal.sandbox import Sandbox, directory
from tenants import microsoft_connections, verification
from tenants.models import Agent, CheckRun, CustomEntity, DisplayField, Instance, MicrosoftConnection, SystemAccount
from tenants.verification import Report, Row, State, wording
from tests.signed_in import sign_in

pytestmark = pytest.mark.usefixtures("from_and_to")
Set = Callable[..., None]


@pytest.fixture
def key_scheme(instance: Instance) -> CustomEntity:
    return CustomEntity.objects.create(
        instance=instance,
        label="Servis",
        table="nnn_myLead",
        id_column="myLeadId",
        phone_columns=["myPhone1"],
        first_name="contactName",
        last_name="organizationName",
    )


@pytest.fixture
def orders(instance: Instance) -> DisplayField:
    return DisplayField.objects.create(
        instance=instance, label="Počet objednávek", entity="Account", identifier="myOrdersCount"
    )


@pytest.fixture
def everything(
    system: SystemAccount, key_scheme: CustomEntity, orders: DisplayField, jana: Agent, from_and_to: Set
) -> Instance:
    """Acme as it should be."""
    SystemAccount.objects.update(secret_expires_on=timezone.localdate() + timedelta(days=400))
    from_and_to("Recommended")
    sign_in(jana)
    return Instance.objects.select_related("tenant").get(pk=system.instance.pk)


def check(instance: Instance, *, by: User | str = "ivana", seconds: float = 10) -> Report:
    fresh = Instance.objects.select_related("tenant").get(pk=instance.pk)
    return verification.verify(fresh, by=by, seconds=seconds)


def found(report: Report, key: str, subject: str = "") -> Row:
    return next(row for row in report.rows if (row.result.key, row.result.subject) == (key, subject))


def outcome(report: Report, key: str, subject: str = "") -> tuple[str, str]:
    row = found(report, key, subject)
    return row.result.state, row.result.why


def not_in_order(report: Report) -> list[tuple[str, str, str]]:
    return [(row.result.key, row.result.subject, row.result.why) for row in report.rows if row.result.why != "passed"]


# In order


def test_everything_is_in_order(everything: Instance) -> None:
    report = check(everything)
    assert not_in_order(report) == []
    assert [row.result.key for row in report.rows if not row.result.subject] == [
        "address", "directory", "proof", "token", "organization", "version", "app", "agents_rights",
        "from_to", "secret", "agents",
    ]  # fmt: skip
    assert report.count(required=True) == (17, 17)
    assert report.run.through == "system"


def test_it_is_stored_while_it_runs_and_told_afterwards(everything: Instance) -> None:
    seen: list[int] = []
    run = CheckRun.objects.filter(instance=everything)
    report = verification.verify(
        everything, by="ivana", on_result=lambda result: seen.append(run.get().results.count())
    )
    assert seen == list(range(1, len(report.rows) + 1))
    latest = verification.latest(everything)
    assert latest is not None
    assert [row.said for row in latest.rows] == [row.said for row in report.rows]


def test_an_agents_token_is_never_used(everything: Instance, microsoft: Sandbox) -> None:
    microsoft.control.reset()
    check(everything)
    assert {seen.upn for seen in microsoft.requests if seen.side == "dataverse" and seen.upn} == {directory.SYSTEM.upn}


def test_nothing_about_persons_is_kept(everything: Instance) -> None:
    report = check(everything)
    kept = json.dumps([row.result.evidence for row in report.rows])
    assert re.findall("jana|Nováková|acme.example|sandbox-system-secret", kept) == []


# Who looks


def test_without_a_system_account_the_acting_admins_connection_looks(
    connection: MicrosoftConnection, alice: User, microsoft: Sandbox
) -> None:
    report = check(connection.instance, by=alice)
    assert report.run.through == "connection"
    assert report.blocking == []
    assert outcome(report, "columns", "contact") == ("passed", "passed")
    assert {row.result.key for row in report.rows} & {"org_read", "system_rights", "secret"} == set()


def test_somebody_elses_connection_looks_only_if_it_is_kept_for_that(
    connection: MicrosoftConnection, alice: User, ivana: User
) -> None:
    assert outcome(check(connection.instance, by=ivana), "app") == ("not_verified", "nobody_to_look")
    microsoft_connections.keep(connection, by=alice, kept=True)
    assert outcome(check(connection.instance, by="nightly"), "app") == ("passed", "passed")


def test_with_nobody_to_look_the_address_is_checked_all_the_same(instance: Instance) -> None:
    report = check(instance)
    assert (report.run.through, report.blocking) == ("", [])
    assert outcome(report, "directory") == ("passed", "passed")
    assert outcome(report, "table", "account") == ("not_verified", "nobody_to_look")
    assert found(report, "token").said.sentence == (
        "Connect your Microsoft account, or set up the system account. Then this is checked."
    )


def test_a_broken_system_account_is_told_and_the_connection_looks_on(
    system: SystemAccount, connection: MicrosoftConnection, alice: User
) -> None:
    system.client_secret = "something else"
    system.save()
    report = check(system.instance, by=alice)
    assert (report.run.through, outcome(report, "token")) == ("connection", ("failed", "secret_wrong"))
    assert outcome(report, "columns", "lead") == ("passed", "passed")
    assert outcome(report, "org_read", "lead") == ("not_verified", "system_only")


# Broken


def _account(**values: Any) -> Callable[[Instance, Sandbox], None]:
    def act(instance: Instance, microsoft: Sandbox) -> None:
        account = SystemAccount.objects.get()
        for name, value in values.items():
            setattr(account, name, value)
        account.save()

    return act


def _rows(model: Any, **values: Any) -> Callable[[Instance, Sandbox], None]:
    return lambda instance, microsoft: model.objects.update(**values)


def _lacking(right: str, upn: str) -> Callable[[Instance, Sandbox], None]:
    def act(instance: Instance, microsoft: Sandbox) -> None:
        microsoft.control.fault("missing_privilege", privilege=right, upn=upn)

    return act


SYSTEM, JANA = directory.SYSTEM.upn, directory.JANA.upn
BROKEN = [
    (_rows(Instance, url="https://crm.firma.cz"), "address", "", "not_an_instance", ["address"]),
    (_rows(Instance, directory_id=UUID(directory.BETA_TENANT)), "directory", "", "another", []),
    (_rows(Instance, directory_id=None), "directory", "", "not_stored", []),
    (_rows(Instance, proven_at=None), "proof", "", "claimed", ["proof"]),
    (_account(client_secret="wrong"), "token", "", "secret_wrong", ["token"]),
    (_account(client_secret=directory.EXPIRED_CLIENT_SECRET), "token", "", "secret_expired", ["token"]),
    (_account(client_secret=""), "token", "", "secret_missing", ["token", "secret"]),
    (_account(client_id=UUID(int=1)), "token", "", "app_unknown", ["token"]),
    (_rows(Instance, organization_id=UUID(int=2)), "organization", "", "another", ["organization"]),
    (_rows(Instance, organization_id=None), "organization", "", "not_noted", []),
    (_rows(Instance, app_id=UUID(int=3)), "app", "", "not_found", ["app"]),
    (_rows(CustomEntity, table="nnn_myLeat"), "table", "nnn_myleat", "missing", ["table"]),
    (_rows(Instance, search_columns={"Contact": ["mobilfone"]}), "columns", "contact", "unknown", ["columns"]),
    (_rows(CustomEntity, last_name="organisationName"), "columns", "nnn_mylead", "unknown", ["columns"]),
    (_rows(CustomEntity, id_column="serial"), "columns", "nnn_mylead", "another_key", []),
    (_rows(DisplayField, identifier="myOrderCount"), "fields", "account", "unknown", []),
    (_rows(DisplayField, identifier="name", entity="Opportunity"), "fields", "opportunity", "table_not_used", []),
    (_lacking("prvReadLead", SYSTEM), "org_read", "lead", "lacks", []),
    (_lacking("prvAppendToContact", SYSTEM), "system_rights", "contact", "lacks", []),
    (_lacking("prvReadLead", JANA), "agents_rights", "", "lacks", ["agents_rights"]),
    (_lacking("prvCreateActivity", JANA), "agents_rights", "", "lacks", ["agents_rights"]),
    (_lacking("prvCreateLead", JANA), "agents_rights", "", "lacks_creating", []),
    (_account(secret_expires_on=timezone.localdate() - timedelta(days=1)), "secret", "", "expired", ["secret"]),
    (_account(secret_expires_on=timezone.localdate() + timedelta(days=60)), "secret", "", "soon", []),
    (_account(secret_expires_on=None), "secret", "", "no_date", []),
    (_rows(Agent, window=False), "agents", "", "nobody_enabled", []),
    (_rows(Agent, token_cache=b""), "agents", "", "nobody_signed_in", []),
    (_rows(Agent, sign_in_error="AADSTS50173"), "agents", "", "stuck", []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("breaking", "key", "subject", "why", "blocking"), BROKEN, ids=[f"{case[1]}-{case[3]}" for case in BROKEN]
)
def test_each_trouble_is_found_with_a_sentence(
    everything: Instance, microsoft: Sandbox, breaking: Any, key: str, subject: str, why: str, blocking: list[str]
) -> None:
    breaking(everything, microsoft)
    report = check(everything)
    row = found(report, key, subject)
    assert row.result.why == why
    assert row.said.sentence
    assert row.said.acts != "nobody"
    if key != "directory":  # in another directory nobody can sign in either
        assert sorted({row.result.key for row in report.blocking}) == sorted(blocking)


def test_nothing_is_fetched_from_what_is_no_instance(everything: Instance, microsoft: Sandbox) -> None:
    Instance.objects.update(url="http://127.0.0.1:5432/x")
    microsoft.control.reset()
    report = check(everything)
    assert outcome(report, "address") == ("failed", "not_an_instance")
    assert outcome(report, "directory") == ("not_verified", "address_first")
    assert outcome(report, "columns", "contact") == ("not_verified", "address_first")
    assert list(microsoft.requests) == []


@pytest.fixture
def changed_tables(microsoft: Sandbox) -> Iterator[Any]:
    """`changed_tables("nnn_mylead", has_activities=False)`; afterwards as before."""
    model = microsoft.dataverse.model
    before = {name: model[name] for name in ("account", "nnn_mylead", "lead")}
    yield model.change_table
    for name, table in before.items():
        model.tables[name] = model.sets[table.entity_set] = table
    model.revision += 1


def test_an_own_table_without_activities_or_relation(everything: Instance, changed_tables: Any) -> None:
    changed_tables("nnn_mylead", has_activities=False)
    row = found(check(everything), "activities", "nnn_mylead")
    assert (row.result.state, row.result.why, row.result.required) == ("failed", "switched_off", False)
    places = [place for place, _steps in row.said.remedy]
    assert places == ["Classic Advanced Settings", "Power Apps (make.powerapps.com)"]


def test_change_tracking_is_looked_at_where_there_is_an_index(everything: Instance) -> None:
    Instance.objects.update(index=True)
    report = check(everything)
    assert outcome(report, "tracking", "account") == ("passed", "passed")
    assert outcome(report, "tracking", "nnn_mylead") == ("warning", "switched_off")
    assert found(report, "org_read", "account").result.required is True


def test_what_one_click_creating_would_fail_on(everything: Instance, microsoft: Sandbox) -> None:
    microsoft.dataverse.require("nnn_mylead", "nnn_serial", "ApplicationRequired")
    try:
        row = found(check(everything), "creating", "nnn_mylead")
    finally:
        microsoft.dataverse.require("nnn_mylead", "nnn_serial", "None")
    assert (row.result.state, row.said.found) == ("warning", "Required: nnn_Serial")


def test_a_column_of_the_key_scheme_that_new_records_cannot_fill(everything: Instance) -> None:
    CustomEntity.objects.update(last_name="myOrdersCount")
    row = found(check(everything), "creating", "nnn_mylead")
    assert (row.result.why, row.said.found) == ("not_writable", "Not writable: nnn_myOrdersCount")


def test_from_and_to_required_and_fixed(everything: Instance, from_and_to: Set) -> None:
    from_and_to("ApplicationRequired")
    row = found(check(everything), "from_to")
    assert (row.result.state, row.result.why) == ("warning", "required")
    assert row.said.found == "phonecall.from: ApplicationRequired, phonecall.to: ApplicationRequired"
    from_and_to("ApplicationRequired", fixed=True)
    assert outcome(check(everything), "from_to") == ("warning", "fixed")


def test_the_nearest_column_and_the_apps_there_are_are_named(everything: Instance) -> None:
    DisplayField.objects.update(identifier="myOrderCount")
    Instance.objects.update(app_id=UUID(int=3))
    report = check(everything)
    assert found(report, "fields", "account").said.found == "myOrderCount (the closest is myOrdersCount)"
    assert found(report, "app").said.found == (
        f"App {UUID(int=3)}: 404 0x80040217. There are: Prodej a servis ({directory.APP_ID})."
    )


def test_an_application_that_is_no_user_of_the_organization(everything: Instance, microsoft: Sandbox) -> None:
    account = SystemAccount.objects.get()
    account.client_id, account.client_secret = UUID(directory.CLIENT_ID), directory.CLIENT_SECRET
    account.save()
    report = check(everything)
    assert (outcome(report, "token"), outcome(report, "organization")) == (
        ("passed", "passed"),
        ("failed", "no_app_user"),
    )
    assert outcome(report, "table", "account") == ("not_verified", "not_a_member")


# Microsoft in trouble


def test_an_outage_fails_nothing(everything: Instance, microsoft: Sandbox) -> None:
    microsoft.control.microsoft("down")
    report = check(everything, seconds=3)
    assert [row.result.key for row in report.rows if row.result.state == State.FAILED] == []
    assert outcome(report, "directory") == ("not_verified", "unreachable")
    assert outcome(report, "table", "account") == ("not_verified", "unreachable")


def test_one_check_that_cannot_look_hides_no_other(everything: Instance, microsoft: Sandbox) -> None:
    microsoft.control.fault("html", path="appmodules", count=9)
    microsoft.control.fault("unavailable", path="Privileges$|RetrieveUserPrivileges", count=99)
    report = check(everything)
    unreached = {row.result.key for row in report.not_verified}
    assert unreached == {"app", "org_read", "system_rights", "agents_rights"}
    assert outcome(report, "columns", "contact") == ("passed", "passed")


def test_the_whole_run_has_a_budget(everything: Instance, microsoft: Sandbox) -> None:
    microsoft.control.fault("slow", path="LogicalName='from'", seconds=4, count=1)
    report = check(everything, seconds=2)
    assert found(report, "from_to").result.state == State.NOT_VERIFIED
    assert {row.result.key for row in report.not_verified} == {"from_to"}


def test_the_account_that_looks_lacks_a_right(connection: MicrosoftConnection, alice: User, microsoft: Sandbox) -> None:
    microsoft.control.fault("missing_privilege", privilege="prvReadAppModule", upn="alice@acme.example")
    row = found(check(connection.instance, by=alice), "app")
    assert (row.result.state, row.result.why) == ("not_verified", "may_not_look")
    assert row.said.found == "The account that looks lacks the right prvReadAppModule (403 0x80040220)."


# From run to run


def test_what_turned_red_is_told_from_what_always_was(everything: Instance) -> None:
    Instance.objects.update(app_id=UUID(int=3))
    first = check(everything)
    assert [row.result.key for row in first.blocking] == ["app"]
    assert (first.turned_red, first.blocking[0].turned_red) == ([], False)

    DisplayField.objects.update(identifier="zmizelo")
    second = check(everything)
    assert [row.result.key for row in second.turned_red] == ["fields"]

    third = check(everything)
    assert third.turned_red == []  # told once
    row = found(third, "fields", "account")
    assert (row.turned_red, row.result.since) == (True, second.run.started_at)


def test_what_cannot_be_verified_keeps_what_was_last_known(everything: Instance, microsoft: Sandbox) -> None:
    first = check(everything)
    microsoft.control.microsoft("down")
    second = check(everything, seconds=3)
    row = found(second, "app")
    assert (row.result.state, row.result.known_state) == (State.NOT_VERIFIED, State.PASSED)
    assert row.not_verified_since == first.run.started_at
    microsoft.control.microsoft("running")
    Instance.objects.update(app_id=UUID(int=3))
    assert [row.result.key for row in check(everything).turned_red] == ["app"]


def test_old_runs_are_forgotten(instance: Instance) -> None:
    CheckRun.objects.bulk_create(CheckRun(instance=instance, by="nightly") for _ in range(65))
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        report = check(instance)
    assert CheckRun.objects.count() == 60
    assert verification.latest(instance) == report


# Words


@pytest.mark.parametrize("language", ["cs", "sk", "en"])
def test_every_saying_can_be_said_without_evidence(language: str) -> None:
    with translation.override(language):
        for key, sayings in wording.SAYINGS.items():
            for why in sayings:
                said = wording.say("app" if key == "*" else key, "account", why, {})
                assert (said.title, "%(" in said.title + said.found + said.sentence) != ("", True)


def test_every_reason_a_check_can_give_has_a_sentence() -> None:
    source = (Path(verification.__file__).parent / "checks.py").read_text()
    reasons = set(re.findall(r'(?:failed|warning|not_verified)\(\s*"(\w+)"', source))
    sayable = {why for sayings in wording.SAYINGS.values() for why in sayings}
    assert reasons - sayable == set()
    assert set(wording.SAYINGS) - {"*"} <= set(wording.TITLES)
