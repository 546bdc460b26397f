"""Addresses of the self-service pages. `code` is the customer's public code."""

from django.urls import path

from tenants.portal import home

app_name = "portal"
urlpatterns = [
    path("", home.home, name="home"),
]
