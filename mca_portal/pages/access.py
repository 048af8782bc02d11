"""How does a page ask for a permission? One decorator, so that no page forgets it (P1)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from mca_portal.staff.roles import Permission, require


def needs(*permissions: Permission) -> Callable[..., Callable[..., HttpResponse]]:
    """Decorate a view: the signed-in person must hold every one of `permissions`, otherwise NotAllowed (a 403 page that names the roles).

    The decorated view carries them as `.permissions` for the test matrix.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            for permission in permissions:
                require(request.user, permission)
            return view(request, *args, **kwargs)

        guarded.permissions = permissions
        return guarded

    return decorate
