# SPDX-License-Identifier: Apache-2.0
"""Where those who follow the revocations show who they are."""

from contract.kinds import ACCESS, SERVICE
from contract.slots.slot import BEARER, Refusal, Slot, as_bearer

OPERATION = "GET /v1/revocations"
NOBODY = Refusal(401, "auth.unauthorized")
FOREIGN = {f"foreign {kind}": Refusal(403, "auth.tenant.mismatch") for kind in (ACCESS, SERVICE)}

SLOTS = (Slot(OPERATION, BEARER, (ACCESS, SERVICE), NOBODY, as_bearer(OPERATION), apart=FOREIGN),)
