from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0013_timings")]

    operations = []
