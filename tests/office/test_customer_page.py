"""One customer's page: who acts next, what is claimed, reminders, and every tab."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crmwindow.models import Call, CallState, Note
from tenants import emails, reminding
from tenants.models import Agent, AuditEntry, CheckRun, Instance, Invitation, Membership, OutgoingMail, Tenant

pytestmark = pytest.mark.django_db
TABS = ("change", "setup", "agents", "calls", "mail", "changes", "settings")


def address(tab: str, tenant: Tenant) -> str:
    return reverse(f"admin:tenants_tenant_{tab}", args=[tenant.pk])


def page_of(office: Client, tenant: Tenant, tab: str = "change") -> str:
    answer = office.get(address(tab, tenant))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\xa0", " ").split())


def act(office: Client, tenant: Tenant, name: str, **data: Any) -> str:
    return " ".join(office.post(address(name, tenant), data, follow=True).content.decode().split())


def claim(tenant: Tenant, instance: Instance) -> None:
    """`tenant` names the instance of another one."""
    Instance.objects.filter(tenant=tenant).update(url=instance.url, proven_at=None)
    tenant.refresh_from_db()


@pytest.fixture
def polabi(db: None) -> Tenant:
    return Tenant.objects.create(slug="polabi", name="Technické služby Polabí", contact_email="alena@tspolabi.example")


def test_every_tab_opens_for_a_customer_with_everything_and_for_one_with_nothing(
    office: Client, acme: Tenant, polabi: Tenant, jana: Agent, alice: User
) -> None:
    call = Call.objects.create(
        tenant=acme, unique_id="1", number="+420777123456", started_at=timezone.now(), state=CallState.ENDED
    )
    Note.objects.create(call=call, author=jana, text="hush", edited_at=timezone.now())
    for tab in TABS:
        assert "Acme s.r.o." in page_of(office, acme, tab)
        assert "Technické služby Polabí" in page_of(office, polabi, tab)
    assert "777123456" not in page_of(office, acme, "calls")
    assert "hush" not in page_of(office, acme, "calls")


@pytest.mark.parametrize("tab", ["change", "agents", "calls", "mail"])
def test_a_tab_asks_the_database_as_often_for_many_rows(
    office: Client, acme: Tenant, jana: Agent, tab: str, django_assert_max_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def rows(number: int) -> None:
        agents = [Agent(tenant=acme, name=f"A{n}", email=f"a{number}{n}@acme.example") for n in range(number)]
        Agent.objects.bulk_create(agents)
        for n in range(number):
            call = Call.objects.create(
                tenant=acme, unique_id=f"{number}.{n}", started_at=timezone.now(), state=CallState.ENDED
            )
            call.legs.create(agent=jana)
            OutgoingMail.objects.create(tenant=acme, kind="activation", language="cs", agent=jana)

    counts = []
    office.get(address(tab, acme))
    for number in (1, 3):
        rows(number)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            office.get(address(tab, acme))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_page_says_who_has_to_act_and_how_far_the_customer_is(office: Client, polabi: Tenant) -> None:
    page = page_of(office, polabi)
    assert "Invite the customer&#x27;s admin" in page
    assert "Waiting for: IPEX" in page
    assert 'aria-current="step"' in page
    assert "Nobody looks after this customer's portal yet." in page


def test_checks_are_begun_once_for_two_clicks_and_the_page_asks_how_far_they_are(office: Client, acme: Tenant) -> None:
    act(office, acme, "verify")
    page = act(office, acme, "verify")
    assert CheckRun.objects.get().by == "ivana"
    assert f'hx-get="{reverse("portal:checks_report", args=[acme.code])}"' in page


def test_without_an_address_there_is_nothing_to_verify(office: Client, polabi: Tenant) -> None:
    assert "There is nothing to check yet" in act(office, polabi, "verify")


def test_confirming_says_what_it_means_and_is_the_audited_verb(office: Client, acme: Tenant) -> None:
    Instance.objects.update(proven_at=None, proven_by="")
    assert "Then activation e-mails go out and agents may sign in" in page_of(office, acme)
    act(office, acme, "confirm", url=acme.instance.url)
    assert Instance.objects.get().proven_by == "ivana"
    assert AuditEntry.objects.get(act="instance.confirmed").actor == "ivana"
    assert "Whose instance is it?" not in page_of(office, acme)


def test_an_address_that_changed_under_the_page_is_not_confirmed(office: Client, acme: Tenant) -> None:
    Instance.objects.update(proven_at=None)
    page = act(office, acme, "confirm", url="https://other.crm4.dynamics.com")
    assert "The address was changed meanwhile." in page
    assert not Instance.objects.get().is_proven


def test_a_second_claim_names_both_customers_to_staff_and_cannot_be_confirmed(
    office: Client, acme: Tenant, beta: Tenant
) -> None:
    claim(beta, acme.instance)
    page = page_of(office, beta)
    assert "Second claim: it is confirmed as belonging to Acme s.r.o." in page
    assert "Confirm 127.0.0.1" not in page
    page = act(office, beta, "confirm", url=acme.instance.url)
    assert "Not confirmed: the instance is confirmed as belonging to Acme s.r.o." in page
    assert AuditEntry.objects.get(act="instance.second_claim").target == f"beta {acme.instance.url}"
    owners = page_of(office, acme)
    assert "Others claim this instance" in owners
    assert "Beta a.s." in owners


def test_somebody_is_invited_and_the_invitation_withdrawn(office: Client, polabi: Tenant) -> None:
    assert "The invitation goes to petr@tspolabi.example." in act(
        office, polabi, "invite", email=" petr@tspolabi.example "
    )
    invitation = Invitation.objects.get()
    assert "petr@tspolabi.example" in page_of(office, polabi)
    act(office, polabi, "withdraw", code=invitation.code)
    invitation.refresh_from_db()
    assert not invitation.is_open


def test_a_wrong_e_mail_stays_in_its_field(office: Client, polabi: Tenant) -> None:
    answer = office.post(address("invite", polabi), {"email": "petr@"})
    assert answer.status_code == 422
    assert 'value="petr@"' in answer.content.decode()
    assert 'id="invite-error"' in answer.content.decode()


def test_another_customers_invitation_cannot_be_withdrawn_here(office: Client, polabi: Tenant, beta: Tenant) -> None:
    act(office, beta, "invite", email="otto@beta.example")
    invitation = Invitation.objects.get()
    act(office, polabi, "withdraw", code=invitation.code)
    invitation.refresh_from_db()
    assert invitation.is_open


def test_a_reminder_goes_to_each_admin_once_in_four_hours(office: Client, acme: Tenant, alice: User) -> None:
    Instance.objects.update(proven_at=None)
    act(office, acme, "remind")
    page = act(office, acme, "remind")
    assert "It can be sent again at" in page
    mails = OutgoingMail.objects.filter(kind="reminder")
    assert [mail.user for mail in mails] == [alice]
    assert AuditEntry.objects.get(act="customer.reminded").after == {"e-mails": 1}
    with time_machine.travel(timezone.now() + reminding.COOL_DOWN + timedelta(minutes=1)):
        assert "The reminder is on its way" in act(office, acme, "remind")
    assert mails.all().count() == 2


def test_while_nobody_accepted_the_invitation_is_sent_again(office: Client, polabi: Tenant) -> None:
    act(office, polabi, "invite", email="alena@tspolabi.example")
    OutgoingMail.objects.update(state="sent", sent_at=timezone.now() - timedelta(hours=1))
    act(office, polabi, "remind")
    assert [mail.kind for mail in OutgoingMail.objects.all()] == ["invitation", "invitation"]


def test_a_customer_without_anybody_cannot_be_reminded(office: Client, polabi: Tenant) -> None:
    Tenant.objects.update(contact_email="")
    assert "Invite somebody first." in act(office, polabi, "remind")


def test_a_reminder_says_what_is_missing_in_the_customers_language(acme: Tenant, alice: User, ivana: User) -> None:
    acme.language = "en"
    acme.save()
    Instance.objects.update(proven_at=None)
    reminding.remind(acme, by=ivana)
    message = emails.compose(OutgoingMail.objects.get(kind="reminder"))
    assert message.to == ["alice@acme.example"]
    assert "Confirming that the CRM is yours" in str(message.body)
    assert "Who will use the window" in str(message.body)
    assert "things wait for you" in message.subject


def test_settings_are_changed_and_audited_and_lead_back_to_the_page(office: Client, acme: Tenant, ivana: User) -> None:
    data = {
        "name": "Acme a.s.", "language": "cs", "country": "CZ", "contact_email": "info@acme.example", "implementer": ivana.pk,
        "retention_days": 30, "missed_call_owner": "record_owner", "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0,
    }  # fmt: skip
    answer = office.post(address("settings", acme), data)
    assert answer.headers["Location"] == address("change", acme)
    acme.refresh_from_db()
    assert (acme.name, acme.retention_days, acme.implementer) == ("Acme a.s.", 30, ivana)
    entry = AuditEntry.objects.get(act="tenant.changed")
    assert entry.after["contact_email"] == "•••"


def test_an_act_is_a_post_and_an_unknown_customer_is_not_found(office: Client, acme: Tenant) -> None:
    for name in ("verify", "remind", "confirm", "invite", "withdraw"):
        assert office.get(address(name, acme)).status_code == 405
        assert office.post(reverse(f"admin:tenants_tenant_{name}", args=[10**9])).status_code == 404
    for tab in TABS[1:]:
        assert office.get(reverse(f"admin:tenants_tenant_{tab}", args=[10**9])).status_code == 404


def test_staff_who_may_only_look_cannot_act(acme: Tenant) -> None:
    from django.contrib.auth.models import Permission

    reader = User.objects.create_user("radek", "radek@ipex.example", "radek-has-a-long-password", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_tenant"))
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(reader)
    assert client.get(address("change", acme)).status_code == 200
    assert client.post(address("verify", acme)).status_code == 404
    assert client.get(reverse("admin:tenants_tenant_add")).status_code == 403
    assert CheckRun.objects.count() == 0


def test_agents_show_where_somebody_is_stuck(office: Client, jana: Agent) -> None:
    Agent.objects.update(refused_with="AADSTS50105", refused_at=timezone.now())
    page = page_of(office, jana.tenant, "agents")
    assert "This account was not assigned to the CRM window" in page
    assert 'data-label="Stuck with"' in page


def test_a_customers_admin_is_listed(office: Client, acme: Tenant, alice: User) -> None:
    text = office.get(reverse("admin:tenants_membership_changelist")).content.decode()
    assert "alice@acme.example" in text
    assert Membership.objects.count() == 1


def test_the_app_of_a_claimed_instance_stays_hidden_from_other_customers(
    client: Client, otto: User, acme: Tenant
) -> None:
    client.force_login(otto)
    answer = client.get(address("change", acme))
    assert (answer.status_code, UUID(int=0) == acme.instance.app_id) == (302, False)
