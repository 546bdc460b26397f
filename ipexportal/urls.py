"""Every address of the portal."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from crmwindow import not_logged_views, status_views
from crmwindow.api import api
from ipexportal import operations
from ipexportal.account_pages import admin_door
from ipexportal.limits import too_often
from tenants import views as tenant_views
from tenants.portal import invitation

handler429 = too_often  # allauth asks for it
admin.site.login = admin_door(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("window/", include("crmwindow.urls")),
    path("signin/", include("tenants.urls")),
    path("portal/<uuid:code>/ivr/functions/", include("crmwindow.ivr_pages.urls")),
    path("portal/<uuid:code>/numbers/", include("crmwindow.number_pages.urls")),
    path("portal/<uuid:code>/personal-data/", include("crmwindow.personal_pages.urls")),
    path("portal/<uuid:code>/status/", status_views.page, name="status"),
    path("portal/<uuid:code>/not-logged/", not_logged_views.page, name="not_logged"),
    path("portal/<uuid:code>/not-logged/give-up/", not_logged_views.give_up, name="not_logged_give_up"),
    path("portal/<uuid:code>/not-logged/again/", not_logged_views.again, name="not_logged_again"),
    path("portal/", include("tenants.portal.urls")),
    path("activate/<str:token>/", tenant_views.activate, name="activate"),
    path("activate/<str:token>/sign-in/", tenant_views.activate_sign_in, name="activate_sign_in"),
    path("api/v1/", api.urls),
    path("language/", set_language, name="set_language"),
    path("accounts/", include("ipexportal.account_pages")),
    path("invitation/<str:token>/", invitation.show, name="invitation"),
    path("invitation/<str:token>/account/", invitation.make_account, name="invitation_account"),
    path("invitation/<str:token>/sign-in/", invitation.sign_in, name="invitation_sign_in"),
    path("invitation/<str:token>/microsoft/", invitation.microsoft, name="invitation_microsoft"),
    path("invitation/<str:token>/accept/", invitation.accept, name="invitation_accept"),
    path("admin/", admin.site.urls),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
]
if settings.DEMO:
    urlpatterns.append(path("", include("ipexportal.simulator.urls")))
else:
    urlpatterns.append(path("", RedirectView.as_view(pattern_name="portal:home"), name="root"))
