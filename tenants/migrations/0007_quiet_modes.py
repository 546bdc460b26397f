from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_names_of_fields")]
    operations = []
