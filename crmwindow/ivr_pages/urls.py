"""Addresses of IVR functions, inside a customer's pages. `code` is the customer's, `function` the function's."""

from django.urls import path

from crmwindow.ivr_pages import views

app_name = "ivr_functions"
urlpatterns = [
    path("", views.page, name="page"),
    path("new/", views.new, name="new"),
    path("edit/", views.edit, name="edit"),
    path("save/", views.save, name="save"),
    path("try/", views.try_it, name="try"),
    path("<uuid:function>/", views.show, name="show"),
    path("<uuid:function>/switch/", views.switch, name="switch"),
    path("<uuid:function>/remove/", views.remove, name="remove"),
]
