"""One customer's configuration: in, out, and in again."""

import tomllib
from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from django.utils import timezone, translation

from tenants import configuration, registration
from tenants.configuration import ConfigurationError, Diff
from tenants.models import Agent, AuditEntry, Instance, SystemAccount, Tenant

Import = Callable[..., Diff]
NEW = '[tenant]\nslug = "acme"\nname = "Acme"\n[instance]\nurl = "https://acme.crm4.dynamics.com"\n'
APP = 'app_id = "5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11"\n'
ACME = '[tenant]\nslug = "acme"\n'


def lines(diff: Diff) -> list[str]:
    return [str(difference) for difference in diff.differences]


def test_export_of_the_full_example_imports_as_no_change(customer: Tenant, imported: Import) -> None:
    text = configuration.export(customer)
    assert lines(imported(text)) == []
    assert configuration.export(customer) == text


def test_importing_the_same_file_twice_changes_nothing(customer: Tenant, imported: Import, example: str) -> None:
    assert not imported(example)


def test_export_says_everything_the_example_says(customer: Tenant, example: str) -> None:
    said = tomllib.loads(configuration.export(customer))
    wanted = tomllib.loads(example)
    for name in ("tenant", "webhook", "search", "ivr_functions"):
        theirs = wanted[name]
        ours = said[name]
        pairs = zip(ours, theirs, strict=True) if isinstance(theirs, list) else [(ours, theirs)]
        for our, their in pairs:
            assert {key: our[key] for key in their} == their


def test_export_into_an_empty_portal_makes_the_same_customer(customer: Tenant, imported: Import) -> None:
    text = configuration.export(customer)
    customer.delete()
    imported(text)
    assert configuration.export(Tenant.objects.get(slug="acme")) == text


def test_awkward_texts_survive_the_round_trip(customer: Tenant, imported: Import) -> None:
    customer.name = "Acme \"U Žáby\" \\ s.r.o. # 1 'x' 👍"
    customer.outcomes = ["", {"cs": 'Ta"k', "en": "Yes\\"}][1:]
    customer.save()
    assert not imported(configuration.export(customer))


def test_customer_with_nothing_set_survives_the_round_trip(imported: Import) -> None:
    imported(NEW + APP)
    tenant = Tenant.objects.get(slug="acme")
    text = configuration.export(tenant)
    assert tomllib.loads(text)["agents"] == []
    assert not imported(text)


def test_example_creates_the_customer(customer: Tenant) -> None:
    instance = customer.instance
    assert (instance.url, instance.leads, instance.is_proven) == ("https://acme.crm4.dynamics.com", True, False)
    assert [(entity.table, entity.phone_columns) for entity in instance.custom_entities.all()] == [
        ("nnn_myLead", ["myPhone1"])
    ]
    assert [field.identifier for field in instance.display_fields.all()] == ["myOrdersCount", "myLastOrderDate"]
    assert [(function.name, function.kind) for function in customer.ivr_functions.all()] == [
        ("overeni-pin", "verify"),
        ("reklamace", "write"),
    ]
    assert [(agent.email, agent.login, agent.line, agent.window) for agent in customer.agents.all()] == [
        ("jana@acme.example", "jana.novakova", "444", True)
    ]


def test_unverified_directory_is_said(imported: Import) -> None:
    diff = imported(NEW + APP)
    assert diff.notes == (str(registration.NOT_VERIFIED),)
    assert Instance.objects.get().directory_id is None


def test_absent_keys_and_tables_stay(customer: Tenant, imported: Import) -> None:
    diff = imported(ACME + "retention_days = 30\n")
    assert lines(diff) == ["~ tenant.retention_days: 90 → 30"]
    assert customer.agents.count() == 1


def test_present_list_replaces_the_list(customer: Tenant, imported: Import) -> None:
    diff = imported(ACME + 'outcomes = ["Volat zpět"]\nown_numbers = []\n')
    customer.refresh_from_db()
    assert (customer.outcomes, customer.own_numbers) == (["Volat zpět"], [])
    assert len(lines(diff)) == 2


def test_empty_list_of_tables_empties_it(customer: Tenant, imported: Import) -> None:
    imported("display_fields = []\nivr_functions = []\n" + ACME)
    assert customer.instance.display_fields.count() == customer.ivr_functions.count() == 0
    assert customer.instance.custom_entities.count() == 1


def test_dry_run_prints_exactly_what_is_then_written(customer: Tenant, imported: Import) -> None:
    text = ACME + 'name = "Acme a.s."\n[[agents]]\nname = "Bob"\nemail = "bob@acme.example"\n'
    before = configuration.export(customer), AuditEntry.objects.count()
    foreseen = imported(text, dry_run=True)
    customer.refresh_from_db()
    assert (configuration.export(customer), AuditEntry.objects.count()) == before
    assert str(imported(text)) == str(foreseen)
    assert '~ tenant.name: "Acme s.r.o." → "Acme a.s."' in lines(foreseen)
    assert '+ agents[bob@acme.example].name = "Bob"' in lines(foreseen)


def test_dry_run_of_a_new_customer_leaves_none(imported: Import) -> None:
    assert imported(NEW + APP, dry_run=True)
    assert Tenant.objects.count() == 0


def test_pasted_browser_address_names_the_app(imported: Import) -> None:
    pasted = "https://acme.crm4.dynamics.com/main.aspx?appid=5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11&pagetype=entitylist"
    imported(f'[tenant]\nslug = "acme"\nname = "Acme"\n[instance]\nurl = "{pasted}"\n')
    instance = Instance.objects.get()
    assert (instance.url, str(instance.app_id)) == (
        "https://acme.crm4.dynamics.com",
        "5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11",
    )


def test_agents_are_matched_by_email_in_any_case_and_never_removed(customer: Tenant, imported: Import) -> None:
    imported(ACME + '[[agents]]\nname = "Bob Beneš"\nemail = "bob@acme.example"\n')
    diff = imported(ACME + '[[agents]]\nemail = "JANA@acme.example"\nline = "450"\n')
    jana = Agent.objects.get(email__iexact="jana@acme.example")
    assert (jana.line, jana.window, customer.agents.count()) == ("450", True, 2)
    assert '~ agents[jana@acme.example].line: "444" → "450"' in lines(diff)


def test_window_taken_away_signs_the_agent_out(customer: Tenant, imported: Import) -> None:
    Agent.objects.update(token_cache=b"\x01\x02t1x")
    imported(ACME + '[[agents]]\nemail = "jana@acme.example"\nwindow = false\n')
    jana = customer.agents.get()
    assert (jana.window, jana.session_epoch, bytes(jana.__dict__["token_cache"])) == (False, 1, b"")


def test_agents_may_swap_their_logins(customer: Tenant, imported: Import) -> None:
    imported(ACME + '[[agents]]\nname = "Bob"\nemail = "bob@acme.example"\nlogin = "bob"\n')
    imported(
        ACME
        + '[[agents]]\nemail = "bob@acme.example"\nlogin = "jana.novakova"\n'
        + '[[agents]]\nemail = "jana@acme.example"\nlogin = "bob"\n'
    )
    assert dict(customer.agents.values_list("email", "login")) == {
        "bob@acme.example": "jana.novakova",
        "jana@acme.example": "bob",
    }


def test_saving_an_agent_leaves_the_tokens_as_they_lie(customer: Tenant, imported: Import) -> None:
    jana = customer.agents.get()
    jana.token_cache = "tokens"
    jana.save()
    stored = bytes(Agent.objects.get().__dict__["token_cache"])
    imported(ACME + '[[agents]]\nemail = "jana@acme.example"\nline = "1"\n')
    assert bytes(Agent.objects.get().__dict__["token_cache"]) == stored


def test_search_is_replaced_per_table_and_an_empty_list_goes_back_to_metadata(
    customer: Tenant, imported: Import
) -> None:
    imported(ACME + '[search]\ncontact = ["mobilephone"]\nAccount = []\n')
    assert Tenant.objects.get().instance.search_columns == {"contact": ["mobilephone"]}


def test_ivr_function_keeps_its_identity_by_name(customer: Tenant, imported: Import) -> None:
    code = customer.ivr_functions.get(name="reklamace").code
    imported(
        ACME + '[[ivr_functions]]\nname = "reklamace"\nkind = "write"\nentity = "nnn_myLead"\nbudget_ms = 900\n'
        'columns = { serial = "nnn_serial" }\n'
    )
    function = customer.ivr_functions.get()
    assert (function.code, function.budget_ms, function.constants) == (code, 900, {})


def test_another_address_drops_proof_and_tokens(customer: Tenant, imported: Import) -> None:
    organization = UUID(int=7)
    registration.prove(
        customer.instance, by="alice@acme.example", organization_id=organization, directory_id=organization
    )
    Agent.objects.update(token_cache=b"\x01\x02t1x", object_id=UUID(int=8), directory_id=organization)
    diff = imported(ACME + '[instance]\nurl = "https://acme2.crm4.dynamics.com"\n')
    instance, jana = Instance.objects.get(), Agent.objects.get()
    assert (instance.is_proven, instance.organization_id, instance.directory_id) == (False, None, None)
    assert (bytes(jana.__dict__["token_cache"]), jana.session_epoch, jana.object_id) == (b"", 1, None)
    assert len(diff.notes) == 3
    assert AuditEntry.objects.filter(act="instance.address_changed").count() == 1


# Secrets

ACCOUNT = '[system_account]\nclient_id = "22222222-aaaa-4bbb-8ccc-000000000002"\nsecret_expires_on = 2027-11-03\n'


def test_secret_comes_from_the_environment_and_is_never_shown(customer: Tenant, imported: Import) -> None:
    secrets = {"TENANT_SECRET_ACME": "very-secret-value"}
    text = ACME + ACCOUNT + 'client_secret_env = "TENANT_SECRET_ACME"\n'
    diff = imported(text, secrets=secrets)
    account = SystemAccount.objects.get()
    assert (account.client_secret, account.secret_expires_on) == ("very-secret-value", date(2027, 11, 3))
    assert "~ system_account.client_secret: ••• → •••" in lines(diff)
    trace = [(entry.before, entry.after) for entry in AuditEntry.objects.all()]
    assert "very-secret" not in str(diff) + str(trace) + configuration.export(Tenant.objects.get())
    assert not imported(text, secrets=secrets)
    assert not imported(configuration.export(Tenant.objects.get()))


def test_new_secret_drops_the_old_token(customer: Tenant, imported: Import) -> None:
    text = ACME + ACCOUNT + 'client_secret_env = "TENANT_SECRET_ACME"\n'
    imported(text, secrets={"TENANT_SECRET_ACME": "one"})
    SystemAccount.objects.update(token_expires_at=timezone.now())
    imported(text, secrets={"TENANT_SECRET_ACME": "two"})
    assert SystemAccount.objects.get().token_expires_at is None


def test_empty_client_id_takes_the_account_away(customer: Tenant, imported: Import) -> None:
    imported(ACME + ACCOUNT)
    diff = imported(ACME + '[system_account]\nclient_id = ""\n')
    assert SystemAccount.objects.count() == 0
    assert lines(diff)[0] == '- system_account.client_id = "22222222-aaaa-4bbb-8ccc-000000000002"'


def test_configuration_does_not_show_its_secrets(customer: Tenant) -> None:
    loaded = configuration.load(ACME, secrets={"TENANT_SECRET_ACME": "very-secret-value"})
    assert "very-secret" not in repr(loaded)


# Audit


def test_import_leaves_one_trace_without_names(customer: Tenant, imported: Import) -> None:
    AuditEntry.objects.all().delete()
    imported(ACME + 'retention_days = 30\n[[agents]]\nemail = "jana@acme.example"\nname = "Jana Malá"\n')
    entry = AuditEntry.objects.get()
    path = f"agents[{customer.agents.get().code}].name"
    assert (entry.actor, entry.act, entry.tenant) == ("ivana", "configuration.imported", customer)
    assert entry.before == {"tenant.retention_days": 90, path: "•••"}
    assert entry.after == {"tenant.retention_days": 30, path: "•••"}


def test_import_without_change_leaves_no_trace(customer: Tenant, imported: Import) -> None:
    AuditEntry.objects.all().delete()
    imported(ACME)
    assert AuditEntry.objects.count() == 0


def test_nothing_is_half_imported(customer: Tenant, imported: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when the database refuses the very last row."""
    before = configuration.export(customer)
    imported(ACME + '[[agents]]\nname = "Bob"\nemail = "bob@acme.example"\n', dry_run=True)
    from django.db import IntegrityError

    def refuse(*args: object, **options: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(Agent.objects, "bulk_create", refuse)
    with translation.override("en"), pytest.raises(ConfigurationError) as error:
        imported(ACME + 'name = "Other"\n[[agents]]\nname = "Bob"\nemail = "bob@acme.example"\n')
    assert "at the same moment" in str(error.value)
    assert configuration.export(Tenant.objects.get(slug="acme")) == before
