"""Whoever changes what is asked of Microsoft gets the checks run, without asking for them."""

from typing import Any

from django.contrib.auth.models import User

from tenants import configuration
from tenants.models import CheckRun, Instance, MicrosoftConnection, Tenant

CREDIT = {"label": "Kredit", "entity": "Account", "identifier": "creditlimit"}


def test_a_change_of_the_card_is_checked_with_the_connection_of_whoever_made_it(
    acme: Tenant, alice: User, connection: MicrosoftConnection, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        configuration.change(acme, {"display_fields": [CREDIT]}, by=alice)
    run = CheckRun.objects.get(instance=acme.instance)
    assert (run.by, run.through) == ("alice", "connection")
    assert run.results.get(key="fields", subject="account").state == "passed"


def test_what_microsoft_is_not_asked_about_is_not_checked(
    acme: Tenant, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        configuration.change(acme, {"tenant": {"retention_days": 30}}, by=alice)
    assert not CheckRun.objects.exists()


def test_an_own_table_makes_the_tables_be_read_anew(
    acme: Tenant, instance: Instance, alice: User, connection: MicrosoftConnection
) -> None:
    from tenants import connections
    from tenants.dataverse.budget import Budget

    connections.metadata(instance, connections.client_for(connection), Budget(15))
    own = {
        "label": "Servis",
        "table": "nnn_mylead",
        "id": "nnn_myleadid",
        "phone_number": ["myPhone1"],
        "last_name": "x",
    }
    configuration.change(acme, {"custom_entities": [own]}, by=alice)
    instance.refresh_from_db()
    assert connections.known_metadata(instance) is None
