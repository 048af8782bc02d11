"""The portal's own settings, with the floor's addresses added and a middleware that counts a request's queries when it is asked to."""

from mca_portal.settings import *  # noqa: F403
from mca_portal.settings import MIDDLEWARE

ROOT_URLCONF = "tests.bench.floor"
MIDDLEWARE = ["tests.bench.floor.CountingMiddleware", *MIDDLEWARE]
