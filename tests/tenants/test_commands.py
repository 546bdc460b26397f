"""The commands as implementers type them."""

from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from ipexportal.sandbox import Sandbox, directory
from tenants import access, registration
from tenants.models import ApiKey, AuditEntry, Instance, SystemAccount, Tenant

SMALL = '[tenant]\nslug = "acme"\nname = "Acme"\n[instance]\nurl = "{url}"\napp_id = "{app}"\n'


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def refused(*words: str) -> str:
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command(*words, stdout=out, stderr=out)
    assert end.value.code == 1
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path, microsoft: Sandbox) -> Path:
    path = tmp_path / "acme.toml"
    path.write_text(SMALL.format(url=microsoft.origin, app=directory.APP_ID))
    return path


@pytest.mark.django_db
def test_import_finds_the_directory_at_the_instance(file: Path) -> None:
    said = run("tenant_import", str(file))
    assert str(Instance.objects.get().directory_id) == directory.ACME_TENANT
    assert f'+ instance.entra_tenant_id = "{directory.ACME_TENANT}"' in said.splitlines()


@pytest.mark.django_db
def test_dry_run_says_the_same_and_writes_nothing(file: Path) -> None:
    foreseen = run("tenant_import", str(file), "--dry-run").splitlines()
    assert Tenant.objects.count() == 0
    written = run("tenant_import", str(file)).splitlines()
    assert foreseen[:-1] == written[:-1]


@pytest.mark.django_db
def test_export_imports_as_no_change(file: Path) -> None:
    run("tenant_import", str(file))
    file.write_text(run("tenant_export", "acme"))
    assert len(run("tenant_import", str(file)).splitlines()) == 1


@pytest.mark.django_db
def test_mistakes_are_printed_one_a_line_with_exit_code_1(file: Path) -> None:
    file.write_text(file.read_text() + 'lead = true\nnote_state = "shut"\n')
    lines = refused("tenant_import", str(file)).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["line 7, instance.lead", "line 8, instance.note_state"]
    assert Tenant.objects.count() == 0


@pytest.mark.django_db
def test_the_secret_comes_from_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_SECRET_ACME", "sandbox-system-secret")
    account = (
        f'[system_account]\nclient_id = "{directory.SYSTEM_CLIENT_ID}"\nclient_secret_env = "TENANT_SECRET_ACME"\n'
    )
    file.write_text(file.read_text() + account)
    assert "sandbox-system-secret" not in run("tenant_import", str(file))
    assert SystemAccount.objects.get().client_secret == "sandbox-system-secret"


@pytest.mark.django_db
def test_a_file_may_come_from_standard_input(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(file.read_bytes())))
    run("tenant_import", "-")
    assert Tenant.objects.get().name == "Acme"


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match=r"nowhere\.toml"):
        run("tenant_import", "nowhere.toml")


@pytest.mark.parametrize(
    "words",
    [
        ["tenant_export", "acmee"],
        ["create_api_key", "acmee", "--scope", "events"],
        ["confirm_instance", "acmee", "--by", "ivana"],
    ],
)
def test_an_unknown_customer_is_named_beside_the_known(acme: Tenant, words: list[str]) -> None:
    with pytest.raises(CommandError, match=r"acmee.*: acme"):
        run(*words)


def test_a_key_is_printed_once_and_alone(acme: Tenant) -> None:
    text = run("create_api_key", "acme", "--scope", "window", "--address", "127.0.0.0/8", "192.0.2.1").strip()
    assert access.open_with(text, "window", address="127.0.0.1").tenant == acme
    assert ApiKey.objects.get().allowed_addresses == ["127.0.0.0/8", "192.0.2.1/32"]
    assert text not in str(list(AuditEntry.objects.values()))


def test_a_key_for_a_wrong_address_or_scope_is_refused(acme: Tenant) -> None:
    with pytest.raises(CommandError, match="office"):
        run("create_api_key", "acme", "--scope", "events", "--address", "office")
    with pytest.raises(CommandError):
        run("create_api_key", "acme", "--scope", "all")


@pytest.mark.django_db
def test_a_named_implementer_confirms_an_instance(file: Path, ivana: User) -> None:
    run("tenant_import", str(file))
    run("confirm_instance", "acme", "--by", "ivana")
    assert Instance.objects.get().proven_by == "ivana"
    assert AuditEntry.objects.filter(act="instance.confirmed", actor="ivana").count() == 1


def test_nobody_else_confirms(acme: Tenant, alice: User) -> None:
    registration.change_address(acme.instance, by="ivana", url="https://acme.crm4.dynamics.com")
    for name in ("alice", "nobody"):
        with pytest.raises(CommandError):
            run("confirm_instance", "acme", "--by", name)
    assert not Instance.objects.get().is_proven
