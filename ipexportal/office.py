"""Django's admin with our first page. Apart from apps.py, where Django would not know which configuration is the app's."""

from django.contrib.admin.apps import AdminConfig


class OfficeConfig(AdminConfig):
    default_site = "ipexportal.cockpit.Office"
