"""Calls and what became of their notes, to look at. Numbers and texts stay encrypted: staff see states, not contents."""

from __future__ import annotations

from django.contrib import admin

from crmwindow.models import Call, CrmWrite, EventCount, FollowUp, IvrFunction, Leg, Note
from tenants.admin import Shown, ShownInline


class LegInline(ShownInline):
    model = Leg
    fields = ("agent", "line", "state", "elsewhere", "rang_at", "answered_at", "ended_at", "closed_at")
    readonly_fields = fields


class NoteInline(ShownInline):
    model = Note
    fields = (
        "author",
        "state",
        "step",
        "problem",
        "revision",
        "written_revision",
        "tries",
        "next_try_at",
        "written_at",
    )
    readonly_fields = fields


class FollowUpInline(ShownInline):
    model = FollowUp
    fields = ("author", "state", "problem", "due_at", "tries", "next_try_at", "written_at")
    readonly_fields = fields


@admin.register(Call)
class CallAdmin(Shown):
    list_display = ("started_at", "tenant", "direction", "caller", "state", "missed", "queue", "unique_id")
    list_filter = ("state", "missed", "direction", "caller", "tenant")
    search_fields = ("unique_id", "tenant__name", "tenant__slug", "legs__agent__name", "legs__agent__email")
    date_hierarchy = "started_at"
    list_select_related = ("tenant",)
    exclude = ("number_blind",)
    inlines = (LegInline, NoteInline, FollowUpInline)


@admin.register(Note)
class NoteAdmin(Shown):
    list_display = ("edited_at", "author", "state", "problem", "tries", "next_try_at", "written_at")
    list_filter = ("state", "problem", "call__tenant")
    search_fields = ("call__unique_id", "author__name", "author__email", "code")
    list_select_related = ("author",)
    exclude = ("outcome",)


@admin.register(FollowUp)
class FollowUpAdmin(Shown):
    list_display = ("queued_at", "author", "state", "problem", "due_at", "tries", "next_try_at", "written_at")
    list_filter = ("state", "problem", "call__tenant")
    search_fields = ("call__unique_id", "author__name", "author__email", "code")
    list_select_related = ("author",)
    exclude = ("form",)


@admin.register(EventCount)
class EventCountAdmin(Shown):
    list_display = ("day", "tenant", "name", "count")
    list_filter = ("name", "tenant")
    list_select_related = ("tenant",)


@admin.register(IvrFunction)
class IvrFunctionAdmin(Shown):
    list_display = ("name", "tenant", "kind", "entity", "column", "budget_ms")
    list_filter = ("kind", "tenant")
    list_select_related = ("tenant",)


@admin.register(CrmWrite)
class CrmWriteAdmin(Shown):
    list_display = ("queued_at", "tenant", "kind", "function_name", "table", "state", "problem", "tries", "next_try_at")
    list_filter = ("state", "kind", "problem", "tenant")
    search_fields = ("unique_id", "function_name", "tenant__name", "tenant__slug", "code")
    list_select_related = ("tenant",)
    exclude = ("number_blind", "body_digest")
