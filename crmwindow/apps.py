from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmWindowConfig(AppConfig):
    name = "crmwindow"
    verbose_name = _("CRM window")

    def ready(self) -> None:
        from crmwindow import (
            configuration,  # noqa: F401  (adds its section to the configuration file)
            follow_ups,
            learned,
            notes,
            tallies,
        )
        from crmwindow.ivr import functions, rights
        from tenants import connections, needed_rights, remembered, sign_in

        sign_in.when_signed_in += [notes.after_sign_in, follow_ups.after_sign_in]
        remembered.memories.append(remembered.Memory(learned.count, learned.forget))
        connections.further_tables += [functions.tables, follow_ups.tables]
        connections.watchers.append(tallies.asked)
        needed_rights.sources.append(rights.needs)
