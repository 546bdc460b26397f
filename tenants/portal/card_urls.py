"""Addresses of the tab "Caller card"."""

from django.urls import path

from tenants.portal import card, searched

urlpatterns = [
    path("", card.page, name="card"),
    path("edit/", card.edit, name="card_edit"),
    path("save/", card.save, name="card_save"),
    path("find/", card.find, name="card_find"),
    path("searched/", searched.page, name="searched"),
    path("searched/save/", searched.save, name="searched_save"),
]
