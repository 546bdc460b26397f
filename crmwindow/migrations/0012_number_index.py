from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0011_crm_writes")]
    operations = []
