from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from tenants import rotation
from tenants.rotation import encrypted_columns as columns


class Command(BaseCommand):
    help = "Say whether FIELD_KEYS open everything that is stored, and which key sealed how much. Changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = 0
        looks = [(f"{model._meta.label}.{name}", rotation.look_at(model, name)) for model, name in columns()]
        for place, look in (*looks, ("second factors", rotation.look_at_second_factors())):
            unreadable += look.unreadable
            if look.by_key:
                keys = ", ".join(f"{key}: {number}" for key, number in sorted(look.by_key.items()))
                self.stdout.write(f"{place}: {keys}, unreadable {look.unreadable}")
        if unreadable:
            sentence = _("%(n)d values cannot be read with any of the keys. Keep the old keys until this is solved.")
            raise CommandError(sentence % {"n": unreadable})
        self.stdout.write(self.style.SUCCESS("Every value opens."))
