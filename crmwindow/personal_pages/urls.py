"""Addresses of the page about personal data, inside a customer's pages. Numbers travel in bodies only."""

from django.urls import path

from crmwindow.personal_pages import views

app_name = "personal"
urlpatterns = [
    path("", views.page, name="page"),
    path("find/", views.find, name="find"),
    path("file/", views.file, name="file"),
    path("erase/", views.erase, name="erase"),
]
