# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the revocations surface."""

from typing import Any, Final

from starlette.responses import Response

from tessera_service.http import documentation as openapi
from tessera_service.http.envelope import ErrorEnvelope
from tessera_service.messages.token import TEXTS
from tessera_service.surfaces.revocations.lines import CONTENT_TYPE
from tessera_service.surfaces.revocations.operations import DEFAULT_WAIT, MAX_WAIT, PERMISSION

_STATUS_TEXTS: Final = openapi.STATUS_TEXTS | {
    400: "A cursor that this service did not make for this tenant, or a time to wait out of range",
    401: "No live credential",
    403: "The bearer lacks the permission, or is another tenant's than X-Tenant-ID says",
    503: "A store does not answer, or too many follow already",
}
# Case -> status, code, alias: as every path answers that no surface claims.
_CASES: Final[dict[str, tuple[int, str, str | None]]] = {
    "invalid_input": (400, "common.validation_error", None),
    "unauthorized": (401, "auth.unauthorized", "common.unauthorized"),
    "forbidden": (403, "common.forbidden", None),
    "tenant_mismatch": (403, "auth.tenant.mismatch", None),
    "rate_limited": (429, "common.rate_limited", None),
    "internal_error": (500, "common.internal_error", None),
    "store_unavailable": (503, "common.internal_error", None),
    "overloaded": (503, "common.internal_error", None),
}
_ANSWER: Final = """\
Lines of JSON. The first: `logs` (ids of the revocation logs), `tenant_id` (whose revocations these are; null: every
tenant's), `snapshot` (true: everything that still counts; false: what is new since the cursor).

Then one line for each entry: `kind` (`jti`, `session`, `subject`: its sessions created until `cutoff_ms`; `key`: a
signing key was withdrawn), `id`, `expires_at` (seconds: until then the entry is needed; it may be over), `tenant_id`
(not of a key).
`pause` says nothing: the service still searches. Ignore kinds that you do not know.

The last: `cursor` (where to go on from) and `as_of_ms` (everything that was acknowledged until that many milliseconds
after this request arrived has been told; may be negative; null: there is more, ask again at once). An answer without
its last line is incomplete: what it revoked is revoked, but go on from the cursor before it.
"""


def _example(case: str) -> openapi.Example:
    status, code, alias = _CASES[case]
    data = {} if alias is None else {"alias": alias}
    return openapi.Example(status, case, openapi.enclosed_error(code, TEXTS[code].en, data))


DESCRIBED: Final[dict[str, Any]] = {
    "operation_id": "revocations_follow",
    "response_class": Response,
    "response_model": None,
    "responses": {
        200: {
            "description": _ANSWER,
            "headers": openapi.limited_head(200),
            "content": {CONTENT_TYPE: {"schema": {"type": "string"}}},
        },
        **openapi.errors(map(_example, _CASES), model=ErrorEnvelope, texts=_STATUS_TEXTS, head=openapi.limited_head),
    },
    "openapi_extra": {
        "x-required-permission": PERMISSION,
        "x-condition": "own tenant; every tenant with a token that was minted for all tenants",
        "security": [{"bearer": []}],
        "parameters": [
            openapi.parameter("cursor", "query", text="From the last line of an earlier answer"),
            openapi.parameter(
                "wait",
                "query",
                {"type": "integer", "minimum": 0, "maximum": MAX_WAIT, "default": DEFAULT_WAIT},
                text="Seconds to wait for something new",
            ),
            openapi.parameter("X-Tenant-ID", "header", text="The bearer's own tenant, if it is sent"),
        ],
    },
}
