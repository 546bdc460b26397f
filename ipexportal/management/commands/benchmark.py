"""Measure, and print one JSON object as the last line."""

import json
from argparse import ArgumentParser
from importlib import import_module
from inspect import signature
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ipexportal.benchmarks import Void

NAMES = ("index", "ivr", "load", "lookup", "peers", "ring", "soak", "streams")
OWN = ("minutes", "windows", "rate", "path", "on")  # options that only some of them know


class Command(BaseCommand):
    help = "Measure speed against a yardstick taken in the same run: " + ", ".join(NAMES)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=NAMES)
        parser.add_argument("--quick", action="store_true", help="under 40 seconds, for CI; fewer numbers and records")
        parser.add_argument("--latency-ms", type=float, default=80.0, help="of the stand-in for Dataverse")
        parser.add_argument("--path", choices=("index", "live"), help="ring: how callers are found; default index")
        parser.add_argument("--minutes", type=float, help="load: how long")
        parser.add_argument("--windows", type=int, help="load: open windows, most of them idle")
        parser.add_argument("--rate", type=float, help="load: calls per second, all the time; without, more and more")
        parser.add_argument("--on", choices=("postgresql", "sqlite"), help="index: only this database")

    def handle(self, *, name: str, **options: Any) -> None:
        measure = import_module(f"ipexportal.benchmarks.{name}").measure
        known = {*signature(measure).parameters}
        foreign = [each for each in OWN if options[each] is not None and each not in known]
        if foreign:
            raise CommandError(f"The benchmark {name} does not know --{foreign[0]}.")
        try:
            figures = measure(**{each: options[each] for each in known & {*options}}, say=self.stderr.write)
        except Void as error:
            raise CommandError(f"Void: {error}") from error
        self.stdout.write(json.dumps({"benchmark": name, **figures}))
