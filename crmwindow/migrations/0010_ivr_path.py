from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0009_ivr_functions")]
    operations = []
