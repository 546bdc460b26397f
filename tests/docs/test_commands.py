"""Every command of the documentation is tried: here, or by what is named beside it. One that is in neither list fails."""

import io
import json
import shlex
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command, load_command_class
from django.test import Client

from crmwindow.models import Call
from tenants import api_keys
from tenants.models import Agent, ApiKey, Tenant
from tests.docs.commands import ROOT, commands

TRIED_BY: Mapping[str, tuple[str, str]] = {
    "python3 bootstrap.py demo": (".ci/run", "python3 bootstrap.py demo --check"),
    "python3 bootstrap.py test": (".ci/run", "python3 bootstrap.py test"),
    "python manage.py tenant_import docs/tenant.example.toml": ("tests/tenants/test_commands.py", '"tenant_import"'),
    "python manage.py verify acme": ("tests/verification/test_verify_command.py", 'call_command("verify"'),
    "manage.py benchmark NAME": (".ci/run", "benchmark lookup --quick"),
    "deploy/backup": ("tests/machines/test_backup.py", "backup"),
    ".venv/bin/python deploy/restore": ("tests/machines/test_backup.py", "restore"),
    "uv venv ": (".ci/run", '"$uv" venv'),
    "uv pip sync ": (".ci/run", "pip sync --quiet --require-hashes"),
    ".venv/bin/python -m compileall -q .venv ipexportal crmwindow tenants": (".ci/run", "-m compileall -q"),
    "git ": (".ci/run", "git "),
    # What changes the machine itself: the files these commands put in place are started as they are
    "adduser ": ("tests/machines/test_deploy.py", "def test_"),
    "install ": ("tests/machines/test_deploy.py", "def test_"),
    "sudo -u postgres ": ("tests/machines/test_backup.py", "def test_"),
    "cp deploy/": ("tests/machines/test_deploy.py", "def test_"),
    "systemctl ": ("tests/machines/test_deploy.py", "def test_"),
    "nginx ": ("tests/machines/test_deploy.py", "nginx"),
}
"""Beginning of a command: the file that tries it, and words in that file by which this stays true."""
ALL = commands()
HERE = [(page, command) for page, command in ALL if not command.startswith(tuple(TRIED_BY))]


def test_the_documentation_has_commands() -> None:
    assert len(ALL) > 20
    assert {"README.md", "implementers.md", "integrators.md", "privacy.md"} <= {page for page, _command in ALL}


@pytest.mark.parametrize("beginning", TRIED_BY)
def test_what_is_tried_elsewhere_is(beginning: str) -> None:
    name, words = TRIED_BY[beginning]
    assert words in (ROOT / name).read_text()


@pytest.mark.parametrize(("page", "command"), HERE, ids=[f"{page} {command[:60]}" for page, command in HERE])
def test_it_works_as_it_is_written(page: str, command: str, acme: Tenant, jana: Agent, ivana: User) -> None:
    words = shlex.split(command)
    if words[0] == "python":
        words = words[1:]
    how = WAYS.get(words[0])
    assert how is not None, f"{page}: nobody tries “{command}”"
    how(words, acme)


def _manage(words: list[str], acme: Tenant) -> None:
    """Long ones are only read: their options must be there."""
    name, arguments = words[1], words[2:]
    if name == "benchmark":
        parser = load_command_class("ipexportal", name).create_parser("manage.py", name)
        parser.parse_args(arguments)
        return
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    assert out.getvalue()


def _curl(words: list[str], acme: Tenant) -> None:
    """As curl sends it, with a key of the scope that the address asks for."""
    options: dict[str, list[str]] = {"-u": [], "-H": [], "-d": [], "-X": []}
    rest = iter(words[1:])
    address = ""
    for word in rest:
        if word in options:
            options[word].append(next(rest))
        else:
            address = word
    scope = ApiKey.Scope.WINDOW if address.endswith("window-tickets") else ApiKey.Scope.EVENTS
    key = api_keys.create(acme, scope, "tests")
    headers = dict(line.split(": ", 1) for line in options["-H"])
    headers = {name: value.replace("KEY", key) for name, value in headers.items()}
    if options["-u"]:
        headers["Authorization"] = "Basic " + _basic(options["-u"][0].replace("KEY", key))
    body = options["-d"][0] if options["-d"] else ""
    kind = headers.pop("Content-Type", "application/x-www-form-urlencoded")
    answer = Client().post(urlsplit(address).path, body, content_type=kind, headers=headers)
    assert answer.status_code in {200, 201, 202}, answer.content
    if address.endswith("/events"):
        told = json.loads(body)
        assert Call.objects.filter(unique_id=told["UniqueId"]).count() == 1


def _basic(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


WAYS: Mapping[str, Callable[[list[str], Tenant], None]] = {"manage.py": _manage, "curl": _curl}
