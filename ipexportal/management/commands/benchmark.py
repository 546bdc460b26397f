"""Measure, and print one JSON object as the last line."""

import json
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ipexportal.benchmarks import Void

NAMES = ("index", "ivr", "lookup", "soak")


class Command(BaseCommand):
    help = "Measure speed against a yardstick taken in the same run: " + ", ".join(NAMES)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=NAMES)
        parser.add_argument("--quick", action="store_true", help="under 40 seconds, for CI; fewer numbers and records")
        parser.add_argument("--latency-ms", type=float, default=80.0, help="of the stand-in for Dataverse")

    def handle(self, *, name: str, **options: Any) -> None:
        measure = import_module(f"ipexportal.benchmarks.{name}").measure
        try:
            figures = measure(quick=options["quick"], latency_ms=options["latency_ms"], say=self.stderr.write)
        except Void as error:
            raise CommandError(f"Void: {error}") from error
        self.stdout.write(json.dumps({"benchmark": name, **figures}))
