"""With what a system account proves itself to Microsoft: up to two secrets, and certificates, the newest first.

They work in parallel: the newest is tried first, an older one when Microsoft refuses it, so that one can be changed for
another without a gap. What became of each is kept in `SystemAccount.tried` (entra.py writes it, holding the lease).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from tenants.key_pairs import KeyPair, in_groups
from tenants.models import SystemAccount, SystemCertificate, audit
from tenants.registration import SIGNED_OUT

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SECRETS = {
    "client_secret": ("secret_expires_on", "secret_added_at"),
    "second_client_secret": ("second_secret_expires_on", "second_secret_added_at"),
}
MOST_CERTIFICATES = 4
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class TooMany(Exception):
    """`str()` may be shown to whoever asked."""


@dataclass(frozen=True, slots=True)
class Credential:
    """`name` is the field of a secret, or a certificate's code. `refused_with` is Microsoft's code of the last try."""

    name: str
    expires_on: date | None
    added_at: datetime | None = None
    certificate: SystemCertificate | None = None
    worked_at: datetime | None = None
    refused_at: datetime | None = None
    refused_with: str = ""

    @property
    def thumbprint(self) -> str:
        return in_groups(self.certificate.thumbprint) if self.certificate else ""

    @property
    def days(self) -> int | None:
        return (self.expires_on - timezone.localdate()).days if self.expires_on else None

    def for_msal(self, account: SystemAccount) -> str | dict[str, str]:
        """MSAL signs an assertion with a key (PS256, x5t#S256); a secret goes as it is."""
        if self.certificate is None:
            return str(getattr(account, self.name))
        return {"private_key": self.certificate.private_key, "public_certificate": self.certificate.public_part}


def of(account: SystemAccount) -> list[Credential]:
    """The newest first."""
    certificates = list(account.certificates.order_by("pk"))
    found = [*_secrets(account), *(_certificate(account, each) for each in certificates)]
    return [each for _at, _place, each in sorted(_placed(found), reverse=True)]


def _placed(found: list[Credential]) -> Iterable[tuple[datetime, int, Credential]]:
    return ((each.added_at or _NEVER, place, each) for place, each in enumerate(found))


def _secrets(account: SystemAccount) -> list[Credential]:
    return [
        Credential(name, getattr(account, ends), getattr(account, added), **_became(account, name))
        for name, (ends, added) in SECRETS.items()
        if account.__dict__.get(name)  # sealed or not; nothing is decrypted to see whether it is there
    ]


def _certificate(account: SystemAccount, row: SystemCertificate) -> Credential:
    return Credential(str(row.code), row.expires_on, row.added_at, row, **_became(account, str(row.code)))


def _became(account: SystemAccount, name: str) -> dict[str, Any]:
    said: Mapping[str, str] = account.tried.get(name, {})
    times = {key: parse_datetime(said[key]) for key in ("worked_at", "refused_at") if said.get(key)}
    return {**times, "refused_with": said.get("refused_with", "")}


def last_used(found: Iterable[Credential]) -> Credential | None:
    """Which one worked last."""
    worked = [each for each in found if each.worked_at]
    return max(worked, key=lambda each: each.worked_at or _NEVER, default=None)


def last_day(account: SystemAccount) -> date | None:
    """When the system account stops working: the latest end of all; None when that is not known."""
    days = [each.expires_on for each in of(account)]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None


def note_tries(account: SystemAccount, outcomes: Mapping[str, str]) -> None:
    """`outcomes`: name → "" for what worked, else what Microsoft refused it with. For whoever holds the lease."""
    now = timezone.now().isoformat()
    known = {name: said for name, said in account.tried.items() if name in {each.name for each in of(account)}}
    for name, code in outcomes.items():
        before = known.get(name, {})
        worked = before.get("worked_at", "") if code else now
        refused = {"refused_at": now, "refused_with": code} if code else {}
        known[name] = {**({"worked_at": worked} if worked else {}), **refused}
    account.tried = known
    SystemAccount.objects.filter(pk=account.pk).update(tried=known)


# Certificates


@transaction.atomic
def add_certificate(
    account: SystemAccount, pair: KeyPair, *, by: User | str, made_here: bool = False, code: UUID | None = None
) -> SystemCertificate:
    """Beside what there is. The same once more is no change; so is a form sent twice (`code`). Raises TooMany."""
    account = SystemAccount.objects.select_for_update().select_related("instance__tenant").get(pk=account.pk)
    known = account.certificates.filter(Q(thumbprint=pair.thumbprint) | Q(code=code)).first()
    if known:
        return known
    if account.certificates.count() >= MOST_CERTIFICATES:
        raise TooMany(_("There are %(count)s certificates already. Remove one first.") % {"count": MOST_CERTIFICATES})
    row = SystemCertificate(
        account=account,
        public_part=pair.public_part,
        thumbprint=pair.thumbprint,
        subject=pair.subject,
        starts_on=pair.starts_on,
        expires_on=pair.expires_on,
        made_here=made_here,
    )
    if code and not SystemCertificate.objects.filter(code=code).exists():
        row.code = code
    row.private_key = pair.private_key
    row.save()
    _changed(account, by)
    _audit(account, by, "system_account.certificate_added", after=_told(row))
    return row


@transaction.atomic
def remove_certificate(row: SystemCertificate, *, by: User | str) -> None:
    """Its key is erased here; in Azure it has to be removed by hand."""
    account = SystemAccount.objects.select_for_update().select_related("instance__tenant").get(pk=row.account_id)
    if SystemCertificate.objects.filter(pk=row.pk).delete()[0]:
        _changed(account, by)
        _audit(account, by, "system_account.certificate_removed", before=_told(row))


@transaction.atomic
def remove_secret(account: SystemAccount, name: str, *, by: User | str) -> None:
    """The second, when it stays alone, takes the first one's place."""
    account = SystemAccount.objects.select_for_update().select_related("instance__tenant").get(pk=account.pk)
    if not account.__dict__[name]:
        return
    _empty(account, name)
    if name == "client_secret" and account.__dict__["second_client_secret"]:
        _move(account)
    account.save(update_fields=[*SECRETS, *(field for fields in SECRETS.values() for field in fields), "tried"])
    _changed(account, by)
    _audit(account, by, "system_account.secret_removed", before={name: "•••"})


def _empty(account: SystemAccount, name: str) -> None:
    ends, added = SECRETS[name]
    setattr(account, name, "")
    setattr(account, ends, None)
    setattr(account, added, None)
    account.tried = {key: said for key, said in account.tried.items() if key != name}


def _move(account: SystemAccount) -> None:
    """The second to the first place: sealed values are bound to their column, so it is opened and sealed anew."""
    account.client_secret = account.second_client_secret
    account.secret_expires_on = account.second_secret_expires_on
    account.secret_added_at = account.second_secret_added_at
    became = account.tried.get("second_client_secret")
    _empty(account, "second_client_secret")
    account.tried = account.tried | ({"client_secret": became} if became else {})


def _changed(account: SystemAccount, by: User | str) -> None:
    """The next token is asked for with what there is now, and it is tested."""
    ends = account.certificates.order_by("-expires_on").values_list("expires_on", flat=True).first()
    SystemAccount.objects.filter(pk=account.pk).update(certificate_expires_on=ends, **SIGNED_OUT)
    instance, user = account.instance.pk, None if isinstance(by, str) else by.pk
    transaction.on_commit(lambda: _verify_later(instance, str(by), user))


def _verify_later(instance: int, by: str, user: int | None) -> None:
    from tenants import tasks  # they know everybody, this module among them

    tasks.verify_after_change(instance, by, user, timezone.now().isoformat())


def _told(row: SystemCertificate) -> dict[str, str]:
    return {"thumbprint": row.thumbprint, "subject": row.subject, "expires_on": row.expires_on.isoformat()}


def _audit(account: SystemAccount, by: User | str, act: str, **values: dict[str, Any]) -> None:
    audit(tenant=account.instance.tenant, by=by, act=act, target=str(account.client_id), **values)
