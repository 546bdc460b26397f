import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0012_number_index"), ("tenants", "0010_support_trace")]

    operations = [
        migrations.AlterField(
            model_name="outbox",
            name="at",
            field=models.DateTimeField(db_default=Now()),
        ),
        migrations.CreateModel(
            name="Asked",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("method", models.CharField(max_length=7)),
                ("shape", models.TextField()),
                ("status", models.PositiveSmallIntegerField()),
                ("ms", models.PositiveIntegerField()),
                (
                    "leg",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="asked", to="crmwindow.leg"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                ("label", models.CharField(blank=True, max_length=60)),
                ("count", models.PositiveBigIntegerField(default=0)),
                ("total", models.FloatField(default=0.0)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["name", "label"], name="crmwindow_tally_once")],
            },
        ),
        migrations.CreateModel(
            name="CardTiming",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "path",
                    models.CharField(
                        blank=True,
                        choices=[("", "–"), ("index", "index"), ("live", "live")],
                        default="",
                        max_length=5,
                    ),
                ),
                ("told_ms", models.PositiveIntegerField(null=True)),
                ("committed_ms", models.PositiveIntegerField(null=True)),
                ("begun_ms", models.PositiveIntegerField(null=True)),
                ("candidates_ms", models.PositiveIntegerField(null=True)),
                ("tables_ms", models.JSONField(default=dict)),
                ("answered_ms", models.PositiveIntegerField(null=True)),
                ("pushed_ms", models.PositiveIntegerField(null=True)),
                ("fetched_ms", models.PositiveIntegerField(null=True)),
                ("painted_ms", models.PositiveIntegerField(null=True)),
                (
                    "ring_ms",
                    models.GeneratedField(
                        db_persist=True,
                        expression=F("told_ms") + F("pushed_ms") + F("painted_ms"),
                        output_field=models.PositiveIntegerField(null=True),
                    ),
                ),
                (
                    "leg",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="timing", to="crmwindow.leg"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "at", "ring_ms", "path"], name="crmwindow_cards_timed")],
            },
        ),
    ]
