"""Who our customers are, and what we know of their Microsoft. Verbs live beside: registration, configuration, entra."""

from tenants.models.api_key import ApiKey
from tenants.models.checks import CheckResult, CheckRun
from tenants.models.customers import CustomEntity, DisplayField, Instance, InstanceQuerySet, Membership, Tenant
from tenants.models.identities import (
    CONNECTION_FOR,
    Agent,
    AgentQuerySet,
    MicrosoftConnection,
    MicrosoftConnectionQuerySet,
    MicrosoftToken,
    SystemAccount,
    SystemCertificate,
)
from tenants.models.mail import INVITED_FOR, Invitation, InvitationQuerySet, OutgoingMail
from tenants.models.shared import LANGUAGES, WEBHOOK_KEYS, Coded, Label, digest, label_in
from tenants.models.sign_ins import SIGN_IN_MINUTES, LinkedAccount, PortalAttempt, SignInAttempt
from tenants.models.trace import AuditEntry, audit

__all__ = [
    "CONNECTION_FOR",
    "INVITED_FOR",
    "LANGUAGES",
    "SIGN_IN_MINUTES",
    "WEBHOOK_KEYS",
    "Agent",
    "AgentQuerySet",
    "ApiKey",
    "AuditEntry",
    "CheckResult",
    "CheckRun",
    "Coded",
    "CustomEntity",
    "DisplayField",
    "Instance",
    "InstanceQuerySet",
    "Invitation",
    "InvitationQuerySet",
    "Label",
    "LinkedAccount",
    "Membership",
    "MicrosoftConnection",
    "MicrosoftConnectionQuerySet",
    "MicrosoftToken",
    "OutgoingMail",
    "PortalAttempt",
    "SignInAttempt",
    "SystemAccount",
    "SystemCertificate",
    "Tenant",
    "audit",
    "digest",
    "label_in",
]
