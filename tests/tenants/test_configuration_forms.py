"""Pages save a customer's configuration through the checks of the file, and notice that somebody else was quicker."""

import pytest
from django.contrib.auth.models import User

from tenants import configuration
from tenants.models import AuditEntry, Tenant

pytestmark = pytest.mark.django_db
ORDERS = {"label": "Počet objednávek", "entity": "Account", "identifier": "myOrdersCount", "link": ""}
CREDIT = {"label": "Kredit", "entity": "Account", "identifier": "my_kredit", "link": ""}


def test_alice_saves_one_section_and_the_rest_stays(acme: Tenant, alice: User) -> None:
    diff = configuration.change(acme, {"display_fields": [ORDERS]}, by=alice)
    assert bool(diff)
    assert configuration.stored(acme, "display_fields") == [ORDERS]
    assert configuration.stored(acme, "tenant")["own_numbers"] == ["+420222333444"]
    entry = AuditEntry.objects.get(tenant=acme)
    assert (entry.actor, entry.act) == ("alice", "configuration.changed")


def test_a_mistake_names_its_place_and_nothing_is_saved(acme: Tenant, alice: User) -> None:
    with pytest.raises(configuration.ConfigurationError) as refused:
        configuration.change(acme, {"display_fields": [ORDERS, CREDIT | {"link": "javascript:1"}]}, by=alice)
    assert [mistake.place for mistake in refused.value.mistakes] == ["display_fields[1].link"]
    assert configuration.stored(acme, "display_fields") == []


def test_the_later_of_two_admins_is_told_who_was_quicker(acme: Tenant, alice: User) -> None:
    seen = configuration.stamp(acme, "display_fields")
    configuration.change(acme, {"display_fields": [ORDERS]}, by="ivana", seen=seen)
    with pytest.raises(configuration.Changed) as told:
        configuration.change(acme, {"display_fields": [CREDIT]}, by=alice, seen=seen)
    assert told.value.by == "ivana"
    assert told.value.at is not None
    assert configuration.stored(acme, "display_fields") == [ORDERS]
    configuration.change(acme, {"display_fields": [CREDIT]}, by=alice, seen=configuration.stamp(acme, "display_fields"))
    assert configuration.stored(acme, "display_fields") == [CREDIT]


def test_a_double_click_is_one_change(acme: Tenant, alice: User) -> None:
    seen = configuration.stamp(acme, "display_fields")
    for _click in range(2):
        configuration.change(acme, {"display_fields": [ORDERS]}, by=alice, seen=seen)
    assert AuditEntry.objects.filter(tenant=acme).count() == 1


def test_a_change_elsewhere_disturbs_nobody(acme: Tenant, alice: User) -> None:
    seen = configuration.stamp(acme, "display_fields")
    configuration.change(acme, {"tenant": {"retention_days": 30}}, by="ivana")
    configuration.change(acme, {"display_fields": [ORDERS]}, by=alice, seen=seen)
    acme.refresh_from_db()
    assert acme.retention_days == 30
