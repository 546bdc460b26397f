import uuid

import django.db.models.deletion
from django.db import migrations, models

import tenants.fields


class Migration(migrations.Migration):
    dependencies = [
        ("crmwindow", "0010_ivr_path"),
        ("tenants", "0009_owner_of_missed_calls"),
    ]
    operations = [
        migrations.CreateModel(
            name="CrmWrite",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code")),
                (
                    "kind",
                    models.CharField(
                        choices=[("missed", "missed call"), ("ivr", "from the IVR")],
                        max_length=10,
                        verbose_name="what it is",
                    ),
                ),
                ("function_name", models.CharField(blank=True, max_length=60, verbose_name="name of the function")),
                ("unique_id", models.CharField(blank=True, max_length=128, verbose_name="UniqueId")),
                ("number", tenants.fields.EncryptedTextField(blank=True, default="", editable=False)),
                ("number_blind", models.CharField(blank=True, db_index=True, max_length=80)),
                ("table", models.CharField(max_length=128, verbose_name="table")),
                ("content", tenants.fields.EncryptedTextField(blank=True, default="", editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting to be written"),
                            ("no_account", "waiting for a system account"),
                            ("written", "written to the CRM"),
                            ("refused", "not written"),
                            ("withdrawn", "no longer wanted"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("problem", models.CharField(blank=True, max_length=60, verbose_name="why not written")),
                ("detail", tenants.fields.EncryptedTextField(blank=True, default="", editable=False)),
                (
                    "record_table",
                    models.CharField(blank=True, max_length=128, verbose_name="table of the caller's record"),
                ),
                ("record_id", models.UUIDField(null=True, verbose_name="caller's record")),
                ("owner_id", models.UUIDField(null=True, verbose_name="owner")),
                ("owner_kind", models.CharField(blank=True, max_length=20)),
                ("owner_why", models.CharField(blank=True, max_length=100, verbose_name="why this owner")),
                ("idempotency_key", models.CharField(blank=True, max_length=255)),
                ("body_digest", models.CharField(blank=True, db_index=True, max_length=80)),
                ("queued_at", models.DateTimeField(verbose_name="since")),
                ("next_try_at", models.DateTimeField(db_index=True, null=True, verbose_name="next try")),
                ("lease_until", models.DateTimeField(null=True, verbose_name="being sent until")),
                ("sent_at", models.DateTimeField(null=True, verbose_name="sent")),
                ("tries", models.PositiveIntegerField(default=0, verbose_name="tries")),
                ("written_at", models.DateTimeField(null=True, verbose_name="written")),
                (
                    "call",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="crm_writes",
                        to="crmwindow.call",
                        verbose_name="call",
                    ),
                ),
                (
                    "function",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="writes",
                        to="crmwindow.ivrfunction",
                        verbose_name="IVR function",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="crm_writes",
                        to="tenants.tenant",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "write to the CRM",
                "verbose_name_plural": "writes to the CRM",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "no_account", "refused"])),
                        fields=["tenant", "queued_at"],
                        name="crmwindow_writes_unwritten",
                    ),
                    models.Index(fields=["tenant", "unique_id"], name="crmwindow_writes_of_call"),
                    models.Index(fields=["function", "queued_at"], name="crmwindow_writes_of_day"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key", ""), _negated=True),
                        fields=("tenant", "idempotency_key"),
                        name="crmwindow_write_key_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "missed")),
                        fields=("call",),
                        name="crmwindow_missed_call_written_once",
                    ),
                ],
            },
        ),
    ]
