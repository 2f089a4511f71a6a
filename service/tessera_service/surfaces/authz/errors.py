# SPDX-License-Identifier: Apache-2.0
"""The one table of the authz surface: what went wrong -> status and text."""

from typing import Final, NamedTuple

from tessera_service.errors import ServiceError
from tessera_service.messages.authz import TEXTS
from tessera_service.messages.text import Text


class Row(NamedTuple):
    """One answer."""

    status: int
    text: Text


ROWS: Final = {
    "unauthorized": Row(401, TEXTS["unauthorized"]),
    "forbidden": Row(403, TEXTS["forbidden"]),
    "not_found": Row(404, TEXTS["not_found"]),
    "method_not_allowed": Row(405, TEXTS["method_not_allowed"]),
    "internal_error": Row(500, TEXTS["unavailable"]),
    "store_unavailable": Row(503, TEXTS["unavailable"]),
}


def find_row(error: ServiceError) -> Row:
    """The row of an error; the internal error if it has none."""
    return ROWS.get(error.code) or ROWS[ServiceError.code]
