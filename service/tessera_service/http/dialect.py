# SPDX-License-Identifier: Apache-2.0
"""How a surface words its errors."""

from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response

from tessera_service.errors import ServiceError

if TYPE_CHECKING:
    from tessera_service.http.exchange import Exchange


class Dialect(Protocol):
    """Renders every error of every path under a surface's prefixes, from one table."""

    def answer(self, error: ServiceError, exchange: "Exchange") -> Response:
        """The answer; a ServiceError without a row of its own (also the bare class) is the internal error."""
        ...
