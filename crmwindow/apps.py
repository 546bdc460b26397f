from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmWindowConfig(AppConfig):
    name = "crmwindow"
    verbose_name = _("CRM window")

    def ready(self) -> None:
        from crmwindow import configuration, learned, notes  # noqa: F401  (adds its section to the configuration file)
        from tenants import remembered, sign_in

        sign_in.when_signed_in.append(notes.after_sign_in)
        remembered.memories.append(remembered.Memory(learned.count, learned.forget))
