import uuid

import django.db.models.deletion
from django.db import migrations, models

import tenants.fields


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0007_names_of_fields")]
    operations = [
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code")),
                ("form", models.UUIDField(editable=False)),
                ("subject", tenants.fields.EncryptedTextField(blank=True, default="", editable=False)),
                ("description", tenants.fields.EncryptedTextField(blank=True, default="", editable=False)),
                ("due_at", models.DateTimeField(verbose_name="due")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting to be written"),
                            ("written", "written to the CRM"),
                            ("refused", "not written"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("created", models.BooleanField(default=False, verbose_name="there is a task in the CRM")),
                ("written_about", models.UUIDField(null=True, verbose_name="written about")),
                ("written_at", models.DateTimeField(null=True, verbose_name="written")),
                ("problem", models.CharField(blank=True, max_length=60, verbose_name="why not written")),
                ("detail", tenants.fields.EncryptedTextField(blank=True, default="", editable=False)),
                ("queued_at", models.DateTimeField(verbose_name="waiting since")),
                ("next_try_at", models.DateTimeField(db_index=True, null=True, verbose_name="next try")),
                ("lease_until", models.DateTimeField(null=True, verbose_name="being sent until")),
                ("tries", models.PositiveIntegerField(default=0, verbose_name="tries")),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="follow_ups",
                        to="tenants.agent",
                        verbose_name="author",
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="follow_ups",
                        to="crmwindow.call",
                        verbose_name="call",
                    ),
                ),
            ],
            options={
                "verbose_name": "follow-up task",
                "verbose_name_plural": "follow-up tasks",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["queued", "refused"])),
                        fields=["author", "queued_at"],
                        name="crmwindow_follow_ups_unwritten",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("author", "form"), name="crmwindow_follow_up_once")],
            },
        ),
    ]
