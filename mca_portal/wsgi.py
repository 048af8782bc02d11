"""What the application server (gunicorn) imports."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mca_portal.settings")
_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request: Django does, and finds room for all its calls.

    CPython keeps what its running functions need in chunks of 16 kB, and hands a chunk back to the system when the first function in it
    returns. Middleware and templates are called through more than a hundred functions: where one that is called again and again lies
    just beyond the end of a chunk, the system is asked for memory each time. That cost some pages 300 times, a quarter of their time.
    """
    return _django(environ, start_response)


# Said to need 17 000 places of 8 bytes, it gets a chunk of 256 kB of its own; what is left of that holds whatever it calls.
application.__code__ = application.__code__.replace(co_stacksize=17_000)
