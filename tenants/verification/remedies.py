"""How to mend what a check found: the clicks, in the classic Advanced Settings and in Microsoft's newer portals.

Sources: Microsoft, "Manage application users", "Edit a security role", "Create or edit columns", "Enable a table for
activities", "Enable change tracking"; IPEX's guide for customers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    Remedy = tuple[tuple[StrOrPromise, StrOrPromise], ...]
else:
    Remedy = tuple

CLASSIC = _("Classic Advanced Settings")
CENTRE = _("Power Platform admin centre")
MAKER = _("Power Apps (make.powerapps.com)")
AZURE = _("Azure portal")
PORTAL = _("This portal")
BROWSER = _("Browser")

CONNECT: Remedy = (
    (PORTAL, _("Check-list › Connect Microsoft, and sign in as a System Administrator or System Customizer.")),
)
APP_ID: Remedy = (
    (BROWSER, _("Open your app in the CRM and copy the whole address; the app ID stands in it after appid=.")),
    (CLASSIC, _("Settings › My Apps › the app's three dots › Open in App Designer › Properties.")),
    (CENTRE, _("Environments › your environment › Resources › Dynamics 365 apps, or Power Apps › Apps › Details.")),
)
NAMES: Remedy = (
    (CLASSIC, _("Customizations › Customize the System › Entities › the table › Fields: column Name.")),
    (MAKER, _("Tables › the table › Columns › the column › Advanced options: Schema name.")),
)
REQUIRED_LEVEL: Remedy = (
    (
        CLASSIC,
        _(
            "Customizations › Customize the System › Entities › the table › Fields › the column › Field Requirement: "
            "Optional › Save and Close › Publish All Customizations."
        ),
    ),
    (MAKER, _("Tables › the table › Columns › the column › Required: Optional › Save.")),
)
FROM_TO: Remedy = (
    (PORTAL, _("Check-list › Notes › Change now, signed in as a System Administrator or System Customizer.")),
    (
        CLASSIC,
        _(
            "Advanced Settings › Customizations › Customize the System › Entities › Phone Call › Fields › from, then to › "
            "Field Requirement: Business Recommended › Save and Close › Publish All Customizations."
        ),
    ),
    (
        CENTRE,
        _(
            "Environments › your environment › Resources › Power Apps › Tables › Phone Call › Columns › From, then To › "
            "Required: Business recommended › Save."
        ),
    ),
)
ACTIVITIES: Remedy = (
    (
        CLASSIC,
        _(
            "Customizations › Customize the System › Entities › the table › Communication & Collaboration: Activities › "
            "Save › Publish."
        ),
    ),
    (MAKER, _("Tables › the table › Properties › Advanced options › Creating a new activity › Save.")),
)
TRACKING: Remedy = (
    (
        CLASSIC,
        _("Customizations › Customize the System › Entities › the table › Data Services: Change Tracking › Save."),
    ),
    (MAKER, _("Tables › the table › Properties › Advanced options › Track changes › Save.")),
)
ROLES: Remedy = (
    (
        CLASSIC,
        _(
            "Advanced Settings › Settings › Security › Security Roles › the role › the table's row › the right's circle › "
            "Save and Close."
        ),
    ),
    (
        CENTRE,
        _(
            "Environments › your environment › Settings › Users + permissions › Security roles › the role › the table › "
            "the right › Save."
        ),
    ),
)
USERS: Remedy = (
    (CLASSIC, _("Advanced Settings › Settings › Security › Users › the user › Manage Roles.")),
    (CENTRE, _("Environments › your environment › Settings › Users + permissions › Users › the user › Manage roles.")),
)
APPLICATION: Remedy = (
    (
        AZURE,
        _(
            "App registrations › New registration › a name such as IPEX IVR › Accounts in this organizational directory only › "
            "Register › Overview: copy the Application (client) ID."
        ),
    ),
)
APP_USER: Remedy = (
    (
        CLASSIC,
        _(
            "Advanced Settings › Settings › Security › Users › view Application Users › New › Application ID: the client ID › "
            "Save › Manage Roles: Service Reader and Service Writer › OK."
        ),
    ),
    (
        CENTRE,
        _(
            "Manage › Environments › your environment › Settings › Users + permissions › Application users › + New app user "
            "› + Add an app › Business unit › Security roles: Service Reader and Service Writer › Create."
        ),
    ),
)
APP_USER_ON: Remedy = (
    (
        CLASSIC,
        _("Advanced Settings › Settings › Security › Users › view Disabled Users › the application › Enable."),
    ),
    (
        CENTRE,
        _(
            "Manage › Environments › your environment › Settings › Users + permissions › Application users › the "
            "application › Activate."
        ),
    ),
)
APP_ROLES: Remedy = (
    (
        CLASSIC,
        _(
            "Advanced Settings › Settings › Security › Users › view Application Users › the application › Manage Roles: "
            "Service Reader and Service Writer › OK."
        ),
    ),
    (
        CENTRE,
        _(
            "Manage › Environments › your environment › Settings › Users + permissions › Application users › the "
            "application › Edit security roles: Service Reader and Service Writer › Save."
        ),
    ),
)
OWN_ROLE: Remedy = (
    (
        CLASSIC,
        _(
            "Advanced Settings › Settings › Security › Security Roles › App Opener › More Actions: Copy Role › the new role › "
            "the table's row › circles of the rights: Organization › Save and Close."
        ),
    ),
    (
        CENTRE,
        _(
            "Manage › Environments › your environment › Settings › Users + permissions › Security roles › App Opener › Copy › "
            "the new role › the table › the rights: Organization › Save."
        ),
    ),
)
CERTIFICATE: Remedy = (
    (PORTAL, _("Tab IVR › Certificate › Download for Azure (.cer).")),
    (
        AZURE,
        _(
            "App registrations › the application › Certificates & secrets › Certificates › Upload certificate › the file › "
            "Add; compare the Thumbprint."
        ),
    ),
)
DIRECTORY: Remedy = (
    (
        AZURE,
        _("App registrations › the application › Overview: compare Application (client) ID and Directory (tenant) ID."),
    ),
    (PORTAL, _("Tab IVR › Application (client) ID.")),
)
SECRET: Remedy = (
    (
        AZURE,
        _(
            "App registrations › the application › Certificates & secrets › New client secret › 24 months › copy the Value "
            "(not the Secret ID)."
        ),
    ),
    (PORTAL, _("Tab IVR › Client secret › paste the Value and its date of expiry.")),
)
CONSENT: Remedy = (
    (AZURE, _("Enterprise applications › IPEX › Permissions › Grant admin consent.")),
    (PORTAL, _("Check-list › Consent › send the link to the directory admin.")),
)
CONDITIONAL_ACCESS: Remedy = (
    (AZURE, _("Microsoft Entra ID › Security › Conditional Access › the policy › exclude the application.")),
)
