import uuid

import django.db.models.deletion
from django.db import migrations, models

import tenants.fields

LEFT_OUT = models.CharField(
    blank=True,
    default="",
    db_default="",
    choices=[("hidden", "its author may not see or link it"), ("gone", "it is no longer there")],
    max_length=10,
    verbose_name="why it is without its record",
)


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0014_privacy")]

    operations = [
        migrations.AddField("followup", "left_out", LEFT_OUT.clone()),
        migrations.AddField("note", "left_out", LEFT_OUT.clone()),
        migrations.AddField("note", "text_revision", models.PositiveIntegerField(default=0, db_default=0)),
        migrations.AddField(
            "note",
            "aside",
            tenants.fields.EncryptedTextField(blank=True, default="", db_default=b"", editable=False),
        ),
        migrations.CreateModel(
            name="FollowUpDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code")),
                ("form", models.UUIDField(editable=False)),
                ("values", tenants.fields.EncryptedTextField(blank=True, default="", editable=False)),
                ("typed_page", models.CharField(blank=True, max_length=40)),
                ("typed_turn", models.PositiveBigIntegerField(default=0)),
                ("edited_at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="follow_up_drafts",
                        to="tenants.agent",
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="follow_up_drafts",
                        to="crmwindow.call",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("author", "form"), name="crmwindow_follow_up_draft_once")
                ],
            },
        ),
    ]
