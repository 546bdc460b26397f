import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0011_crm_writes")]

    operations = [
        migrations.CreateModel(
            name="NumberIndex",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lease", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                (
                    "due_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="next synchronization"),
                ),
                ("synced_at", models.DateTimeField(null=True, verbose_name="up to date at")),
                ("problem", models.CharField(blank=True, max_length=20, verbose_name="problem")),
                ("problem_since", models.DateTimeField(null=True, verbose_name="since")),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                (
                    "instance",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="number_index",
                        to="tenants.instance",
                        verbose_name="instance",
                    ),
                ),
            ],
            options={"verbose_name": "number index", "verbose_name_plural": "number indexes"},
        ),
        migrations.CreateModel(
            name="IndexState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.CharField(max_length=128, verbose_name="table")),
                ("generation", models.PositiveIntegerField(verbose_name="generation")),
                (
                    "stage",
                    models.CharField(
                        choices=[("building", "being built"), ("serving", "in use"), ("retired", "replaced")],
                        default="building",
                        max_length=10,
                        verbose_name="stage",
                    ),
                ),
                ("key_id", models.CharField(max_length=16)),
                ("organization_id", models.UUIDField()),
                ("country", models.CharField(max_length=2)),
                ("columns", models.JSONField(default=list)),
                ("next_link", models.TextField(blank=True)),
                ("delta_link", models.TextField(blank=True)),
                ("records", models.PositiveIntegerField(default=0, verbose_name="records read")),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="begun")),
                ("synced_at", models.DateTimeField(null=True, verbose_name="up to date at")),
                ("problem", models.CharField(blank=True, max_length=20, verbose_name="problem")),
                (
                    "instance",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="index_states",
                        to="tenants.instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "index of a table",
                "verbose_name_plural": "indexes of tables",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("instance", "table", "generation"), name="crmwindow_index_generation_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stage", "retired"), _negated=True),
                        fields=("instance", "table", "stage"),
                        name="crmwindow_index_stage_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IndexedNumber",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "state_id",
                        "record_id",
                        "column",
                        "blind",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("record_id", models.UUIDField()),
                ("column", models.PositiveSmallIntegerField()),
                (
                    "flaw",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "None"), (1, "Unreadable"), (2, "Ambiguous")], default=0
                    ),
                ),
                ("blind", models.BinaryField(max_length=16)),
                (
                    "state",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="numbers",
                        to="crmwindow.indexstate",
                    ),
                ),
            ],
            options={
                "verbose_name": "indexed number",
                "verbose_name_plural": "indexed numbers",
                "indexes": [
                    models.Index(fields=["blind", "state"], name="crmwindow_number_found"),
                    models.Index(
                        condition=models.Q(("flaw__gt", 0)), fields=["state", "flaw"], name="crmwindow_number_flawed"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CallCandidates",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number_blind", models.CharField(max_length=80)),
                ("records", models.JSONField(default=list)),
                ("covered", models.JSONField(default=dict)),
                ("found_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("found", "found by the index"),
                            ("missed", "found only by asking the CRM"),
                            ("nobody", "nobody has the number"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "call",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="candidates", to="crmwindow.call"
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.instance",
                    ),
                ),
            ],
            options={
                "verbose_name": "candidates for a call",
                "verbose_name_plural": "candidates for calls",
                "indexes": [models.Index(fields=["instance", "found_at"], name="crmwindow_candidates_counted")],
            },
        ),
    ]
