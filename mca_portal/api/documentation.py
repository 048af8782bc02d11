"""How does the API describe itself? /v1/openapi.json, with examples that run against the demo.

The document is made from the operations: their docstrings, their parameters, `answers(…)` and the shapes in `answers.py`. What Ninja leaves
out is added here, once for all: headers, the bodies of refusals, examples. Its texts are English, like Partner Center's own; who asks for
Korean gets their translation from `reference.po`.
"""

import copy
import functools
import gettext
import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from ninja import NinjaAPI
from ninja.operation import Operation
from pydantic.alias_generators import to_camel

from mca_portal import catalogues
from mca_portal.api.answers import AlreadyConfirmedRefusal, Refusal, TooManyCalls

Json = dict[str, Any]

EXAMPLES = Path(__file__).with_name("examples.json")
DESCRIPTION = """\
Partner Center's REST API for customers, the Microsoft Customer Agreement, offers, orders and subscriptions, so that scripts and
clients written for Partner Center work with this portal: change their base address and their token, and nothing else.

**Who calls.** Send `Authorization: Bearer` with an API token; staff make one under Profile and appearance > API tokens. It acts
as its owner, with the roles that they hold at that moment. Applications get tokens through OAuth2, as
`/.well-known/openid-configuration` says; some calls want a person to take part and refuse a service that acts by itself (900329).

**JSON.** Names are read in any letter case, as are those of query parameters; `null` counts as absent, unknown members are ignored.
Answers are in camelCase and hold no null. A body over 1 MB is refused.

**Refusals** hold `code`, `description`, `data` and `source`. Distinguish them by `code`: 403 with 13605 means that the customer's
acceptance of the agreement has to be confirmed first, 403 with 900150 that the caller's roles do not allow the call.

**Repeating.** A write that is repeated with the same `MS-RequestId` within 24 hours gets the first answer and is done once. Send
a new one with every new call.

**The examples** run as they are written against the demo of a new installation, with a token of Contoso's Admin agent. Dates, and
the IDs of what an example makes, are those of the day.
"""
MEANINGS = {
    400: "What was sent cannot be read, or a rule does not allow it.",
    401: "No valid token: it is missing, expired or revoked, or its owner is no longer active.",
    403: (
        "The caller's roles do not allow it (900150), it takes a person (900329), the agreement is not confirmed (13605), "
        "or the portal does not do it (600006)."
    ),
    404: "There is no such thing in the caller's account; what belongs to others is not found either.",
    409: "It exists already.",
    429: "Too many calls within a minute.",
}
SECURITY: Json = {
    "Token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An API token, or an access token that an application got through OAuth2.",
    }
}
TAGS = {
    "Agreements": "Texts of the Microsoft agreements, and who accepted them.",
    "Customers": "Customers, their profiles, and what their addresses need.",
    "Orders": "Offers, orders and subscriptions.",
    "Profiles": "The partner account itself.",
}
TEXT: Json = {"type": "string"}
PARAMETERS = {
    "customer_id": "The customer's Microsoft ID, in any letter case.",
    "order_id": "The order's ID.",
    "subscription_id": "The subscription's ID.",
    "offer_id": "The offer's ID.",
    "template_id": "The agreement template's ID.",
    "agreementType": "MicrosoftCustomerAgreement, MicrosoftCloudAgreement, or * for all types. Without it: MicrosoftCloudAgreement alone.",
    "language": "The language of the text, such as ko-KR; en-US where the country does not have it.",
    "country": "Two letters, such as KR.",
    "domain": "A whole domain, such as contoso.onmicrosoft.com.",
    "size": "How many at most; without it, or 0: everything.",
    "offset": "How many to leave out at the start.",
    "filter": 'JSON that names field and start: {"Field":"CompanyName","Value":"cont","Operator":"starts_with"}; Field may be Domain.',
    "seekOperation": "Next, Previous or First, with MS-ContinuationToken.",
    "billingType": "monthly or annual; without it: all.",
    "offer_category_id": "The ID of an offer category, such as Business_Key. Without it: the offers of all.",
    "mpn_id": "A partner of record: the portal keeps none, so nothing is found.",
}
REQUEST_HEADERS: Json = {
    "RequestId": {
        "name": "MS-RequestId",
        "in": "header",
        "description": "A GUID of the client's own for this call; a repeated write with the same one is done once.",
        "schema": TEXT,
    },
    "CorrelationId": {
        "name": "MS-CorrelationId",
        "in": "header",
        "description": "A GUID of the client's own that it gives to calls that belong together.",
        "schema": TEXT,
    },
    "Locale": {
        "name": "X-Locale",
        "in": "header",
        "description": "The language of descriptions, such as en-US or ko-KR.",
        "schema": TEXT,
    },
    "ContinuationToken": {
        "name": "MS-ContinuationToken",
        "in": "header",
        "description": "From a page's link or `continuationToken`; it holds size, filter and place, so nothing else has to be sent.",
        "schema": TEXT,
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The etag of what was seen, instead of the one in the body. Without either, the last change wins.",
        "schema": TEXT,
    },
    "Client": {
        "name": "MS-PartnerCenter-Client",
        "in": "header",
        "description": "Which client calls: `Partner Center Java SDK` and `Partner Center PowerShell` are answered with true.",
        "schema": TEXT,
    },
}
RESPONSE_HEADERS: Json = {
    "MS-RequestId": {"description": "As it was sent, or made for this call.", "required": True, "schema": TEXT},
    "MS-CorrelationId": {"description": "As it was sent, or made for this call.", "required": True, "schema": TEXT},
}


def answers(shape: Any, *refusals: int, status: int = 200) -> dict[int, Any]:
    """What an operation answers: its success, and which refusals besides 401 and 429 it knows."""
    return {status: shape} | dict.fromkeys((400, 401, 403, *refusals), Refusal) | {429: TooManyCalls}


REFUSED = dict.fromkeys((400, 401, 403, 404), Refusal) | {429: TooManyCalls}  # of an operation that is never done


class DescribedApi(NinjaAPI):
    """Ninja's API with a description that is complete."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Such as `listCustomers`: what generated clients call it."""
        return to_camel(operation.view_func.__name__)

    def get_openapi_schema(self, **_kwargs: Any) -> Any:
        """The whole document."""
        document = dict(super().get_openapi_schema(path_prefix="/v1/"))
        del document["servers"]  # none named: where the document itself is
        document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
        components = document["components"]
        components["schemas"] |= {shape.__name__: shape.model_json_schema() for shape in (AlreadyConfirmedRefusal,)}
        components["securitySchemes"] = SECURITY
        components["parameters"] = REQUEST_HEADERS
        components["headers"] = RESPONSE_HEADERS
        for path, operations in document["paths"].items():
            for method in operations:
                operation = operations[method] = copy.deepcopy(operations[method])
                _complete(operation, path, method)
                _show_examples(operation, [each for each in read_examples() if each["operation"] == operation["operationId"]])
        return _tidy(document)


@functools.cache
def read_examples() -> list[Json]:
    """Every example: which operation, what is sent, and what is answered."""
    return json.loads(EXAMPLES.read_text()) if EXAMPLES.exists() else []


@functools.cache
def _document(api: NinjaAPI, language: str) -> bytes:
    catalogue = gettext.translation("reference", catalogues.LOCALE, [language], fallback=True)
    document = _with_texts(api.get_openapi_schema(), catalogue.gettext)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def show_document(request: HttpRequest, api: NinjaAPI) -> HttpResponse:
    """/v1/openapi.json, in the language that the caller asks for by header, or by ?language= where a page could send none.

    Anybody may read it: it is the same in every installation and says nothing of what is in this one.
    """
    language = request.GET.get("language") or get_language() or ""
    known = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    return HttpResponse(_document(api, known), content_type="application/json", headers={"Content-Language": known})


def texts_of(document: Json) -> list[str]:
    """What people read in the document, each text once, in its order."""
    found: dict[str, None] = {}

    def note(text: str) -> str:
        found[text] = None
        return text

    _with_texts(document, note)
    return list(found)


def _with_texts(part: Any, said: Callable[[str], str]) -> Any:
    """The document with what people read in it as `said` says it; names, values and examples stay."""
    if isinstance(part, list):
        return [_with_texts(each, said) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: said(value)
        if name in ("summary", "description") and isinstance(value, str)
        else value
        if name in ("value", "example")
        else _with_texts(value, said)
        for name, value in part.items()
    }


def _complete(operation: Json, path: str, method: str) -> None:
    """Add what holds for every operation: headers, and what answers mean."""
    if any("PersonBearer" in each for each in operation["security"]):
        operation["description"] += " A person takes part: an application that acts by itself is refused with 900329."
    operation["security"] = [{name: []} for name in SECURITY]  # whoever calls, the token is sent in one way
    wanted = ["RequestId", "CorrelationId", "Locale"]
    if path == "/v1/customers" and method == "get":
        wanted.append("ContinuationToken")
    if method in ("put", "patch"):
        wanted.append("IfMatch")
    if path == "/v1/validations/address":
        wanted.append("Client")
    for parameter in operation["parameters"]:
        if parameter["name"] in PARAMETERS:
            parameter["description"] = PARAMETERS[parameter["name"]]
    operation["parameters"] += [{"$ref": f"#/components/parameters/{name}"} for name in wanted]
    for status, answer in operation["responses"].items():
        answer["description"] = MEANINGS.get(int(status), HTTPStatus(int(status)).phrase)
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in RESPONSE_HEADERS}
        if int(status) == 429:
            answer["headers"]["Retry-After"] = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer"}}
        if method == "head":
            answer.pop("content", None)
            answer["description"] = {200: "The domain is taken.", 404: "The domain is free."}.get(int(status), answer["description"])
    if path.endswith("/agreements") and method == "post":
        either = [{"$ref": "#/components/schemas/AlreadyConfirmedRefusal"}, {"$ref": "#/components/schemas/Refusal"}]
        operation["responses"][409]["content"]["application/json"]["schema"] = {"anyOf": either}


def _show_examples(operation: Json, examples: list[Json]) -> None:
    """Put the operation's examples where readers and tools look for them."""
    for number, example in enumerate(examples):
        key = f"example{number + 1}"
        for parameter in operation["parameters"]:
            if number == 0 and parameter.get("name") in example["parameters"]:
                parameter["example"] = example["parameters"][parameter["name"]]
        if example.get("body") is not None:
            content = operation["requestBody"]["content"]["application/json"]
            content.setdefault("examples", {})[key] = {"summary": example["summary"], "value": example["body"]}
        content = operation["responses"][example["status"]].get("content", {}).get("application/json")
        if content is not None and example["answer"] is not None:
            content.setdefault("examples", {})[key] = {"summary": example["summary"], "value": example["answer"]}


def _tidy(part: Any) -> Any:
    """Leave out what says nothing: generated titles, "or null" (null counts as absent), defaults that mean absent; statuses as texts."""
    if isinstance(part, list):
        return [_tidy(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "anyOf" in part and {"type": "null"} in part["anyOf"]:
        [kind] = [each for each in part["anyOf"] if each != {"type": "null"}]
        part = {name: value for name, value in part.items() if name != "anyOf"} | kind
    kept = {}
    for name, value in part.items():
        if name in ("examples", "example"):
            kept[name] = value
        elif (name == "title" and isinstance(value, str) and "version" not in part) or (name == "default" and value in (None, "", 0)):
            continue
        else:
            kept[str(name)] = _tidy(value)
    return kept
