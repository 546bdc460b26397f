"""Every address of the portal."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from crmwindow.api import api
from ipexportal import operations
from tenants import views as tenant_views

urlpatterns = [
    path("window/", include("crmwindow.urls")),
    path("signin/", include("tenants.urls")),
    path("portal/", include("tenants.portal.urls")),
    path("activate/<str:token>/", tenant_views.activate, name="activate"),
    path("activate/<str:token>/sign-in/", tenant_views.activate_sign_in, name="activate_sign_in"),
    path("api/v1/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
]
if settings.DEMO:
    urlpatterns.append(path("", include("ipexportal.simulator.urls")))
else:
    urlpatterns.append(path("", RedirectView.as_view(pattern_name="portal:home"), name="root"))
