# SPDX-License-Identifier: Apache-2.0
"""What a key ring holds, as its tests look at it."""

import json

from tessera_service.engine import KeyRing, KeyState


def kids(keys: KeyRing) -> list[str]:
    return [key["kid"] for key in json.loads(keys.export_jwks())["keys"]]


async def states(keys: KeyRing) -> dict[str, KeyState]:
    return {info.kid: info.state for info in await keys.list()}
