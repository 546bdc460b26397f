"""Addresses of the demo's Communicator; without DEMO they do not exist."""

from django.urls import path
from django.views.i18n import set_language

from ipexportal.simulator import authenticator, developers, views

app_name = "simulator"
urlpatterns = [
    path("", views.communicator, name="communicator"),
    path("simulator/state/", views.state, name="state"),
    path("simulator/act/", views.act, name="act"),
    path("simulator/window/", views.window, name="window"),
    path("simulator/microsoft/", views.microsoft, name="microsoft"),
    path("developers/", developers.page, name="developers"),
    path("developers/events/", developers.events, name="developers_events"),
    path("simulator/code/", authenticator.show, name="code"),
    path("simulator/language/", set_language, name="language"),
]
