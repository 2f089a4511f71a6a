# SPDX-License-Identifier: Apache-2.0
"""The one place of the session-token surface's texts."""

from typing import Final

INVALID_REQUEST: Final = "The request is not valid"
MISSING_FIELD: Final = "A required field is missing"
WRONG_KEY: Final = "Access key or secret is not valid"
NO_SESSION_TOKEN: Final = "Session token is not valid"  # noqa: S105
NOT_FOUND: Final = "There is nothing at this path"
METHOD_NOT_ALLOWED: Final = "This path does not take this method"
TOO_LARGE: Final = "The body is too large"
UNSUPPORTED: Final = "The body's content type or encoding is not supported"
RATE_LIMITED: Final = "Too many requests: try again later"
UNAVAILABLE: Final = "The service cannot answer at the moment"

REVOKED: Final = "Session token has been successfully revoked"
DEAD: Final = "Session token is expired or invalid"
NAMELESS: Final = "Session token is valid and does not have permission: a resource and a permission have to be named"


def describe_right(*, has_permission: bool, resource: str, permission: str) -> str:
    """What a live session token permits."""
    if not resource or not permission:
        return NAMELESS
    has = "has" if has_permission else "does not have"
    return f"Session token is valid and {has} {permission} permission on resource {resource}"
