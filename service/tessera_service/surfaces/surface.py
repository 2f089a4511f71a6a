# SPDX-License-Identifier: Apache-2.0
"""What a surface is made of; one row of the table SURFACES."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.types import ASGIApp

from tessera_service.engine import Engine
from tessera_service.http.edge import Zone

PlainEndpoints = Callable[[Engine], Mapping[str, ASGIApp]]


def _no_plain_endpoints(_: Engine) -> Mapping[str, ASGIApp]:
    return {}


@dataclass(frozen=True, slots=True)
class Surface:
    """`router`: all its routes, as FastAPI declares and serves them. `zones`: its paths and their dialect.
    `plain`: endpoints for paths of the router that are served before any routing. `schemas`: models of request bodies
    that the OpenAPI description names."""

    name: str
    router: APIRouter
    zones: Sequence[Zone] = ()
    plain: PlainEndpoints = _no_plain_endpoints
    schemas: Sequence[type[BaseModel]] = field(default=())
