"""What is said about a result: title, what was found, what to do and who does it. Made when shown, in any language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from tenants.verification import remedies
from tenants.verification.remedies import Remedy

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Acts = Literal["customer", "microsoft_admin", "agent", "ipex", "nobody"]
ACTS: Mapping[Acts, StrOrPromise] = {
    "customer": _("The customer's CRM admin"),
    "microsoft_admin": _("The customer's Microsoft admin"),
    "agent": _("The agents"),
    "ipex": _("IPEX"),
    "nobody": _("Nobody, it is tried again"),
}


@dataclass(frozen=True, slots=True)
class Saying:
    """`sentence` is for whoever acts; both may use the evidence by name."""

    acts: Acts
    found: StrOrPromise
    sentence: StrOrPromise = ""
    remedy: Remedy | None = None


TITLES: Mapping[str, tuple[StrOrPromise, StrOrPromise]] = {
    "address": (_("The address is one of an instance online"), _("Without it nothing can be connected.")),
    "directory": (_("Dataverse answers and names its directory"), _("Agents sign in to this directory.")),
    "proof": (_("The instance is shown to be the customer's"), _("Until then nobody can sign in to the window.")),
    "token": (_("Signing in for checks works"), _("Without it the CRM cannot be looked at.")),
    "organization": (_("The account belongs to this organization"), _("Otherwise we would read another CRM.")),
    "version": (_("Dataverse has a version we know"), _("Older ones lack what look-ups need.")),
    "app": (_("The app ID exists"), _("Records open in this app.")),
    "table": (_("The table %(subject)s exists"), _("Callers are looked for in it.")),
    "columns": (_("The columns of %(subject)s for looking up exist"), _("Without them its records are not found.")),
    "fields": (_("The further fields of %(subject)s exist"), _("Without them they are missing on the card.")),
    "creating": (_("A new %(subject)s can be created with one click"), _("Otherwise the window refuses it.")),
    "activities": (_("Calls can be linked with %(subject)s"), _("Otherwise notes are written without a record.")),
    "tracking": (_("Changes of %(subject)s are tracked"), _("The number index keeps up by them.")),
    "org_read": (_("The system account reads all of %(subject)s"), _("Otherwise the index and the IVR miss callers.")),
    "system_rights": (
        _("The system account has the rights it needs on %(subject)s"), _("Otherwise missed calls and the IVR fail there."),
    ),
    "agents_rights": (_("Agents may read callers and write notes"), _("Otherwise they see nothing on the card.")),
    "from_to": (_("Notes can be edited in the CRM"), _("Notes are written anyway; editing them there needs this.")),
    "secret": (_("The system account's secret or certificate is valid"), _("Without it the IVR and the number index stop.")),
    "agents": (_("Agents have signed in"), _("Each agent signs in once.")),
}  # fmt: skip

_NO_TABLE = Saying("nobody", _("The table %(table)s was not found, so this could not be looked at."))
SAYINGS: Mapping[str, Mapping[str, Saying]] = {
    "*": {
        "passed": Saying("nobody", ""),
        "no_table": _NO_TABLE,
        "nobody_to_look": Saying(
            "customer",
            _("Nobody is connected who could look."),
            _("Connect your Microsoft account, or set up the system account. Then this is checked."),
            remedies.CONNECT,
        ),
        "address_first": Saying("ipex", _("The address must be right first.")),
        "system_only": Saying("customer", _("Only the system account itself can be asked, and it cannot sign in.")),
        "no_time": Saying("nobody", _("Microsoft answered too slowly, there was no time left for this check.")),
        "busy": Saying("nobody", _("Microsoft asked to wait (%(status)s).")),
        "unreachable": Saying("nobody", _("Microsoft did not answer.")),
        "sign_in": Saying("customer", _("Microsoft did not accept the sign-in %(code)s."), _("Sign in again."),
                          remedies.CONNECT),
        "not_a_member": Saying("customer", _("The account has no user with a role in the organization (%(code)s).")),
        "may_not_look": Saying(
            "customer",
            _("The account that looks lacks the right %(right)s (%(status)s %(code)s)."),
            _("Give the account that looks this right, or connect one of a System Administrator."),
            remedies.ROLES,
        ),
        "unexpected": Saying("ipex", _("Dataverse refused the question (%(status)s %(code)s).")),
        "broken": Saying("ipex", _("The check itself failed. IPEX finds the reason in the log.")),
    },
    "address": {
        "passed": Saying("nobody", "%(host)s"),
        "not_an_instance": Saying(
            "ipex", "%(host)s",
            _("This is not the address of a Dataverse environment online. Register the right one."), remedies.APP_ID,
        ),
    },
    "directory": {
        "passed": Saying("nobody", _("Directory %(directory)s, answer %(status)s.")),
        "not_dataverse": Saying(
            "ipex", _("The server answered %(status)s and named no directory."),
            _("What answers there is not Dataverse online. Compare the address with the one in the browser."),
            remedies.APP_ID,
        ),
        "another": Saying(
            "ipex", _("The instance names the directory %(directory)s."),
            _("The instance moved to another directory. Confirm the new one; all agents then sign in again."),
        ),
        "not_stored": Saying(
            "ipex", _("The instance names the directory %(directory)s, we have none."), _("Store it with the instance.")
        ),
    },
    "proof": {
        "claimed": Saying(
            "customer", _("Nobody has shown yet that this instance is yours."),
            _("A System Administrator or System Customizer signs in once, or IPEX confirms it."), remedies.CONNECT,
        ),
    },
    "token": {
        "passed": Saying("nobody", "%(through)s"),
        "older_used": Saying(
            "customer", _("The newest secret is refused (%(code)s), an older one works."),
            _("Nothing stops yet. Paste the Value of the new secret once more before the older one ends."), remedies.SECRET,
        ),
        "certificate_waits": Saying(
            "customer", _("The newest certificate is refused (%(code)s), an older one works."),
            _("Nothing stops yet. Upload the public part of the certificate in Azure before the older one ends."),
            remedies.CERTIFICATE,
        ),
        "secret_missing": Saying("customer", _("There is neither a client secret nor a certificate %(code)s."),
                                 _("Store a client secret, or make a certificate."), remedies.SECRET),
        "secret_id": Saying(
            "customer", "%(code)s",
            _("What is stored is the ID of a secret. Copy its Value; make a new one if it is no longer shown."),
            remedies.SECRET,
        ),
        "certificate_unknown": Saying(
            "customer", _("%(code)s, thumbprint %(thumbprint)s"),
            _("The application does not know this certificate. Upload its public part in Azure and compare the thumbprint."),
            remedies.CERTIFICATE,
        ),
        "certificate_expired": Saying(
            "customer", _("%(code)s, thumbprint %(thumbprint)s, until %(date)s"),
            _("The certificate has expired. Make a new one here and upload its public part in Azure."),
            remedies.CERTIFICATE,
        ),
        "clock": Saying("ipex", "%(code)s", _("Our clock and Microsoft's differ, so the signature is refused.")),
        "secret_wrong": Saying(
            "customer", "%(code)s",
            _("Microsoft does not accept the client secret. Copy its Value, not its ID; make a new one if it is lost."),
            remedies.SECRET,
        ),
        "secret_expired": Saying("customer", "%(code)s", _("The client secret has expired. Make a new one and store it."),
                                 remedies.SECRET),
        "app_unknown": Saying(
            "customer", _("%(code)s, application %(client)s, directory %(directory)s"),
            _(
                "The directory of your CRM has no such application. The client ID is mistyped, or the application was "
                "registered in another directory."
            ),
            remedies.DIRECTORY,
        ),
        "no_resource": Saying("ipex", "%(code)s", _("The directory does not know the instance's address. Compare both.")),
        "no_directory": Saying("ipex", _("%(code)s, directory %(directory)s"),
                               _("The directory does not exist. Compare its ID.")),
        "consent": Saying(
            "microsoft_admin", "%(code)s",
            _("The admin of your Microsoft directory must consent once for everybody."), remedies.CONSENT,
        ),
        "blocked": Saying(
            "microsoft_admin", "%(code)s",
            _("A Conditional Access policy refuses our servers. Exclude the application from it or allow our address."),
            remedies.CONDITIONAL_ACCESS,
        ),
        "refused": Saying("customer", "%(code)s", _("Microsoft refused the system account. Compare its data."),
                          remedies.SECRET),
        "registration": Saying("ipex", "%(code)s", _("Microsoft does not accept IPEX's own registration.")),
        "connection_ended": Saying("customer", "%(code)s", _("The connection has ended. Connect your account again."),
                                   remedies.CONNECT),
    },
    "organization": {
        "passed": Saying("nobody", "WhoAmI: %(organization)s"),
        "no_app_user": Saying(
            "customer", _("%(status)s %(code)s, application %(client)s"),
            _("The application has no user in this organization. Add it as an application user and give it its roles."),
            remedies.APP_USER,
        ),
        "app_user_disabled": Saying(
            "customer", _("%(status)s %(code)s, application %(client)s"),
            _("The application user is disabled in the CRM. Activate it."), remedies.APP_USER_ON,
        ),
        "no_roles": Saying(
            "customer", _("%(status)s %(code)s, application %(client)s"),
            _("The application user has no security role. Give it Service Reader and Service Writer, or a role of its own."),
            remedies.APP_ROLES,
        ),
        "no_user": Saying(
            "customer", "%(status)s %(code)s",
            _("The connected account has no enabled user with a role in this organization."), remedies.USERS,
        ),
        "another": Saying(
            "ipex", "WhoAmI: %(organization)s",
            _("Behind this address is another organization now: it was restored, copied or replaced. Confirm it."),
        ),
        "not_noted": Saying(
            "agent", "WhoAmI: %(organization)s",
            _("The organization is confirmed but its ID is not noted yet. The first sign-in notes it."),
        ),
    },
    "version": {
        "passed": Saying("nobody", "%(version)s"),
        "old": Saying("microsoft_admin", "%(version)s", _("Microsoft updates environments online by itself. Wait for it.")),
    },
    "app": {
        "passed": Saying("nobody", _("“%(name)s”")),
        "not_found": Saying(
            "customer", _("App %(app)s: %(status)s %(code)s. There are: %(apps)s."),
            _("There is no app with this ID. Open your app in the browser and paste its whole address."), remedies.APP_ID,
        ),
        "not_published": Saying("customer", _("“%(name)s”"), _("The app has never been published. Publish it."),
                                remedies.APP_ID),
    },
    "table": {
        "passed": Saying("nobody", _("%(columns)s columns")),
        "missing": Saying(
            "customer", _("%(table)s: not found"),
            _("The organization has no table %(table)s. Correct its name or stop using it."), remedies.NAMES,
        ),
    },
    "columns": {
        "passed": Saying("nobody", _("%(columns)s phone columns")),
        "unknown": Saying(
            "customer", "%(columns)s",
            _("These columns do not exist or cannot be read. Correct their names."), remedies.NAMES,
        ),
        "no_phone": Saying(
            "customer", _("%(table)s: no phone column"),
            _("No column of the table holds telephone numbers as far as metadata tells. Choose one."), remedies.NAMES,
        ),
        "another_key": Saying(
            "customer", _("Key %(key)s, stored %(column)s"),
            _("The key of the table is another column. Nothing breaks, we use the real one; correct it some time."),
        ),
    },
    "fields": {
        "passed": Saying("nobody", _("%(columns)s fields")),
        "unknown": Saying("customer", "%(columns)s", _("These columns do not exist or cannot be read. Correct their names."),
                          remedies.NAMES),
        "table_not_used": Saying(
            "customer", _("%(table)s: %(count)s fields"),
            _("Callers are not looked for in this table, so its fields are never shown. Switch it on or remove them."),
        ),
    },
    "creating": {
        "no_phone": Saying("customer", _("%(table)s: no phone column that may be written"),
                           _("Choose a text column for the number that new records may fill."), remedies.NAMES),
        "not_writable": Saying(
            "customer", _("Not writable: %(columns)s"),
            _("New records cannot fill these columns: they are no plain text or may not be set. Choose other ones."),
            remedies.NAMES,
        ),
        "required_columns": Saying(
            "customer", _("Required: %(columns)s"),
            _("New records need these columns too, which nobody on the phone can fill. Make them optional."),
            remedies.REQUIRED_LEVEL,
        ),
    },
    "activities": {
        "switched_off": Saying(
            "customer", "HasActivities: false",
            _("Switch activities on for the table. That cannot be undone, so we never do it ourselves."),
            remedies.ACTIVITIES,
        ),
        "no_relation": Saying(
            "customer", _("No relation to Phone Call"),
            _("Activities are on, but Phone Call has no relation to this table. Publish all customizations."),
            remedies.ACTIVITIES,
        ),
    },
    "tracking": {
        "switched_off": Saying(
            "customer", "ChangeTrackingEnabled: false",
            _("Switch change tracking on for the table, else the number index cannot keep up."), remedies.TRACKING,
        ),
    },
    "org_read": {
        "passed": Saying("nobody", "%(right)s"),
        "lacks": Saying("customer", "%(right)s", _("The system account may not read this table. Give it a role that may."),
                        remedies.ROLES),
        "depth": Saying(
            "customer", _("%(right)s reaches %(depth)s only"),
            _("The system account reads only part of the records. Raise the right to Organization."), remedies.ROLES,
        ),
    },
    "system_rights": {
        "passed": Saying("nobody", "%(rights)s"),
        "lacks": Saying(
            "customer", _("%(table)s: %(rights)s missing"),
            _("Give the system account's role these rights on the table %(table)s for the whole organization."),
            remedies.ROLES,
        ),
        "depth": Saying(
            "customer", _("%(table)s: %(rights)s for a part only"),
            _("Raise these rights on the table %(table)s to Organization."), remedies.ROLES,
        ),
    },
    "agents_rights": {
        "passed": Saying("nobody", _("Asked about %(agents)s agents")),
        "lacks": Saying("customer", _("Roles %(roles)s: %(rights)s"),
                        _("Agents lack these rights. Add them to their role."), remedies.ROLES),
        "lacks_creating": Saying(
            "customer", _("Roles %(roles)s: %(rights)s"),
            _("Agents cannot create these records from the window. Add the rights if they should."), remedies.ROLES,
        ),
    },
    "from_to": {
        "passed": Saying("nobody", "phonecall.from: %(from)s, phonecall.to: %(to)s"),
        "required": Saying(
            "customer", "phonecall.from: %(from)s, phonecall.to: %(to)s",
            _("From and To of Phone Call are required, so the CRM lets nobody edit a note. Make them recommended."),
            remedies.FROM_TO,
        ),
        "fixed": Saying(
            "customer", "phonecall.from: %(from)s, phonecall.to: %(to)s, CanBeChanged: false",
            _("From and To of Phone Call are required and fixed by a managed solution. Its publisher can change that."),
        ),
    },
    "secret": {
        "passed": Saying("nobody", _("Until %(date)s, %(days)s days")),
        "soon": Saying("customer", _("Until %(date)s, %(days)s days"),
                       _("Make a second secret or certificate beside it. Nothing stops meanwhile."), remedies.SECRET),
        "expired": Saying("customer", _("Expired on %(date)s"), _("Make a new secret or certificate."), remedies.SECRET),
        "no_date": Saying("customer", _("No date of expiry is stored"),
                          _("Store the date, so that we can tell you before it expires."), remedies.SECRET),
        "missing": Saying("customer", _("Neither a secret nor a certificate is stored"),
                          _("Store a client secret, or make a certificate."),
                          remedies.SECRET),
    },
    "agents": {
        "passed": Saying("nobody", _("%(signed_in)s of %(enabled)s")),
        "nobody_enabled": Saying("customer", _("The window is not enabled for anybody."),
                                 _("Choose who shall use the window.")),
        "nobody_signed_in": Saying("agent", _("%(signed_in)s of %(enabled)s"),
                                   _("Nobody has signed in yet. The activation e-mail says how.")),
        "stuck": Saying("agent", _("%(signed_in)s of %(enabled)s, %(stuck)s with %(codes)s"),
                        _("Some agents must sign in again. Their notes wait meanwhile.")),
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """A result in words, in the language that was active."""

    title: str
    consequence: str
    found: str
    sentence: str
    acts: str
    who: str
    remedy: tuple[tuple[str, str], ...] = ()


def say(key: str, subject: str, why: str, evidence: Mapping[str, Any]) -> Said:
    title, consequence = TITLES[key]
    saying = SAYINGS.get(key, {}).get(why) or SAYINGS["*"].get(why) or SAYINGS["*"]["broken"]
    words = _Words({name: _shown(value) for name, value in evidence.items()} | {"subject": subject})
    return Said(
        title=str(title) % words,
        consequence=str(consequence),
        found=" ".join((str(saying.found) % words).replace("()", "").replace(" .", ".").split()),
        sentence=str(saying.sentence) % words,
        acts=saying.acts,
        who=str(ACTS[saying.acts]),
        remedy=tuple((str(place), str(steps)) for place, steps in saying.remedy or ()),
    )


class _Words(dict[str, str]):
    """What evidence does not have is left out of a sentence."""

    def __missing__(self, key: str) -> str:
        return ""


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value) or "–"
    if isinstance(value, Mapping):
        return _named(value)
    if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
        return _day(value)
    if value in {"system", "connection"}:
        return (
            gettext("As the system account") if value == "system" else gettext("With the connected Microsoft account")
        )
    return str(value)


def _named(value: Mapping[str, str]) -> str:
    """A column that was not found, or an app that there is."""
    if "typed" not in value:
        return f"{value.get('name', '')} ({value.get('id', '')})"
    if value.get("nearest"):
        return gettext("%(typed)s (the closest is %(nearest)s)") % value
    return str(value["typed"])


def _day(text: str) -> str:
    """Like "3. 11. 2026" in Czech and Slovak, "3 Nov 2026" in English."""
    try:
        return date_format(date.fromisoformat(text), pgettext("format of day, month and year", "j M Y"))
    except ValueError:
        return text


def sentences() -> Iterable[Promise | str]:
    """Every text that may be shown; for the test that all evidence they name exists."""
    for sayings in SAYINGS.values():
        for saying in sayings.values():
            yield from (saying.found, saying.sentence)
