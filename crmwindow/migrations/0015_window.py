from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0014_privacy")]

    operations = []
