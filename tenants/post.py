"""E-mails put in to be sent, and sent again, but never to the same person twice within minutes. What they say: emails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import batched
from operator import or_
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import credentials
from tenants.models import Agent, AuditEntry, CheckRun, Membership, OutgoingMail, SystemAccount, Tenant, audit

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

Kind, State = OutgoingMail.Kind, OutgoingMail.State
COOL_DOWN = timedelta(minutes=10)
SECRET_MARKS = (1, 7, 14, 30, 60)
"""Days before a secret's end at which its customer is told, nearest first."""


class TooSoon(Exception):
    """The same person had the same e-mail minutes ago. `str()` may be shown to whoever asked."""

    def __init__(self, until: datetime) -> None:
        at = timezone.localtime(until).strftime("%H:%M")
        super().__init__(_("This e-mail was sent a moment ago. It can be sent again at %(time)s.") % {"time": at})
        self.until = until


class NotSendable(Exception):
    """What the e-mail is about needs none now. `str()` may be shown to whoever asked."""


def put_in(
    kind: str, *, tenant: Tenant, language: str, not_before: datetime | None = None, **about: Any
) -> OutgoingMail | None:
    """One e-mail, inside the caller's transaction. None: with `once`, when that was put in before.

    `about` holds references only: agent, invitation, user, system_account, check_run.
    """
    row = OutgoingMail(tenant=tenant, kind=kind, language=language, **about)
    row.next_try_at = not_before or row.next_try_at
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        if not row.once:
            raise
        return None
    if not_before is None:
        hurry(row.pk)
    return row


def put_in_for_agents(
    kind: str, agents: Iterable[Agent], *, not_before: Mapping[int, datetime | None] | None = None
) -> int:
    """The same to many, hurried together by one sweep. `not_before` is by the agent's key."""
    now, later = timezone.now(), not_before or {}
    rows = [
        OutgoingMail(
            tenant=agent.tenant,
            kind=kind,
            language=agent.spoken_language,
            agent=agent,
            next_try_at=later.get(agent.pk) or now,
        )
        for agent in agents
    ]
    OutgoingMail.objects.bulk_create(rows, batch_size=500)
    if rows:
        transaction.on_commit(_hurry_all)
    return len(rows)


def again_to_agents(kind: str, agents: Iterable[Agent], last: Mapping[int, OutgoingMail], *, by: User | str) -> None:
    """Another one to each, or, where the last still waits, that one at once; whom it is too soon for, the caller knows."""
    waiting: list[OutgoingMail] = []
    new: list[OutgoingMail] = []
    for agent in agents:
        mail = last.get(agent.pk)
        if mail and mail.state == State.QUEUED:
            waiting.append(mail)
        else:
            new.append(OutgoingMail(tenant=agent.tenant, kind=kind, language=agent.spoken_language, agent=agent))
    for some in batched(waiting, 500):
        rows = OutgoingMail.objects.filter(pk__in=[mail.pk for mail in some], state=State.QUEUED)
        rows.update(next_try_at=timezone.now())
    OutgoingMail.objects.bulk_create(new, batch_size=500)
    AuditEntry.objects.bulk_create(
        [
            AuditEntry(tenant_id=mail.tenant_id, actor=str(by), act="mail.sent_again", target=f"{kind} {mail.code}")
            for mail in (*waiting, *new)
        ],
        batch_size=500,
    )
    if waiting or new:
        transaction.on_commit(_hurry_all)


def last_to(agent: Agent, kind: str) -> OutgoingMail | None:
    return OutgoingMail.objects.filter(agent=agent, kind=kind).order_by("-created_at", "-pk").first()


@transaction.atomic
def again(mail: OutgoingMail, *, by: User | str) -> OutgoingMail:
    """Another one like it, or, where one still waits, that one at once. Raises TooSoon."""
    Tenant.objects.select_for_update(no_key=True).get(pk=mail.tenant_id)  # two who click at once: one e-mail
    last = _alike(mail).order_by("-created_at", "-pk").select_related("tenant").first() or mail
    if free_at := cooled_down_at(last):
        raise TooSoon(free_at)
    row = last if last.state == State.QUEUED else _copy(last)
    OutgoingMail.objects.filter(pk=row.pk, state=State.QUEUED).update(next_try_at=timezone.now())
    hurry(row.pk)
    audit(tenant=mail.tenant, by=by, act="mail.sent_again", target=f"{row.kind} {row.code}")
    return row


def cooled_down_at(mail: OutgoingMail | None) -> datetime | None:
    """When the same may be sent again; None: now."""
    if mail is None or mail.sent_at is None:
        return None
    free_at = mail.sent_at + COOL_DOWN
    return free_at if free_at > timezone.now() else None


def _alike(mail: OutgoingMail) -> QuerySet[OutgoingMail]:
    """To the same person about the same."""
    about = {name: getattr(mail, name) for name in _ABOUT}
    return OutgoingMail.objects.filter(tenant=mail.tenant_id, kind=mail.kind, **about)


_ABOUT = ("agent_id", "invitation_id", "user_id", "system_account_id", "check_run_id")


def _copy(mail: OutgoingMail) -> OutgoingMail:
    language = mail.agent.spoken_language if mail.agent else mail.language
    about = {name: getattr(mail, name) for name in _ABOUT}
    return OutgoingMail.objects.create(tenant=mail.tenant, kind=mail.kind, language=language, **about)


# To those who run the customer's CRM


def put_in_for_admins(kind: str, *, tenant: Tenant, once: str, **about: Any) -> int:
    """To each of the customer's portal users; where there is none, to the contact address. Each `once` goes out once."""
    members = Membership.objects.filter(tenant=tenant, user__is_active=True).exclude(user__email="")
    users = [member.user for member in members.select_related("user")]
    addressees: list[User | None] = [*users] or ([None] if tenant.contact_email else [])
    rows = [
        put_in(
            kind, tenant=tenant, language=tenant.language, user=user, once=f"{once} {user.pk if user else 0}", **about
        )
        for user in addressees
    ]
    return sum(row is not None for row in rows)


@transaction.atomic
def put_in_alarm(run: CheckRun) -> int:
    """Checks turned red in this run: one e-mail per admin, however many checks and however often it is asked."""
    return put_in_for_admins(Kind.ALARM, tenant=run.instance.tenant, once=f"alarm {run.code}", check_run=run)


def warn_of_secrets(today: date | None = None) -> int:
    """Each day: system accounts whose secret ends within 60, 30, 14, 7 or 1 days, once per mark."""
    today = today or timezone.localdate()
    ending = today + timedelta(days=SECRET_MARKS[-1])
    names = ("secret_expires_on", "second_secret_expires_on", "certificate_expires_on")
    soon = reduce(or_, (Q(**{f"{name}__lte": ending}) for name in names))
    told = 0
    for account in SystemAccount.objects.filter(soon).select_related("instance__tenant__implementer"):
        last = credentials.last_day(account)
        if last is None or not 0 <= (last - today).days <= SECRET_MARKS[-1]:
            continue
        mark = next(mark for mark in SECRET_MARKS if (last - today).days <= mark)
        once = f"secret {account.code} {last} {mark}"
        tenant = account.instance.tenant
        told += put_in_for_admins(Kind.SECRET_EXPIRING, tenant=tenant, once=once, system_account=account)
        told += _put_in_for_implementer(Kind.SECRET_EXPIRING, tenant=tenant, once=once, system_account=account)
    return told


def _put_in_for_implementer(kind: str, *, tenant: Tenant, once: str, **about: Any) -> bool:
    """To whoever at IPEX looks after the customer, unless they are one of their admins as well."""
    user = tenant.implementer
    if user is None or not (user.is_active and user.email):
        return False
    return (
        put_in(kind, tenant=tenant, language=tenant.language, user=user, once=f"{once} {user.pk}", **about) is not None
    )


# Jobs


def hurry(pk: int) -> None:
    from tenants import tasks  # jobs know the verbs, not the other way round

    transaction.on_commit(lambda: tasks.send_mail(pk))


def _hurry_all() -> None:
    from tenants import tasks

    tasks.send_waiting_mail()
