"""What the application server (gunicorn) imports."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mca_portal.settings")
application = get_wsgi_application()
