from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0010_support_trace")]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="erased_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="erased"),
        ),
    ]
