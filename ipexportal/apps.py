from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "ipexportal"

    def ready(self) -> None:
        from ipexportal import checks  # noqa: F401  (registers itself)
