import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crmwindow", "0006_whether_callers_are_known"),
        ("tenants", "0006_names_of_fields"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="call",
            options={"verbose_name": "call", "verbose_name_plural": "calls"},
        ),
        migrations.AlterModelOptions(
            name="eventcount",
            options={"verbose_name": "count of events", "verbose_name_plural": "counts of events"},
        ),
        migrations.AlterModelOptions(
            name="ivrfunction",
            options={
                "ordering": ["position", "pk"],
                "verbose_name": "IVR function",
                "verbose_name_plural": "IVR functions",
            },
        ),
        migrations.AlterModelOptions(
            name="leg",
            options={"verbose_name": "part of a call", "verbose_name_plural": "parts of calls"},
        ),
        migrations.AlterModelOptions(
            name="note",
            options={"verbose_name": "note", "verbose_name_plural": "notes"},
        ),
        migrations.AlterField(
            model_name="call",
            name="answered_at",
            field=models.DateTimeField(null=True, verbose_name="answered"),
        ),
        migrations.AlterField(
            model_name="call",
            name="caller",
            field=models.CharField(
                choices=[
                    ("number", "number"),
                    ("withheld", "withheld number"),
                    ("internal", "internal line"),
                    ("own", "own number"),
                    ("unreadable", "not a number"),
                ],
                default="unreadable",
                max_length=10,
                verbose_name="caller",
            ),
        ),
        migrations.AlterField(
            model_name="call",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="call",
            name="direction",
            field=models.CharField(
                choices=[("incoming", "incoming"), ("outgoing", "outgoing")],
                default="incoming",
                max_length=10,
                verbose_name="direction",
            ),
        ),
        migrations.AlterField(
            model_name="call",
            name="ended_at",
            field=models.DateTimeField(null=True, verbose_name="ended"),
        ),
        migrations.AlterField(
            model_name="call",
            name="hung_up",
            field=models.BooleanField(default=False, verbose_name="hung up"),
        ),
        migrations.AlterField(
            model_name="call",
            name="is_internal",
            field=models.BooleanField(default=False, verbose_name="internal"),
        ),
        migrations.AlterField(
            model_name="call",
            name="merged_into",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="crmwindow.call",
                verbose_name="merged into",
            ),
        ),
        migrations.AlterField(
            model_name="call",
            name="missed",
            field=models.BooleanField(default=False, verbose_name="missed"),
        ),
        migrations.AlterField(
            model_name="call",
            name="over",
            field=models.BooleanField(default=False, verbose_name="over"),
        ),
        migrations.AlterField(
            model_name="call",
            name="private_to",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="private_calls",
                to="tenants.agent",
                verbose_name="only for",
            ),
        ),
        migrations.AlterField(
            model_name="call",
            name="queue",
            field=models.CharField(blank=True, max_length=200, verbose_name="queue"),
        ),
        migrations.AlterField(
            model_name="call",
            name="reason",
            field=models.CharField(blank=True, max_length=100, verbose_name="reason"),
        ),
        migrations.AlterField(
            model_name="call",
            name="regarding_id",
            field=models.UUIDField(null=True, verbose_name="record"),
        ),
        migrations.AlterField(
            model_name="call",
            name="regarding_table",
            field=models.CharField(blank=True, max_length=128, verbose_name="table of the record"),
        ),
        migrations.AlterField(
            model_name="call",
            name="started_at",
            field=models.DateTimeField(verbose_name="began"),
        ),
        migrations.AlterField(
            model_name="call",
            name="state",
            field=models.PositiveSmallIntegerField(
                choices=[(0, "new"), (1, "ringing"), (2, "connected"), (3, "ended")], default=0, verbose_name="state"
            ),
        ),
        migrations.AlterField(
            model_name="call",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="calls",
                to="tenants.tenant",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="call",
            name="unique_id",
            field=models.CharField(max_length=128, verbose_name="UniqueId"),
        ),
        migrations.AlterField(
            model_name="eventcount",
            name="count",
            field=models.PositiveIntegerField(default=0, verbose_name="how many"),
        ),
        migrations.AlterField(
            model_name="eventcount",
            name="day",
            field=models.DateField(verbose_name="day"),
        ),
        migrations.AlterField(
            model_name="eventcount",
            name="name",
            field=models.CharField(max_length=60, verbose_name="event"),
        ),
        migrations.AlterField(
            model_name="eventcount",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, to="tenants.tenant", verbose_name="customer"
            ),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="budget_ms",
            field=models.PositiveIntegerField(default=1500, verbose_name="longest time in ms"),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="column",
            field=models.CharField(blank=True, max_length=128, verbose_name="column"),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="columns",
            field=models.JSONField(default=dict, verbose_name="columns"),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="constants",
            field=models.JSONField(default=dict, verbose_name="constants"),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="entity",
            field=models.CharField(blank=True, max_length=128, verbose_name="table"),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("lookup", "Look-up"),
                    ("verify", "Verification"),
                    ("identify", "Identification"),
                    ("write", "Writing"),
                ],
                max_length=10,
                verbose_name="what it does",
            ),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="name",
            field=models.SlugField(max_length=60, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="position",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="order"),
        ),
        migrations.AlterField(
            model_name="ivrfunction",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="ivr_functions",
                to="tenants.tenant",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="learnedmatch",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="leg",
            name="agent",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="legs",
                to="tenants.agent",
                verbose_name="agent",
            ),
        ),
        migrations.AlterField(
            model_name="leg",
            name="answered_at",
            field=models.DateTimeField(null=True, verbose_name="answered"),
        ),
        migrations.AlterField(
            model_name="leg",
            name="closed_at",
            field=models.DateTimeField(null=True, verbose_name="card closed"),
        ),
        migrations.AlterField(
            model_name="leg",
            name="elsewhere",
            field=models.BooleanField(default=False, verbose_name="answered elsewhere"),
        ),
        migrations.AlterField(
            model_name="leg",
            name="ended_at",
            field=models.DateTimeField(null=True, verbose_name="ended"),
        ),
        migrations.AlterField(
            model_name="leg",
            name="line",
            field=models.CharField(blank=True, max_length=32, verbose_name="line"),
        ),
        migrations.AlterField(
            model_name="leg",
            name="rang_at",
            field=models.DateTimeField(null=True, verbose_name="rang"),
        ),
        migrations.AlterField(
            model_name="leg",
            name="state",
            field=models.PositiveSmallIntegerField(
                choices=[(0, "new"), (1, "ringing"), (2, "connected"), (3, "ended")], default=0, verbose_name="state"
            ),
        ),
        migrations.AlterField(
            model_name="lookup",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="note",
            name="author",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notes",
                to="tenants.agent",
                verbose_name="author",
            ),
        ),
        migrations.AlterField(
            model_name="note",
            name="call",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notes",
                to="crmwindow.call",
                verbose_name="call",
            ),
        ),
        migrations.AlterField(
            model_name="note",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="note",
            name="edited_at",
            field=models.DateTimeField(verbose_name="edited"),
        ),
        migrations.AlterField(
            model_name="note",
            name="erased_at",
            field=models.DateTimeField(null=True, verbose_name="text erased"),
        ),
        migrations.AlterField(
            model_name="note",
            name="frozen_revision",
            field=models.PositiveIntegerField(default=0, verbose_name="revision on its way"),
        ),
        migrations.AlterField(
            model_name="note",
            name="lease_until",
            field=models.DateTimeField(null=True, verbose_name="being sent until"),
        ),
        migrations.AlterField(
            model_name="note",
            name="next_try_at",
            field=models.DateTimeField(db_index=True, null=True, verbose_name="next try"),
        ),
        migrations.AlterField(
            model_name="note",
            name="problem",
            field=models.CharField(blank=True, max_length=60, verbose_name="why not written"),
        ),
        migrations.AlterField(
            model_name="note",
            name="queued_at",
            field=models.DateTimeField(null=True, verbose_name="waiting since"),
        ),
        migrations.AlterField(
            model_name="note",
            name="revision",
            field=models.PositiveIntegerField(default=0, verbose_name="revision"),
        ),
        migrations.AlterField(
            model_name="note",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "draft"),
                    ("queued", "waiting to be written"),
                    ("written", "written to the CRM"),
                    ("refused", "not written"),
                ],
                default="draft",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="note",
            name="step",
            field=models.PositiveSmallIntegerField(
                choices=[(0, "Nothing"), (1, "Created"), (2, "Timed"), (3, "Completed")],
                default=0,
                verbose_name="how far in the CRM",
            ),
        ),
        migrations.AlterField(
            model_name="note",
            name="tries",
            field=models.PositiveIntegerField(default=0, verbose_name="tries"),
        ),
        migrations.AlterField(
            model_name="note",
            name="written_about",
            field=models.UUIDField(null=True, verbose_name="written about"),
        ),
        migrations.AlterField(
            model_name="note",
            name="written_at",
            field=models.DateTimeField(null=True, verbose_name="written"),
        ),
        migrations.AlterField(
            model_name="note",
            name="written_by",
            field=models.CharField(blank=True, max_length=60, verbose_name="written by"),
        ),
        migrations.AlterField(
            model_name="note",
            name="written_revision",
            field=models.PositiveIntegerField(default=0, verbose_name="written revision"),
        ),
        migrations.AlterField(
            model_name="noterevision",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="opening",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="windowsession",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
    ]
