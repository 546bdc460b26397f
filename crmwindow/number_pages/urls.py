"""Addresses of the pages about the number index, inside a customer's pages. `code` is the customer's."""

from django.urls import path

from crmwindow.number_pages import report, views

app_name = "numbers"
urlpatterns = [
    path("", views.page, name="page"),
    path("state/", views.state, name="state"),
    path("switch/", views.switch, name="switch"),
    path("now/", views.now, name="now"),
    path("<slug:kind>/", report.page, name="report"),
    path("<slug:kind>/file/", report.file, name="file"),
]
