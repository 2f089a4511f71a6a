# SPDX-License-Identifier: Apache-2.0
"""What the checked-in description says of an answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

METHODS = ("get", "post", "put", "patch", "delete")
JSON_TYPE = "application/json"


class Description:
    """openapi.yaml, taken at its word: what a schema does not name is not sent."""

    def __init__(self, path: Path) -> None:
        self._document = yaml.safe_load(path.read_text())
        self._components = _close(self._document["components"])

    def operations(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Method and path of each, and what is said of it."""
        for path, item in self._document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield f"{method.upper()} {path}", item[method]

    def response(self, endpoint: str, status: int) -> dict[str, Any]:
        """What is said of that answer. KeyError."""
        method, path = endpoint.split(" ")
        response: dict[str, Any] = self._document["paths"][path][method.lower()]["responses"][str(status)]
        return response

    def example(self, endpoint: str, status: int, case: str) -> dict[str, Any]:
        """The body of an error. KeyError."""
        value: dict[str, Any] = self.response(endpoint, status)["content"][JSON_TYPE]["examples"][case]["value"]
        return value

    def check_body(self, endpoint: str, status: int, body: object) -> None:
        """ValidationError unless the body is what the schema says, and nothing more."""
        schema = _close(self.response(endpoint, status)["content"][JSON_TYPE]["schema"])
        whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": self._components}
        jsonschema_rs.validator_for(whole, validate_formats=True).validate(body)


def _close(schema: Any) -> Any:
    """The same with `additionalProperties: false` in every object that names its members."""
    if isinstance(schema, list):
        return [_close(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _close(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed
