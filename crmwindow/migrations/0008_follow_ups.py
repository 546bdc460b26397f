from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0007_names_of_fields")]
    operations = []
