# SPDX-License-Identifier: Apache-2.0
"""X-Tenant-ID, on the surfaces that demand it and on those that do not."""

from typing import Final

from tessera_service.errors import InvalidInput, UnknownTenant
from tessera_service.http.exchange import Exchange

TENANT_ID: Final = "X-Tenant-ID"
TENANT_HEADER: Final = b"x-tenant-id"
NO_TENANT: Final = ""  # no tenant has that id, so that every credential is another tenant's

_LETTERS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


def asked_tenant(exchange: Exchange) -> str | None:
    """The tenant that the header names, which need not exist; None without the header: the credential's own counts.
    NO_TENANT for a header that was sent twice."""
    value = exchange.header(TENANT_HEADER)
    if value is not None:
        return value.decode("latin-1")
    return NO_TENANT if exchange.has_header(TENANT_HEADER) else None


def demanded_tenant(exchange: Exchange) -> str:
    """The tenant that the header names, which may be one. InvalidInput without the header; UnknownTenant for one that
    was sent twice or can be no tenant's id."""
    value = exchange.header(TENANT_HEADER)
    if value is None and not exchange.has_header(TENANT_HEADER):
        raise InvalidInput(TENANT_ID, missing=True)
    if not value or len(value) > 64 or not _LETTERS.issuperset(value):
        raise UnknownTenant
    return value.decode()
