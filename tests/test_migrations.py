"""Migrations only add, so that the version before still works while the new tables are there already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import models
from django.db.migrations import (
    AddConstraint,
    AddField,
    AlterField,
    AlterModelTable,
    AlterUniqueTogether,
    DeleteModel,
    Migration,
    RemoveField,
    RenameField,
    RenameModel,
    RunPython,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils import timezone

FIRST_RELEASE = {"tenants": "0009_owner_of_missed_calls", "crmwindow": "0012_number_index"}
TAKES_AWAY = (AlterModelTable, DeleteModel, RemoveField, RenameField, RenameModel)
FORBIDS_ROWS = (AddConstraint, AlterUniqueTogether)
DOES_ANYTHING = (RunPython, RunSQL, SeparateDatabaseAndState)
LOOKED_AT: set[str] = set()
"""Later migrations that run code or SQL and were read by somebody: the version before lives with what they leave."""


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def later_ones(loader: MigrationLoader) -> Iterator[tuple[str, Migration]]:
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if name > FIRST_RELEASE.get(app, "~"):
            yield f"{app}.{name}", migration


def disturbs(operation: Operation, made_here: set[str], app: str, before: ProjectState) -> bool:
    """Whether the version before, which knows nothing of it, could no longer write or read. `before` is the state just then."""
    if isinstance(operation, TAKES_AWAY + DOES_ANYTHING):
        return True
    if isinstance(operation, AddConstraint):
        return operation.model_name_lower not in made_here
    if isinstance(operation, FORBIDS_ROWS):
        return operation.name_lower not in made_here
    if not isinstance(operation, AddField | AlterField) or operation.model_name_lower in made_here:
        return False
    if isinstance(operation, AddField):
        return not fills_itself(operation.field)
    return narrows(before.models[app, operation.model_name_lower].fields[operation.name], operation.field)


def narrows(before: models.Field[Any, Any], after: models.Field[Any, Any]) -> bool:
    """Whether the column no longer takes, or no longer gives, what it did."""
    types = (before.get_internal_type(), after.get_internal_type())
    lengths = (before.max_length, after.max_length)
    return (
        (before.null and not after.null)
        or (after.unique and not before.unique)
        or (before.has_db_default() and not after.has_db_default())
        or (types[0] != types[1] and types not in WIDER)
        or (None not in lengths and lengths[1] < lengths[0])
        or (before.db_column != after.db_column)
    )


WIDER = {
    ("AutoField", "BigAutoField"),
    ("CharField", "TextField"),
    ("IntegerField", "BigIntegerField"),
    ("PositiveSmallIntegerField", "PositiveIntegerField"),
    ("SmallIntegerField", "IntegerField"),
}


def fills_itself(field: models.Field[Any, Any]) -> bool:
    return field.null or field.has_db_default() or bool(field.many_to_many) or field.generated


def made_in(migration: Migration) -> set[str]:
    return {each.name_lower for each in migration.operations if hasattr(each, "fields")}


def disturbing(name: str, migration: Migration, before: ProjectState) -> list[str]:
    made, app, found = made_in(migration), migration.app_label, []
    for each in migration.operations:
        if disturbs(each, made, app, before) and not (isinstance(each, DOES_ANYTHING) and name in LOOKED_AT):
            found.append(f"{name}: {each.describe()}")
        each.state_forwards(app, before)
    return found


def just_before(loader: MigrationLoader, migration: Migration) -> ProjectState:
    return loader.project_state((migration.app_label, migration.name), at_end=False)


def test_nothing_is_taken_away_or_narrowed_and_each_new_column_may_stay_empty_or_fills_itself(
    loader: MigrationLoader,
) -> None:
    later = dict(later_ones(loader))
    assert {"tenants.0010_support_trace", "crmwindow.0013_timings", "crmwindow.0015_window"} <= later.keys()
    found = [disturbing(name, migration, just_before(loader, migration)) for name, migration in later.items()]
    assert [said for each in found for said in each] == []


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
        (AlterField("call", "unique_id", models.CharField(max_length=64)), True),
        (AlterField("call", "unique_id", models.CharField(max_length=128, unique=True)), True),
        (AlterField("call", "unique_id", models.IntegerField()), True),
        (AlterField("call", "unique_id", models.CharField(max_length=200)), False),
        (AlterField("call", "unique_id", models.TextField()), False),
        (AlterField("call", "answered_at", models.DateTimeField()), True),
        (AlterField("note", "left_out", models.CharField(max_length=10, default="")), True),
        (AlterField("call", "started_at", models.DateTimeField(null=True)), False),
        (AlterUniqueTogether("call", {("tenant", "unique_id")}), True),
        (AddConstraint("call", models.CheckConstraint(condition=models.Q(state__lt=9), name="x")), True),
        (RunSQL("UPDATE crmwindow_note SET state = 'x'"), True),
        (RunPython(RunPython.noop), True),
    ],
)
def test_what_the_version_before_could_not_live_with_is_found(
    loader: MigrationLoader, operation: Operation, is_found: bool
) -> None:
    migration = Migration("next", "crmwindow")
    migration.operations = [operation]
    assert bool(disturbing("next", migration, loader.project_state())) == is_found


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
