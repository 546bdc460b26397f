"""What the product is made of is written down, and stays so."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from ipexportal import supply_chain
from ipexportal.management.commands.supply_chain import NOT_ASKED
from ipexportal.supply_chain import BUNDLED, Asked, read_answer

LOCK = Path(settings.BASE_DIR, "requirements.lock").read_text()


def test_every_licence_is_known_and_those_of_what_is_shipped_are_allowed() -> None:
    assert [one.name for one in supply_chain.packages() if not one.licence] == []
    assert supply_chain.forbidden() == []


def test_the_page_of_licences_is_up_to_date() -> None:
    assert Path(settings.BASE_DIR, supply_chain.LICENCES).read_text() == supply_chain.licences()


def test_everything_in_the_lock_has_its_hashes() -> None:
    names = re.findall(r"^[\w.-]+(?===)", LOCK, re.MULTILINE)
    locked = list(supply_chain._locked(LOCK))
    assert [name for name, _version, _hashes in locked] == names
    assert [name for name, _version, hashes in locked if not hashes] == []


def test_production_installs_what_is_shipped_in_the_versions_that_were_tried() -> None:
    production = Path(settings.BASE_DIR, "deploy", "requirements.lock").read_text()
    tried = {one[0]: one for one in supply_chain._locked(LOCK)}
    installed = list(supply_chain._locked(production))
    assert [name for name, *rest in installed if tried.get(name) != (name, *rest)] == []
    here = {one.name for one in supply_chain.packages()}
    shipped = {one.name for one in supply_chain.packages() if one.shipped}
    assert {name for name, *_rest in installed} & here == shipped
    assert not re.findall(r"https?:|--(?:extra-)?index-url|--find-links| @ ", production)


def test_what_only_tests_need_is_not_shipped() -> None:
    shipped = {one.name for one in supply_chain.packages() if one.shipped}
    assert {"django", "cryptography", "fido2", "qrcode"} <= shipped
    assert not {"pytest", "mypy", "pip-audit", "djlint", "schemathesis"} & shipped


def test_the_bill_of_materials_has_packages_with_hashes_and_scripts() -> None:
    bill = json.loads(supply_chain.bill())
    assert (bill["bomFormat"], bill["specVersion"], bill["metadata"]["component"]["name"]) == (
        "CycloneDX", "1.6", "ipex-portal",
    )  # fmt: skip
    by_name = {one["name"]: one for one in bill["components"]}
    assert len(by_name) == len(bill["components"]) == len({one["bom-ref"] for one in bill["components"]})
    assert by_name["django"]["purl"].startswith("pkg:pypi/django@6.1")
    assert by_name["django"]["externalReferences"][0]["hashes"][0]["content"] in LOCK
    assert by_name["pytest"]["scope"] == "excluded"
    assert (by_name["htmx.org"]["purl"], by_name["htmx.org"]["scope"]) == ("pkg:npm/htmx.org@2.0.10", "required")
    assert supply_chain.bill() == supply_chain.bill()


def test_every_script_of_others_that_a_page_loads_is_listed() -> None:
    """Templates and our own scripts load nothing else from packages."""
    loaded: set[str] = set()
    for path in Path(settings.BASE_DIR).glob("*/templates/**/*.html"):
        loaded |= set(re.findall(r"static ['\"](django_htmx/[^'\"]+)['\"]", path.read_text()))
    assert loaded
    assert {f"django_htmx/static/{name}" for name in loaded} <= {script.path for script in BUNDLED}
    assert [script.name for script in BUNDLED if not script.file.is_file()] == []


def test_a_licence_nobody_allowed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supply_chain, "ALLOWED", supply_chain.ALLOWED - {"0BSD", "LGPL-3.0-only"})
    assert "psycopg" in supply_chain.forbidden()
    assert supply_chain._is_allowed("GPL-3.0-only OR MIT")
    assert not supply_chain._is_allowed("MIT AND GPL-3.0-only")


ANSWER = {"dependencies": [{"name": "django", "version": "6.1.3", "vulns": [{"id": "PYSEC-2026-1"}]},
                           {"name": "huey", "version": "3.5.4", "vulns": []},
                           {"name": "lark", "skip_reason": "Dependency not found on PyPI"}]}  # fmt: skip


def test_an_answer_tells_what_is_known_and_whom_nobody_was_asked_about() -> None:
    asked = read_answer(json.dumps(ANSWER), ["django", "huey", "lark"])
    assert asked == Asked(("django 6.1.3: PYSEC-2026-1",), ("lark",), 3)


@pytest.mark.parametrize("text", ["", "Traceback", "[]", "{}", "null"])
def test_no_answer_is_not_a_good_answer(text: str) -> None:
    assert read_answer(text, ["django"]).nobody_answered


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        (Asked((), (), 2), None, "no known vulnerability"),
        (Asked(("django 6.1.3: X",), (), 2), 1, "django 6.1.3: X"),
        (Asked(("django 6.1.3: X",), ("lark",), 2), 1, "django 6.1.3: X"),
        (Asked((), ("django", "lark"), 2), NOT_ASKED, "could not be asked"),
        (Asked((), ("lark",), 2), 1, "lark"),
    ],
)
def test_the_command_ends_with_what_was_found(
    monkeypatch: pytest.MonkeyPatch, asked: Asked, code: int | None, words: str
) -> None:
    monkeypatch.setattr(supply_chain, "ask_for_vulnerabilities", lambda: asked)
    out = io.StringIO()
    if code is None:
        call_command("supply_chain", "vulnerabilities", stdout=out)
        assert words in out.getvalue()
        return
    with pytest.raises(CommandError) as refused:
        call_command("supply_chain", "vulnerabilities", stdout=out)
    assert (refused.value.returncode, words in str(refused.value)) == (code, True)


def test_pip_audit_is_asked_about_exactly_what_the_lock_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def run(command: list[str], **options: Any) -> Any:
        seen.append(Path(command[command.index("-r") + 1]).read_text())
        return type("Done", (), {"stdout": json.dumps({"dependencies": []})})()

    monkeypatch.setattr(supply_chain.subprocess, "run", run)
    assert supply_chain.ask_for_vulnerabilities().nobody_answered
    assert [line for line in seen[0].split() if line not in LOCK] == []
    assert len(seen[0].split()) == len(supply_chain.packages())
