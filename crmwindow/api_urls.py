from django.urls import URLPattern, URLResolver

from crmwindow.api import api

urls: tuple[list[URLPattern | URLResolver], str, str] = api.urls
urlpatterns = urls[0]
