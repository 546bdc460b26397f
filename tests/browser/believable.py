"""The mock-ups' customers, in the demo's database: made by the product's verbs, moved into the past by hand."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from crmwindow.models import Call, CallState, CardTiming, Leg, Note
from ipexportal.sandbox import directory, visitor
from tenants import configuration, emails, entra, invitations, microsoft_connections, registration, verification
from tenants.fields import seal
from tenants.models import (
    Agent,
    AuditEntry,
    CheckResult,
    CheckRun,
    DisplayField,
    Instance,
    Invitation,
    Membership,
    OutgoingMail,
    SystemAccount,
    Tenant,
)

FIRST = ["Jan", "Petra", "Tomáš", "Lucie", "Martin", "Hana", "Ondřej", "Eva", "Radek", "Jitka", "Michal", "Alena"]
LAST = ["Malík", "Horák", "Šebesta", "Kubát", "Zika", "Hruška", "Beran", "Jaroš", "Vrba", "Kalina", "Tůma", "Zach"]
PASSWORD = "a-long-password-of-alice"


@dataclass(frozen=True)
class Customer:
    """`agents` are (signed in, all of them), `match` is per cent, `secret` days until it ends."""

    slug: str
    name: str
    host: str = ""
    agents: tuple[int, int] = (0, 0)
    windows: bool = True
    proven: bool = True
    live: bool = False
    days: int = 30
    match: int = 0
    calls: int = 0
    secret: int | None = None
    last_call: timedelta | None = None
    trouble: tuple[str, str, bool, str] | None = None


MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)
CUSTOMERS = (
    Customer("elvys", "Elektro Vysočina a.s.", "elvys", (48, 48), live=True, match=91, calls=200, secret=6,
             last_call=12 * MINUTES),
    Customer("belveder", "Hotel Belveder", "belveder", (22, 24), live=True, match=84, calls=120, secret=214,
             last_call=3 * MINUTES),
    Customer("tspolabi", "Technické služby Polabí", "tspolabi", (0, 31), secret=701,
             trouble=("agents_rights", "lacking", True, "failed")),
    Customer("medika", "Medika Plus s.r.o.", "medikaplus", (0, 12), trouble=("from_to", "required", False, "warning")),
    Customer("stavby", "Stavby Morava s.r.o.", "stavbymorava", days=3),
    Customer("kolar", "Autoservis Kolář", "kolar-auto", (0, 6), windows=False, days=1),
    Customer("hradil", "Vinařství Hradil", days=9),
    Customer("zdravicko", "Lékárny Zdravíčko", "zdravicko", (63, 63), live=True, match=94, calls=300, secret=512,
             last_call=1 * MINUTES),
    Customer("domus", "Realitní kancelář Domus", "domus", (17, 17), live=True, match=79, calls=60, secret=55,
             last_call=24 * HOURS),
    Customer("strojarne", "Slovenské strojárne s.r.o.", "strojarne", (39, 40), live=True, match=90, calls=150,
             secret=302, last_call=8 * MINUTES),
    Customer("alfa", "Pojišťovací centrum Alfa", "pcalfa", (102, 104), live=True, match=93, calls=400, secret=640,
             last_call=2 * MINUTES),
    Customer("truhlarstvi", "Truhlářství Novák", "truhlarstvi-novak-a-synove", proven=False, days=4),
)  # fmt: skip


def ago(**how_long: float) -> datetime:
    return timezone.now() - timedelta(**how_long)


def settle(acme: Tenant, ivana: User) -> User:
    """Everybody. Gives alice, who runs Acme's CRM."""
    User.objects.filter(pk=ivana.pk).update(first_name="Ivana", last_name="Malá")
    for customer in CUSTOMERS:
        _customer(customer, ivana)
    _notes_wait(Tenant.objects.get(slug="belveder"), 3, minutes=47)
    Tenant.objects.filter(pk=acme.pk).update(implementer=ivana)
    alice = _alice(acme)
    _people(acme, ivana)
    _set_up(acme, alice)
    return alice


def _customer(customer: Customer, ivana: User) -> None:
    tenant = _registered(customer, ivana)
    invitations.invite(tenant=tenant, email=f"spravce@{customer.slug}.example", by=ivana)
    if not customer.host:
        _age(tenant, customer.days)
        return
    if customer.proven:
        registration.confirm(tenant.instance, by=ivana)
    _agents(tenant, customer, ivana)
    if customer.secret is not None:
        ends = timezone.localdate() + timedelta(days=customer.secret)
        SystemAccount.objects.create(
            instance=tenant.instance, client_id=uuid.uuid4(), client_secret="x", secret_expires_on=ends
        )
    _calls(tenant, customer)
    _checked(tenant.instance, customer)
    emails.sweep()
    _age(tenant, customer.days)
    if customer.live:
        Tenant.objects.filter(pk=tenant.pk).update(went_live_at=ago(days=10))


def _registered(customer: Customer, ivana: User) -> Tenant:
    values = {"contact_email": f"spravce@{customer.slug}.example", "implementer": ivana}
    if not customer.host:
        return Tenant.objects.create(slug=customer.slug, name=customer.name, **values)
    url, app = f"https://{customer.host}.crm4.dynamics.com", uuid.uuid4()
    registration.register(
        slug=customer.slug, name=customer.name, url=url, app_id=app, directory_id=uuid.uuid4(), by=ivana
    )
    Tenant.objects.filter(slug=customer.slug).update(**values)
    return Tenant.objects.get(slug=customer.slug)


def _age(tenant: Tenant, days: int) -> None:
    """As if all this were so many days ago."""
    then = ago(days=days)
    Tenant.objects.filter(pk=tenant.pk).update(created_at=then)
    Instance.objects.filter(tenant=tenant).update(created_at=then)
    Instance.objects.filter(tenant=tenant, proven_at__isnull=False).update(proven_at=then)
    Invitation.objects.filter(tenant=tenant).update(created_at=then)
    OutgoingMail.objects.filter(tenant=tenant).update(created_at=ago(days=2))
    OutgoingMail.objects.filter(tenant=tenant, state="sent").update(sent_at=ago(days=2))


def _agents(tenant: Tenant, customer: Customer, ivana: User) -> None:
    inside, everybody = customer.agents
    rows = [_agent(tenant, number) for number in range(everybody)]
    Agent.objects.bulk_create(rows)
    people = list(tenant.agents.order_by("pk"))
    for agent in people[:inside]:
        _inside(agent, last_call_at=timezone.now() - customer.last_call if customer.last_call else None)
    if customer.windows:
        Agent.objects.filter(pk__in=[agent.pk for agent in people[:inside]]).update(window=True)
        registration.enable_windows(people[inside:], by=ivana)


def _agent(tenant: Tenant, number: int) -> Agent:
    name = f"{FIRST[number % 12]} {LAST[(number // 12 + number) % 12]}"
    return Agent(tenant=tenant, name=name, email=f"agent{number + 1}@{tenant.slug}.example", line=str(100 + number))


def _inside(agent: Agent, **more: Any) -> None:
    then = ago(days=19)
    moments = {"signed_in_at": then, "first_card_at": then, "first_note_at": then}
    known = {"object_id": uuid.uuid4(), "directory_id": uuid.uuid4(), "token_cache": seal(agent, "token_cache", "x")}
    Agent.objects.filter(pk=agent.pk).update(**known, **moments, **more)


def _calls(tenant: Tenant, customer: Customer) -> None:
    Call.objects.bulk_create(
        Call(
            tenant=tenant, unique_id=f"{customer.slug}.{number}", started_at=ago(minutes=20 * number),
            state=CallState.ENDED, caller="number",
            queue="Servis", known=number * 100 < customer.match * customer.calls,
        )
        for number in range(customer.calls)
    )  # fmt: skip
    _measured(tenant)


def _measured(tenant: Tenant) -> None:
    """A card to each call of a known caller, some later than others."""
    agent = tenant.agents.filter(signed_in_at__isnull=False).last()
    calls = tenant.calls.filter(known=True) if agent else []
    legs = Leg.objects.bulk_create(Leg(call=call, agent=agent, line=agent.line) for call in calls)
    slower = sum(tenant.slug.encode()) % 60
    CardTiming.objects.bulk_create(
        CardTiming(
            leg=leg, tenant=tenant, at=leg.call.started_at, path=CardTiming.Path.LIVE,
            told_ms=70 + slower + number * 37 % 41, pushed_ms=6 + number % 5, painted_ms=24 + number * 13 % 29,
        )
        for number, leg in enumerate(legs)
    )  # fmt: skip


def _checked(instance: Instance, customer: Customer) -> None:
    run = CheckRun.objects.create(instance=instance, by="nightly", finished_at=ago(hours=12))
    CheckRun.objects.filter(pk=run.pk).update(started_at=ago(hours=12))
    if customer.trouble:
        key, why, required, state = customer.trouble
        evidence = {"role": "Dispečer", "right": "prvReadLead"}
        CheckResult.objects.create(
            run=run, key=key, why=why, required=required, state=state, since=ago(days=5), evidence=evidence
        )


def _notes_wait(tenant: Tenant, number: int, *, minutes: int) -> None:
    since, later = ago(minutes=minutes), timezone.now() + timedelta(minutes=2)
    for author in tenant.agents.all()[:number]:
        call = Call.objects.create(
            tenant=tenant, unique_id=f"note.{author.pk}", started_at=since, state=CallState.ENDED
        )
        Leg.objects.create(call=call, agent=author, line=author.line)
        Note.objects.create(
            call=call, author=author, state="queued", revision=1, edited_at=since, queued_at=since, next_try_at=later,
            problem="throttled",
        )  # fmt: skip


# -- Acme, whose pages are looked at -----------------------------------------------------------------------------------


def _alice(acme: Tenant) -> User:
    alice = User.objects.create_user("alice", "alice@acme.example", PASSWORD, first_name="Alena", last_name="Vlčková")
    Membership.objects.create(user=alice, tenant=acme)
    colleague = User.objects.create_user("petr", "petr@acme.example", None, first_name="Petr", last_name="Zeman")
    Membership.objects.create(user=colleague, tenant=acme)
    flow, address = entra.begin(acme.instance)
    answer = dict(parse_qsl(urlsplit(visitor.pick(address, "alice@acme.example")).query))
    microsoft_connections.connect(acme.instance, user=alice, identity=entra.redeem(acme.instance, flow, answer))
    return alice


PEOPLE = (
    ("Tomáš Beneš", "tomas", "163"), ("Ondřej Pátek", "ondrej", "1446"), ("Radek Vávra", "radek", "1447"),
    ("Eva Součková", "eva", "1448"), ("Michal Dušek", "michal", "1449"),
    ("Ludmila Králová", "ludmila", "1450"), ("Petr Nový", "petr.novy", ""),
)  # fmt: skip


def _people(acme: Tenant, ivana: User) -> None:
    """One in every state: working, invited, mail refused, stuck at Microsoft, switched off."""
    Agent.objects.filter(tenant=acme).exclude(name__startswith=("Jana")).exclude(name__startswith="Klára").delete()
    for name, login, line in PEOPLE:
        Agent.objects.create(tenant=acme, name=name, email=f"{login}@acme.example", login=login, line=line)
    agents = {agent.name.split()[0]: agent for agent in acme.agents.all()}
    registration.enable_windows([agents[name] for name in ("Tomáš", "Ondřej", "Radek", "Eva", "Michal")], by=ivana)
    emails.sweep()
    for name in ("Jana", "Tomáš", "Radek"):
        _inside(agents[name], last_call_at=ago(minutes=40))
    change = Agent.objects.filter
    change(pk=agents["Radek"].pk).update(sign_in_error="AADSTS50173")
    change(pk=agents["Eva"].pk).update(refused_with="NotAMember", refused_at=ago(hours=5))
    OutgoingMail.objects.filter(tenant=acme).update(created_at=ago(days=3))
    OutgoingMail.objects.filter(tenant=acme, state="sent").update(sent_at=ago(days=3))
    OutgoingMail.objects.filter(agent=agents["Michal"]).update(state="failed", last_error="smtp_550", sent_at=None)
    _calls(acme, Customer("acme", "", match=88, calls=16))
    _notes_wait(acme, 1, minutes=3)


def _set_up(acme: Tenant, alice: User) -> None:
    account = {"client_id": directory.SYSTEM_CLIENT_ID, "secret_expires_on": timezone.localdate() + timedelta(days=388)}
    configuration.change(
        acme, {"system_account": account}, by=alice, handed={"client_secret": directory.SYSTEM_CLIENT_SECRET}
    )
    invitations.invite(tenant=acme, email="marie.kolarova@acme.example", by=alice)
    emails.sweep()
    Instance.objects.filter(tenant=acme).update(consented_at=ago(days=2))
    DisplayField.objects.filter(instance=acme.instance, entity__iexact="lead").delete()
    verification.verify(Instance.objects.get(tenant=acme), by=alice)
    AuditEntry.objects.create(
        tenant=Tenant.objects.get(slug="truhlarstvi"), actor="spravce@beta.example", act="instance.second_claim",
        target=f"truhlarstvi {settings.PORTAL_URL}",
    )  # fmt: skip
