from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0013_timings")]

    operations = [
        migrations.AlterField(
            model_name="crmwrite",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "waiting to be written"),
                    ("no_account", "waiting for a system account"),
                    ("written", "written to the CRM"),
                    ("refused", "not written"),
                    ("withdrawn", "no longer wanted"),
                    ("given_up", "given up"),
                ],
                default="queued",
                max_length=10,
                verbose_name="state",
            ),
        ),
    ]
