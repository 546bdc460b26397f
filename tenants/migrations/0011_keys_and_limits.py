from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0010_support_trace")]

    operations = []
