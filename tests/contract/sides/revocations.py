# SPDX-License-Identifier: Apache-2.0
"""The side of who follows the revocations: a bearer that lives is asked for its permission, and nothing changes."""

from contract.sides.side import ACCESS, Side
from surfaces.revocations.calls import ask
from surfaces.service_rig import Rig


async def validate(rig: Rig, token: str) -> str | None:
    assert (await ask(rig, bearer=token)).status_code in (200, 403)
    return None


async def refuse(rig: Rig, token: str) -> None:
    assert (await ask(rig, bearer=token)).status_code == 401


SIDE = Side(surface="revocations", validate={ACCESS: validate}, refuse={ACCESS: refuse})
