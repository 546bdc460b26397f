from django.urls import path

from tenants import views

app_name = "signin"
urlpatterns = [
    path("microsoft/callback/", views.callback, name="callback"),
    path("microsoft/<uuid:attempt>/", views.done, name="done"),
]
