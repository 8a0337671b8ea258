"""openapi.yaml against the route table and against what the service really answers."""

import re
from pathlib import Path

import pytest
import yaml

from lib.api import Api
from lib.table import routes
from test_routes import OFFERED, FORM, World, api_for, good_body, good_status, ids, media

SOURCE = Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((SOURCE / "api" / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMES = {"client": [{"clientToken": []}], "operator": [{"operatorCertificate": []}],
           "client-proof": [{"clientSecret": []}, {}], "nobody": [], "code": [],
           "page": [], "session": [{"session": []}]}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
         "null": type(None)}


def resolve(part):
    while "$ref" in part:
        at = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            at = at[step]
        part = at
    return part


def is_type(value, name):
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def faults(value, schema, where="$"):
    """What of JSON Schema 2020-12 the document uses; and a member that it does not name is a fault."""
    schema = resolve(schema)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, name) for name in types):
        return [f"{where}: {value!r} is no {types}"]
    found = []
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: {value!r} is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{where}: {value!r} does not match {schema['pattern']}")
        if len(value) > schema.get("maxLength", len(value)):
            found.append(f"{where}: longer than {schema['maxLength']}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found += faults(item, schema.get("items", {}), f"{where}[{number}]")
    elif isinstance(value, dict):
        found += member_faults(value, schema, where)
    return found


def member_faults(value, schema, where):
    found = [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
    for name, member in value.items():
        if name in schema.get("properties", {}):
            found += faults(member, schema["properties"][name], f"{where}.{name}")
        elif not schema.get("additionalProperties"):
            found.append(f"{where}: {name} is not described")
    return found


def operation(route):
    return DOCUMENT["paths"][route.path][route.method.lower()]


def described(route, answer):
    """The response of the document that this answer is, which it must follow to the letter."""
    responses = operation(route)["responses"]
    status = str(answer.status_code)
    assert status in responses, f"{status} is not described: {answer.text}"
    response = resolve(responses[status])
    for name, header in response.get("headers", {}).items():
        needed = resolve(header).get("required") or name in ("Allow", "WWW-Authenticate")
        assert not needed or name in answer.headers, f"{name} is missing"
    if "content" not in response:
        assert answer.content == b""
        return
    media_type = answer.headers["Content-Type"]
    assert media_type in response["content"]
    if media_type == "application/json":
        assert faults(answer.json(), response["content"][media_type]["schema"]) == []


def test_the_document_has_the_routes_of_the_table_and_no_others():
    documented = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert documented == {(route.method, route.path) for route in routes()}


@pytest.mark.parametrize("route", routes(), ids=ids)
def test_authorisation_and_event_are_the_tables(route):
    assert operation(route)["security"] == SCHEMES[route.authorisation]
    assert operation(route)["x-audit-event"] == (route.event or "none")


def test_every_reference_leads_somewhere_and_every_part_is_used():
    text = (SOURCE / "api" / "openapi.yaml").read_text(encoding="utf-8")
    used = set(re.findall(r"#/components/(\w+)/([\w-]+)", text))
    made = {(kind, name) for kind, parts in DOCUMENT["components"].items() for name in parts
            if kind != "securitySchemes"}
    assert used <= made
    assert made - used == {("responses", "MethodNotAllowed")}, "405 stands for every address"


def test_operation_ids_are_unique():
    names = [operation(route)["operationId"] for route in routes()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("route", OFFERED, ids=ids)
def test_good_answers_are_as_described(server, operator, agency, client, subscriber, route):
    body = good_body(route, World(server, operator, agency, client, subscriber))
    if route.path.endswith(("credentials/list", "credentials/info")):
        body = {**body, "certificates": "chain", "certInfo": True, "authInfo": True}
        body.update({"credentialInfo": True, "onlyValid": True, "maxResults": 1}
                    if route.path.endswith("list") else {})
    request = operation(route).get("requestBody")
    if request:
        schema = request["content"][media(route)["Content-Type"]]["schema"]
        assert faults(body, schema) == []
    api = api_for(route, server, operator, client, subscriber)
    if route.method == "GET":
        answer = api.get(route.path, good_status(route), params=body, allow_redirects=False)
    else:
        answer = api.post(route.path, **({"data": body} if media(route) == FORM else {"body": body}))
    assert answer.status_code == good_status(route), answer.text
    described(route, answer)


@pytest.mark.parametrize("route", [route for route in routes() if route.event], ids=ids)
def test_refusals_are_as_described(server, operator, client, route):
    described(route, Api(server).request(route.method, route.path, headers=media(route)))
    api = api_for(route, server, operator, client)
    if route.method == "POST":
        described(route, api.post(route.path, data=b"{", headers=media(route)))
        described(route, api.post(route.path, data=b" " * (route.limit + 1), headers=media(route)))
    else:
        described(route, api.get(route.path + "?a=1&a=2"))


@pytest.mark.parametrize("route", [route for route in routes() if not route.event], ids=ids)
def test_probes_are_as_described(server, route):
    described(route, Api(server).get(route.path))
