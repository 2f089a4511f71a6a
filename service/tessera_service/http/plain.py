# SPDX-License-Identifier: Apache-2.0
"""Plain endpoints behind the framework's routing: for a path that was not served past it."""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class Plain(Response):
    """Hands a routed request on to a plain endpoint."""

    def __init__(self, endpoint: ASGIApp) -> None:
        super().__init__()
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._endpoint(scope, receive, send)
