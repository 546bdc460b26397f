"""The test from the form tells apart what is wrong: each with what Microsoft said, what to do, and where to click."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.utils import timezone, translation

from crmwindow.models import IvrFunction
from ipexportal.sandbox import Sandbox, directory
from tenants import credentials, key_pairs, needed_rights
from tenants.key_pairs import KeyPair
from tenants.models import CustomEntity, Instance, SystemAccount, Tenant
from tenants.verification import wording
from tests.system_account.conftest import certificate_of, check, found, outcome, pem_of, text_of

pytestmark = pytest.mark.django_db
SYSTEM = directory.SYSTEM.upn
CLASSIC, CENTRE, AZURE = "Classic Advanced Settings", "Power Platform admin centre", "Azure portal"
Break = Callable[[SystemAccount, Sandbox], None]


def _stored(**values: object) -> Break:
    def act(account: SystemAccount, microsoft: Sandbox) -> None:
        for name, value in values.items():
            setattr(account, name, value)
        account.save()

    return act


def _user_is(state: str) -> Break:
    return lambda account, microsoft: microsoft.control.membership(SYSTEM, state)


def _has_no_roles(account: SystemAccount, microsoft: Sandbox) -> None:
    microsoft.control.rights(SYSTEM, {})


def _in_another_directory(account: SystemAccount, microsoft: Sandbox) -> None:
    """The application was registered at Beta's, Acme's CRM lies in Acme's directory."""
    microsoft.control._application.entra.registrations[directory.SYSTEM_CLIENT_ID].tenant = directory.BETA_TENANT


@pytest.fixture(autouse=True)
def registered_at_acmes(microsoft: Sandbox) -> object:
    yield
    microsoft.control._application.entra.registrations[directory.SYSTEM_CLIENT_ID].tenant = directory.ACME_TENANT


TROUBLE = [
    (_in_another_directory, "token", "app_unknown", "AADSTS700016", AZURE),
    (_stored(client_id=UUID(int=1)), "token", "app_unknown", "AADSTS700016", AZURE),
    (_stored(client_secret="wrong~value"), "token", "secret_wrong", "AADSTS7000215", AZURE),
    (_stored(client_secret=str(UUID(int=5))), "token", "secret_id", "AADSTS7000215", AZURE),
    (_stored(client_secret=directory.EXPIRED_CLIENT_SECRET), "token", "secret_expired", "AADSTS7000222", AZURE),
    (_user_is("absent"), "organization", "no_app_user", "0x80072560", CENTRE),
    (_user_is("disabled"), "organization", "app_user_disabled", "0x80040225", CENTRE),
    (_has_no_roles, "organization", "no_roles", "0x80042f09", CENTRE),
]


@pytest.mark.parametrize(("breaking", "key", "why", "code", "place"), TROUBLE, ids=[case[2] for case in TROUBLE])
def test_each_trouble_has_its_own_sentence(
    system: SystemAccount, microsoft: Sandbox, breaking: Break, key: str, why: str, code: str, place: str
) -> None:
    breaking(system, microsoft)
    report = check(system.instance)
    row = found(report, key)
    assert (row.result.state, row.result.why, row.result.evidence["code"]) == ("failed", why, code)
    assert code in row.said.found
    assert place in dict(row.said.remedy)
    assert (CLASSIC in dict(row.said.remedy)) is (place == CENTRE)  # in the CRM there are two ways
    assert directory.SYSTEM_CLIENT_SECRET not in str(row.result.evidence)


def test_no_two_troubles_say_the_same() -> None:
    said = {wording.say(key, "", why, {}).sentence for _breaking, key, why, _code, _place in TROUBLE}
    assert len(said) == len({case[2] for case in TROUBLE})


def test_where_the_application_was_looked_for_is_named(system: SystemAccount, microsoft: Sandbox) -> None:
    _in_another_directory(system, microsoft)
    row = found(check(system.instance), "token")
    assert row.said.found == (
        f"AADSTS700016, application {directory.SYSTEM_CLIENT_ID}, directory {directory.ACME_TENANT}"
    )


# certificates


def test_a_certificate_that_azure_does_not_know(bare: SystemAccount, pair: KeyPair) -> None:
    credentials.add_certificate(bare, pair, by="alice", made_here=True)
    row = found(check(bare.instance), "token")
    assert (row.result.state, row.result.why) == ("failed", "certificate_unknown")
    assert row.said.found == f"AADSTS700027, thumbprint {key_pairs.in_groups(pair.thumbprint)}"
    assert AZURE in dict(row.said.remedy)


def test_a_certificate_that_has_expired(
    bare: SystemAccount, key: rsa.RSAPrivateKey, in_azure: Callable[[str], None]
) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=30)):
        pair = key_pairs.read(pem_of(key, certificate_of(key, until=10)))
        in_azure(credentials.add_certificate(bare, pair, by="alice").public_part)
    report = check(bare.instance)
    assert outcome(report, "token") == ("failed", "certificate_expired")
    assert outcome(report, "secret") == ("failed", "expired")


def test_the_newest_is_refused_while_an_older_one_works(
    system: SystemAccount, pair: KeyPair, microsoft: Sandbox
) -> None:
    credentials.add_certificate(system, pair, by="alice")
    report = check(system.instance)
    assert outcome(report, "token") == ("warning", "certificate_waits")
    assert outcome(report, "organization") == ("passed", "passed")
    credentials.remove_certificate(SystemAccount.objects.get().certificates.get(), by="alice")
    _stored(second_client_secret="wrong~value", second_secret_added_at=timezone.now())(system, microsoft)
    assert outcome(check(system.instance), "token") == ("warning", "older_used")


# rights


def test_the_rights_follow_the_configuration(instance: Instance, acme: Tenant) -> None:
    def rows() -> dict[str, tuple[str, ...]]:
        return {row.table: row.verbs for row in needed_rights.of(Instance.objects.get(pk=instance.pk))}

    always = {"systemuser": ("Read", "AppendTo"), "team": ("Read",), "appmodule": ("Read",), "role": ("Read",)}
    searched = dict.fromkeys(("account", "contact", "lead"), ("Read", "AppendTo"))
    calls = {"phonecall": ("Create", "Read", "Write", "Append", "Assign")}
    assert rows() == {**searched, **calls, **always}
    CustomEntity.objects.create(
        instance=instance, label="Servis", table="nnn_myLead", id_column="myLeadId", phone_columns=["myPhone1"]
    )
    IvrFunction.objects.create(tenant=acme, name="serial", kind="verify", entity="Incident", column="ticketnumber")
    IvrFunction.objects.create(
        tenant=acme,
        name="complaint",
        kind="write",
        entity="nnn_Complaint",
        caller_column="nnn_CustomerId",
        owner="team",
    )
    IvrFunction.objects.create(tenant=acme, name="off", kind="lookup", entity="Opportunity", enabled=False)
    assert rows() == {
        **searched, "nnn_mylead": ("Read", "AppendTo"), **calls, "incident": ("Read",),
        "nnn_complaint": ("Create", "Read", "Write", "Append", "Assign"), **always,
    }  # fmt: skip


def exactly_as_described(instance: Instance) -> dict[str, str]:
    """The role somebody makes from the page, with the names of this organization's privileges."""
    names = {"phonecall": "Activity", "systemuser": "User", "team": "Team", "role": "Role", "appmodule": "AppModule"}
    names |= {"account": "Account", "contact": "Contact", "lead": "Lead"}
    return {f"prv{verb}{names[row.table]}": "Global" for row in needed_rights.of(instance) for verb in row.verbs}


def test_a_role_with_just_these_rights_is_enough(system: SystemAccount, microsoft: Sandbox) -> None:
    microsoft.control.rights(SYSTEM, exactly_as_described(system.instance))
    report = check(system.instance)
    of_the_account = report.about("token", "organization", "org_read", "system_rights", "table", "app", "version")
    assert {(row.result.state, row.result.why) for row in of_the_account} == {("passed", "passed")}


@pytest.mark.parametrize(
    ("right", "table"),
    [("prvReadUser", "systemuser"), ("prvAssignActivity", "phonecall"), ("prvAppendToContact", "contact")],
)
def test_one_missing_right_on_one_table_is_named(
    system: SystemAccount, microsoft: Sandbox, right: str, table: str
) -> None:
    rights = exactly_as_described(system.instance)
    del rights[right]
    microsoft.control.rights(SYSTEM, rights)
    row = found(check(system.instance), "system_rights", table)
    assert (row.result.state, row.result.why) == ("failed", "lacks")
    assert row.said.found == f"{table}: {right} missing"
    assert f"on the table {table} for the whole organization" in row.said.sentence
    assert set(dict(row.said.remedy)) == {CLASSIC, CENTRE}


def test_a_right_for_own_records_only_is_too_little(system: SystemAccount, microsoft: Sandbox) -> None:
    microsoft.control.rights(SYSTEM, {**exactly_as_described(system.instance), "prvReadUser": "Basic"})
    assert outcome(check(system.instance), "system_rights", "systemuser") == ("failed", "depth")


def test_the_page_shows_the_role_and_what_is_missing(
    portal: Client, at: Callable[..., str], system: SystemAccount, microsoft: Sandbox
) -> None:
    rights = exactly_as_described(system.instance)
    del rights["prvReadUser"]
    microsoft.control.rights(SYSTEM, rights)
    check(system.instance)
    page = text_of(portal.get(at("ivr")))
    assert "User systemuser Who owns a record: their login and line for the IVR." in page
    assert page.count("Missing") == 1
    assert "- Activity (phonecall): Create, Read, Write, Append, Assign. Missed calls are written." in page
    assert "Copy the role App Opener and add these rights, each for the whole organization:" in page


def test_the_text_is_in_the_readers_language(system: SystemAccount) -> None:
    with translation.override("cs"):
        assert "systemuser" in needed_rights.as_text(system.instance)
