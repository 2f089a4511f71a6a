# SPDX-License-Identifier: Apache-2.0
"""Health, metrics and documentation. Public: who may reach the port may read them."""

import asyncio
from typing import Any, Final, Literal

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera_service.engine import Engine
from tessera_service.errors import ServiceError
from tessera_service.metrics import CONTENT_TYPE, Metrics

METRICS: Final = "/metrics"
PATHS: Final = ("/livez", "/readyz", METRICS, "/docs", "/openapi.json")
READY_SECONDS: Final = 1.5  # with the rest of the answer: within the 2 s in which a store's failure is told

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The answer of /livez and /readyz."""

    status: Literal["alive", "ready", "unavailable"]


_UNAVAILABLE: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": Health, "description": "A store does not answer, or revocations are not followed in time"}
}


# Balancers ask with HEAD too. The inner route answers both, the outer one is its description: FastAPI would describe
# each method under the same operation id.
@router.get("/livez", operation_id="ops_livez")
@router.api_route("/livez", methods=["GET", "HEAD"], include_in_schema=False)
async def livez() -> Health:
    """The process runs. Says nothing of its stores: restarting it would not mend them."""
    return Health(status="alive")


@router.get("/readyz", operation_id="ops_readyz", response_model=Health, responses=_UNAVAILABLE)
@router.api_route("/readyz", methods=["GET", "HEAD"], include_in_schema=False, response_model=None)
async def readyz(request: Request) -> Response:
    """The stores answer and revocations are followed in time: send requests here."""
    engine: Engine = request.app.state.engine
    try:
        async with asyncio.timeout(READY_SECONDS):
            await engine.ready()
    except (ServiceError, TimeoutError):
        return JSONResponse({"status": "unavailable"}, status_code=503, headers={"retry-after": "1"})
    return JSONResponse({"status": "ready"})


@router.get(
    METRICS,
    operation_id="ops_metrics",
    response_class=Response,
    responses={
        200: {"description": "Prometheus text format", "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
)
async def metrics(request: Request) -> Response:
    """Figures of the service, without any tenant. Several workers: whichever answers has added up all of them."""
    counted: Metrics = request.app.state.metrics
    return Response(await counted.render_all(), headers={"content-type": CONTENT_TYPE})


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """The description of everything that is served."""
    return JSONResponse(request.app.openapi())


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The description as a page. Its script and style come from a public CDN; everything else works without one."""
    return get_swagger_ui_html(openapi_url="/openapi.json", title=f"{request.app.title} {request.app.version}")
