"""Addresses of a customer's people; they belong to the namespace `portal`."""

from django.urls import path

from tenants.portal import people, people_import, person

urlpatterns = [
    path("", people.show, name="people"),
    path("add/", person.add, name="person_add"),
    path("import/", people_import.page, name="people_import"),
    path("import/apply/", people_import.apply, name="people_apply"),
    path("export/", people.export, name="people_export"),
    path("enable/", people.enable_many, name="people_enable"),
    path("disable/", people.disable_many, name="people_disable"),
    path("send/", people.send_many, name="people_send"),
    path("<uuid:agent>/", person.edit, name="person"),
    path("<uuid:agent>/window/", people.window, name="person_window"),
    path("<uuid:agent>/send/", people.send, name="person_send"),
]
