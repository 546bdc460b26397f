import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models

import tenants.fields


class Migration(migrations.Migration):
    dependencies = [("tenants", "0007_quiet_modes")]
    operations = [
        migrations.AddField(
            model_name="systemaccount",
            name="secret_added_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="systemaccount",
            name="second_secret_added_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="systemaccount",
            name="certificate_expires_on",
            field=models.DateField(editable=False, null=True, verbose_name="certificate ends"),
        ),
        migrations.AddField(
            model_name="systemaccount",
            name="tried",
            field=models.JSONField(default=dict, editable=False),
        ),
        migrations.CreateModel(
            name="SystemCertificate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
                ),
                ("private_key", tenants.fields.EncryptedTextField(blank=True, default="", editable=False)),
                ("public_part", models.TextField(editable=False)),
                ("thumbprint", models.CharField(editable=False, max_length=40, verbose_name="thumbprint")),
                ("subject", models.CharField(editable=False, max_length=200, verbose_name="subject")),
                ("starts_on", models.DateField(editable=False, verbose_name="valid from")),
                ("expires_on", models.DateField(editable=False, verbose_name="valid until")),
                ("made_here", models.BooleanField(default=False, editable=False)),
                (
                    "added_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="added"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="certificates",
                        to="tenants.systemaccount",
                        verbose_name="system account",
                    ),
                ),
            ],
            options={
                "verbose_name": "certificate of a system account",
                "verbose_name_plural": "certificates of system accounts",
                "ordering": ["-added_at", "-pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "thumbprint"), name="tenants_certificate_once")
                ],
            },
        ),
    ]
