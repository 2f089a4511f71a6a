# SPDX-License-Identifier: Apache-2.0
"""The one table of the authz surface: what went wrong -> status and text (contract section 10)."""

from typing import Final, NamedTuple

from tessera_service.errors import ServiceError


class Row(NamedTuple):
    """One answer."""

    status: int
    message: str


ALLOWED: Final = "The bearer may pass."

ROWS: Final = {
    "unauthorized": Row(401, "A live bearer token is required."),
    "forbidden": Row(403, "The bearer may not pass here."),
    "not_found": Row(404, "There is nothing at this path."),
    "method_not_allowed": Row(405, "This path takes GET and POST."),
    "internal_error": Row(500, "The service cannot answer at the moment."),
    "store_unavailable": Row(503, "The service cannot answer at the moment."),
}


def find_row(error: ServiceError) -> Row:
    """The row of an error; the internal error if it has none."""
    return ROWS.get(error.code) or ROWS[ServiceError.code]
