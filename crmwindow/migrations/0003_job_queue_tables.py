"""The job queue's own tables on PostgreSQL (Huey makes them itself on SQLite, in a file beside the database)."""

from django.conf import settings
from django.db import migrations


def make_tables(apps, schema_editor):
    if settings.HUEY["huey_class"] == "huey.PostgresHuey":
        from huey.contrib.djhuey import HUEY

        HUEY.storage.initialize_schema()


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0002_call_endings_and_merges")]
    operations = [migrations.RunPython(make_tables, migrations.RunPython.noop)]
