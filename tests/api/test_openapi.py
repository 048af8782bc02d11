"""/v1/openapi.json: complete, valid, and true."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from django.test import Client
from django.urls import URLPattern, get_resolver

from mca_portal.api.documentation import read_examples

METHODS = {"get", "post", "put", "patch", "delete", "head"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As anybody reads it, without a token."""
    answer = Client().get("/v1/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json; charset=utf-8")
    return answer.json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object at any depth, leaving examples out."""
    if isinstance(value, dict):
        yield value
        for name, member in value.items():
            if name not in ("examples", "example"):
                yield from parts(member)
    elif isinstance(value, list):
        for member in value:
            yield from parts(member)


def closed(schema: Any) -> Any:
    """A schema whose objects hold nothing that it does not name."""
    if isinstance(schema, dict):
        shut = {name: closed(member) for name, member in schema.items()}
        return shut | {"additionalProperties": False} if "properties" in shut else shut
    return [closed(member) for member in schema] if isinstance(schema, list) else schema


def test_anybody_may_read_it_and_it_costs_no_query(django_assert_num_queries, db) -> None:
    Client().get("/v1/openapi.json")
    with django_assert_num_queries(0):
        answer = Client().get("/v1/openapi.json")
    assert answer.json()["openapi"] == "3.1.0"
    assert Client().head("/v1/openapi.json").status_code == 200
    assert Client().post("/v1/openapi.json").status_code == 405


def test_it_is_valid(document) -> None:
    schemathesis.openapi.from_dict(document).validate()
    for part in parts(document):
        if "$ref" in part:
            place: Any = document
            for name in part["$ref"].removeprefix("#/").split("/"):
                place = place[name]
    assert "null" not in json.dumps([document["paths"], document["components"]["schemas"]]).replace("null` counts", "")


def test_it_describes_every_operation(document) -> None:
    [resolver] = [each for each in get_resolver().url_patterns if str(each.pattern) == "v1/"]
    routes = {str(pattern.pattern) for pattern in resolver.url_patterns if isinstance(pattern, URLPattern)} - {"", "openapi.json"}
    described = {path.removeprefix("/v1/").replace("{", "<").replace("}", ">") for path in document["paths"]}
    assert described == routes


def test_every_operation_says_what_it_needs_and_answers(document) -> None:
    ids = [operation["operationId"] for _path, _method, operation in operations(document)]
    assert len(set(ids)) == len(ids) > 20
    for path, method, operation in operations(document):
        assert method in METHODS
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        takes_a_person = "agreement" in path.lower() or path.endswith("/profiles/company")
        assert ("900329" in operation["description"]) == takes_a_person, path
        assert operation["security"] == [{"Token": []}], path
        assert {"401", "403", "429"} <= operation["responses"].keys(), path
        for status, answer in operation["responses"].items():
            assert {"MS-RequestId", "MS-CorrelationId"} <= answer["headers"].keys()
            assert answer["description"]
            assert method == "head" or answer["content"]["application/json"]["schema"], (path, status)
        for parameter in operation["parameters"]:
            assert "$ref" in parameter or parameter["description"], (path, parameter)
        if method in ("post", "put") and {"200", "201"} & operation["responses"].keys():
            assert operation["requestBody"]["content"]["application/json"]["examples"], path
    assert {(scheme["type"], scheme["scheme"]) for scheme in document["components"]["securitySchemes"].values()} == {("http", "bearer")}


def test_every_operation_has_an_example_that_fits_its_description(document) -> None:
    shown = {(each["operation"], str(each["status"])) for each in read_examples()}
    for path, method, operation in operations(document):
        assert operation["operationId"] in {name for name, _status in shown}, path
        for status, answer in operation["responses"].items():
            for example in answer.get("content", {}).get("application/json", {}).get("examples", {}).values():
                schema = {**answer["content"]["application/json"]["schema"], "components": closed(document["components"])}
                jsonschema_rs.validate(schema, example["value"])
            assert (operation["operationId"], status) not in shown or method == "head" or answer["content"]["application/json"]["examples"]


@pytest.mark.parametrize(
    ("query", "headers", "language"),
    [
        ("", {}, "en"),
        ("", {"Accept-Language": "ko-KR,ko;q=0.9"}, "ko"),
        ("", {"X-Locale": "ko-KR"}, "ko"),
        ("", {"Accept-Language": "de"}, "en"),
        ("?language=ko", {}, "ko"),
        ("?language=en", {"Accept-Language": "ko"}, "en"),
        ("?language=../ko", {}, "en"),
    ],
)
def test_it_speaks_english_or_korean(document, query: str, headers: dict[str, str], language: str) -> None:
    answer = Client().get(f"/v1/openapi.json{query}", headers=headers)
    said = answer.json()
    operation = said["paths"]["/v1/agreements"]["get"]
    assert answer["Content-Language"] == language
    assert operation["summary"] == {"en": "Get agreement metadata", "ko": "계약 메타데이터 가져오기"}[language]
    assert [tag["name"] for tag in said["tags"]] == [tag["name"] for tag in document["tags"]]
    # Whatever programs read is the same.
    for one, other in zip(parts(document), parts(said), strict=True):
        assert one.keys() == other.keys()
        assert {name: value for name, value in one.items() if isinstance(value, str) and name not in ("summary", "description")} == {
            name: value for name, value in other.items() if isinstance(value, str) and name not in ("summary", "description")
        }


def test_every_tag_is_described(document) -> None:
    used = {tag for _path, _method, operation in operations(document) for tag in operation["tags"]}
    assert {tag["name"] for tag in document["tags"]} == used
