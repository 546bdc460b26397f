from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0008_certificates")]
    operations = [
        migrations.AddField(
            model_name="tenant",
            name="missed_call_owner_id",
            field=models.UUIDField(blank=True, null=True, verbose_name="user or team that gets missed calls"),
        ),
    ]
