import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0005_microsoft_in_the_portal"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="apikey",
            options={"verbose_name": "API key", "verbose_name_plural": "API keys"},
        ),
        migrations.AlterModelOptions(
            name="auditentry",
            options={"ordering": ["-at", "-pk"], "verbose_name": "change", "verbose_name_plural": "record of changes"},
        ),
        migrations.AlterModelOptions(
            name="customentity",
            options={"ordering": ["position", "pk"], "verbose_name": "own table", "verbose_name_plural": "own tables"},
        ),
        migrations.AlterModelOptions(
            name="displayfield",
            options={
                "ordering": ["position", "pk"],
                "verbose_name": "field on the card",
                "verbose_name_plural": "fields on the card",
            },
        ),
        migrations.AlterModelOptions(
            name="instance",
            options={"verbose_name": "instance", "verbose_name_plural": "instances"},
        ),
        migrations.AlterModelOptions(
            name="membership",
            options={"verbose_name": "admin of the customer", "verbose_name_plural": "admins of the customers"},
        ),
        migrations.AlterModelOptions(
            name="microsoftconnection",
            options={"verbose_name": "Microsoft connection", "verbose_name_plural": "Microsoft connections"},
        ),
        migrations.AlterModelOptions(
            name="systemaccount",
            options={"verbose_name": "system account", "verbose_name_plural": "system accounts"},
        ),
        migrations.AlterField(
            model_name="agent",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="agent",
            name="first_card_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="first card"),
        ),
        migrations.AlterField(
            model_name="agent",
            name="first_note_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="first note"),
        ),
        migrations.AlterField(
            model_name="agent",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("cs", "Čeština"), ("sk", "Slovenčina"), ("en", "English")],
                max_length=2,
                verbose_name="language",
            ),
        ),
        migrations.AlterField(
            model_name="agent",
            name="last_call_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="last call"),
        ),
        migrations.AlterField(
            model_name="agent",
            name="refused_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="refused"),
        ),
        migrations.AlterField(
            model_name="agent",
            name="refused_with",
            field=models.CharField(blank=True, editable=False, max_length=60, verbose_name="refused with"),
        ),
        migrations.AlterField(
            model_name="agent",
            name="sign_in_error",
            field=models.CharField(blank=True, editable=False, max_length=60, verbose_name="sign-in refused with"),
        ),
        migrations.AlterField(
            model_name="agent",
            name="signed_in_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="signed in"),
        ),
        migrations.AlterField(
            model_name="agent",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="agents",
                to="tenants.tenant",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="agent",
            name="token_expires_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="token valid until"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="allowed_addresses",
            field=models.JSONField(blank=True, default=list, verbose_name="allowed addresses"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="created_by",
            field=models.CharField(max_length=200, verbose_name="made by"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="valid until"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="last_used_at",
            field=models.DateTimeField(null=True, verbose_name="last used"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="prefix",
            field=models.CharField(max_length=24, verbose_name="beginning"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="revoked_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="revoked"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="scope",
            field=models.CharField(
                choices=[("events", "Call events"), ("window", "Opening windows"), ("ivr", "IVR")],
                max_length=10,
                verbose_name="opens",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="api_keys",
                to="tenants.tenant",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="act",
            field=models.CharField(max_length=60, verbose_name="act"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="actor",
            field=models.CharField(max_length=200, verbose_name="who"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="after",
            field=models.JSONField(default=dict, verbose_name="after"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="when"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="before",
            field=models.JSONField(default=dict, verbose_name="before"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="target",
            field=models.CharField(blank=True, max_length=200, verbose_name="what of"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="tenant",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="audit",
                to="tenants.tenant",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="checkrun",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="customentity",
            name="first_name",
            field=models.CharField(blank=True, max_length=128, verbose_name="column of the first name"),
        ),
        migrations.AlterField(
            model_name="customentity",
            name="id_column",
            field=models.CharField(max_length=128, verbose_name="key column"),
        ),
        migrations.AlterField(
            model_name="customentity",
            name="instance",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="custom_entities",
                to="tenants.instance",
                verbose_name="instance",
            ),
        ),
        migrations.AlterField(
            model_name="customentity",
            name="last_name",
            field=models.CharField(max_length=128, verbose_name="column of the last name"),
        ),
        migrations.AlterField(
            model_name="customentity",
            name="phone_columns",
            field=models.JSONField(default=list, verbose_name="phone columns"),
        ),
        migrations.AlterField(
            model_name="customentity",
            name="position",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="order"),
        ),
        migrations.AlterField(
            model_name="customentity",
            name="table",
            field=models.CharField(max_length=128, verbose_name="table"),
        ),
        migrations.AlterField(
            model_name="displayfield",
            name="entity",
            field=models.CharField(max_length=128, verbose_name="table"),
        ),
        migrations.AlterField(
            model_name="displayfield",
            name="identifier",
            field=models.CharField(max_length=128, verbose_name="column"),
        ),
        migrations.AlterField(
            model_name="displayfield",
            name="instance",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="display_fields",
                to="tenants.instance",
                verbose_name="instance",
            ),
        ),
        migrations.AlterField(
            model_name="displayfield",
            name="link",
            field=models.CharField(blank=True, max_length=500, verbose_name="link"),
        ),
        migrations.AlterField(
            model_name="displayfield",
            name="position",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="order"),
        ),
        migrations.AlterField(
            model_name="instance",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="instance",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="instance",
            name="note_state",
            field=models.CharField(
                choices=[("open", "Open: can be edited in the CRM"), ("completed", "Completed: read-only in the CRM")],
                default="open",
                max_length=10,
                verbose_name="state of written notes",
            ),
        ),
        migrations.AlterField(
            model_name="instance",
            name="organization_id",
            field=models.UUIDField(blank=True, editable=False, null=True, verbose_name="organization ID"),
        ),
        migrations.AlterField(
            model_name="instance",
            name="proven_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="confirmed"),
        ),
        migrations.AlterField(
            model_name="instance",
            name="proven_by",
            field=models.CharField(blank=True, editable=False, max_length=200, verbose_name="confirmed by"),
        ),
        migrations.AlterField(
            model_name="instance",
            name="tenant",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="instance",
                to="tenants.tenant",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="accepted_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="accepted"),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="accepted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="accepted by",
            ),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="invited"),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="expires_at",
            field=models.DateTimeField(verbose_name="valid until"),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="invited_by",
            field=models.CharField(max_length=200, verbose_name="invited by"),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("cs", "Čeština"), ("sk", "Slovenčina"), ("en", "English")],
                max_length=2,
                verbose_name="language",
            ),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="invitations",
                to="tenants.tenant",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="linkedaccount",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="membership",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="since"),
        ),
        migrations.AlterField(
            model_name="membership",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to="tenants.tenant",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="membership",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to=settings.AUTH_USER_MODEL,
                verbose_name="account",
            ),
        ),
        migrations.AlterField(
            model_name="microsoftconnection",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="microsoftconnection",
            name="sign_in_error",
            field=models.CharField(blank=True, editable=False, max_length=60, verbose_name="sign-in refused with"),
        ),
        migrations.AlterField(
            model_name="microsoftconnection",
            name="token_expires_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="token valid until"),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="agent",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mail",
                to="tenants.agent",
                verbose_name="agent",
            ),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="attempts",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="attempts"),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="put in"),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="invitation",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mail",
                to="tenants.invitation",
                verbose_name="invitation",
            ),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="kind",
            field=models.CharField(
                choices=[
                    ("activation", "Activation of the window"),
                    ("invitation", "Invitation to the portal"),
                    ("secret", "Secret is about to expire"),
                    ("alarm", "A check failed"),
                    ("reminder", "Reminder of what is missing"),
                ],
                max_length=12,
                verbose_name="about",
            ),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="language",
            field=models.CharField(
                choices=[("cs", "Čeština"), ("sk", "Slovenčina"), ("en", "English")],
                max_length=2,
                verbose_name="language",
            ),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="last_error",
            field=models.CharField(blank=True, max_length=60, verbose_name="why not sent"),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="next_try_at",
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name="next try"),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="sent_at",
            field=models.DateTimeField(null=True, verbose_name="sent"),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="state",
            field=models.CharField(
                choices=[("queued", "Waiting"), ("sent", "Sent"), ("failed", "Not sent")],
                default="queued",
                max_length=8,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mail",
                to="tenants.tenant",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="account",
            ),
        ),
        migrations.AlterField(
            model_name="portalattempt",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="signinattempt",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="systemaccount",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="systemaccount",
            name="instance",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="system_account",
                to="tenants.instance",
                verbose_name="instance",
            ),
        ),
        migrations.AlterField(
            model_name="systemaccount",
            name="second_secret_expires_on",
            field=models.DateField(blank=True, null=True, verbose_name="second secret ends"),
        ),
        migrations.AlterField(
            model_name="systemaccount",
            name="secret_expires_on",
            field=models.DateField(blank=True, null=True, verbose_name="secret ends"),
        ),
        migrations.AlterField(
            model_name="systemaccount",
            name="sign_in_error",
            field=models.CharField(blank=True, editable=False, max_length=60, verbose_name="sign-in refused with"),
        ),
        migrations.AlterField(
            model_name="systemaccount",
            name="token_expires_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="token valid until"),
        ),
        migrations.AlterField(
            model_name="tenant",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="public code"),
        ),
        migrations.AlterField(
            model_name="tenant",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="tenant",
            name="missed_call_owner",
            field=models.CharField(
                choices=[
                    ("record_owner", "The record's owner"),
                    ("default_owner", "The default owner"),
                    ("team", "A team"),
                ],
                default="record_owner",
                max_length=20,
                verbose_name="who gets a missed call",
            ),
        ),
        migrations.AlterField(
            model_name="tenant",
            name="slug",
            field=models.SlugField(max_length=60, unique=True, verbose_name="short name"),
        ),
    ]
