"""Migrations only add, so that the version before still works while the new tables are there already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import models
from django.db.migrations import (
    AddField,
    DeleteModel,
    Migration,
    RemoveField,
    RenameField,
    RenameModel,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.utils import timezone

FIRST_RELEASE = {"tenants": "0009_owner_of_missed_calls", "crmwindow": "0012_number_index"}
TAKES_AWAY = (DeleteModel, RemoveField, RenameField, RenameModel)


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def later_ones(loader: MigrationLoader) -> Iterator[tuple[str, Migration]]:
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if name > FIRST_RELEASE.get(app, "~"):
            yield f"{app}.{name}", migration


def disturbs(operation: Operation, made_here: set[str]) -> bool:
    """Whether the version before, which knows nothing of it, could no longer write or read."""
    if isinstance(operation, TAKES_AWAY):
        return True
    if not isinstance(operation, AddField) or operation.model_name_lower in made_here:
        return False
    return not fills_itself(operation.field)


def fills_itself(field: models.Field[Any, Any]) -> bool:
    return field.null or field.has_db_default() or bool(field.many_to_many) or field.generated


def made_in(migration: Migration) -> set[str]:
    return {each.name_lower for each in migration.operations if hasattr(each, "fields")}


def disturbing(name: str, migration: Migration) -> list[str]:
    made = made_in(migration)
    return [f"{name}: {each.describe()}" for each in migration.operations if disturbs(each, made)]


def test_nothing_is_taken_away_and_each_new_column_may_stay_empty_or_fills_itself(loader: MigrationLoader) -> None:
    names = [name for name, _migration in later_ones(loader)]
    assert {"tenants.0010_support_trace", "crmwindow.0015_window"} <= set(names)
    assert [said for name, migration in later_ones(loader) for said in disturbing(name, migration)] == []


@pytest.mark.parametrize(
    ("operation", "is_found"),
    [
        (AddField("note", "x", models.CharField(max_length=1, default="")), True),
        (AddField("note", "x", models.JSONField(default=dict)), True),
        (AddField("note", "x", models.CharField(max_length=1, default="", db_default="")), False),
        (AddField("note", "x", models.DateTimeField(null=True)), False),
        (AddField("note", "x", models.ManyToManyField("tenants.Tenant")), False),
        (RemoveField("note", "text"), True),
        (RenameField("note", "text", "words"), True),
        (DeleteModel("note"), True),
    ],
)
def test_what_the_version_before_could_not_live_with_is_found(operation: Operation, is_found: bool) -> None:
    migration = Migration("next", "crmwindow")
    migration.operations = [operation]
    assert bool(disturbing("next", migration)) == is_found


@pytest.mark.django_db
def test_the_version_before_writes_its_rows_into_the_new_tables(loader: MigrationLoader) -> None:
    """With the models of the first release, whose statements do not name the new columns."""
    before = loader.project_state(list(FIRST_RELEASE.items())).apps
    now = timezone.now()
    tenant = before.get_model("tenants", "Tenant").objects.create(slug="acme", name="Acme s.r.o.")
    agent = before.get_model("tenants", "Agent").objects.create(tenant=tenant, name="Jana", email="jana@acme.example")
    call = before.get_model("crmwindow", "Call").objects.create(tenant=tenant, unique_id="1.1", started_at=now)
    written = {"call": call, "author": agent}
    before.get_model("crmwindow", "Note").objects.create(**written, text="Volal", edited_at=now)
    before.get_model("crmwindow", "FollowUp").objects.create(
        **written, form="6b1f7c1e-0000-4000-8000-000000000001", subject="Zavolat", due_at=now, queued_at=now
    )
    from crmwindow.models import FollowUp, Note

    note, task = Note.objects.get(), FollowUp.objects.get()
    assert (note.text, note.left_out, note.text_revision, note.aside) == ("Volal", "", 0, "")
    assert (task.subject, task.left_out) == ("Zavolat", "")
