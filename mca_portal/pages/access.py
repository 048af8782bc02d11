"""How does a page ask for a permission (P1), and whether it is still the person who signed in? In one way each."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest, HttpResponse

from customers.errors import NotYoursToTransact
from mca_portal.pages import errors
from mca_portal.staff.roles import Permission, require


def needs(*permissions: Permission) -> Callable[..., Callable[..., HttpResponse]]:
    """Decorate a view: the signed-in person must hold every one of `permissions`, otherwise NotAllowed (a 403 page that names the roles).

    What only the account's indirect provider does is a 403 page that says so (A2).
    The decorated view carries them as `.permissions` for the test matrix.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            require(request.user, *permissions)
            try:
                return view(request, *args, **kwargs)
            except NotYoursToTransact:
                return errors.not_yours_to_transact(request)

        guarded.permissions = permissions
        return guarded

    return decorate


@reauthentication_required(app="allauth.mfa")
def confirm_it_is_you(request: HttpRequest) -> None:
    """Ask for the password or a second factor once more, unless that was within five minutes: before what outlives a session left open.

    Raises allauth's ReauthenticationRequired, which leads to that page; when it is answered, the form that was sent is done as it was.
    Whoever has neither, coming from their company's directory alone, is not asked.
    """
