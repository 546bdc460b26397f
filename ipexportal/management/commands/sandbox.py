"""`manage.py sandbox`: the stand-in for Microsoft in the foreground, until Ctrl+C."""

import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ipexportal import sandbox
from ipexportal.sandbox.directory import PEOPLE


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise ArgumentTypeError(f"a port is a number from 0 to 65535, not “{text}”")
    return int(text)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"this is a whole number that is not negative, not “{text}”")
    return int(text)


class Command(BaseCommand):
    help = "Run the stand-in for Microsoft Entra ID and Dataverse on this computer."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=_port, default=8010, help="http port (8010; 0 takes any free one)")
        parser.add_argument("--tls-port", type=_port, help="https port with a throwaway certificate authority")
        parser.add_argument("--latency-ms", type=_number, default=0, help="how long a Dataverse answer takes")
        parser.add_argument("--records", type=_number, default=300, help="generated records (300)")
        parser.add_argument("--agents", type=_number, default=0, help="salespeople besides those listed (0)")
        parser.add_argument("--seed", type=int, default=1, help="seed of the generated records (1)")

    def handle(self, **options: Any) -> None:
        ended = threading.Event()
        before = [(sig, signal.signal(sig, lambda *_: ended.set())) for sig in (signal.SIGINT, signal.SIGTERM)]
        try:
            with _started(options) as running:
                self._describe(running)
                # A plain wait() would keep Python from handling signals on some platforms.
                while not ended.wait(timeout=1):
                    pass
        finally:
            for sig, handler in before:
                signal.signal(sig, handler)
        self.stdout.write("Stopped.")

    def _describe(self, running: sandbox.Sandbox) -> None:
        lines = [
            "Stand-in for Microsoft: nothing here is real, everything is forgotten when it stops.",
            f"  Web API    {running.origin}/api/data/v9.2/",
            f"  CRM        {running.origin}/main.aspx?appid={running.app_id}",
            f"  Authority  {running.authority}/{running.directory_id}",
            f"  Azure      {running.origin}/app-registrations",
            f"  Switches   {running.origin}/_sandbox/state",
        ]
        if running.tls_origin:
            lines += [f"  Over TLS   {running.tls_origin}", f"  CA file    {running.ca_file}"]
        lines += [
            f"  IPEX's registration    {running.client_id}  secret {running.client_secret}",
            f"  System account         {running.system_client_id}  secret {running.system_client_secret}",
            "  Accounts (no password)",
            *(f"    {user.upn:<22} {user.name:<16} {user.note}" for user in PEOPLE),
            "Stop with Ctrl+C.",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _started(options: dict[str, Any]) -> sandbox.Sandbox:
    names = ("port", "tls_port", "latency_ms", "records", "seed", "agents")
    try:
        return sandbox.start(**{name: options[name] for name in names})
    except OSError as error:
        raise CommandError(f"The sandbox cannot listen on its port: {error.strerror}.") from None
