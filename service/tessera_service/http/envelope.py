# SPDX-License-Identifier: Apache-2.0
"""The envelope that two surfaces share: `{"data", "meta"}` and `{"error", "meta"}`, and how OpenAPI describes it."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from tessera_service.clock import Clock, SystemClock
from tessera_service.http.exchange import Exchange
from tessera_service.http.times import format_time

JSON_TYPE = "application/json"


def make_meta(exchange: Exchange, clock: Clock) -> dict[str, Any]:
    """What every envelope says of its request."""
    return {"request_id": exchange.request_id, "timestamp": format_time(clock.now())}


def enclose(
    exchange: Exchange,
    *,
    key: str,
    content: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    pagination: Mapping[str, int] | None = None,
) -> Response:
    """`content` under `key` ("data" or "error"), beside `meta`; `pagination`: which part of a list it is."""
    meta = make_meta(exchange, SystemClock())
    if pagination is not None:
        meta["pagination"] = pagination
    body = json.dumps({key: content, "meta": meta}, separators=(",", ":"))
    return Response(body.encode(), status_code=status, headers=headers, media_type=JSON_TYPE)


class Meta(BaseModel):
    """What every envelope says of its request."""

    request_id: str
    timestamp: str = Field(json_schema_extra={"format": "date-time"})


class ErrorContent(BaseModel):
    """`data.alias`: another code for the same case; `data.field`: which member or header is meant."""

    code: str
    message: str
    data: dict[str, Any] | None = None


class ErrorEnvelope(BaseModel):
    """Every error. It never repeats what was sent."""

    error: ErrorContent
    meta: Meta
