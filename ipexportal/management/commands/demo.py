"""`manage.py demo`: the whole product in one process, with stand-ins for Microsoft and the telephone exchange."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import threading
import time
import warnings
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from ipexportal import demo_environment, sandbox
from ipexportal.simulator import authenticator, people
from ipexportal.simulator.proof import NotProven, Proof
from tenants import api_keys, configuration, connections, registration
from tenants.dataverse.budget import Budget
from tenants.dataverse.errors import DataverseError
from tenants.models import Agent, ApiKey, Instance, Tenant

ADMIN = "ivana"
LATENCY_MS = 40  # as far away as a Dataverse in the same part of the world
CUSTOMER = Path(people.__file__).parent / "acme.toml"
RINGING = '{"EventName":"Ringing","From":"777123456","Line":"444","Login":"jana.novakova","UniqueId":"1.1"}'
ASKING = '{"function":"overeni_pin","number":"777123456","value":"4711","unique_id":"1.1"}'


class Command(BaseCommand):
    help = "Show the product: a simulated Communicator, the CRM window in it, and a stand-in for Microsoft."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        for action in demo_environment.parser()._actions:
            parser._add_action(action)

    def handle(self, *, check: bool, **options: Any) -> None:
        if "DEMO_FOLDER" not in os.environ:
            raise CommandError("Start the demo with: python manage.py demo")
        try:
            with self._microsoft() as microsoft:
                password = self._prepare(microsoft)
                with _jobs(), _server() as server:
                    self._describe(microsoft, password)
                    if check:
                        self._prove()
                    else:
                        _wait(server)
        finally:
            if check:
                demo_environment.forget(Path(os.environ["DEMO_FOLDER"]))
        self.stdout.write("Stopped." if not check else self.style.SUCCESS("Every part answers."))

    @contextlib.contextmanager
    def _microsoft(self) -> Iterator[sandbox.Sandbox]:
        port = int(settings.ENTRA_AUTHORITY.rpartition(":")[2])
        try:
            running = sandbox.start(port=port, latency_ms=LATENCY_MS)
        except OSError as error:
            raise CommandError(f"The stand-in for Microsoft cannot listen on port {port}: {error.strerror}.") from None
        with running:
            yield running

    def _prepare(self, microsoft: sandbox.Sandbox) -> str:
        """Tables, the customer by the product's own verbs, somebody for the admin, keys. Gives the admin's password."""
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        password = secrets.token_urlsafe(9)
        admin = User.objects.create_superuser(ADMIN, f"{ADMIN}@ipex.example", password)
        authenticator.give_to(admin)
        configuration.apply(configuration.load(_customer(microsoft.origin)), by=admin)
        tenant = Tenant.objects.get(slug="acme")
        registration.confirm(Instance.objects.get(tenant=tenant), by=admin)
        account = {"client_id": sandbox.directory.SYSTEM_CLIENT_ID}
        secret = {"client_secret": sandbox.directory.SYSTEM_CLIENT_SECRET}
        configuration.change(tenant, {"system_account": account}, by=admin, handed=secret)
        os.environ["SIMULATOR_EVENTS_KEY"] = api_keys.create(tenant, ApiKey.Scope.EVENTS, admin)
        os.environ["SIMULATOR_WINDOW_KEY"] = api_keys.create(tenant, ApiKey.Scope.WINDOW, admin)
        os.environ["SIMULATOR_IVR_KEY"] = api_keys.create(tenant, ApiKey.Scope.IVR, admin)
        return password

    def _describe(self, microsoft: sandbox.Sandbox, password: str) -> None:
        communicator = settings.PORTAL_URL.replace("127.0.0.1", "localhost")
        lines = [
            "",
            self.style.MIGRATE_HEADING("IPEX portal, demo. Everything you do here is forgotten at the next start."),
            f"  Open this           {communicator}/",
            f"  Sign in as          {people.DESKS[0].email} (no password; other people have other rights)",
            f"  Stand-in CRM        {microsoft.origin}/main.aspx?appid={microsoft.app_id}",
            f"  Stand-in Azure      {microsoft.origin}/app-registrations",
            f"  Administration      {settings.PORTAL_URL}/admin/   {ADMIN}@ipex.example   {password}",
            f"  Its second factor   {settings.PORTAL_URL}/simulator/code/   (the code of the moment)",
            f"  Machine API         {settings.PORTAL_URL}/api/v1/docs",
            "  Ring by a webhook   "
            f"curl -u x:{os.environ['SIMULATOR_EVENTS_KEY']} -d '{RINGING}' {settings.PORTAL_URL}/api/v1/events",
            "  Ask as a voice menu "
            f"curl -u x:{os.environ['SIMULATOR_IVR_KEY']} --json '{ASKING}' {settings.PORTAL_URL}/api/v1/ivr/verify",
            "",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    def _prove(self) -> None:
        desk = people.DESKS[0]
        proof = Proof(
            portal=settings.PORTAL_URL,
            events_key=os.environ["SIMULATOR_EVENTS_KEY"],
            window_key=os.environ["SIMULATOR_WINDOW_KEY"],
            upn=desk.email,
            login=desk.login,
            line=desk.line,
            read_as_agent=lambda path: _read_as(desk.login, path),
        )
        try:
            for line in proof.steps():
                self.stdout.write(f"  {line}")
                self.stdout.flush()
        except (NotProven, requests.RequestException, DataverseError) as error:
            raise CommandError(f"Not proven: {error}") from None


def _customer(origin: str) -> str:
    """The demo's configuration file, with the addresses that depend on its ports."""
    port = settings.PORTAL.port
    embedding = ", ".join(f'"http://{desk.host}:{port}"' for desk in people.DESKS)
    agents = "\n".join(
        f'[[agents]]\nname = "{desk.name}"\nemail = "{desk.email}"\nlogin = "{desk.login}"\nline = "{desk.line}"\n'
        "window = true\n"
        for desk in people.DESKS
    )
    text = CUSTOMER.read_text(encoding="utf-8")
    text = text.replace("[tenant]\n", f"[tenant]\nembedding_origins = [{embedding}]\n")
    return text.replace("[instance]\n", f'[instance]\nurl = "{origin}"\n') + agents


def _read_as(login: str, path: str) -> dict[str, Any]:
    agent = Agent.objects.get(login=login)
    answer = connections.client_for(agent).get(path, budget=Budget(10))
    data: dict[str, Any] = answer.data or {}
    return data


@contextlib.contextmanager
def _jobs() -> Iterator[None]:
    """The consumer of jobs in threads of this process; in production it is `manage.py run_huey`."""
    from huey.contrib.djhuey import HUEY

    import crmwindow.tasks  # noqa: F401
    import tenants.tasks  # noqa: F401  (they register their jobs)

    consumer = HUEY.create_consumer(workers=2, worker_type="thread", periodic=True, check_worker_health=False)
    before = _signal_handlers()
    consumer.start()
    _signal_handlers(before)
    try:
        yield
    finally:
        consumer.stop(graceful=False)


def _signal_handlers(back: dict[int, Any] | None = None) -> dict[int, Any]:
    """The consumer takes the process's signals for itself; here they are the server's."""
    import signal

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    for number, handler in (back or {}).items():
        signal.signal(number, handler)
    return {number: signal.getsignal(number) for number in numbers}


@contextlib.contextmanager
def _server() -> Iterator[threading.Thread]:
    """The web server in a thread; gives it once it answers."""
    import uvicorn

    from ipexportal.asgi import application
    from ipexportal.simulator.watch import Watch

    warnings.filterwarnings("ignore", category=DeprecationWarning)
    config = uvicorn.Config(
        Watch(application),  # type: ignore[arg-type]
        host="127.0.0.1",
        port=settings.PORTAL.port or 80,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="server", daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise CommandError(f"The portal cannot listen on port {settings.PORTAL.port}.")
        time.sleep(0.02)
    try:
        yield thread
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _wait(server: threading.Thread) -> None:
    """Until Ctrl+C or SIGTERM."""
    import signal

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    print("Stop with Ctrl+C.", file=sys.stderr)
    while server.is_alive() and not ended.wait(timeout=1):
        pass
