from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmWindowConfig(AppConfig):
    name = "crmwindow"
    verbose_name = _("CRM window")
