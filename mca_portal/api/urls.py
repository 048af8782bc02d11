"""Which operations are there under /v1/?"""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from agreements.errors import AlreadyConfirmed
from mca_portal.api import agreements, customers, orders, profiles
from mca_portal.api.access import ApiRequest, TokenBearer, account_of
from mca_portal.api.documentation import DESCRIPTION, DescribedApi, show_document
from mca_portal.api.errors import TABLE, already_confirmed, answer, too_many_calls
from mca_portal.api.limits import seconds_to_wait
from mca_portal.api.once import WRITES, answer_once, fingerprint, first_answer
from mca_portal.api.wire import BodyParser

api = DescribedApi(
    title="MCA portal",
    version="v1",
    description=DESCRIPTION,
    urls_namespace="api",
    openapi_url="",  # Ninja's own description leaves too much out
    docs_url=None,
    auth=TokenBearer(),
    parser=BodyParser(),
)


def _refuse(_request: HttpRequest, error: Exception) -> HttpResponse:
    """The table's answer for the nearest class of the error."""
    kind = next(kind for kind in type(error).__mro__ if kind in TABLE)
    return answer(TABLE[kind](error))


def _each_call(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Before and around every operation: what was answered before, the rate limit, and doing a write once."""

    @functools.wraps(view)
    def call(request: ApiRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        account = account_of(request.auth)
        application = request.caller.application
        asker = f"{account.pk} {request.auth.pk} {application.pk if application else ''}"
        key = fingerprint(request, request.own_id, asker) if request.own_id else None
        keep = key if request.method in WRITES else None
        if keep and (before := first_answer(keep)):
            return before
        if wait := seconds_to_wait(account.pk, request.path_info, key):
            return too_many_calls(wait)

        def work() -> HttpResponse:
            return view(request, *args, **kwargs)

        return answer_once(request, keep, work, api.on_exception) if keep else work()

    return call


for refusal in TABLE:
    api.add_exception_handler(refusal, _refuse)
api.add_exception_handler(AlreadyConfirmed, already_confirmed)
api.add_decorator(_each_call)
api.add_router("", agreements.router)
api.add_router("", customers.router)
api.add_router("", orders.router)
api.add_router("", profiles.router)

urls = api.urls
urls[0].append(path("openapi.json", require_safe(functools.partial(show_document, api=api)), name="openapi"))
for pattern in urls[0]:
    assert pattern.callback is not None
    login_not_required(pattern.callback)  # a token is asked for instead, and a missing one answered with 401 and not with a page
