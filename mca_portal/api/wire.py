"""How do JSON and addresses look on the wire? Reading what clients send, and writing what they expect."""

import base64
import datetime as dt
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from ninja.parser import Parser
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from mca_portal.api.errors import Refused, invalid

Json = dict[str, Any]

_GUID = re.compile(r"(\{)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?(1)\})")
_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?\s*([Zz]|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
SKEW = dt.timedelta(minutes=5)  # how far a client's clock may be ahead


class BodyParser(Parser):
    """Reads JSON as strictly as the database needs it: UTF-8, no NUL, no half characters, no NaN."""

    def parse_body(self, request: HttpRequest) -> Json:
        """The body's value. Raises ValueError."""
        try:
            value = json.loads(request.body.decode("utf-8-sig"), parse_constant=_refuse)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        require_storable(value)
        return value


def require_storable(value: Any) -> None:
    """Raise ValueError if a text anywhere in `value` holds what no database column can: NUL, or half a character."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if "\x00" in one:
                raise ValueError("a NUL character")
            one.encode()
        elif isinstance(one, dict):
            waiting += one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


class Body(BaseModel):
    """What arrives: names in any letter case, unknown members ignored, null as if absent."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False, extra="ignore", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = {(field.alias or name).lower(): field.alias or name for name, field in cls.model_fields.items()}
        return {known[name.lower()]: member for name, member in value.items() if member is not None and name.lower() in known}


def guid(text: str, refusal: Refused) -> uuid.UUID:
    """The GUID that `text` spells, in any letter case, in braces or without; raises `refusal` for anything else."""
    if not _GUID.fullmatch(text):
        raise refusal
    return uuid.UUID(text)


def instant(text: str, member: str) -> dt.datetime:
    """The moment that `text` names: any fraction, any offset, UTC where it names no zone. Raises Refused."""
    found = _DATE.fullmatch(text.strip())
    try:
        if not found:
            raise ValueError(text)
        day, time, fraction, zone = found.groups()
        moment = dt.datetime.fromisoformat(f"{day}T{time or '00:00'}")
        moment = moment.replace(microsecond=int((fraction or "0")[:6].ljust(6, "0")))
        offset = dt.datetime.strptime(zone, "%z").tzinfo if zone and zone not in "Zz" else dt.UTC
        return moment.replace(tzinfo=offset).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise invalid(gettext("Send a date and time such as 2026-01-31T00:00:00Z."), member) from error


def agreed_day(moment: dt.datetime) -> dt.date:
    """The day that an acceptance is recorded under (R2): the UTC date; a clock a little ahead of ours does not make it tomorrow."""
    now = timezone.now()
    return (now if now < moment <= now + SKEW else moment).astimezone(dt.UTC).date()


def link(uri: str, headers: Iterable[Json] = ()) -> Json:
    """A link as Partner Center writes it: no host, no /v1."""
    return {"uri": uri, "method": "GET", "headers": list(headers)}


def without_nulls(value: Any) -> Any:
    """`value` without the members that are None: clients break on null where they expect a number."""
    if isinstance(value, dict):
        return {
            name: without_nulls(member) if isinstance(member, (dict, list)) else member
            for name, member in value.items()
            if member is not None
        }
    if isinstance(value, list):
        return [without_nulls(member) for member in value]
    return value


def reply(body: Json, status: int = 200) -> HttpResponse:
    """A JSON answer in UTF-8, without nulls."""
    text = to_json(body)
    if b":null" in text:  # seldom: a list of hundreds of customers holds none, and is not gone through member by member
        text = to_json(without_nulls(body))
    return HttpResponse(text, status=status, content_type="application/json")


def collection(items: list[Json], self_uri: str, **more: Any) -> HttpResponse:
    """A collection in one page, or with `links` and `continuationToken` given."""
    body = {"totalCount": len(items), "items": items, "links": {"self": link(self_uri)}, "attributes": {"objectType": "Collection"}}
    return reply(body | more)


def long_collection(parts: Iterable[list[Json]], self_uri: str) -> StreamingHttpResponse:
    """A collection of any length, written while it is read, so that memory does not grow with it. What was sent is counted at its end."""

    def text() -> Iterator[bytes]:
        number = 0
        yield b'{"items":['
        for items in parts:
            yield (b"," if number else b"") + to_json(without_nulls(items))[1:-1]
            number += len(items)
        end = {"totalCount": number, "links": {"self": link(self_uri)}, "attributes": {"objectType": "Collection"}}
        yield b"]," + to_json(end)[1:]

    return StreamingHttpResponse(text(), content_type="application/json")


def etag(key: uuid.UUID, version: int) -> str:
    """Which version of a resource an answer shows, spelled as Partner Center spells it."""
    return base64.b64encode(json.dumps({"id": str(key), "version": version}, separators=(",", ":")).encode()).decode()


def seen_version(request: HttpRequest, in_body: str | None, key: uuid.UUID) -> int | None:
    """The version that the client saw: from If-Match, else from the body's etag; None when it sends neither. 0 fits no version."""
    sent = request.headers.get("If-Match", "").strip().strip('"') or (in_body or "").strip().strip('"')
    if not sent or sent == "*":
        return None
    try:
        says = json.loads(base64.b64decode(sent, validate=True))
        return says["version"] if says["id"] == str(key) and type(says["version"]) is int else 0
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
