from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crmwindow", "0010_ivr_path")]
    operations = []
