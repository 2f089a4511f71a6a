# SPDX-License-Identifier: Apache-2.0
"""Gateway keys: what a gateway shows to make sessions and to read their figures (contract section 7)."""

import hashlib
import hmac

from tessera_service.engine.config import EngineConfig


class GatewayKeys:
    """Today the one of the settings, GATEWAY_API_KEY: it is the default tenant's."""

    def __init__(self, config: EngineConfig) -> None:
        self._tenant_id = config.default_tenant
        key = config.gateway_api_key
        self._digest = None if key is None else _digest(key)

    async def check(self, key: str) -> str | None:
        """The tenant that the key belongs to; None for a wrong one, in the same time."""
        if self._digest is None or not hmac.compare_digest(self._digest, _digest(key)):
            return None
        return self._tenant_id


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
