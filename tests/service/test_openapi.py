# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import Any

import pytest
import yaml

from tessera_service.app import create_app
from tessera_service.settings import Settings

METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


@pytest.fixture
def described(tmp_path: Path) -> dict[str, Any]:
    """What the service says of itself."""
    return create_app(Settings(data_dir=tmp_path)).openapi()


def test_the_checked_in_description_is_what_the_service_says(repository: Path, described: dict[str, Any]) -> None:
    checked_in = yaml.safe_load((repository / "openapi.yaml").read_text())

    assert checked_in == described, "openapi.yaml is old: run script/openapi"


def test_operations_that_need_a_permission_name_it(described: dict[str, Any]) -> None:
    named = {
        path: operation.get("x-required-permission")
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }

    assert named["/v1/token"] == "token.generate"
    assert named["/v1/token/introspect"] == "token.introspect"
    assert named["/.well-known/jwks.json"] is None
    assert {named[path] for path in ("/livez", "/readyz", "/metrics")} == {None}


def test_every_operation_has_an_id_of_its_own(described: dict[str, Any]) -> None:
    ids = [
        operation["operationId"]
        for item in described["paths"].values()
        for method, operation in item.items()
        if method in METHODS
    ]

    assert len(ids) == len(set(ids)) >= 8
