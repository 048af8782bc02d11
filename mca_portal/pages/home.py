"""Where does a member of staff begin?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Greet the person who signed in."""
    return render(request, "home.html")
