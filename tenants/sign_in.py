"""Who is sitting at this window? One attempt: from the window's click, to Microsoft in a top-level window, and back.

The attempt's row carries everything, because a framed window and the top-level one share no cookies. A first-party nonce
cookie proves that the callback belongs to the browser that opened the attempt. That the framed window belongs to whoever
signed in is proven by a ticket of the contact centre, by the window's own cookie in a plain tab, or by a six-digit code.
"""

from __future__ import annotations

import hmac
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from tenants import activation, entra, registration
from tenants.dataverse import odata
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client, Me
from tenants.dataverse.errors import DataverseError
from tenants.entra import Identity, NotTrusted
from tenants.fields import seal
from tenants.models import SIGN_IN_MINUTES, Agent, Instance, SignInAttempt, audit, digest

CODE_FOR = timedelta(minutes=2)
CODES_PER_ACCOUNT = 10
WHOAMI_BUDGET = 8.0
CUSTOMIZERS = ("System Administrator", "System Customizer")
Outcome = SignInAttempt.Outcome
when_signed_in: list[Callable[[Agent], object]] = []
"""Who wants to hear of it; filled when the apps are ready, because this one does not know those above it."""


@dataclass(frozen=True, slots=True)
class Came:
    """What became of a callback: the attempt, and the new nonce its last page needs."""

    attempt: SignInAttempt
    nonce: str


def new_attempt(*, instance: Instance, agent: Agent | None, frame: str = "") -> SignInAttempt:
    """`agent` when a ticket named the person; `frame` is the digest of the waiting window's cookie."""
    return SignInAttempt.objects.create(
        instance=instance, agent=agent, frame=frame, expires_at=timezone.now() + SIGN_IN_MINUTES
    )


def proof_of(attempt: SignInAttempt) -> str:
    """What only the window that was offered this attempt can say; it is not in the link, which others may see."""
    return salted_hmac("tenants.sign_in.window", str(attempt.code), algorithm="sha256").hexdigest()


def go_on_with(attempt: SignInAttempt, *, frame: str, proof: str) -> bool:
    """The same window, whose browser kept another cookie: of two windows that began at once, the later one's.

    Only while nobody has signed in; the digits still have to be typed.
    """
    if not hmac.compare_digest(proof.encode(), proof_of(attempt).encode()):
        return False
    open_still = SignInAttempt.objects.filter(pk=attempt.pk, agent=None, outcome=Outcome.WAITING)
    return bool(open_still.update(frame=frame))


def start(attempt: SignInAttempt) -> tuple[str, str]:
    """Begin, or begin anew, in the window that just opened: (address at Microsoft, nonce for its cookie).

    Raises DataverseError when Entra cannot be asked.
    """
    if attempt.instance.directory_id is None:
        raise NotTrusted("no_directory")
    hint = attempt.agent.principal_name if attempt.agent else ""
    flow, address = entra.begin(attempt.instance, login_hint=hint)
    nonce = secrets.token_urlsafe(32)
    attempt.flow = json.dumps(flow)
    attempt.state_digest, attempt.nonce_digest = digest(flow["state"]), digest(nonce)
    attempt.outcome, attempt.reason, attempt.account = Outcome.WAITING, "", ""
    attempt.save(update_fields=["flow", "state_digest", "nonce_digest", "outcome", "reason", "account"])
    return address, nonce


def came_back(query: dict[str, str], *, nonce: str, session_frame: str = "") -> Came | None:
    """The callback. None when it is forged, old, used, or from another browser: nothing is stored then.

    `session_frame` is the digest of the window cookie that this very browser presents, "" when it has none.
    """
    attempt = _claimed(query.get("state", ""), nonce)
    if attempt is None:
        return None
    try:
        agent = _arrived(attempt, query)
    except NotTrusted as refusal:
        other = refusal.reason == "other_account"
        _end(attempt, Outcome.OTHER_ACCOUNT if other else Outcome.REFUSED, refusal.reason, refusal.account)
    except DataverseError as error:
        _end(attempt, Outcome.REFUSED, type(error).__name__, "")
    else:
        _welcome(attempt, agent, same_browser=bool(attempt.frame) and attempt.frame == session_frame)
    return Came(attempt, _new_nonce(attempt))


def _claimed(state: str, nonce: str) -> SignInAttempt | None:
    """The attempt of that state and cookie, taken so that nobody uses it twice."""
    rows = SignInAttempt.objects.select_related("instance__tenant", "agent")
    attempt = rows.filter(state_digest=digest(state), expires_at__gt=timezone.now()).first() if state else None
    if attempt is None or not nonce or not hmac.compare_digest(attempt.nonce_digest, digest(nonce)):
        return None
    taken = SignInAttempt.objects.filter(pk=attempt.pk, state_digest=attempt.state_digest).update(state_digest=None)
    attempt.state_digest = None
    return attempt if taken else None


def _arrived(attempt: SignInAttempt, query: dict[str, str]) -> Agent:
    """Whose account it is, with tokens stored. Raises NotTrusted, DataverseError."""
    instance = attempt.instance
    identity = entra.redeem(instance, json.loads(attempt.flow), query)
    me = vouch(instance, identity)
    agent = _agent(attempt, identity)
    _store(agent, identity, me, instance)
    return agent


def vouch(instance: Instance, identity: Identity) -> Me:
    """Who this identity is in the instance's Dataverse. A customizer's sign-in proves an instance that is only claimed.

    Raises NotTrusted, DataverseError; stores no token.
    """
    client = Client(origin=instance.url, token=lambda force: identity.access_token)
    budget = Budget(WHOAMI_BUDGET)
    me = client.whoami(budget=budget)
    _is_same_person(identity, me, client, budget)
    if not instance.is_proven and not is_customizer(client, me, budget):
        raise NotTrusted("not_proven", identity.principal_name)
    if not instance.is_proven or instance.organization_id is None:
        _prove(instance, identity, me)
    elif str(instance.organization_id) != me.organization_id:
        raise NotTrusted("other_organization", identity.principal_name)
    return me


def _is_same_person(identity: Identity, me: Me, client: Client, budget: Budget) -> None:
    """Dataverse's user of this token must be the person Entra named."""
    columns = ("domainname", "azureactivedirectoryobjectid")
    path = odata.query(odata.record("systemusers", me.user_id), select=columns)
    user = client.get(path, budget=budget).data or {}
    person = str(user.get("azureactivedirectoryobjectid") or "").lower()
    same = person == str(identity.object_id) if person else _same(user.get("domainname"), identity.principal_name)
    if not same:
        raise NotTrusted("other_user", identity.principal_name)


def is_customizer(client: Client, me: Me, budget: Budget) -> bool:
    """Whether this user may change the organization: System Administrator or System Customizer."""
    path = odata.query(odata.record("systemusers", me.user_id) + "/systemuserroles_association", select=("name",))
    return bool({row.get("name") for row in client.get(path, budget=budget).rows} & set(CUSTOMIZERS))


def _prove(instance: Instance, identity: Identity, me: Me) -> None:
    """The instance is the tenant's; of one that an implementer confirmed, the organization is noted."""
    try:
        registration.prove(
            instance,
            by=identity.principal_name,
            organization_id=uuid.UUID(me.organization_id),
            directory_id=identity.directory_id,
        )
    except registration.SecondClaim as error:
        raise NotTrusted("second_claim", identity.principal_name) from error
    except registration.NotProven as error:
        raise NotTrusted("attempt_expired", identity.principal_name) from error


def _agent(attempt: SignInAttempt, identity: Identity) -> Agent:
    """The agent this account belongs to: bound by (directory, object), before that by the principal name."""
    agents = Agent.objects.select_related("tenant").filter(tenant=attempt.instance.tenant)
    bound = agents.filter(directory_id=identity.directory_id, object_id=identity.object_id).first()
    agent = bound or agents.filter(_named(identity.principal_name), object_id__isnull=True).first()
    if attempt.agent and (agent is None or agent.pk != attempt.agent.pk):
        raise NotTrusted("other_account", identity.principal_name)
    if agent is None:
        raise NotTrusted("not_an_agent", identity.principal_name)
    if not agent.window:
        raise NotTrusted("window_disabled", identity.principal_name)
    return agent


def _named(principal_name: str) -> Q:
    return Q(upn__iexact=principal_name) | Q(upn="", email__iexact=principal_name)


def _store(agent: Agent, identity: Identity, me: Me, instance: Instance) -> None:
    """Tokens and binding in one update; a window switched off, or an instance moved, meanwhile stays so."""
    here = Instance.objects.proven().filter(pk=instance.pk, url=instance.url, directory_id=identity.directory_id)
    try:
        with transaction.atomic():
            stored = Agent.objects.filter(pk=agent.pk, window=True, tenant__instance__in=here).update(
                token_cache=seal(agent, "token_cache", identity.cache),
                token_version=F("token_version") + 1,
                token_expires_at=identity.expires_at,
                refresh_lease_until=None,
                sign_in_error="",
                refused_with="",
                refused_at=None,
                directory_id=identity.directory_id,
                object_id=identity.object_id,
                systemuser_id=me.user_id,
                signed_in_at=timezone.now(),
            )
            if stored and agent.object_id is None:
                audit(tenant=agent.tenant, by="agent", act="agent.bound", target=str(agent.code))
    except IntegrityError as error:
        raise NotTrusted("other_account", identity.principal_name) from error
    agent.refresh_from_db()
    if not stored:
        raise NotTrusted("attempt_expired" if agent.window else "window_disabled", identity.principal_name)
    for tell in when_signed_in:
        tell(agent)


def _welcome(attempt: SignInAttempt, agent: Agent, *, same_browser: bool) -> None:
    attempt.signed_in = agent
    attempt.account = agent.principal_name
    known = attempt.agent_id is not None or same_browser or not attempt.frame
    attempt.outcome = Outcome.DONE if known else Outcome.CODE
    attempt.code_expires_at = timezone.now() + CODE_FOR
    attempt.flow = ""
    attempt.save(update_fields=["signed_in", "account", "outcome", "code_expires_at", "flow"])


def _end(attempt: SignInAttempt, outcome: str, reason: str, account: str) -> None:
    attempt.outcome, attempt.reason, attempt.account, attempt.flow = outcome, reason[:60], account[:200], ""
    attempt.save(update_fields=["outcome", "reason", "account", "flow"])
    activation.note_refusal(attempt)


def _new_nonce(attempt: SignInAttempt) -> str:
    """The callback's cookie is used up; the last page gets another."""
    nonce = secrets.token_urlsafe(32)
    attempt.nonce_digest = digest(nonce)
    attempt.save(update_fields=["nonce_digest"])
    return nonce


def of_browser(code: uuid.UUID, nonce: str) -> SignInAttempt | None:
    """The attempt, for the browser whose callback it was."""
    attempt = SignInAttempt.objects.select_related("instance__tenant", "agent", "signed_in").filter(code=code).first()
    mine = attempt and nonce and hmac.compare_digest(attempt.nonce_digest, digest(nonce))
    return attempt if mine else None


def make_code(attempt: SignInAttempt) -> str:
    """Six digits to type into the framed window; each call replaces the last. "" when there is none to be had."""
    window = SignInAttempt.objects.filter(
        signed_in=attempt.signed_in, code_expires_at__gt=timezone.now() - timedelta(hours=1), frame__gt=""
    )
    if attempt.outcome != Outcome.CODE or not _code_is_live(attempt) or window.count() > CODES_PER_ACCOUNT:
        return ""
    code = f"{secrets.randbelow(1_000_000):06}"
    attempt.code_digest = _code_digest(attempt, code)
    attempt.save(update_fields=["code_digest"])
    return code


def type_code(attempt: SignInAttempt, code: str, *, frame: str) -> Agent | None:
    """The agent whose window `frame` turns out to be; None when the code is wrong, old, used, or tried too often."""
    rows = SignInAttempt.objects.filter(
        pk=attempt.pk, outcome=Outcome.CODE, frame=frame, tries_left__gt=0, code_expires_at__gt=timezone.now()
    )
    if not rows.update(tries_left=F("tries_left") - 1):
        return None
    attempt.refresh_from_db()
    right = hmac.compare_digest(attempt.code_digest, _code_digest(attempt, "".join(filter(str.isdigit, code))))
    if not (attempt.code_digest and right):
        return None
    won = SignInAttempt.objects.filter(pk=attempt.pk, outcome=Outcome.CODE).update(outcome=Outcome.DONE)
    return attempt.signed_in if won else None


def _code_is_live(attempt: SignInAttempt) -> bool:
    return attempt.code_expires_at is not None and attempt.code_expires_at > timezone.now()


def _code_digest(attempt: SignInAttempt, code: str) -> str:
    """Six digits have no entropy of their own, so the digest is keyed and bound to the attempt and its frame."""
    return salted_hmac("tenants.sign_in.code", f"{attempt.code}:{attempt.frame}:{code}", algorithm="sha256").hexdigest()


def _same(one: object, other: str) -> bool:
    return bool(one) and str(one).casefold() == other.casefold()
