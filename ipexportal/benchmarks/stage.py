"""The sandbox as a process of its own, and a customer with a signed-in agent on it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from ipexportal.sandbox import directory
from ipexportal.sandbox.visitor import pick
from tenants import sign_in
from tenants.models import Agent, CustomEntity, Instance, SystemAccount, Tenant


@dataclass(frozen=True, slots=True)
class Microsoft:
    origin: str
    pid: int
    tls_origin: str = ""
    ca_file: str = ""

    def latency(self, milliseconds: float) -> None:
        self._order("latency", ms=milliseconds)

    def track_changes(self, table: str) -> None:
        self._order("track_changes", table=table, on=True)

    def _order(self, act: str, **values: object) -> None:
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self.origin}/_sandbox/{act}", json.dumps(values).encode(), headers)  # noqa: S310
        urlopen(request, timeout=10).close()  # noqa: S310


@contextmanager
def microsoft(*, records: int, seed: int = 1, agents: int = 0, tls: bool = False) -> Iterator[Microsoft]:
    """The sandbox, in another process, without latency yet."""
    port, tls_port = _free_port(), _free_port() if tls else 0
    command = [sys.executable, "manage.py", "sandbox", f"--port={port}", f"--records={records}", f"--seed={seed}"]
    command.append(f"--agents={agents}")
    command += [f"--tls-port={tls_port}"] if tls else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE if tls else subprocess.DEVNULL, text=True)
    try:
        _wait_for(port, process)
        settings.ENTRA_AUTHORITY = f"http://127.0.0.1:{port}"
        tls_origin, ca_file = (f"https://127.0.0.1:{tls_port}", _ca_file(process)) if tls else ("", "")
        yield Microsoft(settings.ENTRA_AUTHORITY, process.pid, tls_origin, ca_file)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ca_file(process: subprocess.Popen[str]) -> str:
    """As it says itself when it has started."""
    assert process.stdout
    for line in process.stdout:
        if line.strip().startswith("CA file"):
            return line.split(maxsplit=2)[2].strip()
    raise RuntimeError("The sandbox did not name its certificate authority.")


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    ends = monotonic() + 120
    while monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            sleep(0.1)
    raise RuntimeError("The sandbox did not start.")


def signed_in_agent(stand_in: Microsoft) -> Agent:
    """jana of Acme, whose instance is the sandbox, signed in through it."""
    tenant = customer(stand_in)
    person = {"name": "Jana Nováková", "email": "jana@acme.example", "login": "jana.novakova", "line": "444"}
    return _signed_in(Agent.objects.create(tenant=tenant, window=True, **person))


def with_index(instance: Instance) -> Instance:
    """The number index is switched on for it, and there is a system account to build it with."""
    account = SystemAccount.objects.create(instance=instance, client_id=directory.SYSTEM_CLIENT_ID)
    account.client_secret = directory.SYSTEM_CLIENT_SECRET
    account.save()
    instance.index = True
    instance.save(update_fields=["index"])
    return Instance.objects.select_related("tenant", "system_account").get(pk=instance.pk)


def signed_in_crew(stand_in: Microsoft, count: int) -> list[Agent]:
    """That many agents of one customer, signed in through the sandbox, which was started with as many."""
    tenant = customer(stand_in)
    names = [f"agent{number:03}" for number in range(1, count + 1)]
    return [
        _signed_in(
            Agent.objects.create(
                tenant=tenant, window=True, name=name, email=f"{name}@acme.example", login=name, line=name[-3:]
            )
        )
        for name in names
    ]


def idle_crew(tenant: Tenant, count: int) -> list[Agent]:
    """That many more agents with a window, who never signed in to Microsoft."""
    names = [f"idle{number:05}" for number in range(1, count + 1)]
    return Agent.objects.bulk_create(
        Agent(tenant=tenant, window=True, name=name, email=f"{name}@acme.example", login=name) for name in names
    )


def customer(stand_in: Microsoft) -> Tenant:
    """Acme with leads and its own table, whose instance is the sandbox, in an empty database."""
    call_command("migrate", verbosity=0)
    call_command("createcachetable")
    Tenant.objects.filter(slug="benchmark").delete()
    tenant = Tenant.objects.create(slug="benchmark", name="Benchmark", language="cs")
    instance = Instance.objects.create(
        tenant=tenant,
        url=stand_in.origin,
        app_id=directory.APP_ID,
        directory_id=directory.ACME_TENANT,
        organization_id=directory.ORGANIZATION_ID,
        leads=True,
        proven_at=timezone.now(),
        proven_by="benchmark",
    )
    CustomEntity.objects.create(
        instance=instance,
        label="Servisní požadavek",
        table="nnn_myLead",
        id_column="nnn_myLeadId",
        phone_columns=["nnn_myPhone1"],
        first_name="nnn_contactName",
        last_name="nnn_organizationName",
    )
    return tenant


def _signed_in(agent: Agent) -> Agent:
    attempt = sign_in.new_attempt(instance=agent.tenant.instance, agent=agent)
    address, nonce = sign_in.start(attempt)
    query = dict(parse_qsl(urlsplit(pick(address, agent.email)).query))
    sign_in.came_back(query, nonce=nonce)
    agent.refresh_from_db()
    if not agent.is_signed_in:
        raise RuntimeError("The agent could not sign in to the sandbox.")
    return agent
