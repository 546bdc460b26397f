"""Addresses of the window. The event stream at `events` is answered by the raw ASGI app before Django sees it."""

from django.urls import path

from crmwindow import (
    activity_views,
    day_views,
    finding_views,
    follow_up_views,
    note_views,
    sign_in_views,
    timing_views,
    views,
)
from tenants import views as tenant_views

app_name = "window"
shell = "<uuid:instance>/"
urlpatterns = [
    path("", views.enter, name="enter"),
    path("events", views.no_stream, name="events"),
    path("open/<str:code>/", views.opening, name="opening"),
    path("sign-in/<uuid:attempt>/", tenant_views.start, name="sign_in_page"),
    path(shell, views.window, name="shell"),
    path(shell + "state/", views.state, name="state"),
    path(shell + "open/", views.open_call, name="open"),
    path(shell + "calls/<uuid:call>/", views.show_call, name="call"),
    path(shell + "calls/<uuid:call>/who/", views.who, name="who"),
    path(shell + "calls/<uuid:call>/matches/", views.matches, name="matches"),
    path(shell + "calls/<uuid:call>/details/", views.details, name="details"),
    path(shell + "calls/<uuid:call>/history/", views.history, name="history"),
    path(shell + "calls/<uuid:call>/activities/", activity_views.planned, name="activities"),
    path(shell + "calls/<uuid:call>/find/", finding_views.find, name="find"),
    path(shell + "calls/<uuid:call>/number/", finding_views.number, name="number"),
    path(shell + "calls/<uuid:call>/task/", follow_up_views.form, name="follow_up_form"),
    path(shell + "task/", follow_up_views.create, name="follow_up"),
    path(shell + "task/draft/", follow_up_views.draft, name="follow_up_draft"),
    path(shell + "task/discard/", follow_up_views.discard, name="follow_up_discard"),
    path(shell + "names/", finding_views.names, name="names"),
    path(shell + "about/", finding_views.about, name="about"),
    path(shell + "number/", finding_views.number_add, name="number_add"),
    path(shell + "forget/", finding_views.forget, name="forget"),
    path(shell + "choose/", views.choose, name="choose"),
    path(shell + "note/", note_views.save_note, name="note"),
    path(shell + "note/send/", note_views.send_note, name="note_send"),
    path(shell + "note/keep/", note_views.keep_note, name="note_keep"),
    path(shell + "note/aside/", note_views.discard_aside, name="note_aside"),
    path(shell + "note/load/", note_views.load_note, name="note_load"),
    path(shell + "note/now/", day_views.write_now, name="note_now"),
    path(shell + "day/", day_views.the_day, name="day"),
    path(shell + "day/lines/", day_views.day_lines, name="day_lines"),
    path(shell + "settings/", day_views.settings, name="settings"),
    path(shell + "settings/quiet/", day_views.quiet, name="quiet"),
    path(shell + "create/", views.create, name="create"),
    path(shell + "close/", views.close, name="close"),
    path(shell + "painted/", timing_views.painted, name="painted"),
    path(shell + "sign-in/", sign_in_views.sign_in, name="sign_in"),
    path(shell + "sign-in/<uuid:attempt>/", sign_in_views.sign_in_status, name="sign_in_status"),
    path(shell + "sign-in/<uuid:attempt>/code/", sign_in_views.sign_in_code, name="sign_in_code"),
]
