"""The job queue's own tables on PostgreSQL, also where jobs wait in Redis now (Huey makes them itself on SQLite)."""

from django.db import migrations
from huey.storage import PostgresStorage


def make_tables(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for statement in PostgresStorage(create_tables=False).ddl:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0002_call_endings_and_merges")]
    operations = [migrations.RunPython(make_tables, migrations.RunPython.noop)]
