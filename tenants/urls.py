from django.urls import path

from tenants import views
from tenants.portal import connection, microsoft

app_name = "signin"
urlpatterns = [
    path("microsoft/callback/", views.callback, name="callback"),
    path("microsoft/<uuid:attempt>/", views.done, name="done"),
    path("microsoft/", microsoft.sign_in, name="portal"),
    path("microsoft/ended/<uuid:attempt>/", microsoft.ended, name="ended"),
    path("microsoft/consent/<str:token>/", connection.consent, name="consent"),
    path("microsoft/consent/<str:token>/go/", connection.consent_at_microsoft, name="consent_at_microsoft"),
]
