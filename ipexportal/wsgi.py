"""Everything but the event stream, for a threaded WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ipexportal.settings")
application = get_wsgi_application()
