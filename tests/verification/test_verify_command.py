"""`manage.py verify TENANT` as implementers type it."""

import json
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from tenants.models import CheckRun, Instance, SystemAccount, Tenant

pytestmark = pytest.mark.usefixtures("from_and_to")


def run(*words: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify", *words, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_it_prints_what_to_mend_first_and_how(system: SystemAccount) -> None:
    code, said = run("acme")
    lines = said.splitlines()
    assert (code, lines[0]) == (0, f"Acme s.r.o. · {system.instance.url}")
    groups = [line for line in lines if line in {"Blocks going live", "Should be changed", "Not verified", "In order"}]
    assert groups == ["Should be changed", "In order"]
    at = lines.index(
        "  ! Notes can be edited in the CRM: phonecall.from: ApplicationRequired, phonecall.to: ApplicationRequired"
    )
    assert lines[at + 1] == (
        "      The customer's CRM admin: From and To of Phone Call are required, so the CRM lets nobody edit a note. "
        "Make them recommended."
    )
    assert [line.strip().partition(":")[0] for line in lines[at + 2 : at + 5]] == [
        "This portal", "Classic Advanced Settings", "Power Platform admin centre",
    ]  # fmt: skip


def test_a_required_check_that_fails_ends_with_1(system: SystemAccount) -> None:
    Instance.objects.update(app_id=UUID(int=3))
    code, said = run("acme")
    assert code == 1
    assert said.splitlines()[3:5] == [
        "Blocks going live",
        f"  ✗ The app ID exists: App {UUID(int=3)}: 404 0x80040217. There are: Prodej a servis "
        "(5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11).",
    ]


def test_json_for_programs(system: SystemAccount) -> None:
    code, said = run("acme", "--json")
    report: dict[str, Any] = json.loads(said)
    assert (code, report["tenant"], report["ok"], report["through"]) == (0, "acme", True, "system")
    app = next(each for each in report["results"] if each["key"] == "app")
    assert {name: app[name] for name in ("state", "required", "why", "evidence", "turned_red")} == {
        "state": "passed", "required": True, "why": "passed", "evidence": {"name": "Prodej a servis"}, "turned_red": False,
    }  # fmt: skip
    assert CheckRun.objects.get().finished_at is not None


def test_a_customer_that_is_not_there_or_has_no_instance(acme: Tenant) -> None:
    with pytest.raises(CommandError, match=r"There is no customer “acmee”\. There are: acme\."):
        run("acmee")
    Instance.objects.all().delete()
    with pytest.raises(CommandError, match="This customer has no instance yet"):
        run("acme")
