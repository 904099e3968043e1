"""Schemas of an OpenAPI 3.0 document as JSON Schema, which has no `nullable`: left in, it says nothing."""

from typing import Any

import jsonschema


def checker(document: dict[str, Any], name: str, closed: tuple[str, ...] = ()) -> jsonschema.Draft202012Validator:
    """A validator of the schema `name`; the schemas in `closed` allow no properties but those they name."""
    components = without_nullable(document["components"])
    for schema in closed:
        components["schemas"][schema]["additionalProperties"] = False
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def without_nullable(node: Any) -> Any:
    """`nullable` as an alternative, whether the schema names a type beside it or not (TGI's does not, in places)."""
    if isinstance(node, list):
        return [without_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: without_nullable(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain
