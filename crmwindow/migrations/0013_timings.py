from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0012_number_index")]

    operations = []
