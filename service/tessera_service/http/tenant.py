# SPDX-License-Identifier: Apache-2.0
"""X-Tenant-ID on the surfaces that do not demand it (contract rule 2.2)."""

from typing import Final

from tessera_service.http.exchange import Exchange

TENANT_HEADER: Final = b"x-tenant-id"
NO_TENANT: Final = ""  # no tenant has that id, so that every credential is another tenant's


def asked_tenant(exchange: Exchange) -> str | None:
    """The tenant that the header names, which need not exist; None without the header: the credential's own counts.
    NO_TENANT for a header that was sent twice."""
    value = exchange.header(TENANT_HEADER)
    if value is not None:
        return value.decode("latin-1")
    return NO_TENANT if exchange.has_header(TENANT_HEADER) else None
