# SPDX-License-Identifier: Apache-2.0
"""What every call under /v1/token begins with: a request id beside what other surfaces demand, too."""

from contextlib import suppress

from tessera_service.engine import Engine
from tessera_service.errors import InvalidInput, ServiceError
from tessera_service.http.exchange import Exchange
from tessera_service.surfaces.admission import admit_tenant

REQUEST_ID = "X-Request-ID"

_REQUEST_HEADER = b"x-request-id"


async def admit(exchange: Exchange, engine: Engine) -> str:
    """The tenant that the request is for. InvalidInput for a header that is missing or malformed, UnknownTenant. A
    tenant that is known is echoed even if the request id is not right."""
    if not exchange.asked_request_id:
        with suppress(ServiceError):
            await admit_tenant(exchange, engine)
        raise InvalidInput(REQUEST_ID, missing=not exchange.has_header(_REQUEST_HEADER))
    return await admit_tenant(exchange, engine)
