"""From a switched-on window to the first note: the activation e-mail, its personal link, and how far each agent is.

A link is signed, valid for 14 days, and carries a digest of what it changes, so it dies when it is used, when the window is
switched off and when the agent becomes another person. It logs nobody in: it opens a page that leads to Microsoft.
"""

from __future__ import annotations

import hmac
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import signing
from django.db import models, transaction
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy

from tenants import post
from tenants.models import Agent, Instance, OutgoingMail, SignInAttempt, Tenant, audit
from tenants.refusals import Refusal, refusal_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

LINK_FOR = timedelta(days=14)
Mail = OutgoingMail
_signer = signing.TimestampSigner(sep=".", salt="tenants.activation")


# The e-mail


def invite(agent: Agent) -> OutgoingMail | None:
    """Put the activation e-mail in, inside the caller's transaction. None: the instance is only claimed, it comes later."""
    if not Instance.objects.proven().filter(tenant=agent.tenant_id).exists():
        return None
    last = post.last_to(agent, Mail.Kind.ACTIVATION)
    if last and last.state == Mail.State.QUEUED:
        return last
    return post.put_in(
        Mail.Kind.ACTIVATION,
        tenant=agent.tenant,
        language=agent.spoken_language,
        agent=agent,
        not_before=post.cooled_down_at(last),
    )


def invite_waiting(tenant: Tenant, *, by: User | str) -> int:
    """The instance has just been proven: those who waited for it get theirs, but for the one whose sign-in proved it."""
    waiting = Agent.objects.with_window().filter(tenant=tenant, token_cache=b"").select_related("tenant")
    queued = Mail.objects.filter(kind=Mail.Kind.ACTIVATION, state=Mail.State.QUEUED, agent=OuterRef("pk"))
    prover = Q(upn__iexact=str(by)) | Q(upn="", email__iexact=str(by))
    return post.put_in_for_agents(Mail.Kind.ACTIVATION, waiting.exclude(models.Exists(queued)).exclude(prover))


def invite_all(agents: Sequence[Agent]) -> int:
    """The same as `invite` to many agents, in a few queries and inside the caller's transaction."""
    proven = _proven(agents)
    last = _last_to(agents)
    invited = [
        agent
        for agent in agents
        if agent.tenant_id in proven and (agent.pk not in last or last[agent.pk].state != Mail.State.QUEUED)
    ]
    not_before = {pk: post.cooled_down_at(mail) for pk, mail in last.items()}
    return post.put_in_for_agents(Mail.Kind.ACTIVATION, invited, not_before=not_before)


def invite_at_another_address(agent: Agent) -> OutgoingMail | None:
    """The address was put right: no cool-down, which spares mailboxes, not addresses."""
    if not Instance.objects.proven().filter(tenant=agent.tenant_id).exists():
        return None
    last = post.last_to(agent, Mail.Kind.ACTIVATION)
    if last and last.state == Mail.State.QUEUED:
        return last  # it is written when it is sent, so it goes to the new address
    return post.put_in(Mail.Kind.ACTIVATION, tenant=agent.tenant, language=agent.spoken_language, agent=agent)


def _proven(agents: Iterable[Agent]) -> set[int]:
    """Of their customers, those whose instance is proven."""
    tenants = {agent.tenant_id for agent in agents}
    return set(Instance.objects.proven().filter(tenant__in=tenants).values_list("tenant_id", flat=True))


def _last_to(agents: Sequence[Agent]) -> dict[int, OutgoingMail]:
    found: dict[int, OutgoingMail] = {}
    for some in batched((agent.pk for agent in agents), 500):
        rows = Mail.objects.filter(agent__in=some, kind=Mail.Kind.ACTIVATION).order_by("created_at", "pk")
        found |= {mail.agent_id: mail for mail in rows if mail.agent_id}
    return found


@transaction.atomic
def send_again(agent: Agent, *, by: User | str) -> OutgoingMail:
    """Raises TooSoon, NotSendable."""
    Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    agent.refresh_from_db()
    if reason := not_needed(agent):
        raise post.NotSendable(WHY_NOT[reason])
    last = post.last_to(agent, Mail.Kind.ACTIVATION)
    if last:
        return post.again(last, by=by)
    row = invite(agent)
    if row is None:  # the proof was dropped in this moment
        raise post.NotSendable(WHY_NOT["not_proven"])
    audit(tenant=agent.tenant, by=by, act="mail.sent_again", target=f"{row.kind} {row.code}")
    return row


@transaction.atomic
def send_all_again(agents: Iterable[Agent], *, by: User | str) -> Counter[str]:
    """The same to many agents, in a few queries: how many were `sent`, had it `too_soon`, or why not."""
    rows = Agent.objects.select_for_update(no_key=True).prefetch_related("tenant")
    pks = [agent.pk for agent in agents]
    people = [agent for some in batched(pks, 500) for agent in rows.filter(pk__in=some)]
    proven, last, fates = _proven(people), _last_to(people), Counter[str]()
    sending: list[Agent] = []
    for agent in people:
        fate = _not_needed(agent, proven=agent.tenant_id in proven) or (
            "too_soon" if post.cooled_down_at(last.get(agent.pk)) else "sent"
        )
        fates[fate] += 1
        if fate == "sent":
            sending.append(agent)
    post.again_to_agents(Mail.Kind.ACTIVATION, sending, last, by=by)
    return fates


def not_needed(agent: Agent) -> str:
    """Why this agent gets no activation e-mail now, as a key of WHY_NOT; "" when one makes sense."""
    return _not_needed(agent, proven=Instance.objects.proven().filter(tenant=agent.tenant_id).exists())


def _not_needed(agent: Agent, *, proven: bool) -> str:
    if not agent.window:
        return "window_off"
    if not proven:
        return "not_proven"
    return "signed_in" if agent.is_signed_in else ""


WHY_NOT = {
    "window_off": gettext_lazy("The window is switched off. Switch it on, and the e-mail goes out by itself."),
    "not_proven": gettext_lazy("The CRM is not confirmed yet. The e-mail goes out by itself as soon as it is."),
    "signed_in": gettext_lazy("This agent is signed in already and needs no e-mail."),
}


# The link


class DeadLink(Exception):
    """`reason` is expired, used, changed or unknown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def link(agent: Agent) -> str:
    """Made when the e-mail is sent, so that no queue, row or log ever holds it."""
    token = _signer.sign(f"{agent.code.hex}.{_state(agent)}")
    return f"{settings.PORTAL_URL}/activate/{token}/"


def agent_of(token: str) -> Agent:
    """Whose link it is. Raises DeadLink."""
    try:
        code, _sep, state = _signer.unsign(token, max_age=LINK_FOR).partition(".")
    except signing.SignatureExpired:
        raise DeadLink("expired") from None
    except signing.BadSignature:
        raise DeadLink("unknown") from None
    agent = Agent.objects.select_related("tenant__instance").filter(code=uuid.UUID(code)).first()
    if agent is None:
        raise DeadLink("unknown")
    if agent.is_signed_in:
        raise DeadLink("used")
    if not agent.window or not hmac.compare_digest(state, _state(agent)):
        raise DeadLink("changed")
    return agent


def _state(agent: Agent) -> str:
    """What a sign-in changes, and what makes the agent somebody else."""
    parts = (agent.signed_in_at, agent.session_epoch, agent.object_id, agent.email, agent.upn)
    return salted_hmac("tenants.activation.state", repr([str(part) for part in parts]), algorithm="sha256").hexdigest()[
        :20
    ]


# Where somebody is stuck


def note_refusal(attempt: SignInAttempt) -> None:
    """Keep the reason with the agent, also after the attempt is gone; the next sign-in clears it."""
    named = Q(upn__iexact=attempt.account) | Q(upn="", email__iexact=attempt.account)
    whose = Q(pk=attempt.agent_id) if attempt.agent_id else named
    if attempt.agent_id or attempt.account:
        agents = Agent.objects.filter(whose, tenant=attempt.instance.tenant_id)
        agents.update(refused_with=attempt.reason, refused_at=timezone.now())


class Step(models.TextChoices):
    OFF = "off", gettext_lazy("Window off")
    UNPROVEN = "unproven", gettext_lazy("Waiting for the CRM to be confirmed")
    INVITED = "invited", gettext_lazy("Invited")
    MAIL_QUEUED = "mail_queued", gettext_lazy("E-mail on its way")
    MAIL_FAILED = "mail_failed", gettext_lazy("E-mail not sent")
    MAIL_SENT = "mail_sent", gettext_lazy("E-mail sent")
    SIGNED_IN = "signed_in", gettext_lazy("Signed in")
    FIRST_CARD = "first_card", gettext_lazy("First card shown")
    FIRST_NOTE = "first_note", gettext_lazy("First note written")


@dataclass(frozen=True, slots=True)
class State:
    """How far an agent is. `error` is the exact code or reason where they are stuck, "" when they are not."""

    step: Step
    since: datetime | None
    error: str
    mail_error: str

    @property
    def refusal(self) -> Refusal | None:
        """The error in sentences, in the active language."""
        return refusal_of(self.error) if self.error else None

    @property
    def label(self) -> str:
        return str(self.step.label)


def with_steps(rows: QuerySet[Agent]) -> QuerySet[Any]:
    """For lists: each agent gets `step`, `step_since`, `stuck_with` and `mail_error`, all in the one query."""
    newest = Mail.objects.filter(agent=OuterRef("pk"), kind=Mail.Kind.ACTIVATION).order_by("-created_at", "-pk")
    stuck = When(~Q(sign_in_error=""), then=F("sign_in_error"))
    return rows.annotate(
        _mail_state=Subquery(newest.values("state")[:1]),
        _mail_at=Subquery(newest.values(at=Coalesce("sent_at", "created_at"))[:1]),
        _unproven=models.Exists(Instance.objects.filter(tenant=OuterRef("tenant_id"), proven_at=None)),
        mail_error=Coalesce(Subquery(newest.values("last_error")[:1]), Value("")),
        stuck_with=Case(When(window=False, then=Value("")), stuck, default=F("refused_with")),
        step=Case(
            *(When(when, then=Value(step.value)) for step, when, _at in _STEPS), default=Value(Step.INVITED.value)
        ),
        step_since=Case(*(When(when, then=F(at)) for _step, when, at in _STEPS if at), default=None),
    )


_IN = ~Q(token_cache=b"")
_STEPS: tuple[tuple[Step, Q, str], ...] = (
    (Step.OFF, Q(window=False), ""),
    (Step.FIRST_NOTE, _IN & Q(first_note_at__isnull=False), "first_note_at"),
    (Step.FIRST_CARD, _IN & Q(first_card_at__isnull=False), "first_card_at"),
    (Step.SIGNED_IN, _IN, "signed_in_at"),
    (Step.UNPROVEN, Q(_unproven=True), ""),
    (Step.MAIL_SENT, Q(_mail_state=Mail.State.SENT), "_mail_at"),
    (Step.MAIL_FAILED, Q(_mail_state=Mail.State.FAILED), "_mail_at"),
    (Step.MAIL_QUEUED, Q(_mail_state=Mail.State.QUEUED), "_mail_at"),
)


def state_of(agent: Agent) -> State:
    """Of one agent; costs a query unless the agent came from `with_steps`."""
    row: Any = agent if hasattr(agent, "step") else with_steps(Agent.objects.all()).get(pk=agent.pk)
    return State(Step(row.step), row.step_since, row.stuck_with, row.mail_error)
