"""The API's description and the server say the same."""

import json
import re

import pytest

from harness import machines, paths

DESCRIPTION = json.loads((paths.TOP / "api" / "vmm.openapi.json").read_text())
ROUTES = [(method.upper(), path, operation) for path, operations in DESCRIPTION["paths"].items()
          for method, operation in operations.items()]
LATE = "The requested operation is not supported before starting the microVM."

pytestmark = pytest.mark.usefixtures("vmm")


@pytest.fixture(scope="module")
def api(tmp_path_factory, vmm):
    running, client = machines.start_api(tmp_path_factory.mktemp("api"), options=("--level", "Off"))
    with running:
        yield client
        client.close()


def schema_of(operation):
    name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    return name, DESCRIPTION["components"]["schemas"][name]


def test_every_route_of_the_source_is_described_and_no_other():
    source = "".join(path.read_text() for path in (paths.TOP / "src" / "vmm" / "control" / "routes").glob("*.cpp"))
    built = set(re.findall(r'Route\{"(\w+)", "([^"]+)"', source))
    assert built == {(method, path) for method, path, _ in ROUTES}


@pytest.mark.parametrize("method, path, operation", ROUTES, ids=lambda value: str(value)[:40])
def test_the_server_takes_the_fields_that_are_described(api, method, path, operation):
    target = path.replace("{id}", "x")
    if "requestBody" not in operation:
        status, body = api(method, target)
        if operation["x-when"] == "after":
            assert (status, body) == (400, {"fault_message": LATE})
        else:
            assert status == 200 or body["fault_message"] == "No balloon device found."
        return
    expected = f"Empty {method} request." if operation["requestBody"].get("required") else LATE
    assert api(method, target)[1]["fault_message"] == expected
    name, schema = schema_of(operation)
    if name in ("Unsupported", "MmdsContents"):
        return
    status, body = api(method, target, {"no_such_field": 1})
    assert status == 400
    fields = re.search(r"unknown field `no_such_field`, expected (.*) at line", body["fault_message"])[1]
    assert set(re.findall(r"`([^`]+)`", fields)) == set(schema["properties"])
    for field in schema.get("required", []) if method == "PUT" else []:
        others = {other: value_of(schema["properties"][other]) for other in schema["required"] if other != field}
        assert f"missing field `{field}`" in api(method, target, others)[1]["fault_message"]


def value_of(schema):
    """Something that fits."""
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": "x", "boolean": False, "integer": schema.get("minimum", 0), "array": []}[schema["type"]]
