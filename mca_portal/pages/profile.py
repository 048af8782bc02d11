"""Profile: how does somebody want to be named, and to see the portal?"""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, override
from django.views.decorators.http import require_http_methods

from mca_portal.pages.preferences import remember_language
from mca_portal.pages.typed import unchecked
from mca_portal.staff.forms import ProfileForm
from mca_portal.staff.models import StaffMember
from mca_portal.staff.services import set_preferences

FIELDS = ("first_name", "last_name", "language", "theme")


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change one's own name, language and appearance; everybody who is signed in may."""
    assert isinstance(request.user, StaffMember)
    typed = request.POST or request.typed
    if typed and not request.typed_checked:  # they switched with the buttons on top, which is newer than what the form held
        typed = typed.copy()
        typed["language"], typed["theme"] = request.user.language, request.user.theme
    form = ProfileForm(typed or None, initial={name: getattr(request.user, name) for name in FIELDS})
    unchecked(request, form)
    if request.method == "POST" and form.is_valid():
        try:
            # A fresh copy, so that a refused name does not stand in the page's own frame.
            person = set_preferences(by=StaffMember.objects.get(pk=request.user.pk), **form.cleaned_data)
        except ValidationError as error:
            for field, errors in error.error_dict.items():
                form.add_error(field if field in form.fields else None, errors)
        else:
            with override(person.language):
                messages.success(request, gettext("Your profile was saved."))
            response = redirect("profile")
            remember_language(response, person.language)
            return response
    return render(request, "staff/profile.html", {"form": form}, status=422 if request.method == "POST" else 200)
