import getpass
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from tenants import configuration
from tenants.configuration.parsing import MAX_BYTES


class Command(BaseCommand):
    help = "Create or update a customer from a TOML file (docs/tenant.example.toml); prints what changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the TOML file; - reads standard input")
        parser.add_argument("--dry-run", action="store_true", help="print what would be written, write nothing")

    def handle(self, *args: Any, file: str, dry_run: bool, **options: Any) -> None:
        try:
            loaded = configuration.load(_read(file), secrets=os.environ)
            diff = configuration.apply(loaded, by=f"tenant_import ({getpass.getuser()})", dry_run=dry_run)
        except configuration.ConfigurationError as error:
            for mistake in error.mistakes:
                self.stderr.write(str(mistake))
            raise SystemExit(1) from None
        if diff or diff.notes:
            self.stdout.write(str(diff))
        self.stdout.write(_outcome(loaded.slug, bool(diff), dry_run))


def _read(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(file).open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise CommandError(_("%(file)s cannot be read: %(why)s.") % {"file": file, "why": error.strerror}) from None


def _outcome(slug: str, changed: bool, dry_run: bool) -> str:
    if not changed:
        return _("%(slug)s: nothing to change.") % {"slug": slug}
    if dry_run:
        return _("%(slug)s: nothing was written, this was a dry run.") % {"slug": slug}
    return _("%(slug)s: written.") % {"slug": slug}
