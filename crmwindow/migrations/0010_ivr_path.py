import django.db.models.deletion
import tenants.fields
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crmwindow', '0009_ivr_functions'),
    ]

    operations = [
        migrations.CreateModel(
            name='IvrAttempts',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public code')),
                ('of', models.CharField(choices=[('caller', 'Caller'), ('record', 'Record'), ('call', 'Call'), ('withheld', 'Withheld')], max_length=10)),
                ('subject', models.CharField(max_length=200)),
                ('number', tenants.fields.EncryptedTextField(blank=True, default='', editable=False)),
                ('number_blind', models.CharField(blank=True, db_index=True, max_length=80)),
                ('wrong', models.PositiveIntegerField(default=0)),
                ('locks', models.PositiveIntegerField(default=0)),
                ('locked_until', models.DateTimeField(null=True)),
                ('last_at', models.DateTimeField(db_index=True)),
                ('function', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='crmwindow.ivrfunction')),
            ],
        ),
        migrations.CreateModel(
            name='IvrStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name='public code')),
                ('unique_id', models.CharField(blank=True, max_length=128)),
                ('number', tenants.fields.EncryptedTextField(blank=True, default='', editable=False)),
                ('number_blind', models.CharField(blank=True, db_index=True, max_length=80)),
                ('name', models.CharField(blank=True, max_length=60)),
                ('title', models.CharField(blank=True, max_length=100)),
                ('kind', models.CharField(choices=[('lookup', 'Look-up'), ('verify', 'Verification'), ('identify', 'Identification'), ('write', 'Writing')], max_length=10)),
                ('result', models.CharField(max_length=20)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('badge', models.BooleanField(default=False)),
                ('record_table', models.CharField(blank=True, max_length=128)),
                ('record_id', models.UUIDField(null=True)),
                ('answers', tenants.fields.EncryptedTextField(blank=True, default='', editable=False)),
                ('milliseconds', models.PositiveIntegerField(default=0)),
                ('at', models.DateTimeField()),
                ('function', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='steps', to='crmwindow.ivrfunction')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ivr_steps', to='tenants.tenant')),
            ],
        ),
        migrations.AddConstraint(
            model_name='ivrattempts',
            constraint=models.UniqueConstraint(fields=('function', 'of', 'subject'), name='crmwindow_ivr_attempts_once'),
        ),
        migrations.AddIndex(
            model_name='ivrstep',
            index=models.Index(fields=['tenant', 'unique_id'], name='crmwindow_ivr_steps_of_a_call'),
        ),
        migrations.AddIndex(
            model_name='ivrstep',
            index=models.Index(fields=['function', 'at'], name='crmwindow_ivr_steps_recent'),
        ),
        migrations.AddIndex(
            model_name='ivrstep',
            index=models.Index(fields=['tenant', 'at'], name='crmwindow_ivr_steps_by_age'),
        ),
    ]
