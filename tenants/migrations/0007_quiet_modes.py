from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_names_of_fields")]
    operations = [
        migrations.AddField(
            model_name="agent",
            name="quiet",
            field=models.CharField(
                choices=[("ring", "When it rings"), ("answer", "When I answer"), ("hand", "Only when I open it")],
                default="ring",
                max_length=10,
                verbose_name="when the card comes up",
            ),
        ),
    ]
