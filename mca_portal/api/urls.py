"""Which operations are there under /v1/?"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from agreements.errors import AlreadyConfirmed
from mca_portal.api import agreements, customers, orders, profiles
from mca_portal.api.access import TokenBearer
from mca_portal.api.errors import TABLE, already_confirmed, answer
from mca_portal.api.wire import BodyParser

api = NinjaAPI(
    title="MCA portal",
    version="v1",
    description="Partner Center's REST API for customers, the Microsoft customer agreement, orders and subscriptions.",
    urls_namespace="api",
    docs_url=None,
    auth=TokenBearer(),
    parser=BodyParser(),
)


def _refuse(_request: HttpRequest, error: Exception) -> HttpResponse:
    """The table's answer for the nearest class of the error."""
    kind = next(kind for kind in type(error).__mro__ if kind in TABLE)
    return answer(TABLE[kind](error))


for refusal in TABLE:
    api.add_exception_handler(refusal, _refuse)
api.add_exception_handler(AlreadyConfirmed, already_confirmed)
api.add_router("", agreements.router)
api.add_router("", customers.router)
api.add_router("", orders.router)
api.add_router("", profiles.router)

urls = api.urls
for pattern in urls[0]:
    assert pattern.callback is not None
    login_not_required(pattern.callback)  # a token is asked for instead, and a missing one answered with 401 and not with a page
