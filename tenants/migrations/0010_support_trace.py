from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0009_owner_of_missed_calls")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="traced_until",
            field=models.DateTimeField(editable=False, null=True, verbose_name="support trace until"),
        ),
    ]
