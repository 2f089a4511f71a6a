# SPDX-License-Identifier: Apache-2.0
"""The envelope of the token surface: `{"data", "meta"}` and `{"error", "meta"}`."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tessera_service.clock import Clock, SystemClock
from tessera_service.http.exchange import Exchange
from tessera_service.http.times import format_time

JSON_TYPE = "application/json"


def make_meta(exchange: Exchange, clock: Clock) -> dict[str, str]:
    """What every envelope says of its request."""
    return {"request_id": exchange.request_id, "timestamp": format_time(clock.now())}


def enclose(
    exchange: Exchange, *, key: str, content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`content` under `key` ("data" or "error"), beside `meta`."""
    body = json.dumps({key: content, "meta": make_meta(exchange, SystemClock())}, separators=(",", ":"))
    return Response(body.encode(), status_code=status, headers=headers, media_type=JSON_TYPE)
