from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from tenants import rotation


class Command(BaseCommand):
    help = "Encrypt every stored secret with the first of FIELD_KEYS. Run it after adding a key, before removing the old one."

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = 0
        columns = (rotation.rotate(model, column) for model, column in rotation.encrypted_columns())
        for count in (*columns, rotation.rotate_second_factors()):
            unreadable += count.unreadable
            self.stdout.write(
                f"{count.model}.{count.column}: rotated {count.rotated}, current {count.current},"
                f" erased meanwhile {count.erased}, unreadable {count.unreadable}"
            )
        if unreadable:
            sentence = _("%(n)d values cannot be read with any of the keys. Keep the old keys until this is solved.")
            raise CommandError(sentence % {"n": unreadable})
