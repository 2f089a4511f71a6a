# SPDX-License-Identifier: Apache-2.0
"""Where authz takes tokens."""

from contract.kinds import ACCESS, SERVICE
from contract.slots.slot import BEARER, Refusal, Slot, as_bearer

OPERATIONS = [f"{method} /v1/authz{policy}" for method in ("GET", "POST") for policy in ("", "/{policy}")]
NOBODY = Refusal(401, "A live bearer token is required.")
FOREIGN = {f"foreign {kind}": Refusal(403, "The bearer may not pass here.") for kind in (ACCESS, SERVICE)}

SLOTS = tuple(
    Slot(operation, BEARER, (ACCESS, SERVICE), NOBODY, as_bearer(operation), apart=FOREIGN) for operation in OPERATIONS
)
