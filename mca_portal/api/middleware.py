"""What is the same for every call of the API, also for one that reaches no operation?"""

import codecs
import itertools
import re
import uuid
from collections.abc import Callable
from dataclasses import replace

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext

from mca_portal.api.documentation import PARAMETERS
from mca_portal.api.errors import ACTION_NOT_ALLOWED, INVALID_INPUT, Fault, answer, of_status
from mca_portal.api.urls import urls
from mca_portal.middleware import sane_id
from mca_portal.staff.origin import Way, coming_from

ROOT = "/v1"
ROOT_AS_SOME_SPELL_IT = re.compile(r"/v1\.0(?=/|$)")
ECHOED = ("MS-RequestId", "MS-CorrelationId")
_WORDS = re.compile(r"[\x21-\x7e]{1,100}")
_PARAMETERS = {name.lower(): name for name in PARAMETERS}
_PARAMETER = re.compile(r"(?:^|(?<=&))[^=&]+")
_PATH_WORD = re.compile(r"(?<=/)[A-Za-z]+(?=/|$)")
_PATH_WORDS = {word.lower(): word for each in urls[0] for word in str(each.pattern).split("/") if word.isalpha()}
JSON = "application/json"
CUTS_OFF_THE_MARK = "Partner Center PowerShell Module"


class ApiMiddleware:
    """Answer every call under /v1 in Partner Center's manner: JSON whatever happens, and its identifiers echoed.

    A browser's sign-in never counts here: cookies are dropped, so no page can make somebody's browser call the API for them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; pages pass untouched."""
        path = ROOT_AS_SOME_SPELL_IT.sub(ROOT, re.sub(r"/{2,}", "/", request.path_info).rstrip("/"))
        if path == ROOT:
            path = f"{ROOT}/"
        if not path.startswith(f"{ROOT}/"):
            return self.get_response(request)
        path = _PATH_WORD.sub(lambda word: _PATH_WORDS.get(word[0].lower(), word[0]), path)  # some clients send Countryvalidationrules
        request.path_info = path
        request.path = f"{request.META.get('SCRIPT_NAME', '').rstrip('/')}{path}"
        request.META["QUERY_STRING"] = self._in_own_case(request.META.get("QUERY_STRING", ""))
        request.META.pop("HTTP_COOKIE", None)
        if "X-Locale" in request.headers:
            request.META["HTTP_ACCEPT_LANGUAGE"] = request.headers["X-Locale"].split(",")[0]
        sent = {name: self._sent(request, name) for name in ECHOED}
        ids = {name: value or str(uuid.uuid4()) for name, value in sent.items()}
        request.own_id = sent["MS-RequestId"]
        structlog.contextvars.bind_contextvars(
            ms_request_id=sane_id(ids["MS-RequestId"]), ms_correlation_id=sane_id(ids["MS-CorrelationId"])
        )
        language = translation.override(translation.get_language_from_request(request))
        with language, coming_from(way=Way.API):
            response = self._broken_chunks(request) or self._too_large(request) or self.get_response(request)
            if response.status_code >= 400 and not response.get("Content-Type", "").startswith(JSON):
                kept = {name: response[name] for name in ("Allow", "Retry-After") if name in response}
                response = answer(self._bearable(request, of_status(response.status_code)))
                for name, value in kept.items():
                    response[name] = value
        for name, value in ids.items():
            response[name] = value
        response["Cache-Control"] = "no-store"
        if response.get("Content-Type") == JSON:
            self._tell_it_is_utf_8(request, response)
        return response

    @staticmethod
    def _tell_it_is_utf_8(request: HttpRequest, response: HttpResponseBase) -> None:
        """Windows PowerShell takes for Latin-1 what does not say otherwise; its old module cuts a byte order mark off, there or not."""
        response["Content-Type"] = f"{JSON}; charset=utf-8"
        if not request.headers.get("MS-PartnerCenter-Application", "").startswith(CUTS_OFF_THE_MARK):
            return
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = itertools.chain([codecs.BOM_UTF8], response)
        elif isinstance(response, HttpResponse) and response.content:
            response.content = codecs.BOM_UTF8 + response.content
            if "Content-Length" in response:
                response["Content-Length"] = str(len(response.content))

    @staticmethod
    def _bearable(request: HttpRequest, fault: Fault) -> Fault:
        """The fault with a status that the client can bear: Java's repeats 405 without end, and has calls that the portal does not."""
        if fault.status == 405 and request.headers.get("MS-PartnerCenter-Client") == "Partner Center Java SDK":
            return replace(fault, status=403, code=ACTION_NOT_ALLOWED)
        return fault

    @staticmethod
    def _in_own_case(query: str) -> str:
        """Names of parameters are read in any letter case, as those of a body are: some clients send AgreementType."""
        return _PARAMETER.sub(lambda name: _PARAMETERS.get(name[0].lower(), name[0]), query)

    @staticmethod
    def _sent(request: HttpRequest, name: str) -> str:
        """The identifier that the client sent; empty where that is absent or could not stand in a header."""
        value = request.headers.get(name, "")
        return value if _WORDS.fullmatch(value) else ""

    @staticmethod
    def _broken_chunks(request: HttpRequest) -> HttpResponse | None:
        """A body in chunks names no length, so Django would take it for none: read it here, up to the limit and one byte more."""
        if request.META.get("wsgi.input_terminated") and not request.META.get("CONTENT_LENGTH"):
            try:
                request._body = request.META["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
            except Exception:  # each server has errors of its own for a chunk that is none, or never comes
                return answer(of_status(400))
            request.META["CONTENT_LENGTH"] = str(len(request._body))
        return None

    @staticmethod
    def _too_large(request: HttpRequest) -> HttpResponse | None:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isascii() and length.isdigit() and len(length) < 12 and int(length) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return None
        return answer(Fault(400, INVALID_INPUT, gettext("The body is too large: send at most 1 MB.")))
